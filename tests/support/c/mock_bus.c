#include "tests/support/c/mock_bus.h"

#include <assert.h>

/* The request lives only until call returns, so it is kept by sending it through the codec. */
static enum err call(void *self, const struct msg *request, const struct call_context *context,
                     bus_reply_fn *fn, void *arg)
{
    struct mock_bus *mock = self;
    if (mock->refuse != ERR_OK) {
        return mock->refuse;
    }
    assert(mock->count < MOCK_BUS_CALLS_MAX);
    struct mock_bus_call *made = &mock->calls[mock->count++];
    *made = (struct mock_bus_call){
        .context = *context, .fn = fn, .arg = arg, .arena = arena_new(), .frame = frame_new()};
    made->context.request_id = STR_NONE;
    const struct envelope out = {.correlation_id = 1, .request_id = STR_LIT("test")};
    enum err encoded = codec_encode(made->frame, &out, request);
    assert(encoded == ERR_OK);
    struct envelope in;
    enum codec_fault fault =
        codec_decode(made->arena, frame_bytes(made->frame), &in, &made->request);
    assert(fault == CODEC_OK);
    return ERR_OK;
}

static const struct bus_ops ops = {call};

void mock_bus_init(struct mock_bus *mock)
{
    *mock = (struct mock_bus){.bus = {.ops = &ops, .self = mock}};
}

void mock_bus_fini(struct mock_bus *mock)
{
    for (size_t i = 0; i < mock->count; i++) {
        arena_free(&mock->calls[i].arena);
        frame_free(&mock->calls[i].frame);
    }
}

struct mock_bus_call *mock_bus_pending(struct mock_bus *mock, enum msg_id id)
{
    for (size_t i = 0; i < mock->count; i++) {
        if (!mock->calls[i].answered && mock->calls[i].request.id == id) {
            return &mock->calls[i];
        }
    }
    return NULL;
}

void mock_bus_answer(struct mock_bus_call *made, enum err err, const struct msg *reply)
{
    assert(!made->answered && (err == ERR_OK) == (reply != NULL));
    made->answered = true;
    made->fn(made->arg, err, reply);
}
