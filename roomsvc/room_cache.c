#include "roomsvc/room_cache.h"

#include <sodium.h>

#include "proto/lru.h"

#define LOOK_UP_MS 4000
#define SPREAD 3 /* a part of the age */

struct entry {
    struct room room;
    uint64_t old_ms; /* from then on it is looked up again */
    bool looked_up;  /* at this moment */
};

struct room_cache {
    struct room_cache_config config;
    struct lru *rooms; /* room id -> struct entry */
};

struct look_up {
    struct room_cache *cache;
    uint64_t room_id;
};

struct room_cache *room_cache_new(const struct room_cache_config *config)
{
    struct room_cache *cache = mem_alloc(sizeof(*cache));
    cache->config = *config;
    cache->rooms = lru_new(sizeof(uint64_t), sizeof(struct entry), config->rooms_max);
    return cache;
}

void room_cache_free(struct room_cache **cache)
{
    if (*cache != NULL) {
        lru_free(&(*cache)->rooms);
        mem_free(cache);
    }
}

void room_cache_put(struct room_cache *cache, const struct room *room)
{
    bool added;
    struct entry *entry = lru_put(cache->rooms, &room->id, &added);
    uint64_t age_ms = cache->config.age_ms;
    uint64_t spread_ms = randombytes_uniform((uint32_t)(age_ms / SPREAD));
    *entry = (struct entry){.room = *room,
                            .old_ms = clock_mono_ms(cache->config.clock) + age_ms - spread_ms};
}

void room_cache_remove(struct room_cache *cache, uint64_t room_id)
{
    lru_remove(cache->rooms, &room_id);
}

static void on_looked_up(void *arg, enum err err, const struct room *room)
{
    struct look_up *look_up = arg;
    struct entry *entry = lru_find(look_up->cache->rooms, &look_up->room_id);
    if (err == ERR_OK) {
        room_cache_put(look_up->cache, room);
    } else if (err == ERR_NO_SUCH_ROOM) {
        room_cache_remove(look_up->cache, look_up->room_id);
    } else if (entry != NULL) {
        entry->looked_up = false;
    }
    mem_free(&look_up);
}

static void look_up_again(struct room_cache *cache, struct entry *entry, uint64_t now_ms)
{
    const struct room_store *store = &cache->config.store;
    struct look_up *look_up = mem_alloc(sizeof(*look_up));
    *look_up = (struct look_up){.cache = cache, .room_id = entry->room.id};
    entry->looked_up = true;
    if (store->ops->find(store->self, entry->room.id, now_ms + LOOK_UP_MS, on_looked_up, look_up) !=
        ERR_OK) {
        entry->looked_up = false;
        mem_free(&look_up);
    }
}

const struct room *room_cache_find(struct room_cache *cache, uint64_t room_id)
{
    struct entry *entry = lru_find(cache->rooms, &room_id);
    if (entry == NULL) {
        return NULL;
    }
    uint64_t now_ms = clock_mono_ms(cache->config.clock);
    if (now_ms >= entry->old_ms && !entry->looked_up) {
        look_up_again(cache, entry, now_ms);
    }
    return &entry->room;
}
