/* Frames of the bus: one msgpack envelope each, decoded safely whatever a peer sends.
 *
 * Wire form: an array of at least ENVELOPE_ITEMS items, in the order of envelope.def: major, minor,
 * message number, correlation id, remaining ms, expiry (unix ms), request id, principal (nil, or
 * [user id, session id, roles]), status, body (a map: tag -> value; nil exactly in a failed reply).
 * A higher minor may append items; they are ignored. Another major is refused.
 *
 * Decoding: a pre-scan that allocates nothing (prescan.h), then msgpack-c into an arena, then the
 * schema: unknown tags ignored; a missing, duplicate, over-long or mistyped one refused. */
#ifndef LYNKS_PROTO_SCHEMA_CODEC_H
#define LYNKS_PROTO_SCHEMA_CODEC_H

#include "proto/base/err.h"
#include "proto/schema/msg.h"

enum { PROTOCOL_MAJOR = 1, PROTOCOL_MINOR = 1 };
#define FRAME_BYTES_MAX 131072
#define ENVELOPE_ITEMS 10
#define BATCH_MARK 0xc1 /* bus_batch.h */
#define BATCH_MINOR 1
#define BATCH_FRAMES_MAX 64
#define REQUEST_ID_BYTES_MAX 64

/* Who asks. user_id 0 means nobody has logged in. */
struct principal {
    uint64_t user_id;
    uint64_t session_id; /* not secret: names a session in logs */
    uint64_t roles;      /* bit set */
};

struct envelope {
    uint64_t minor; /* the sender's, as read; ours is written whatever stands here */
    uint64_t correlation_id;
    uint64_t remaining_ms;      /* what the sender still gives; at most INT64_MAX */
    uint64_t expiry_unix_ms;    /* absolute; whichever is earlier counts; at most INT64_MAX */
    struct str request_id;      /* ASCII 0x21 to 0x7e; may be empty; borrowed from the frame */
    struct principal principal; /* user_id 0: the rest is not sent */
    enum err status;            /* ERR_OK in requests; in a reply anything else means: no body */
};

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

/* Checks a message against the schema, as encode and decode do. Exposed for tests. */
enum err msg_validate(const struct msg *msg);

#endif
