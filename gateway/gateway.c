#include "gateway/gateway.h"

#include <stdlib.h>
#include <strings.h>

#include "gateway/api/api.h"
#include "gateway/api/room_events_json.h"
#include "gateway/api/rtc_hint_json.h"
#include "gateway/descriptors.h"
#include "gateway/follow/presence.h"
#include "gateway/follow/rtc_hints.h"
#include "gateway/follow/user_meetings.h"
#include "gateway/follow/room_follow.h"
#include "gateway/http/content_policy.h"
#include "gateway/http/files.h"
#include "gateway/http/proxies.h"
#include "gateway/http/stray_forwarders.h"
#include "proto/http/http_listen.h"
#include "proto/http/httpd.h"
#include "proto/base/log.h"

/* Lines of X-Forwarded-For that are looked at, the last ones. */
#define FORWARDED_LINES_MAX 8
/* How long clients may still bring requests on connections that are there when it drains. */
#define DRAIN_PATIENCE_MS 1000
/* A reader of a stream that takes nothing of what is there is given up after this. */
#define STREAM_STALL_MS 20000

struct gateway {
    struct proxies *proxies;
    struct session_follow *sessions; /* that have streams */
    struct news_watch *news;         /* of roomsvc's replicas */
    struct room_follow *rooms;       /* likewise */
    struct room_encoder encoder;     /* of what happens in them */
    char *public_url;
    struct presence *presence;      /* who has a stream of a room */
    struct user_meetings *meetings; /* of users who have streams */
    struct rtc_hints *hints;        /* for participants who have a stream of a room */
    struct files *files;            /* of the web client; NULL: it is not served */
    char *content_policy;           /* of its files */
    struct api *api;
    struct httpd *httpd;
    const struct clock *clock;
    struct stray_forwarders *strays;
    uint64_t drain_patience_ms;
    unsigned connections_max, streams_max;
};

/* A request on its way from the server to the API and back. */
struct visit {
    struct request request;
    struct httpd_request *httpd;
};

static const char *visit_header(struct request *request, const char *name)
{
    const struct visit *visit = CONTAINER_OF(request, struct visit, request);
    return httpd_header(visit->httpd, name);
}

static bool visit_can_stream(struct request *request)
{
    const struct visit *visit = CONTAINER_OF(request, struct visit, request);
    return httpd_can_stream(visit->httpd);
}

static struct http_response *visit_again(struct request *request)
{
    const struct visit *visit = CONTAINER_OF(request, struct visit, request);
    return httpd_again(visit->httpd);
}

static void finish_visit(struct request *request, struct http_response **response)
{
    struct visit *visit = CONTAINER_OF(request, struct visit, request);
    httpd_respond(visit->httpd, response);
    free(visit);
}

static const struct request_ops visit_ops = {.header = visit_header,
                                             .can_stream = visit_can_stream,
                                             .again = visit_again,
                                             .finish = finish_visit};

/* What a trusted proxy says of a request. */
struct forwarded {
    struct str lines[FORWARDED_LINES_MAX];
    size_t count; /* of all lines; the last ones are kept, line i at i modulo the maximum */
    struct str id;
    size_t id_count;
};

static void keep_forwarded(void *arg, struct str name, struct str value)
{
    struct forwarded *forwarded = arg;
    struct str line = STR_LIT("X-Forwarded-For"), id = STR_LIT("X-Request-Id");
    if (name.bytes == line.bytes && strncasecmp(name.data, line.data, name.bytes) == 0) {
        forwarded->lines[forwarded->count++ % FORWARDED_LINES_MAX] = value;
    } else if (name.bytes == id.bytes && strncasecmp(name.data, id.data, name.bytes) == 0) {
        forwarded->id = value;
        forwarded->id_count++;
    }
}

/* Whose request it is, and its id, where a trusted proxy tells. Of two ids one may be the client's.
 */
static void read_forwarded(struct gateway *gateway, const struct httpd_request *request,
                           struct request *ret_request)
{
    struct forwarded forwarded = {.count = 0};
    uint8_t *client = ret_request->client;
    httpd_peer(request, client);
    if (!proxies_has(gateway->proxies, client)) {
        if (httpd_header(request, "X-Forwarded-For") != NULL) {
            stray_forwarders_see(gateway->strays, client);
        }
        return;
    }
    httpd_each_header(request, keep_forwarded, &forwarded);
    ret_request->proxy_id = forwarded.id_count == 1 ? forwarded.id : STR_NONE;
    for (size_t i = 0; i < forwarded.count && i < FORWARDED_LINES_MAX; i++) {
        size_t line = (forwarded.count - 1 - i) % FORWARDED_LINES_MAX;
        if (!proxies_follow(gateway->proxies, forwarded.lines[line], client)) {
            return;
        }
    }
}

static void on_http_request(void *arg, struct httpd_request *httpd, enum err error)
{
    struct gateway *gateway = arg;
    struct visit *visit = mem_alloc(sizeof(*visit));
    visit->httpd = httpd;
    visit->request = (struct request){
        .ops = &visit_ops,
        .method = httpd_method(httpd),
        .path = httpd_path(httpd),
        .query = httpd_query(httpd),
        .body = httpd_body(httpd),
        .error = error,
    };
    read_forwarded(gateway, httpd, &visit->request);
    api_handle(gateway->api, &visit->request);
}

static bool wants_stream(void *arg, struct str method, struct str path)
{
    const struct gateway *gateway = arg;
    return api_wants_stream(gateway->api, method, path);
}

static size_t larger_body_bytes_max(void *arg, struct str method, struct str path)
{
    const struct gateway *gateway = arg;
    return api_body_bytes_max(gateway->api, method, path);
}

/* ---- what authsvc publishes ---- */

static void on_authsvc_event(void *arg, const char *endpoint, const struct msg *msg,
                             uint64_t number, bool is_next)
{
    const struct gateway *gateway = arg;
    (void)number;
    session_follow_hear(gateway->sessions, endpoint, msg, is_next);
}

static void on_authsvc_gone(void *arg, const char *endpoint)
{
    const struct gateway *gateway = arg;
    session_follow_leave(gateway->sessions, endpoint);
}

/* ---- what roomsvc publishes ---- */

static void on_roomsvc_event(void *arg, const char *endpoint, const struct msg *msg,
                             uint64_t number, bool is_next)
{
    const struct gateway *gateway = arg;
    (void)number;
    room_follow_hear(gateway->rooms, msg);
    user_meetings_hear(gateway->meetings, msg);
    news_watch_hear(gateway->news, endpoint, is_next);
}

static void on_roomsvc_gone(void *arg, const char *endpoint)
{
    const struct gateway *gateway = arg;
    news_watch_leave(gateway->news, endpoint);
}

/* ---- what janusbridge publishes ---- */

static void on_janusbridge_event(void *arg, const char *endpoint, const struct msg *msg,
                                 uint64_t number, bool is_next)
{
    const struct gateway *gateway = arg;
    (void)endpoint;
    (void)number;
    (void)is_next; /* who may have missed a hint asks */
    rtc_hints_hear(gateway->hints, msg);
}

static bool subscribe_to(struct service *service, const struct bus_subscriptions_config *events)
{
    return events->address[0] == '\0' || service_subscribe(service, events);
}

bool gateway_subscribe(struct gateway *gateway, struct service *service,
                       const struct gateway_config *config)
{
    const struct bus_subscriptions_config authsvc = {.address = config->authsvc_events,
                                                     .role = "authsvc",
                                                     .on_event = on_authsvc_event,
                                                     .on_gone = on_authsvc_gone,
                                                     .arg = gateway};
    const struct bus_subscriptions_config roomsvc = {.address = config->roomsvc_events,
                                                     .role = "roomsvc",
                                                     .on_event = on_roomsvc_event,
                                                     .on_gone = on_roomsvc_gone,
                                                     .arg = gateway};
    const struct bus_subscriptions_config janusbridge = {.address = config->janusbridge_events,
                                                         .role = "janusbridge",
                                                         .on_event = on_janusbridge_event,
                                                         .arg = gateway};
    return subscribe_to(service, &authsvc) && subscribe_to(service, &roomsvc) &&
           subscribe_to(service, &janusbridge);
}

/* ---- life ---- */

/* As many clients as there may be descriptors. */
static unsigned connections_max(const struct gateway_config *config)
{
    uint64_t limit = descriptors_raise_limit(config->connections_max);
    uint64_t max =
        descriptors_for_clients(config->connections_max, limit, descriptors_count_open());
    if (max < config->connections_max) {
        log_warn("fewer connections than configured: the limit of open files is too low",
                 LOG_U64("connections_max", max), LOG_U64("open_files_max", limit));
    }
    return (unsigned)max;
}

/* Streams stay; the rest is for requests. */
static unsigned streams_max(const struct gateway_config *config, unsigned connections)
{
    const unsigned most = connections - connections / 4;
    return config->streams_max < most ? (unsigned)config->streams_max : most;
}

static bool make_proxies(struct gateway *gateway, const struct gateway_config *config)
{
    struct str bad;
    AUTO(mem_free)
    char *both = mem_printf("%s%s%s", config->own_front, config->own_front[0] != '\0' ? "," : "",
                            config->trusted_proxies);
    gateway->proxies = proxies_new(both, &bad);
    if (gateway->proxies == NULL) {
        log_error("LYNKS_TRUSTED_PROXIES, LYNKS_OWN_FRONT: not an address or a CIDR block",
                  LOG_STR("entry", bad));
    }
    return gateway->proxies != NULL;
}

static void follow_rooms(struct gateway *gateway, const struct gateway_parts *parts,
                         const struct gateway_config *config, const struct public_url *url)
{
    gateway->public_url = public_url_text(url);
    gateway->encoder = room_events_encoder(gateway->public_url);
    gateway->news = news_watch_new(gateway->clock);
    gateway->rooms = room_follow_new(
        &(struct room_follow_parts){.clock = gateway->clock,
                                    .bus = parts->bus,
                                    .metrics = parts->metrics,
                                    .encoder = &gateway->encoder,
                                    .watch = gateway->news,
                                    .health = parts->health},
        &(struct room_follow_config){.rooms_max = gateway->connections_max,
                                     .tail_bytes_max = config->room_tails_bytes_max});
    gateway->presence = presence_new(gateway->clock, parts->bus, parts->metrics);
    gateway->meetings = user_meetings_new(gateway->clock, parts->bus, parts->metrics, gateway->news,
                                          gateway->streams_max);
    gateway->hints = rtc_hints_new(parts->metrics, gateway->connections_max, rtc_hint_event);
}

static bool make_api(struct gateway *gateway, const struct gateway_parts *parts,
                     const struct gateway_config *config, int listen_fd)
{
    const struct session_follow_parts follow_parts = {
        .clock = loop_clock(parts->loop), .bus = parts->bus, .metrics = parts->metrics};
    gateway->sessions = session_follow_new(&follow_parts, gateway->streams_max);
    const struct public_url url = gateway_config_url(
        config, listen_fd > 0 ? http_listen_port(listen_fd) : (uint16_t)config->http_port);
    follow_rooms(gateway, parts, config, &url);
    const struct api_parts api_parts = {.clock = loop_clock(parts->loop),
                                        .bus = parts->bus,
                                        .metrics = parts->metrics,
                                        .health = parts->health,
                                        .sessions = gateway->sessions,
                                        .rooms = gateway->rooms,
                                        .presence = gateway->presence,
                                        .meetings = gateway->meetings,
                                        .hints = gateway->hints};
    const struct api_config api_config = {
        .url = url,
        .budget_ms = config->request_budget_ms,
        .cors_origins = config->cors_origins,
        .files = gateway->files,
        .content_policy = gateway->content_policy,
        .auth = {.token_key = config->token_key,
                 .unknown_burst = config->unknown_burst,
                 .unknown_per_minute = config->unknown_per_minute,
                 .unknown_table_max = config->unknown_table_max,
                 .good_tokens_max = config->good_tokens_max},
        .turn_urls = config->turn_urls,
        .turn_secret = config->turn_secret,
        .turn_credentials_s = config->turn_credentials_s,
        .sign_ins = {.address_burst = config->login_address_burst,
                     .address_per_minute = config->login_address_per_minute,
                     .name_burst = config->login_name_burst,
                     .name_per_minute = config->login_name_per_minute,
                     .table_max = config->login_table_max},
        .registration = {.is_open = strcmp(config->registration, "open") == 0,
                         .burst = config->register_burst,
                         .per_minute = config->register_per_minute,
                         .table_max = config->register_table_max},
        .streams_max = gateway->streams_max,
        .streams_per_user_max = config->streams_per_user_max,
        .room_visits = {.visits_max = gateway->connections_max,
                        .per_participant_max = config->streams_per_participant_max,
                        .per_address_max = config->streams_per_address_max},
        .creates = {.burst = config->create_burst, .per_minute = config->create_per_minute},
        .names = {.burst = config->name_burst, .per_minute = config->name_per_minute},
        .room_limits = {.joins = {config->join_burst, config->join_per_minute},
                        .codes = {config->code_burst, config->code_per_minute},
                        .secrets_of_room = {config->pin_burst, config->pin_per_minute},
                        .secrets = {config->address_pin_burst, config->address_pin_per_minute},
                        .table_max = config->join_table_max},
    };
    gateway->api = api_new(&api_parts, &api_config);
    return gateway->api != NULL;
}

/* The check of the configuration has said what is wrong with them; they may have changed since. */
static bool read_web_client(struct gateway *gateway, const struct gateway_config *config)
{
    struct str bad;
    AUTO(mem_free) char *why = NULL;
    gateway->content_policy = content_policy_new(config->frame_ancestors, &bad);
    gateway->files = config->web_root[0] == '\0' ? NULL : files_new(config->web_root, &why);
    if (config->web_root[0] != '\0' && gateway->files == NULL) {
        log_error("the web client cannot be read (LYNKS_WEB_ROOT)",
                  LOG_Z("folder", config->web_root), LOG_Z("why", why));
        return false;
    }
    return gateway->content_policy != NULL;
}

static bool listen_for_clients(struct gateway *gateway, const struct gateway_parts *parts,
                               const struct gateway_config *config, int listen_fd)
{
    const char *why = "";
    const struct httpd_config httpd_config = {
        .name = "http",
        .host = config->http_host,
        .port = (uint16_t)config->http_port,
        .listen_fd = listen_fd,
        .body_bytes_max = config->body_bytes_max,
        .larger_body_bytes_max = larger_body_bytes_max,
        .body_bytes_total_max = config->body_bytes_total_max,
        .header_bytes_max = config->header_bytes_max,
        .connections_max = gateway->connections_max,
        .connections_per_address_max = (unsigned)config->connections_per_address_max,
        .request_timeout_ms = (unsigned)config->request_timeout_ms,
        .idle_timeout_ms = (unsigned)config->idle_timeout_ms,
        .wants_stream = wants_stream,
        .streams_max = gateway->streams_max,
        .stall_timeout_ms =
            (unsigned)(config->request_timeout_ms < STREAM_STALL_MS ? config->request_timeout_ms
                                                                    : STREAM_STALL_MS),
    };
    gateway->httpd =
        httpd_new(parts->loop, parts->metrics, &httpd_config, on_http_request, gateway, &why);
    if (gateway->httpd == NULL) {
        log_error("the HTTP port cannot be used (LYNKS_HTTP_HOST, LYNKS_HTTP_PORT)",
                  LOG_Z("why", why), LOG_Z("host", config->http_host),
                  LOG_U64("port", config->http_port));
    }
    return gateway->httpd != NULL;
}

struct gateway *gateway_new(const struct gateway_parts *parts, const struct gateway_config *config)
{
    struct gateway *gateway = mem_alloc(sizeof(*gateway));
    gateway->clock = loop_clock(parts->loop);
    gateway->strays = stray_forwarders_new(gateway->clock, parts->health);
    uint64_t most_ms = config->service.drain_timeout_ms / 4;
    gateway->drain_patience_ms = most_ms < DRAIN_PATIENCE_MS ? most_ms : DRAIN_PATIENCE_MS;
    gateway->connections_max = connections_max(config);
    gateway->streams_max = streams_max(config, gateway->connections_max);
    int listen_fd = http_listen_inherited();
    if (listen_fd < 0) {
        log_error("LISTEN_FDS: one listening socket is expected, as descriptor 3");
    }
    if (listen_fd < 0 || !read_web_client(gateway, config) ||
        !make_api(gateway, parts, config, listen_fd) || !make_proxies(gateway, config) ||
        !listen_for_clients(gateway, parts, config, listen_fd)) {
        gateway_free(&gateway);
        return NULL;
    }
    log_info("serving clients", LOG_Z("host", config->http_host),
             LOG_U64("port", gateway_port(gateway)),
             LOG_U64("reachable_by_others", gateway_config_is_reachable(config)),
             LOG_Z("registration", config->registration));
    return gateway;
}

void gateway_free(struct gateway **gateway)
{
    if (*gateway != NULL) {
        api_free(&(*gateway)->api);
        httpd_free(&(*gateway)->httpd);
        session_follow_free(&(*gateway)->sessions);
        room_follow_free(&(*gateway)->rooms);
        presence_free(&(*gateway)->presence);
        user_meetings_free(&(*gateway)->meetings);
        rtc_hints_free(&(*gateway)->hints);
        news_watch_free(&(*gateway)->news);
        mem_free(&(*gateway)->public_url);
        proxies_free(&(*gateway)->proxies);
        stray_forwarders_free(&(*gateway)->strays);
        files_free(&(*gateway)->files);
        mem_free(&(*gateway)->content_policy);
        mem_free(gateway);
    }
}

uint16_t gateway_port(const struct gateway *gateway)
{
    return httpd_port(gateway->httpd);
}

size_t gateway_open_connections(const struct gateway *gateway)
{
    return httpd_open_connections(gateway->httpd);
}

bool gateway_is_accepting(void *arg)
{
    const struct gateway *gateway = arg;
    return httpd_is_accepting(gateway->httpd);
}

void gateway_drain(void *arg)
{
    struct gateway *gateway = arg;
    api_drain(gateway->api);
    httpd_drain(gateway->httpd, gateway->drain_patience_ms);
}

bool gateway_is_drained(void *arg)
{
    const struct gateway *gateway = arg;
    return httpd_is_drained(gateway->httpd);
}
