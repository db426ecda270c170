/* A rolling restart: one process after the other is told to end and started anew, the next when the
 * one before it is ready again. The rest stays up meanwhile. */
#ifndef LYNKS_DEPLOY_SUPERVISE_RESTART_H
#define LYNKS_DEPLOY_SUPERVISE_RESTART_H

#include "deploy/supervise/child.h"

struct restart;

enum restart_event {
    RESTART_LINE,   /* progress */
    RESTART_DONE,   /* all are ready again; no line */
    RESTART_FAILED, /* why it goes no further; nothing comes after it */
};
/* line is borrowed. May free the restart when it has ended. */
typedef void restart_fn(void *arg, enum restart_event event, const char *line);

/* children: copied, but what they point to is borrowed; count > 0. Takes at most the sum of their
 * stop_within_ms and ready_within_ms. */
struct restart *restart_new(struct loop *loop, struct child *const *children, size_t count,
                            restart_fn *fn, void *arg);
void restart_free(struct restart **restart);

void restart_begin(struct restart *restart);
/* What happened to any child: the owner of the children passes it on. */
void restart_on_child(struct restart *restart, const struct child *child, enum child_event event);

#endif
