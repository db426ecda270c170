/* One entry of the table, alive: started, found ready, started again when it ends, stopped. */
#ifndef LYNKS_DEPLOY_SUPERVISE_CHILD_H
#define LYNKS_DEPLOY_SUPERVISE_CHILD_H

#include <sys/types.h>

#include "deploy/supervise/table.h"
#include "proto/loop/loop.h"

enum child_state {
    CHILD_IDLE,     /* never started */
    CHILD_STARTING, /* runs, not found ready yet */
    CHILD_READY,    /* runs; or a step that is done */
    CHILD_WAITING,  /* ended; will be started again */
    CHILD_STOPPING, /* was told to end */
    CHILD_ENDED,    /* will not run again */
};

const char *child_state_name(enum child_state state);

struct child;

/* What happened, in one line for the user; line is borrowed. */
enum child_event {
    CHILD_STARTED, /* runs; no line */
    CHILD_BECAME_READY,
    CHILD_FAILED,  /* its first start: ended, or not ready in time; it ends without another event */
    CHILD_CRASHED, /* ended by itself after it was ready once; will be started again */
    CHILD_STOPPED, /* after child_stop */
};
typedef void child_event_fn(void *arg, struct child *child, enum child_event event,
                            const char *line);

/* Borrows all. listen_fds: the sockets of the entry's "listen". NULL, errno set, if the log cannot
 * be opened. */
struct child *child_new(struct loop *loop, const struct entry *entry, const int *listen_fds,
                        child_event_fn *fn, void *arg);
void child_free(struct child **child); /* kills what still runs */

void child_start(struct child *child);
/* SIGTERM, and SIGKILL after the entry's stop_within_ms. Tells CHILD_STOPPED, from the loop; false,
 * and no event, if nothing runs. It is not started again. */
bool child_stop(struct child *child);
/* SIGTERM likewise, and a new start as soon as it has ended; at once if it waits for one. Tells
 * CHILD_STARTED and what follows, from the loop (CHILD_CRASHED if the new run ends at once). */
void child_restart(struct child *child);
void child_retire(struct child *child); /* from now on it is not started again */
void child_kill(struct child *child);   /* SIGKILL, if it runs */
/* Writes the pid file if it does not have the present pid yet; false, errno set, if it cannot. It
 * has been tried once when the process was started. */
bool child_tell_pid(struct child *child);
void child_reopen_log(struct child *child); /* its file was renamed: begins one of that name */

const struct entry *child_entry(const struct child *child);
enum child_state child_state(const struct child *child);
pid_t child_pid(const struct child *child); /* 0: none */
unsigned child_restarts(const struct child *child);
uint64_t child_since_unix_ms(const struct child *child); /* the start of the present run */
const char *child_why(const struct child *child);        /* what its last check said; borrowed */
/* "name what: the last line of its log; see its log file". Caller frees. */
char *child_complain(const struct child *child, const char *what);

#endif
