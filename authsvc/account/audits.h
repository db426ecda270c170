/* The audit: what admins and the admin tool have done, for them to read.
 *
 * Lives on the loop. What it is given is borrowed. */
#ifndef LYNKS_AUTHSVC_ACCOUNT_AUDITS_H
#define LYNKS_AUTHSVC_ACCOUNT_AUDITS_H

#include "authsvc/session/origins.h"
#include "proto/base/clock.h"

struct audits;

struct audits *audits_new(const struct clock *clock, struct store store);
/* Nothing new goes to the store: before it is freed. */
void audits_stop(struct audits *audits);
void audits_free(struct audits **audits); /* after the store */

/* Answers an audit_page, now or later. ERR_FORBIDDEN; ERR_BAD_REQUEST: the name is too long. */
void audits_list(struct audits *audits, struct call *call);

#endif
