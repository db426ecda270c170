#include "roomsvc/room/rooms.h"

#define COUNT_INTERVAL_MS 10000

void rooms_make_in_janus(struct rooms *rooms, struct bridge_call *call,
                         const struct call_context *context, const struct room *room,
                         bus_reply_fn *fn, void *arg)
{
    const struct msg request = {
        .id = MSG_bridge_create,
        .bridge_create = {.room_id = room->id,
                          .secret = str_of(room->secret),
                          .description = STR_NONE,
                          .publishers_max = room->publishers_max,
                          .pin = str_of(room->janus_pin),
                          .node = str_of(room->node)},
    };
    bridge_call_start(call, &rooms->bridge, context, &request, fn, arg);
}

static void count_rooms(void *arg);

static void on_counted(void *arg, enum err err, uint64_t count)
{
    struct rooms *rooms = arg;
    if (err == ERR_OK) {
        rooms->open_rooms = count;
        metric_set(rooms->open_rooms_gauge, (int64_t)count);
    }
}

static void count_rooms(void *arg)
{
    struct rooms *rooms = arg;
    rooms->count_timer = clock_after(rooms->clock, COUNT_INTERVAL_MS, count_rooms, rooms);
    /* Not counted this time is counted the next. */
    (void)rooms->store.ops->count(rooms->store.self, on_counted, rooms);
}

struct rooms *rooms_new(const struct rooms_parts *parts, const struct rooms_config *config)
{
    struct rooms *rooms = mem_alloc(sizeof(*rooms));
    rooms->config = *config;
    rooms->clock = parts->clock;
    rooms->store = parts->store;
    rooms->bridge =
        (struct bridge_calls){.clock = parts->clock, .bus = parts->bus, .fence = parts->fence};
    rooms->follow = parts->follow;
    const struct room_cache_config cache = {.clock = parts->clock,
                                            .store = parts->store,
                                            .rooms_max = config->cache_max,
                                            .age_ms = config->cache_ms};
    rooms->cache = room_cache_new(&cache);
    rooms->look_ms = config->idle_ms / ROOMS_LOOKS;
    if (config->idle_ms > 0) {
        const struct room_use_config use = {.clock = parts->clock,
                                            .store = parts->life,
                                            .cache = rooms->cache,
                                            .every_ms = rooms->look_ms};
        rooms->use = room_use_new(&use);
    }
    rooms->restored = metrics_counter(parts->metrics, "lynks_rooms_restored_total",
                                      "Rooms made again because Janus had lost them.", NULL);
    rooms->refused = metrics_counter(parts->metrics, "lynks_rooms_refused_total",
                                     "Rooms not made because of LYNKS_ROOMS_MAX.", NULL);
    rooms->open_rooms_gauge =
        metrics_gauge(parts->metrics, "lynks_rooms_open", "Open rooms in the registry.", NULL);
    count_rooms(rooms);
    return rooms;
}

void rooms_free(struct rooms **rooms)
{
    if (*rooms != NULL) {
        clock_cancel((*rooms)->clock, (*rooms)->count_timer);
        room_use_free(&(*rooms)->use);
        room_cache_free(&(*rooms)->cache);
        mem_free(rooms);
    }
}
