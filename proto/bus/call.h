/* One call as a handler sees it: a decoded request, who asks, how long there is, and the duty to
 * answer exactly once, now or later. No socket in sight, so handlers are tested without one. */
#ifndef LYNKS_PROTO_BUS_CALL_H
#define LYNKS_PROTO_BUS_CALL_H

#include "proto/base/clock.h"
#include "proto/schema/codec.h"

/* What travels from hop to hop with a call. */
struct call_context {
    struct str request_id;
    struct principal principal;
    uint64_t deadline_ms; /* monotonic; of this process' clock */
};

struct call {
    struct msg request;          /* borrowed by the handler until it answers */
    struct call_context context; /* likewise */
    const char *peer_role;       /* "gateway": whose key it was; static */
    /* Set by whoever made the call (bus worker or test); takes the call back. */
    void (*finish)(struct call *call, enum err err, const struct msg *reply);
};

static inline void call_reply(struct call *call, const struct msg *reply)
{
    call->finish(call, ERR_OK, reply);
}

static inline void call_fail(struct call *call, enum err err)
{
    call->finish(call, err, NULL);
}

typedef void call_handler_fn(void *service, struct call *call);

/* A service is a table of these, ended by MSG_NONE. */
struct call_handler {
    enum msg_id request;
    call_handler_fn *fn;
};

#endif
