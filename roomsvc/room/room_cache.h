/* What the registry last said of each room. A room that was said some time ago is looked up again,
 * with others, and used meanwhile, also when the registry is away: that is no reason to forget what
 * it said. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOM_CACHE_H
#define LYNKS_ROOMSVC_ROOM_ROOM_CACHE_H

#include "proto/base/clock.h"
#include "roomsvc/store/room_store.h"

struct room_cache_config {
    const struct clock *clock; /* borrowed */
    struct room_store store;   /* borrowed */
    size_t rooms_max;          /* more push out those that were not asked for longest */
    uint64_t age_ms; /* no room gets older without being looked up; some are, after two thirds of
                        it, so that rooms which came together do not all come again together */
};

struct room_cache;

struct room_cache *room_cache_new(const struct room_cache_config *config);
/* After the store, which answers for its calls before it ends. */
void room_cache_free(struct room_cache **cache);

/* NULL: not known here. Borrowed until the next call. Looks it up again if it is old. */
const struct room *room_cache_find(struct room_cache *cache, uint64_t room_id);
void room_cache_put(struct room_cache *cache, const struct room *room);
/* A room that is known here is used. True, and at most once in every_ms for each: note it in the
 * registry. */
bool room_cache_note_use(struct room_cache *cache, uint64_t room_id, uint64_t every_ms);
void room_cache_remove(struct room_cache *cache, uint64_t room_id);

#endif
