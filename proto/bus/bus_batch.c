#include "proto/bus/bus_batch.h"

#include <assert.h>

#define LENGTH_BYTES 4

static uint32_t read_length(const char *data)
{
    uint32_t length = 0;
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        length = length << 8 | (uint8_t)data[i];
    }
    return length;
}

static char *write_length(char *at, size_t length)
{
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        at[i] = (char)(uint8_t)(length >> 8 * (LENGTH_BYTES - 1 - i));
    }
    return at + LENGTH_BYTES;
}

/* Steps over one frame; false if it is not all there. */
static bool take_batched_frame(struct str *rest, struct str *ret_frame)
{
    if (rest->bytes < LENGTH_BYTES) {
        return false;
    }
    size_t length = read_length(rest->data);
    if (length > rest->bytes - LENGTH_BYTES) {
        return false;
    }
    *ret_frame = (struct str){.data = rest->data + LENGTH_BYTES, .bytes = length};
    rest->data += LENGTH_BYTES + length;
    rest->bytes -= LENGTH_BYTES + length;
    return true;
}

static bool is_sound_batch(struct str rest)
{
    struct str frame;
    size_t count = 0;
    while (rest.bytes > 0) {
        if (!take_batched_frame(&rest, &frame)) {
            return false;
        }
        count++;
    }
    return count > 0 && count <= BATCH_FRAMES_MAX;
}

bool bus_frames_open(struct bus_frames *frames, struct str data)
{
    frames->is_batch = data.bytes > 0 && (uint8_t)data.data[0] == BATCH_MARK;
    frames->rest = data;
    if (frames->is_batch) {
        frames->rest.data++;
        frames->rest.bytes--;
        return data.bytes <= FRAME_BYTES_MAX && is_sound_batch(frames->rest);
    }
    return true;
}

/* One that came alone is the rest, once; even an empty one, which is then refused as any other. */
bool bus_frames_next(struct bus_frames *frames, struct str *ret_frame)
{
    if (frames->is_batch) {
        return take_batched_frame(&frames->rest, ret_frame);
    }
    *ret_frame = frames->rest;
    frames->rest = (struct str){.data = "", .bytes = 0};
    frames->is_batch = true;
    return true;
}

void bus_batch_init(struct bus_batch *batch)
{
    batch->count = 0;
    batch->bytes = 1;
}

bool bus_batch_fits(const struct bus_batch *batch, const zmq_msg_t *frame)
{
    return batch->count == 0 ||
           (batch->count < BATCH_FRAMES_MAX &&
            batch->bytes + LENGTH_BYTES + zmq_msg_size(frame) <= BUS_BATCH_BYTES_MAX);
}

void bus_batch_add(struct bus_batch *batch, zmq_msg_t *frame)
{
    batch->frames[batch->count++] = frame;
    batch->bytes += LENGTH_BYTES + zmq_msg_size(frame);
}

void bus_batch_make(const struct bus_batch *batch, zmq_msg_t *ret_message)
{
    assert(batch->count > 0);
    if (batch->count == 1) {
        zmq_msg_init(ret_message);
        zmq_msg_copy(ret_message, batch->frames[0]);
        return;
    }
    if (zmq_msg_init_size(ret_message, batch->bytes) != 0) {
        abort(); /* out of memory: see base.h */
    }
    char *at = zmq_msg_data(ret_message);
    *at++ = (char)BATCH_MARK;
    for (size_t i = 0; i < batch->count; i++) {
        struct str frame = bus_frame_view(batch->frames[i]);
        at = write_length(at, frame.bytes);
        memcpy(at, frame.data, frame.bytes);
        at += frame.bytes;
    }
}
