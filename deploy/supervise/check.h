/* Asks once whether a process serves: connects, gets a URL, or runs a command, without blocking. */
#ifndef LYNKS_DEPLOY_SUPERVISE_CHECK_H
#define LYNKS_DEPLOY_SUPERVISE_CHECK_H

#include "deploy/supervise/table.h"
#include "proto/loop/loop.h"

#define CHECK_TIMEOUT_MS 2000

struct check;

/* why: what was wrong, "" if ok; borrowed. */
typedef void check_fn(void *arg, bool ok, const char *why);

/* Calls fn once, from the loop, within CHECK_TIMEOUT_MS; fn may free the check. entry: whose user
 * and environment a command has. All is borrowed until then. */
struct check *check_new(struct loop *loop, const struct entry *entry, const struct check_spec *spec,
                        check_fn *fn, void *arg);
void check_free(struct check **check); /* before the answer: there will be none */

#endif
