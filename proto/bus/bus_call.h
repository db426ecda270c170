/* A call in flight, as its caller keeps it: an item of a table of slots, whose id is the
 * correlation id, so that an answer to an earlier use of the slot finds nothing. Nothing is
 * allocated for a call but its frame. */
#ifndef LYNKS_PROTO_BUS_BUS_CALL_H
#define LYNKS_PROTO_BUS_BUS_CALL_H

#include "proto/bus/bus.h"
#include "proto/bus/bus_deadlines.h"
#include "proto/schema/codec.h"

#include <zmq.h>

struct bus_endpoint;
struct bus_line;

struct bus_call {
    struct list_link link;         /* in its endpoint's calls, or in the line where it is held */
    struct list_link out;          /* in its endpoint's outbox, until the end of the turn */
    struct bus_deadline deadline;  /* in the client's wheel */
    struct bus_endpoint *endpoint; /* where it was sent; NULL while it is held */
    struct bus_line *line;         /* where it is held; NULL while it is not */
    const struct msg_type *type;   /* of the request */
    const struct msg_route *route; /* likewise */
    uint64_t key_hash;             /* of its key, if it has one */
    uint64_t home_hash;            /* bus_route_home of where it belongs; 0: anywhere */
    zmq_msg_t frame;               /* as sent last; shared with libzmq, not copied */
    uint64_t started_us;
    unsigned sends;     /* how often it may have reached a service */
    unsigned strayed;   /* how often it came to an endpoint of another home */
    unsigned elsewhere; /* of a command: at so many silent endpoints it may still be executed */
    enum err said;      /* how it failed where it was sent last, while it may still be executed
                           elsewhere: it waits for what those say; ERR_OK: it does not */
    bus_reply_fn *fn;
    void *arg;
};

/* In no list, its frame empty. */
void bus_call_init(struct bus_call *call, const struct msg_type *type,
                   const struct msg_route *route, bus_reply_fn *fn, void *arg);
void bus_call_fini(struct bus_call *call); /* closes its frame */

/* Makes its frame, in place of the one before; scratch is overwritten. Errors are codec_encode's.
 */
enum err bus_call_encode(struct bus_call *call, struct frame *scratch,
                         const struct envelope *envelope, const struct msg *request);
/* Makes its frame anew with what is left of its time. That happens only when something has failed,
 * so it costs the ordinary call nothing. False: its time is up. */
bool bus_call_refresh(struct bus_call *call, struct frame *scratch, struct arena *arena,
                      uint64_t now_ms);
/* After it may have been executed. */
bool bus_call_may_be_sent_again(const struct bus_call *call);

#endif
