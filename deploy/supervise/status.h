/* The status file, for deploy/status: what is of each process at the moment.
 *
 * A JSON array in the table's order, without its steps. Each item: "name"; "state" (child.h);
 * "pid", 0 if it does not run; "restarts"; "since", the start of the present run in Unix seconds;
 * "check", the first of the entry's "ready" as the table has it, or null. */
#ifndef LYNKS_DEPLOY_SUPERVISE_STATUS_H
#define LYNKS_DEPLOY_SUPERVISE_STATUS_H

#include "deploy/supervise/child.h"

/* false, errno set, if it cannot be written: a full disk must not stop what is supervised. path
 * NULL: there is no such file, true. */
bool status_write(const char *path, struct child *const *children, size_t count);

#endif
