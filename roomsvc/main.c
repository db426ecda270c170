#include "roomsvc/config.h"
#include "roomsvc/roomsvc.h"
#include "roomsvc/store/node_store_mysql.h"
#include "roomsvc/store/room_store_mysql.h"

static const char *const callers[] = {"gateway", "janusbridge", NULL};

/* In reverse: rooms before the database, both before the loop. */
struct parts {
    struct service *service;
    struct db_pool *db;
    struct node_fence *fence;
    struct roomsvc roomsvc;
};

static bool set_up_roomsvc(struct parts *parts, const struct roomsvc_config *config)
{
    parts->service = service_new("roomsvc", &config->service);
    if (parts->service == NULL ||
        !service_connect(parts->service, SERVICE_JANUSBRIDGE, config->janusbridge_address)) {
        return false;
    }
    const struct db_pool_config db = {.name = "roomsvc-db",
                                      .db = &config->db,
                                      .threads = (unsigned)config->db_threads,
                                      .queue_max = config->db_queue_max};
    parts->db = db_pool_new(service_loop(parts->service), service_metrics(parts->service),
                            service_health(parts->service), &db);
    const struct node_fence_parts fence = {.clock = service_clock(parts->service),
                                           .metrics = service_metrics(parts->service),
                                           .health = service_health(parts->service)};
    parts->fence = node_fence_new(&fence);
    const struct follow_parts follow = {.clock = service_clock(parts->service),
                                        .bus = service_bus(parts->service),
                                        .metrics = service_metrics(parts->service),
                                        .fence = parts->fence};
    parts->roomsvc.follow = follow_new(&follow, config->room_cache_max);
    const struct rooms_parts rooms = {.clock = service_clock(parts->service),
                                      .bus = service_bus(parts->service),
                                      .store = room_store_mysql(parts->db),
                                      .metrics = service_metrics(parts->service),
                                      .fence = parts->fence,
                                      .follow = parts->roomsvc.follow};
    const struct rooms_config rooms_config = {.standard_room = config->standard_room,
                                              .node = config->room_node,
                                              .publishers_max = config->publishers_max,
                                              .rooms_max = config->rooms_max,
                                              .cache_max = config->room_cache_max,
                                              .cache_ms = config->room_cache_ms};
    parts->roomsvc.rooms = rooms_new(&rooms, &rooms_config);
    parts->roomsvc.nodes = (struct nodes){.clock = service_clock(parts->service),
                                          .store = node_store_mysql(parts->db),
                                          .fence = parts->fence};
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
    rooms_free(&parts.roomsvc.rooms);
    follow_free(&parts.roomsvc.follow);
    node_fence_free(&parts.fence);
    service_free(&parts.service);
    config_free(&config, roomsvc_options);
    return exit_code;
}
