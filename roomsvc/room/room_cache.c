#include "roomsvc/room/room_cache.h"

#include <sodium.h>

#include "proto/base/lru.h"

#define LOOK_UP_MS 4000
#define SPREAD 3 /* a part of the age */
/* Rooms that are old are gathered for this part of the age, and looked up together. */
#define GATHERED_PART 32

struct entry {
    struct room room;
    uint64_t old_ms; /* from then on it is looked up again */
    bool looked_up;  /* at this moment, or soon */
    bool is_noted;   /* as used, at noted_ms */
    uint64_t noted_ms;
};

struct room_cache {
    struct room_cache_config config;
    struct lru *rooms; /* room id -> struct entry */
    uint64_t gather_ms;
    uint64_t old[ROOM_STORE_SOME_MAX]; /* to be looked up */
    size_t old_count;
    uint64_t timer;
};

struct look_up {
    struct room_cache *cache;
    uint64_t ids[ROOM_STORE_SOME_MAX];
    size_t count;
};

struct room_cache *room_cache_new(const struct room_cache_config *config)
{
    struct room_cache *cache = mem_alloc(sizeof(*cache));
    cache->config = *config;
    cache->gather_ms = config->age_ms / GATHERED_PART;
    cache->rooms = lru_new(sizeof(uint64_t), sizeof(struct entry), config->rooms_max);
    return cache;
}

void room_cache_free(struct room_cache **cache)
{
    if (*cache != NULL) {
        clock_cancel((*cache)->config.clock, (*cache)->timer);
        lru_free(&(*cache)->rooms);
        mem_free(cache);
    }
}

static void write_entry(struct room_cache *cache, struct entry *entry, const struct room *room)
{
    const uint64_t age_ms = cache->config.age_ms;
    const uint64_t spread_ms = randombytes_uniform((uint32_t)(age_ms / SPREAD));
    entry->room = *room;
    entry->looked_up = false;
    entry->old_ms = clock_mono_ms(cache->config.clock) + age_ms - spread_ms - cache->gather_ms;
}

void room_cache_put(struct room_cache *cache, const struct room *room)
{
    bool added;
    write_entry(cache, lru_put(cache->rooms, &room->id, &added), room);
}

bool room_cache_note_use(struct room_cache *cache, uint64_t room_id, uint64_t every_ms)
{
    const uint64_t now_ms = clock_mono_ms(cache->config.clock);
    struct entry *entry = lru_find(cache->rooms, &room_id);
    if (entry == NULL || (entry->is_noted && now_ms - entry->noted_ms < every_ms)) {
        return false;
    }
    entry->is_noted = true;
    entry->noted_ms = now_ms;
    return true;
}

void room_cache_remove(struct room_cache *cache, uint64_t room_id)
{
    lru_remove(cache->rooms, &room_id);
}

static const struct room *room_of(uint64_t id, const struct room *rooms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rooms[i].id == id) {
            return &rooms[i];
        }
    }
    return NULL;
}

static void on_looked_up(void *arg, enum err err, const struct room *rooms, size_t count)
{
    struct look_up *look_up = arg;
    struct room_cache *cache = look_up->cache;
    for (size_t i = 0; i < look_up->count; i++) {
        struct entry *entry = lru_find(cache->rooms, &look_up->ids[i]);
        const struct room *room = room_of(look_up->ids[i], rooms, count);
        if (entry == NULL) {
            continue;
        }
        if (err != ERR_OK) {
            entry->looked_up = false;
        } else if (room != NULL) {
            write_entry(cache, entry, room);
        } else {
            room_cache_remove(cache, look_up->ids[i]);
        }
    }
    mem_free(&look_up);
}

static void look_up_old(void *arg)
{
    struct room_cache *cache = arg;
    const struct room_store *store = &cache->config.store;
    const uint64_t until_ms = clock_mono_ms(cache->config.clock) + LOOK_UP_MS;
    struct look_up *look_up = mem_alloc(sizeof(*look_up));
    *look_up = (struct look_up){.cache = cache, .count = cache->old_count};
    memcpy(look_up->ids, cache->old, cache->old_count * sizeof(cache->old[0]));
    clock_cancel(cache->config.clock, cache->timer);
    cache->timer = 0;
    cache->old_count = 0;
    enum err err = store->ops->find_some(store->self, look_up->ids, look_up->count, until_ms,
                                         on_looked_up, look_up);
    if (err != ERR_OK) {
        on_looked_up(look_up, err, NULL, 0);
    }
}

static void note_old(struct room_cache *cache, struct entry *entry)
{
    entry->looked_up = true;
    cache->old[cache->old_count++] = entry->room.id;
    if (cache->old_count == ROOM_STORE_SOME_MAX) {
        look_up_old(cache);
    } else if (cache->old_count == 1) {
        cache->timer = clock_after(cache->config.clock, cache->gather_ms, look_up_old, cache);
    }
}

const struct room *room_cache_find(struct room_cache *cache, uint64_t room_id)
{
    struct entry *entry = lru_find(cache->rooms, &room_id);
    if (entry == NULL) {
        return NULL;
    }
    if (!entry->looked_up && clock_mono_ms(cache->config.clock) >= entry->old_ms) {
        note_old(cache, entry);
    }
    return &entry->room;
}
