/* The process in which passwords are hashed, one at a time (lynks-hash).
 *
 * A process and not a thread, because Linux divides processor time between sessions (autogroups) or
 * control groups first, and heeds niceness only within one: hashing threads in authsvc's own group
 * use up the group's share, however nice they are, and its loop, which checks sessions, then waits
 * for tens of milliseconds (tests/bench/PROFILE.md). As a session of its own the process is what it
 * is meant to be: the last to be served. */
#ifndef LYNKS_AUTHSVC_HASH_WORKER_HASH_WORKER_H
#define LYNKS_AUTHSVC_HASH_WORKER_HASH_WORKER_H

#include <stdbool.h>

/* Makes the process give way to all others, at this niceness ("10"). False: it cannot hash. */
bool hash_worker_init(const char *niceness);
/* Answers requests that come on HASH_WORKER_FD until the other end is closed. */
void hash_worker_run(void);

#endif
