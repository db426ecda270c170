#include "roomsvc/config.h"
#include "roomsvc/room/room_life.h"
#include "roomsvc/roomsvc.h"
#include "roomsvc/store/life_store_mysql.h"
#include "roomsvc/store/node_store_mysql.h"
#include "roomsvc/store/room_store_mysql.h"

static const char *const callers[] = {"gateway", "janusbridge", NULL};

/* In reverse: rooms before the database, both before the loop. */
struct parts {
    struct service *service;
    struct db_pool *db;
    struct node_fence *fence;
    struct roomsvc roomsvc;
    struct room_life *life;
};

static bool set_up_roomsvc(struct parts *parts, const struct roomsvc_config *config)
{
    parts->service = service_new("roomsvc", &config->service);
    if (parts->service == NULL ||
        !service_connect(parts->service, SERVICE_JANUSBRIDGE, config->janusbridge_address)) {
        return false;
    }
    const struct clock *clock = service_clock(parts->service);
    struct metrics *metrics = service_metrics(parts->service);
    struct health *health = service_health(parts->service);
    const struct bus *bus = service_bus(parts->service);
    const struct db_pool_config db = {.name = "roomsvc-db",
                                      .db = &config->db,
                                      .threads = (unsigned)config->db_threads,
                                      .queue_max = config->db_queue_max};
    parts->db = db_pool_new(service_loop(parts->service), metrics, health, &db);
    const struct node_fence_parts fence = {.clock = clock, .metrics = metrics, .health = health};
    parts->fence = node_fence_new(&fence);
    const struct follow_parts follow = {
        .clock = clock, .bus = bus, .metrics = metrics, .fence = parts->fence};
    parts->roomsvc.follow = follow_new(&follow, config->room_cache_max);
    const struct rooms_parts rooms = {.clock = clock,
                                      .bus = bus,
                                      .store = room_store_mysql(parts->db),
                                      .life = life_store_mysql(parts->db),
                                      .metrics = metrics,
                                      .fence = parts->fence,
                                      .follow = parts->roomsvc.follow};
    const struct rooms_config rooms_config = {.standard_room = config->standard_room,
                                              .node = config->room_node,
                                              .publishers_max = config->publishers_max,
                                              .rooms_max = config->rooms_max,
                                              .idle_ms = config->room_idle_s * 1000,
                                              .cache_max = config->room_cache_max,
                                              .cache_ms = config->room_cache_ms};
    parts->roomsvc.rooms = rooms_new(&rooms, &rooms_config);
    parts->life = room_life_new(parts->roomsvc.rooms, rooms.life, metrics);
    parts->roomsvc.nodes =
        (struct nodes){.clock = clock, .store = node_store_mysql(parts->db), .fence = parts->fence};
    return roomsvc_subscribe(&parts->roomsvc, parts->service, config->janusbridge_events) &&
           service_serve(parts->service, &config->bind, callers, roomsvc_handlers, &parts->roomsvc);
}

int main(int argc, char **argv)
{
    struct roomsvc_config config = {0};
    struct parts parts = {0};
    enum config_outcome outcome = config_load(&config, "roomsvc", roomsvc_options, argc, argv);
    if (outcome != CONFIG_RUN) {
        return config_exit_code(outcome);
    }
    int exit_code = set_up_roomsvc(&parts, &config) ? service_run(parts.service) : EXIT_FAILED;
    db_pool_free(&parts.db);
    room_life_free(&parts.life);
    rooms_free(&parts.roomsvc.rooms);
    follow_free(&parts.roomsvc.follow);
    node_fence_free(&parts.fence);
    service_free(&parts.service);
    config_free(&config, roomsvc_options);
    return exit_code;
}
