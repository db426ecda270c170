#include "gateway/api/api.h"

#include "gateway/api/bans.h"
#include "gateway/api/ice_servers.h"
#include "gateway/api/info.h"
#include "gateway/api/invitations.h"
#include "gateway/api/join_info.h"
#include "gateway/api/managed_users.h"
#include "gateway/api/messages.h"
#include "gateway/api/moderation.h"
#include "gateway/api/participants.h"
#include "gateway/api/rooms.h"
#include "gateway/api/rtc.h"
#include "gateway/api/rtc_limits.h"
#include "gateway/api/sessions.h"
#include "gateway/api/stats_api.h"
#include "gateway/api/stream_keys.h"
#include "gateway/api/users.h"
#include "gateway/api/watch.h"
#include "gateway/api/whip.h"
#include "gateway/http/dispatcher.h"
#include "gateway/turn/turn.h"

struct api {
    struct auth *auth;
    struct turn *turn;
    struct sign_ins *sign_ins;
    struct user_limit *creates, *names;
    struct room_limits *room_limits;
    struct rtc_limits *rtc_limits;
    struct original *original;
    struct rooms_api *rooms;
    struct invitations_api *invitations;
    struct stream_keys_api *stream_keys;
    struct sessions_api *sessions;
    struct users_api *users;
    struct registration *registration;
    struct events_api *events;
    struct room_events_api *room_events;
    struct info *info;
    struct resource resources[22];
    struct dispatcher *dispatcher;
};

static void list_resources(struct api *api, struct health *health)
{
    api->resources[0] = original_resource(api->original);
    api->resources[1] = sessions_api_resource(api->sessions);
    api->resources[2] = users_api_resource(api->users);
    api->resources[3] = managed_users_resource();
    api->resources[4] = registration_resource(api->registration);
    api->resources[5] = events_api_resource(api->events);
    api->resources[6] = rooms_api_resource(api->rooms);
    api->resources[7] = participants_resource(api->room_limits);
    api->resources[8] = room_events_api_resource(api->room_events);
    api->resources[9] = invitations_api_resource(api->invitations);
    api->resources[10] = join_info_resource();
    api->resources[11] = moderation_resource();
    api->resources[12] = bans_resource();
    api->resources[13] = messages_resource();
    api->resources[14] = rtc_resource(api->rtc_limits);
    api->resources[15] = watch_resource();
    api->resources[16] = info_resource(api->info);
    api->resources[17] = stats_api_resource(health);
    api->resources[18] = ice_servers_resource();
    api->resources[19] = stream_keys_api_resource(api->stream_keys);
    api->resources[20] = whip_resource(api->rtc_limits);
    api->resources[21] = whep_resource(api->rtc_limits);
}

static void make_rooms(struct api *api, const struct api_config *config)
{
    api->rooms = rooms_api_new(
        &(struct rooms_api_limits){.creates = api->creates, .names = api->names}, &config->url);
    api->invitations = invitations_api_new(&config->url);
    api->stream_keys = stream_keys_api_new(&config->url);
}

struct api *api_new(const struct api_parts *parts, const struct api_config *config)
{
    struct api *api = mem_alloc(sizeof(*api));
    api->auth = auth_new(parts->clock, parts->metrics, &config->auth);
    if (api->auth == NULL) {
        log_error("the key of tokens is none (LYNKS_TOKEN_KEY)");
        api_free(&api);
        return NULL;
    }
    struct str bad;
    api->turn = turn_new(config->turn_urls, config->turn_secret, config->turn_credentials_s, &bad);
    if (api->turn == NULL) {
        log_error("there is no using this for TURN (LYNKS_TURN_URLS, LYNKS_TURN_SECRET)",
                  LOG_STR("url", bad));
        api_free(&api);
        return NULL;
    }
    api->sign_ins = sign_ins_new(parts->clock, parts->metrics, &config->sign_ins);
    api->creates = user_limit_new(parts->clock, parts->metrics, &config->creates,
                                  "lynks_gateway_limited_creates_total",
                                  "Rooms not made because their user has made too many of late.");
    api->names = user_limit_new(parts->clock, parts->metrics, &config->names,
                                "lynks_gateway_limited_names_total",
                                "Members and owners not looked for because their user has named "
                                "too many of late.");
    api->room_limits = room_limits_new(parts->clock, parts->metrics, &config->room_limits);
    api->rtc_limits = rtc_limits_new(parts->clock, parts->metrics);
    const struct original_parts original = {
        .clock = parts->clock, .sign_ins = api->sign_ins, .creates = api->creates};
    api->original = original_new(&original);
    api->sessions = sessions_api_new(api->sign_ins);
    api->users = users_api_new(api->sign_ins);
    api->registration = registration_new(parts->clock, parts->metrics, &config->registration);
    api->info = info_new(&(struct info_config){.takes_cors = config->cors_origins[0] != '\0',
                                               .takes_registration = config->registration.is_open});
    const struct events_parts events = {.clock = parts->clock,
                                        .metrics = parts->metrics,
                                        .sessions = parts->sessions,
                                        .meetings = parts->meetings};
    api->events = events_api_new(
        &events, &(struct events_config){.users_max = config->streams_max,
                                         .per_user_max = config->streams_per_user_max});
    const struct room_events_parts room_events = {.clock = parts->clock,
                                                  .metrics = parts->metrics,
                                                  .rooms = parts->rooms,
                                                  .presence = parts->presence,
                                                  .hints = parts->hints};
    api->room_events = room_events_api_new(&room_events, &config->room_visits);
    make_rooms(api, config);
    list_resources(api, parts->health);
    api->dispatcher = dispatcher_new(
        parts->metrics, &(struct dispatcher_config){
                            .exchanges = {.clock = parts->clock,
                                          .bus = parts->bus,
                                          .budget_ms = config->budget_ms,
                                          .cors_origins = config->cors_origins,
                                          .auth = api->auth,
                                          .turn = api->turn,
                                          .files = config->files,
                                          .content_policy = config->content_policy,
                                          .guard = room_limits_guard(api->room_limits)},
                            .url = &config->url,
                            .resources = api->resources,
                            .count = ARRAY_LEN(api->resources),
                        });
    if (api->dispatcher == NULL) {
        api_free(&api);
        return NULL;
    }
    info_describe(api->info, dispatcher_routes(api->dispatcher), &config->url);
    return api;
}

void api_free(struct api **api)
{
    if (*api != NULL) {
        dispatcher_free(&(*api)->dispatcher);
        original_free(&(*api)->original);
        user_limit_free(&(*api)->creates);
        user_limit_free(&(*api)->names);
        sessions_api_free(&(*api)->sessions);
        users_api_free(&(*api)->users);
        registration_free(&(*api)->registration);
        events_api_free(&(*api)->events);
        room_events_api_free(&(*api)->room_events);
        rooms_api_free(&(*api)->rooms);
        invitations_api_free(&(*api)->invitations);
        stream_keys_api_free(&(*api)->stream_keys);
        room_limits_free(&(*api)->room_limits);
        rtc_limits_free(&(*api)->rtc_limits);
        sign_ins_free(&(*api)->sign_ins);
        info_free(&(*api)->info);
        turn_free(&(*api)->turn);
        auth_free(&(*api)->auth);
        mem_free(api);
    }
}

void api_handle(struct api *api, struct request *request)
{
    dispatcher_handle(api->dispatcher, request);
}

void api_drain(struct api *api)
{
    room_events_api_drain(api->room_events);
}

bool api_wants_stream(const struct api *api, struct str method, struct str path)
{
    return dispatcher_wants_stream(api->dispatcher, method, path);
}

size_t api_body_bytes_max(const struct api *api, struct str method, struct str path)
{
    return dispatcher_body_bytes_max(api->dispatcher, method, path);
}
