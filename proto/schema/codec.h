/* Frames of the bus: one msgpack envelope each, decoded safely whatever a peer sends.
 *
 * Wire form: an array of at least ENVELOPE_ITEMS items, in the order of envelope.def. A higher
 * minor may append items; they are ignored. Another major is refused. The body is a map, tag ->
 * value, as records inside it are.
 *
 * Decoding: a pre-scan that allocates nothing (prescan.h), then msgpack-c into an arena, then the
 * schema: unknown tags ignored; a missing, duplicate, over-long or mistyped one, or an enum's
 * number that is not one of its values, refused. */
#ifndef LYNKS_PROTO_SCHEMA_CODEC_H
#define LYNKS_PROTO_SCHEMA_CODEC_H

#include "proto/base/err.h"
#include "proto/schema/envelope.h"
#include "proto/schema/msg.h"

#define FRAME_BYTES_MAX 524288
#define BATCH_MARK 0xc1 /* bus_batch.h */
#define BATCH_MINOR 1
#define BATCH_FRAMES_MAX 64

/* Memory of one decoded message (lists, msgpack's tree). Reusable: decoding into it again ends
 * what was decoded before. Belongs to one thread. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena **arena);

/* Output buffer, reusable. */
struct frame;
struct frame *frame_new(void);
void frame_free(struct frame **frame);
struct str frame_bytes(const struct frame *frame); /* valid until the next encode */

/* Encodes envelope and message. msg->id must be known; body fields are checked against the schema.
 * For a reply with status != ERR_OK only msg->id counts; MSG_NONE then answers what was not
 * understood. ERR_BAD_REQUEST: something is out of its bounds; ERR_TOO_LARGE: over FRAME_BYTES_MAX.
 * The frame is empty then. */
enum err codec_encode(struct frame *frame, const struct envelope *envelope, const struct msg *msg);

/* Why a frame was refused; label of the counter of refused frames. */
enum codec_fault {
    CODEC_OK,
    CODEC_TOO_LARGE,
    CODEC_MALFORMED, /* pre-scan: depth, counts, trailing bytes, not msgpack */
    CODEC_VERSION,   /* another major */
    CODEC_ENVELOPE,  /* wrong shape or types */
    CODEC_UNKNOWN,   /* no such message; envelope is filled in, so a worker can answer */
    CODEC_BODY,      /* against the schema; envelope is filled in, so a worker can answer */
    CODEC_FAULT_COUNT
};
const char *codec_fault_name(enum codec_fault fault); /* static */

/* Decodes. On CODEC_OK, CODEC_UNKNOWN and CODEC_BODY ret_envelope is filled in; ret_msg on
 * CODEC_OK, and only its id for a failed reply (may be MSG_NONE), on CODEC_BODY and on
 * CODEC_UNKNOWN (MSG_NONE). Both borrow from data and arena. */
enum codec_fault codec_decode(struct arena *arena, struct str data, struct envelope *ret_envelope,
                              struct msg *ret_msg);

#endif
