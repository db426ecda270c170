/* Running in the background: the caller waits until the supervisor says how its start went. */
#ifndef LYNKS_DEPLOY_SUPERVISE_DETACH_H
#define LYNKS_DEPLOY_SUPERVISE_DETACH_H

#include "proto/base/base.h"

/* Forks. In the parent: passes SIGINT, SIGTERM and (as SIGTERM) SIGHUP on to the child, waits until
 * it reports or ends, and returns false with the exit code in *ret_exit. In the child, which has a
 * session of its own: returns true with the descriptor for detach_report in *ret_fd. Call it before
 * there is any thread or loop. */
bool detach_fork(int *ret_fd, int *ret_exit);

/* The start is over, well (0) or not: tells the parent, and lets go of the terminal. */
void detach_report(int fd, int exit_code);

#endif
