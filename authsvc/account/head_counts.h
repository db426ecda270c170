/* How many users and sessions there are, for admins.
 *
 * Lives on the loop. What it is given is borrowed. */
#ifndef LYNKS_AUTHSVC_ACCOUNT_HEAD_COUNTS_H
#define LYNKS_AUTHSVC_ACCOUNT_HEAD_COUNTS_H

#include "authsvc/store/store.h"
#include "proto/base/clock.h"
#include "proto/bus/call.h"

struct head_counts;

struct head_counts *head_counts_new(const struct clock *clock, struct store store);
/* Nothing new goes to the store: before it is freed. */
void head_counts_stop(struct head_counts *counts);
void head_counts_free(struct head_counts **counts); /* after the store */

/* Answers an auth_stats, now or later. ERR_FORBIDDEN. */
void head_counts_tell(struct head_counts *counts, struct call *call);

#endif
