/* What roomsvc does: the registry of rooms, and Janus (through the bridge) made to agree with it.
 */
#ifndef LYNKS_ROOMSVC_ROOM_ROOMS_H
#define LYNKS_ROOMSVC_ROOM_ROOMS_H

#include "proto/bus/bus.h"
#include "roomsvc/node/node_fence.h"
#include "roomsvc/store/room_store.h"

struct rooms_config {
    uint64_t standard_room; /* 0: every create makes a fresh room */
    uint64_t publishers_max;
    uint64_t rooms_max;
    size_t cache_max;
    uint64_t cache_ms; /* a cached room is looked up again, in the background, before it is older */
};

struct rooms_parts {
    const struct clock *clock;
    const struct bus *bus;
    struct room_store store;
    struct metrics *metrics;
    struct node_fence *fence;
};

struct rooms;

/* parts' members are borrowed. */
struct rooms *rooms_new(const struct rooms_parts *parts, const struct rooms_config *config);
/* All calls must have been answered: bus and store have ended before. */
void rooms_free(struct rooms **rooms);

/* Answer room_create and room_participants, later. */
void rooms_create(struct rooms *rooms, struct call *call);
void rooms_list_participants(struct rooms *rooms, struct call *call);

#endif
