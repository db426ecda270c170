/* Several frames to or from one peer in one message of ZeroMQ: encrypted once, and told of once.
 *
 * On the wire: the byte BATCH_MARK, with which no msgpack begins, then for each frame its
 * length, four bytes, most significant first, and the frame. A receiver takes each frame as if it
 * had come alone. A batch is sent only to a peer whose envelopes have the minor version of
 * BATCH_MINOR or a later one. */
#ifndef LYNKS_PROTO_BUS_BUS_BATCH_H
#define LYNKS_PROTO_BUS_BUS_BATCH_H

#include "proto/bus/bus_socket.h"

/* Of what is sent; what is received may be as long as any frame. */
#define BUS_BATCH_BYTES_MAX 16384

/* The frames of a message: of a batch, or the one that it is. */
struct bus_frames {
    struct str rest;
    bool is_batch;
};

/* Looks at the whole of it first. False: a length does not fit, or there are none or too many; then
 * no frame of it counts. */
bool bus_frames_open(struct bus_frames *frames, struct str data);
bool bus_frames_next(struct bus_frames *frames, struct str *ret_frame); /* false: no more */

/* A batch that is being put together. It borrows the frames until it is made into a message. */
struct bus_batch {
    zmq_msg_t *frames[BATCH_FRAMES_MAX];
    size_t count;
    size_t bytes;
};

void bus_batch_init(struct bus_batch *batch);
bool bus_batch_fits(const struct bus_batch *batch, const zmq_msg_t *frame);
void bus_batch_add(struct bus_batch *batch, zmq_msg_t *frame); /* one that fits */
/* The message: of a single frame the frame itself, its bytes shared. ret_message must not be
 * initialised. */
void bus_batch_make(const struct bus_batch *batch, zmq_msg_t *ret_message);

#endif
