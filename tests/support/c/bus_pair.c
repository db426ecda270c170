#include "tests/support/c/bus_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zmq.h>

#define BOUND_DEFAULT 20000
#define WAIT_MS 10000
#define BIND_RETRY_MS 10

static const char *const roles[BUS_ROLES] = {"gateway", "authsvc", "roomsvc", "janusbridge"};
static const char *const callers[] = {"gateway", NULL};

static void check(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "bus_pair: %s\n", what);
        abort();
    }
}

/* ---- keys ---- */

void bus_keyring_init(struct bus_keyring *ring)
{
    size_t used = 0;
    for (size_t i = 0; i < BUS_ROLES; i++) {
        char public_z85[KEY_Z85_BYTES + 1];
        check(zmq_curve_keypair(public_z85, ring->secrets[i]) == 0, "no key pair");
        int bytes = snprintf(ring->public_keys + used, sizeof(ring->public_keys) - used, "%s%s=%s",
                             i == 0 ? "" : ",", roles[i], public_z85);
        used += (size_t)bytes;
    }
}

const char *bus_keyring_secret(const struct bus_keyring *ring, const char *role)
{
    for (size_t i = 0; i < BUS_ROLES; i++) {
        if (strcmp(roles[i], role) == 0) {
            return ring->secrets[i];
        }
    }
    check(false, "no such role");
    return NULL;
}

struct keys *bus_keyring_keys(const struct bus_keyring *ring, const char *role)
{
    const char *why = NULL;
    struct keys *keys = keys_new(role, bus_keyring_secret(ring, role), ring->public_keys, &why);
    check(keys != NULL, why);
    return keys;
}

/* ---- the pair ---- */

static void init(struct bus_pair *pair, enum service_id service)
{
    *pair = (struct bus_pair){.loop = loop_new(), .metrics = metrics_new(), .health = health_new()};
    bus_keyring_init(&pair->ring);
    pair->caller_keys = bus_keyring_keys(&pair->ring, "gateway");
    pair->service = service;
    pair->service_keys = bus_keyring_keys(&pair->ring, service_name(service));
    pair->zap = zap_new(pair->loop, pair->metrics, pair->service_keys);
    check(pair->zap != NULL, "no ZAP handler");
}

void bus_pair_init(struct bus_pair *pair)
{
    init(pair, SERVICE_AUTHSVC);
}

void bus_pair_init_by_load(struct bus_pair *pair)
{
    init(pair, SERVICE_ROOMSVC);
}

void bus_pair_init_by_home(struct bus_pair *pair)
{
    init(pair, SERVICE_JANUSBRIDGE);
}

void bus_pair_fini(struct bus_pair *pair)
{
    bus_client_free(&pair->client);
    zap_free(&pair->zap);
    keys_free(&pair->caller_keys);
    keys_free(&pair->service_keys);
    health_free(&pair->health);
    metrics_free(&pair->metrics);
    loop_free(&pair->loop);
}

void bus_pair_open_client(struct bus_pair *pair, const struct bus_client_config *config)
{
    const struct bus_parts parts = {.loop = pair->loop,
                                    .metrics = pair->metrics,
                                    .health = pair->health,
                                    .keys = pair->caller_keys};
    struct bus_client_config bounded = *config;
    if (bounded.in_flight_max == 0) {
        bounded.in_flight_max = BOUND_DEFAULT;
    }
    if (bounded.in_flight_endpoint_max == 0) {
        bounded.in_flight_endpoint_max = BOUND_DEFAULT;
    }
    pair->client = bus_client_new(&parts, &bounded);
    pair->bus = bus_client_bus(pair->client);
}

uint64_t bus_pair_metric(struct bus_pair *pair, const char *name, const char *labels)
{
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(pair->metrics, &bytes);
    AUTO(mem_free)
    char *line = labels == NULL ? mem_printf("\n%s ", name) : mem_printf("\n%s{%s} ", name, labels);
    const char *found = strstr(text, line);
    return found != NULL ? strtoull(found + strlen(line), NULL, 10) : 0;
}

bool bus_pair_until(struct bus_pair *pair, loop_predicate *predicate, void *arg)
{
    return loop_run_until(pair->loop, predicate, arg, WAIT_MS);
}

bool bus_pair_is_ready(void *arg)
{
    const struct bus_pair *pair = arg;
    return health_is_ready(pair->health);
}

/* ---- servers ---- */

static uint64_t user_id_of(const struct call *call)
{
    uint64_t user_id;
    switch (call->request.id) {
    case MSG_room_participants:
        return call->request.room_participants.room_id;
    case MSG_bridge_participants:
        return call->request.bridge_participants.room_id;
    case MSG_login:
        memcpy(&user_id, call->request.login.token_hash.data, sizeof(user_id));
        return user_id;
    default:
        memcpy(&user_id, call->request.session_check.token_hash.data, sizeof(user_id));
        return user_id;
    }
}

static void answer(struct call *call)
{
    uint64_t user_id = user_id_of(call);
    struct msg reply = {.id = MSG_session_check_reply,
                        .session_check_reply = {.user_id = user_id, .expires_unix_ms = 1}};
    if (call->request.id == MSG_room_participants) {
        reply = (struct msg){.id = MSG_room_participants_reply,
                             .room_participants_reply = {.publishers = {&user_id, 1}}};
    } else if (call->request.id == MSG_bridge_participants) {
        reply = (struct msg){.id = MSG_bridge_participants_reply,
                             .bridge_participants_reply = {.publishers = {&user_id, 1}}};
    } else if (call->request.id == MSG_login) {
        reply = (struct msg){.id = MSG_login_reply, .login_reply = {.user_id = user_id}};
    }
    call_reply(call, &reply);
}

static void keep(struct bus_server *server, struct call *call)
{
    if (server->kept_count == server->kept_room) {
        server->kept_room = server->kept_room == 0 ? 64 : 2 * server->kept_room;
        server->kept = mem_realloc_array(server->kept, server->kept_room, sizeof(struct call *));
    }
    server->kept[server->kept_count++] = call;
}

static void on_call(void *service, struct call *call)
{
    struct bus_server *server = service;
    const struct str home = msg_home(&call->request);
    if (server->node != NULL && home.bytes > 0 && !str_eq(home, str_of(server->node))) {
        server->strayed++;
        call_fail(call, ERR_NOT_MINE);
        return;
    }
    server->seen++;
    server->last_deadline_ms = call->context.deadline_ms;
    server->last_principal = call->context.principal;
    server->last_role = call->peer_role;
    (void)str_copy(server->last_request_id, sizeof(server->last_request_id),
                   call->context.request_id);
    switch (server->mode) {
    case SERVE_ANSWER:
        answer(call);
        break;
    case SERVE_KEEP:
        keep(server, call);
        break;
    case SERVE_FAIL:
        call_fail(call, server->failure);
        break;
    }
}

static const struct call_handler session_handlers[] = {
    {MSG_session_check, on_call}, {MSG_login, on_call}, {0}};
static const struct call_handler room_handlers[] = {{MSG_room_participants, on_call}, {0}};
static const struct call_handler bridge_handlers[] = {{MSG_bridge_participants, on_call}, {0}};

static const struct call_handler *handlers_of(enum service_id service)
{
    return service == SERVICE_ROOMSVC       ? room_handlers
           : service == SERVICE_JANUSBRIDGE ? bridge_handlers
                                            : session_handlers;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static bool try_start(struct bus_server *server)
{
    const struct bus_parts parts = {.loop = server->pair->loop,
                                    .metrics = server->pair->metrics,
                                    .keys = server->pair->service_keys,
                                    .zap = server->pair->zap};
    const struct bus_worker_config config = {
        .bind = server->bind,
        .in_hand_max = server->in_hand_max,
        .allowed_roles = server->allowed_roles != NULL ? server->allowed_roles : callers};
    server->worker = bus_worker_new(&parts, &config, handlers_of(server->pair->service), server);
    return server->worker != NULL;
}

void bus_server_start(struct bus_server *server, struct bus_pair *pair, const char *host)
{
    server->pair = pair;
    if (server->in_hand_max == 0) {
        server->in_hand_max = BOUND_DEFAULT;
    }
    (void)snprintf(server->bind, sizeof(server->bind), "tcp://%s:*", host);
    check(try_start(server), "cannot bind");
    (void)snprintf(server->bind, sizeof(server->bind), "%s", bus_worker_endpoint(server->worker));
}

/* libzmq closes the old socket in its own time, so binding may fail for a moment. */
void bus_server_restart(struct bus_server *server)
{
    bus_server_stop(server);
    for (int i = 0; !try_start(server); i++) {
        check(i < WAIT_MS / BIND_RETRY_MS, "cannot bind again");
        (void)loop_run_until(server->pair->loop, never, NULL, BIND_RETRY_MS);
    }
}

void bus_server_stop(struct bus_server *server)
{
    bus_worker_free(&server->worker);
    for (size_t i = 0; i < server->kept_count; i++) {
        if (server->kept[i] != NULL) {
            call_fail(server->kept[i], ERR_UNAVAILABLE); /* reaches nobody; gives the memory back */
        }
    }
    server->kept_count = 0;
}

void bus_server_fini(struct bus_server *server)
{
    bus_server_stop(server);
    mem_free(&server->kept);
}

const char *bus_server_address(const struct bus_server *server)
{
    return server->bind + strlen("tcp://");
}

void bus_server_answer(struct bus_server *server, size_t kept)
{
    answer(server->kept[kept]);
    server->kept[kept] = NULL;
}

/* ---- calls ---- */

static uint64_t answered_user_id(const struct msg *reply)
{
    switch (reply->id) {
    case MSG_room_participants_reply:
        return reply->room_participants_reply.publishers.items[0];
    case MSG_bridge_participants_reply:
        return reply->bridge_participants_reply.publishers.items[0];
    case MSG_login_reply:
        return reply->login_reply.user_id;
    default:
        return reply->session_check_reply.user_id;
    }
}

static void on_reply(void *arg, enum err err, const struct msg *reply)
{
    struct bus_asked *asked = arg;
    asked->answers++;
    asked->err = err;
    asked->answered_user_id = err == ERR_OK ? answered_user_id(reply) : 0;
}

static enum err send(struct bus_pair *pair, struct bus_asked *asked, const struct msg *request,
                     uint64_t timeout_ms)
{
    const struct call_context context = {
        .request_id = STR_LIT("req-1"),
        .principal = {.kind = PRINCIPAL_USER, .role = ROLE_ADMIN, .user_id = 7, .session_id = 8},
        .deadline_ms = clock_mono_ms(loop_clock(pair->loop)) + timeout_ms};
    return bus_call(&pair->bus, request, &context, on_reply, asked);
}

enum err bus_ask(struct bus_pair *pair, struct bus_asked *asked, uint64_t user_id,
                 uint64_t timeout_ms)
{
    uint8_t token_hash[32] = {0};
    memcpy(token_hash, &user_id, sizeof(user_id));
    struct msg request = {
        .id = MSG_session_check,
        .session_check = {.token_hash = {(const char *)token_hash, sizeof(token_hash)}}};
    if (pair->service == SERVICE_ROOMSVC) {
        request =
            (struct msg){.id = MSG_room_participants, .room_participants = {.room_id = user_id}};
    }
    *asked = (struct bus_asked){.user_id = user_id};
    return send(pair, asked, &request, timeout_ms);
}

enum err bus_ask_at(struct bus_pair *pair, struct bus_asked *asked, const char *node,
                    uint64_t user_id, uint64_t timeout_ms)
{
    const struct msg request = {.id = MSG_bridge_participants,
                                .bridge_participants = {.room_id = user_id, .node = str_of(node)}};
    *asked = (struct bus_asked){.user_id = user_id};
    return send(pair, asked, &request, timeout_ms);
}

enum err bus_ask_login(struct bus_pair *pair, struct bus_asked *asked, uint64_t user_id,
                       uint64_t timeout_ms)
{
    uint8_t token_hash[32] = {0};
    memcpy(token_hash, &user_id, sizeof(user_id));
    const struct msg request = {
        .id = MSG_login,
        .login = {.username = STR_LIT("ann"),
                  .password = STR_LIT("secret"),
                  .token_hash = {(const char *)token_hash, sizeof(token_hash)}}};
    *asked = (struct bus_asked){.user_id = user_id};
    return send(pair, asked, &request, timeout_ms);
}

bool bus_asked_is_done(void *arg)
{
    const struct bus_asked *asked = arg;
    return asked->answers > 0;
}

bool bus_asked_is_right(const struct bus_asked *asked)
{
    return asked->answers == 1 && asked->err == ERR_OK && asked->answered_user_id == asked->user_id;
}

bool bus_asked_are_done(const struct bus_asked *asked, size_t count)
{
    size_t done = 0;
    while (done < count && asked[done].answers > 0) {
        done++;
    }
    return done == count;
}

struct some_asked {
    const struct bus_asked *asked;
    size_t count;
};

static bool some_are_done(void *arg)
{
    const struct some_asked *some = arg;
    return bus_asked_are_done(some->asked, some->count);
}

void bus_pair_assert_right(struct bus_pair *pair, const struct bus_asked *asked, size_t count)
{
    struct some_asked some = {asked, count};
    assert_true(bus_pair_until(pair, some_are_done, &some));
    for (size_t i = 0; i < count; i++) {
        assert_true(bus_asked_is_right(&asked[i]));
    }
    assert_int_equal(bus_client_in_flight(pair->client), 0);
}
