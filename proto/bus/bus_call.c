#include "proto/bus/bus_call.h"

#include "proto/bus/bus_socket.h"

/* A call that takes down whoever executes it does not get to take down everybody. */
#define SENDS_MAX 4

void bus_call_init(struct bus_call *call, const struct msg_type *type,
                   const struct msg_route *route, bus_reply_fn *fn, void *arg)
{
    *call = (struct bus_call){.type = type, .route = route, .fn = fn, .arg = arg};
    list_init(&call->link);
    list_init(&call->out);
    bus_deadline_init(&call->deadline);
    zmq_msg_init(&call->frame);
}

void bus_call_fini(struct bus_call *call)
{
    zmq_msg_close(&call->frame);
}

enum err bus_call_encode(struct bus_call *call, struct frame *scratch,
                         const struct envelope *envelope, const struct msg *request)
{
    enum err err = codec_encode(scratch, envelope, request);
    if (err == ERR_OK) {
        zmq_msg_close(&call->frame);
        bus_frame_init(&call->frame, frame_bytes(scratch));
    }
    return err;
}

bool bus_call_refresh(struct bus_call *call, struct frame *scratch, struct arena *arena,
                      uint64_t now_ms)
{
    struct envelope envelope;
    struct msg request;
    if (call->deadline.due_ms <= now_ms ||
        codec_decode(arena, bus_frame_view(&call->frame), &envelope, &request) != CODEC_OK) {
        return false;
    }
    envelope.remaining_ms = call->deadline.due_ms - now_ms;
    return bus_call_encode(call, scratch, &envelope, &request) == ERR_OK;
}

bool bus_call_may_be_sent_again(const struct bus_call *call)
{
    return call->type->retry != RETRY_NEVER && call->sends < SENDS_MAX;
}
