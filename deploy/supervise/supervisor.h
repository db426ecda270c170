/* All entries of a table: started in order, kept running, stopped in reverse.
 *
 * An entry is started once the ones before it are ready (those marked "together" at the same time
 * as the one before). If one fails at its first start, everything is stopped again. Owns the
 * children, their logs, the listening sockets, the supervisor's pid file and the status file. */
#ifndef LYNKS_DEPLOY_SUPERVISE_SUPERVISOR_H
#define LYNKS_DEPLOY_SUPERVISE_SUPERVISOR_H

#include "deploy/supervise/restart.h"
#include "deploy/supervise/table.h"
#include "proto/loop/loop.h"

struct supervisor;

enum supervisor_event {
    SUPERVISOR_LINE,  /* progress; line for the user */
    SUPERVISOR_ERROR, /* what failed; everything is being stopped */
    SUPERVISOR_READY, /* all are ready, for the first time */
    SUPERVISOR_DONE,  /* all have ended */
};
typedef void supervisor_fn(void *arg, enum supervisor_event event, const char *line);

/* table and loop are borrowed. NULL, and why in *ret_why (caller frees), if a port is taken or a
 * file cannot be written; nothing has been started then. */
struct supervisor *supervisor_new(struct loop *loop, const struct table *table, supervisor_fn *fn,
                                  void *arg, char **ret_why);
void supervisor_free(struct supervisor **supervisor); /* kills what still runs */

void supervisor_start(struct supervisor *supervisor);
/* Restarts these one after the other (restart.h), in the table's order; none named: all that are
 * "rolling". Tells fn until it is done, has failed or everything is stopped. false, and why in
 * *ret_why (caller frees), if that cannot be begun: then fn is not called. */
bool supervisor_restart(struct supervisor *supervisor, const char *const *names, size_t count,
                        restart_fn *fn, void *arg, char **ret_why);
/* Begins all logs' files anew: after they were renamed. */
void supervisor_reopen_logs(struct supervisor *supervisor);
/* Stops one after the other, the last started first. Again: kills all at once. */
void supervisor_stop(struct supervisor *supervisor);

#endif
