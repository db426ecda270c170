/* One call to a bridge about a room. What a bridge says that has lost its lease is not believed:
 * the call is sent again a little later, for as long as its caller has time. */
#ifndef LYNKS_ROOMSVC_ROOM_BRIDGE_CALL_H
#define LYNKS_ROOMSVC_ROOM_BRIDGE_CALL_H

#include "proto/bus/bus.h"
#include "roomsvc/node/node_fence.h"

/* What all calls share. Borrowed. */
struct bridge_calls {
    const struct clock *clock;
    const struct bus *bus;
    struct node_fence *fence;
};

/* Embedded in whoever asks, which outlives the answer. */
struct bridge_call {
    const struct bridge_calls *calls;
    const struct call_context *context;
    struct msg request;
    bus_reply_fn *fn;
    void *arg;
};

/* Asks a bridge of the node that request names. fn (arg) is called exactly once, with the error too
 * if the bus refuses the call: then from inside this function. ERR_UNAVAILABLE: only a bridge
 * without the lease has answered in time. Borrowed until then: calls, context (of the call that is
 * served), and what request points to. */
void bridge_call_start(struct bridge_call *call, const struct bridge_calls *calls,
                       const struct call_context *context, const struct msg *request,
                       bus_reply_fn *fn, void *arg);

#endif
