#include "roomsvc/wiring.h"

#include "roomsvc/room/removals.h"
#include "roomsvc/room/room_ends.h"
#include "roomsvc/room/room_enter.h"
#include "roomsvc/room/room_life.h"
#include "roomsvc/store/journal_store_mysql.h"
#include "roomsvc/store/end_store_mysql.h"
#include "roomsvc/store/leftover_store_mysql.h"
#include "roomsvc/store/life_store_mysql.h"
#include "roomsvc/store/moderation_store_mysql.h"
#include "roomsvc/store/stats_store_mysql.h"
#include "roomsvc/store/node_store_mysql.h"
#include "roomsvc/store/presence_store_mysql.h"
#include "roomsvc/store/participant_store_mysql.h"
#include "roomsvc/store/removal_store_mysql.h"
#include "roomsvc/store/room_store_mysql.h"

static const char *const callers[] = {"gateway", "janusbridge", "admin", NULL};

static const char *const listeners[] = {"gateway", NULL};

static bool set_up_news(struct wiring *w, const struct roomsvc_config *config)
{
    struct bus_publisher *publisher = NULL;
    if (config->events_bind[0] != '\0' &&
        (publisher = service_publish(w->service, config->events_bind, listeners)) == NULL) {
        return false;
    }
    w->news = room_news_new(service_clock(w->service), service_metrics(w->service), publisher);
    return true;
}

static void set_up_nodes(struct wiring *w, const struct roomsvc_config *config)
{
    struct service *service = w->service;
    const struct clock *clock = service_clock(service);
    struct metrics *metrics = service_metrics(service);
    const struct node_fence_parts fence = {
        .clock = clock, .metrics = metrics, .health = service_health(service)};
    w->fence = node_fence_new(&fence);
    w->roomsvc.nodes =
        (struct nodes){.clock = clock, .store = node_store_mysql(w->db), .fence = w->fence};
    const struct follow_parts follow = {
        .clock = clock, .bus = service_bus(service), .metrics = metrics, .fence = w->fence};
    w->roomsvc.follow = follow_new(&follow, config->room_cache_max);
}

static void set_up_rooms(struct wiring *w, const struct roomsvc_config *config)
{
    struct metrics *metrics = service_metrics(w->service);
    const struct rooms_parts parts = {.clock = service_clock(w->service),
                                      .bus = service_bus(w->service),
                                      .store = room_store_mysql(w->db),
                                      .life = life_store_mysql(w->db),
                                      .metrics = metrics,
                                      .fence = w->fence,
                                      .follow = w->roomsvc.follow};
    const struct rooms_config rooms = {.standard_room = config->standard_room,
                                       .node = config->room_node,
                                       .publishers_max = config->publishers_max,
                                       .rooms_max = config->rooms_max,
                                       .idle_ms = config->room_idle_s * 1000,
                                       .cache_max = config->room_cache_max,
                                       .cache_ms = config->room_cache_ms};
    w->roomsvc.rooms = rooms_new(&parts, &rooms);
    w->life = room_life_new(w->roomsvc.rooms, parts.life, metrics);
    w->ends = room_ends_new(w->roomsvc.rooms, end_store_mysql(&w->managed), w->news, metrics);
    w->enters = room_enters_new(w->roomsvc.rooms);
    w->removals =
        removals_new(w->roomsvc.rooms, removal_store_mysql(w->commands_db), w->news, metrics);
}

static void set_up_managed_rooms(struct wiring *w, const struct roomsvc_config *config)
{
    w->managed =
        (struct managed_db){.pool = w->commands_db,
                            .limits = {.standard_room = config->standard_room,
                                       .node = config->room_node,
                                       .publishers_max = config->publishers_max,
                                       .rooms_of_user_max = config->user_rooms_max,
                                       .members_max = config->members_max,
                                       .address_participants_max = config->address_participants_max,
                                       .user_participants_max = config->user_participants_max}};
    const struct managed_rooms_parts parts = {.clock = service_clock(w->service),
                                              .store = managed_store_mysql(&w->managed),
                                              .cache = w->roomsvc.rooms->cache,
                                              .news = w->news,
                                              .metrics = service_metrics(w->service),
                                              .enter = room_enter,
                                              .enter_arg = w->enters};
    w->roomsvc.managed = managed_rooms_new(&parts);
}

static void set_up_presence(struct wiring *w, const struct roomsvc_config *config)
{
    const struct clock *clock = service_clock(w->service);
    struct metrics *metrics = service_metrics(w->service);
    w->roomsvc.presence = presence_reports_new(clock, presence_store_mysql(w->db), metrics);
    w->out_db = (struct out_db){.pool = w->db, .commands = w->commands_db};
    const struct take_outs_parts parts = {
        .clock = clock, .store = out_store_mysql(&w->out_db), .news = w->news, .metrics = metrics};
    w->absences = absences_new(&parts, w->roomsvc.presence, config->away_s * 1000);
    w->session_ends = session_ends_new(&parts);
    w->long_waits = long_waits_new(&parts);
    w->stream_key_ends = stream_key_ends_new(&parts);
    w->leftovers = leftovers_new(clock, leftover_store_mysql(w->db), metrics);
}

static void set_up_participants(struct wiring *w)
{
    struct metrics *metrics = service_metrics(w->service);
    const struct participants_parts parts = {.clock = service_clock(w->service),
                                             .store = participant_store_mysql(&w->managed),
                                             .news = w->news,
                                             .metrics = metrics,
                                             .enter = room_enter,
                                             .enter_arg = w->enters};
    w->roomsvc.participants = participants_new(&parts);
    w->roomsvc.reads =
        journal_reads_new(service_clock(w->service), metrics, journal_store_mysql(w->db));
    w->roomsvc.stats = room_stats_new(service_clock(w->service), stats_store_mysql(w->db));
    w->roomsvc.moderation =
        moderation_reads_new(service_clock(w->service), metrics, moderation_store_mysql(w->db));
}

static void set_up_rtc(struct wiring *w)
{
    w->rtc_db = (struct rtc_db){.pool = w->db, .commands = w->commands_db};
    const struct rtc_rows_parts parts = {.clock = service_clock(w->service),
                                         .store = rtc_store_mysql(&w->rtc_db),
                                         .news = w->news,
                                         .metrics = service_metrics(w->service)};
    w->roomsvc.rtc = rtc_rows_new(&parts);
}

bool wiring_set_up(struct wiring *w, const struct roomsvc_config *config)
{
    w->service = service_new("roomsvc", &config->service);
    if (w->service == NULL ||
        !service_connect(w->service, SERVICE_JANUSBRIDGE, config->janusbridge_address) ||
        !set_up_news(w, config)) {
        return false;
    }
    const struct db_pool_config db = {.name = "roomsvc-db",
                                      .db = &config->db,
                                      .threads = (unsigned)config->db_threads,
                                      .queue_max = config->db_queue_max};
    struct db_pool_config commands_db = db;
    commands_db.name = "rooms-db";
    w->db = db_pool_new(service_loop(w->service), service_metrics(w->service),
                        service_health(w->service), &db);
    w->commands_db = db_pool_new(service_loop(w->service), service_metrics(w->service),
                                 /* health= */ NULL, &commands_db);
    set_up_nodes(w, config);
    set_up_rooms(w, config);
    set_up_managed_rooms(w, config);
    set_up_presence(w, config);
    set_up_participants(w);
    set_up_rtc(w);
    return roomsvc_subscribe(&w->roomsvc, w->service, config->janusbridge_events) &&
           service_serve(w->service, &config->bind, callers, roomsvc_handlers, &w->roomsvc);
}

void wiring_free(struct wiring *w)
{
    db_pool_free(&w->db);
    db_pool_free(&w->commands_db);
    leftovers_free(&w->leftovers);
    take_outs_free(&w->long_waits);
    take_outs_free(&w->stream_key_ends);
    session_ends_free(&w->session_ends);
    absences_free(&w->absences);
    presence_reports_free(&w->roomsvc.presence);
    rtc_rows_free(&w->roomsvc.rtc);
    removals_free(&w->removals);
    managed_rooms_free(&w->roomsvc.managed);
    participants_free(&w->roomsvc.participants);
    journal_reads_free(&w->roomsvc.reads);
    moderation_reads_free(&w->roomsvc.moderation);
    room_stats_free(&w->roomsvc.stats);
    room_enters_free(&w->enters);
    room_ends_free(&w->ends);
    room_life_free(&w->life);
    rooms_free(&w->roomsvc.rooms);
    follow_free(&w->roomsvc.follow);
    node_fence_free(&w->fence);
    room_news_free(&w->news);
    service_free(&w->service);
}
