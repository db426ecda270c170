/* Decoding a frame. What is taken must be within the schema, can be sent on, and is then the same
 * message: encoding it, decoding that and encoding again gives the same bytes.
 *
 * Aims at: proto/schema/codec.c proto/schema/codec_check.c
 * Dictionary: schema */
#include "proto/schema/codec.h"
#include "proto/schema/codec_check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void send_on(const struct envelope *envelope, const struct msg *msg)
{
    AUTO(frame_free) struct frame *first = frame_new();
    AUTO(frame_free) struct frame *second = frame_new();
    AUTO(arena_free) struct arena *arena = arena_new();
    struct envelope envelope_again;
    struct msg msg_again;
    require(envelope->status != ERR_OK || msg_validate(msg) == ERR_OK);
    require(codec_encode(first, envelope, msg) == ERR_OK);
    require(codec_decode(arena, frame_bytes(first), &envelope_again, &msg_again) == CODEC_OK);
    require(codec_encode(second, &envelope_again, &msg_again) == ERR_OK);
    require(str_eq(frame_bytes(first), frame_bytes(second)));
}

/* A worker answers a message that it could not read, if it could read the envelope. */
static void refuse(const struct envelope *envelope)
{
    AUTO(frame_free) struct frame *frame = frame_new();
    struct envelope reply = *envelope;
    reply.status = ERR_BAD_REQUEST;
    require(codec_encode(frame, &reply, &(struct msg){.id = MSG_NONE}) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    struct envelope envelope;
    struct msg msg;
    const struct str frame = {.data = (const char *)data, .bytes = bytes};
    const enum codec_fault fault = codec_decode(arena, frame, &envelope, &msg);
    require(codec_fault_name(fault)[0] != '\0');
    if (fault == CODEC_OK) {
        send_on(&envelope, &msg);
    } else if (fault == CODEC_UNKNOWN || fault == CODEC_BODY) {
        refuse(&envelope);
    }
    return 0;
}
