#include "roomsvc/room/room_use.h"

#define GATHER_MS 50
#define AGAIN_MS 1000

struct room_use {
    struct room_use_config config;
    uint64_t ids[ROOM_USE_WAITING_MAX]; /* the first of them on their way */
    size_t count;
    size_t on_way;
    uint64_t timer;
};

static void use_send(void *arg);

static void use_on_noted(void *arg, enum err err)
{
    struct room_use *use = arg;
    if (err == ERR_OK) {
        use->count -= use->on_way;
        memmove(use->ids, use->ids + use->on_way, use->count * sizeof(use->ids[0]));
    }
    use->on_way = 0;
    if (use->count > 0) {
        use->timer = clock_after(use->config.clock, err == ERR_OK ? 0 : AGAIN_MS, use_send, use);
    }
}

static void use_send(void *arg)
{
    struct room_use *use = arg;
    const struct life_store *store = &use->config.store;
    use->timer = 0;
    use->on_way = use->count < LIFE_STORE_USED_MAX ? use->count : LIFE_STORE_USED_MAX;
    const enum err err = store->ops->use(store->self, use->ids, use->on_way, use_on_noted, use);
    if (err != ERR_OK) {
        use_on_noted(use, err);
    }
}

struct room_use *room_use_new(const struct room_use_config *config)
{
    struct room_use *use = mem_alloc(sizeof(*use));
    use->config = *config;
    return use;
}

void room_use_free(struct room_use **use)
{
    if (*use != NULL) {
        clock_cancel((*use)->config.clock, (*use)->timer);
        mem_free(use);
    }
}

void room_use_note(struct room_use *use, uint64_t room_id)
{
    if (use->count == ROOM_USE_WAITING_MAX ||
        !room_cache_note_use(use->config.cache, room_id, use->config.every_ms)) {
        return;
    }
    use->ids[use->count++] = room_id;
    if (use->timer == 0 && use->on_way == 0) {
        use->timer = clock_after(use->config.clock, GATHER_MS, use_send, use);
    }
}
