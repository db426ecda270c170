/* Taking a message of the bus apart: the frames of a batch lie within it, one after the other, and
 * are as many as are allowed; anything else is one frame.
 *
 * Aims at: proto/bus/bus_batch.c
 * Links: proto_bus */
#include "proto/bus/bus_batch.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Put together again they are the same message. */
static void put_together(zmq_msg_t *parts, size_t count, struct str whole)
{
    struct bus_batch batch;
    zmq_msg_t message;
    bus_batch_init(&batch);
    for (size_t i = 0; i < count; i++) {
        if (!bus_batch_fits(&batch, &parts[i])) {
            return;
        }
        bus_batch_add(&batch, &parts[i]);
    }
    bus_batch_make(&batch, &message);
    require(count == 1 || str_eq(bus_frame_view(&message), whole));
    zmq_msg_close(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const struct str whole = {.data = (const char *)data, .bytes = bytes};
    struct bus_frames frames;
    struct str frame;
    zmq_msg_t parts[BATCH_FRAMES_MAX];
    size_t count = 0;
    if (!bus_frames_open(&frames, whole)) {
        return 0;
    }
    while (bus_frames_next(&frames, &frame)) {
        require(count < BATCH_FRAMES_MAX && frame.data >= whole.data &&
                frame.data + frame.bytes <= whole.data + whole.bytes);
        bus_frame_init(&parts[count++], frame);
    }
    require(count > 0);
    put_together(parts, count, whole);
    for (size_t i = 0; i < count; i++) {
        zmq_msg_close(&parts[i]);
    }
    return 0;
}
