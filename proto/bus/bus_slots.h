/* The table of calls in flight: a fixed number of slots, found by correlation id in one step.
 *
 * A correlation id is a slot's number and the generation of its use, so that an answer to an
 * earlier use of the slot finds nothing. Nothing is allocated for a call but its frame. */
#ifndef LYNKS_PROTO_BUS_BUS_SLOTS_H
#define LYNKS_PROTO_BUS_BUS_SLOTS_H

#include "proto/bus/bus.h"
#include "proto/bus/bus_deadlines.h"

#include <zmq.h>

struct bus_endpoint;

struct bus_slot {
    uint64_t correlation_id; /* of its present or next use */
    bool is_used;
    uint32_t next_free;
    struct list_link link;         /* in its endpoint's calls, or in its service's held ones */
    struct list_link out;          /* in its endpoint's outbox, until the end of the turn */
    struct bus_deadline deadline;  /* in the client's wheel */
    struct bus_endpoint *endpoint; /* where it was sent; NULL while it is held */
    const struct msg_type *type;   /* of the request */
    const struct msg_route *route; /* likewise */
    uint64_t key_hash;             /* of its key, if it has one */
    zmq_msg_t frame;               /* as sent last; shared with libzmq, not copied */
    uint64_t started_us;
    unsigned sends; /* how often it may have reached a service */
    bus_reply_fn *fn;
    void *arg;
};

struct bus_slots;
struct bus_slots *bus_slots_new(size_t count); /* 1..65536 */
void bus_slots_free(struct bus_slots **slots); /* all must have been released */

/* A slot with a fresh correlation id, in no list, its frame empty; NULL if all are used. */
struct bus_slot *bus_slots_take(struct bus_slots *slots);
void bus_slots_release(struct bus_slots *slots, struct bus_slot *slot); /* closes its frame */
struct bus_slot *bus_slots_find(struct bus_slots *slots, uint64_t correlation_id); /* or NULL */
struct bus_slot *bus_slots_any(struct bus_slots *slots); /* a used one; NULL if none is */
size_t bus_slots_used(const struct bus_slots *slots);

#endif
