#include "roomsvc/room/bridge_call.h"

/* A bridge that was passed over learns of it with the next renewal of its lease, at the latest: it
 * is left alone for as long as one that says that it stands by. */
#define BRIDGE_CALL_AGAIN_MS 200

static uint64_t reply_epoch(const struct msg *reply)
{
    switch (reply->id) {
    case MSG_bridge_create_reply:
        return reply->bridge_create_reply.epoch;
    case MSG_bridge_occupied_reply:
        return reply->bridge_occupied_reply.epoch;
    case MSG_bridge_destroy_reply:
        return reply->bridge_destroy_reply.epoch;
    default:
        return reply->bridge_participants_reply.epoch;
    }
}

static void bridge_call_send(void *arg);

static void bridge_call_on_reply(void *arg, enum err err, const struct msg *reply)
{
    struct bridge_call *call = arg;
    const struct bridge_calls *calls = call->calls;
    if (err != ERR_OK ||
        node_fence_admit(calls->fence, msg_home(&call->request), reply_epoch(reply))) {
        call->fn(call->arg, err, reply);
    } else if (clock_mono_ms(calls->clock) + BRIDGE_CALL_AGAIN_MS >= call->context->deadline_ms) {
        call->fn(call->arg, ERR_UNAVAILABLE, NULL);
    } else {
        (void)clock_after(calls->clock, BRIDGE_CALL_AGAIN_MS, bridge_call_send, call);
    }
}

static void bridge_call_send(void *arg)
{
    struct bridge_call *call = arg;
    enum err err =
        bus_call(call->calls->bus, &call->request, call->context, bridge_call_on_reply, call);
    if (err != ERR_OK) {
        call->fn(call->arg, err, NULL);
    }
}

void bridge_call_start(struct bridge_call *call, const struct bridge_calls *calls,
                       const struct call_context *context, const struct msg *request,
                       bus_reply_fn *fn, void *arg)
{
    *call = (struct bridge_call){
        .calls = calls, .context = context, .request = *request, .fn = fn, .arg = arg};
    bridge_call_send(call);
}
