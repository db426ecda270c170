/* Who wants to know when the session with Janus comes and goes. For janus_session.c and those who
 * register with it. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_WATCH_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_WATCH_H

#include "proto/base/base.h"

struct janus_watch {
    /* The session is ready. is_new: what was made through the one before may be gone; else it is
     * the same session as before, with the same handle or another. */
    void (*on_ready)(void *arg, bool is_new);
    /* It is not any more; calls under way fail after this. Told again when the session is closed
     * and when it is freed. */
    void (*on_lost)(void *arg);
    void *arg;
};

/* Embedded; zeroed: nobody. */
#define JANUS_WATCHES_MAX 4
struct janus_watches {
    struct janus_watch items[JANUS_WATCHES_MAX];
    size_t count;
};

void janus_watches_add(struct janus_watches *watches, struct janus_watch watch);
void janus_watches_ready(const struct janus_watches *watches, bool is_new);
void janus_watches_lost(const struct janus_watches *watches);

#endif
