/* The patience of an HTTP server that drains. Closing an idle connection loses a request that is on
 * its way, so connections are given a while to bring one more, whose answer tells them to close. */
#ifndef LYNKS_PROTO_HTTP_HTTP_DRAIN_H
#define LYNKS_PROTO_HTTP_HTTP_DRAIN_H

#include "proto/http/http_conns.h"

/* The owner sets the first four. */
struct http_drain {
    const struct clock *clock;
    const struct http_conns *conns;
    timer_fn *stop; /* accepts no more and cuts what is idle */
    void *arg;
    uint64_t patience_ms;
    uint64_t until_ms; /* of the patience: first with idle connections, then with silent new ones */
    uint64_t timer;
    bool begun;
    bool stopped;
};

/* Calls stop (arg) once: after patience_ms, or as soon as no connection is left; with a patience of
 * 0 at once. Again: only a patience of 0 has an effect, which ends the earlier one. */
void http_drain_begin(struct http_drain *drain, uint64_t patience_ms);

/* True once it has stopped and no connection is left that may still bring a request; those that
 * came last and stay silent are waited for as long again. */
bool http_drain_is_over(const struct http_drain *drain);

#endif
