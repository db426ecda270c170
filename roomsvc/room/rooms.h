/* What the flows of rooms (room_create, room_list) share: the registry, the cache of it, the way to
 * the bridge, and how many rooms are open. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOMS_H
#define LYNKS_ROOMSVC_ROOM_ROOMS_H

#include "proto/base/log.h"
#include "roomsvc/follow/follow.h"
#include "roomsvc/room/bridge_call.h"
#include "roomsvc/room/room_cache.h"
#include "roomsvc/room/room_use.h"

/* How often a room is looked at, and noted as used, within the time after which it ends. */
#define ROOMS_LOOKS 24

struct rooms_config {
    uint64_t standard_room; /* 0: every create makes a fresh room */
    const char *node;       /* of rooms that are made here; 1..64 bytes; borrowed */
    uint64_t publishers_max;
    uint64_t rooms_max; /* open ones; one that is there already, and the standard room, are given
                           all the same */
    size_t cache_max;
    uint64_t idle_ms;  /* a room ends when nobody has used it for so long; 0: none ends */
    uint64_t cache_ms; /* a cached room is looked up again, in the background, before it is older */
};

struct rooms_parts {
    const struct clock *clock;
    const struct bus *bus;
    struct room_store store;
    struct life_store life;
    struct metrics *metrics;
    struct node_fence *fence;
    struct follow *follow;
};

struct rooms {
    struct rooms_config config;
    const struct clock *clock;
    struct room_store store;
    struct room_cache *cache;
    struct room_use *use; /* NULL: rooms do not end */
    uint64_t look_ms;     /* from one look at a room to the next */
    struct bridge_calls bridge;
    struct follow *follow;
    uint64_t open_rooms; /* as counted last, plus what this replica has made since */
    uint64_t count_timer;
    struct metric *restored;
    struct metric *refused;
    struct log_gate refusals;
    struct metric *open_rooms_gauge;
};

/* parts' members are borrowed. */
struct rooms *rooms_new(const struct rooms_parts *parts, const struct rooms_config *config);
/* All calls must have been answered: bus and store have ended before. */
void rooms_free(struct rooms **rooms);

/* Makes room in Janus, as the registry has it; see bridge_call_start for fn. room is borrowed until
 * then. */
void rooms_make_in_janus(struct rooms *rooms, struct bridge_call *call,
                         const struct call_context *context, const struct room *room,
                         bus_reply_fn *fn, void *arg);

#endif
