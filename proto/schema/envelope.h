/* What goes with every message: who asks, for how long, under which number. On the wire:
 * envelope.def. */
#ifndef LYNKS_PROTO_SCHEMA_ENVELOPE_H
#define LYNKS_PROTO_SCHEMA_ENVELOPE_H

#include "proto/base/err.h"
#include "proto/schema/msg.h"

enum { PROTOCOL_MAJOR = 1, PROTOCOL_MINOR = 2 };
#define ENVELOPE_ITEMS 10
#define REQUEST_ID_BYTES_MAX 64

/* Who asks. Which ids are there follows from the kind; the others are 0. */
struct principal {
    enum principal_kind kind; /* PRINCIPAL_NONE: the rest is not sent */
    enum role role;           /* of a user; 0: has none */
    uint64_t user_id;
    uint64_t session_id; /* not secret: names a session in logs */
    uint64_t participant_id;
    uint64_t stream_key_id;
};

struct envelope {
    uint64_t minor;          /* the sender's, as read; ours is written whatever stands here */
    uint64_t correlation_id; /* of an EVENT: its number */
    uint64_t remaining_ms;   /* what the sender still gives; at most INT64_MAX */
    uint64_t expiry_unix_ms; /* the end of that by the sender's wall clock, which decides nothing;
                                at most INT64_MAX */
    struct str request_id;   /* ASCII 0x21 to 0x7e; may be empty; borrowed from the frame */
    struct principal principal;
    enum err status; /* ERR_OK in requests; in a reply anything else means: no body */
};

#endif
