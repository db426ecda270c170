#include "gateway/api/original.h"

#include <sodium.h>
#include <stdlib.h>

#include "gateway/http/auth.h"
#include "gateway/http/exchange.h"
#include "gateway/http/json_body.h"
#include "gateway/http/limiter.h"
#include "gateway/http/repeat_key.h"
#include "proto/http/http_conns.h"

#define ADDRESS_BYTES 16
#define CREATE_USERS_MAX 65536              /* whose rooms are counted; 1 MiB */
#define NAME_KEY_BYTES (ADDRESS_BYTES + 32) /* client address, SHA-256 of the user name */

struct original {
    const struct clock *clock;
    struct limiter *by_address, *by_name;
    struct limiter *creates; /* by user */
    struct metric *limited_address, *limited_name, *limited_creates;
};

/* ---- POST /login ---- */

static const struct member login_body[] = {
    {.name = "username", .type = MEMBER_STRING, .min = 1, .max = 200, .doc = "Compared exactly."},
    {.name = "password", .type = MEMBER_STRING, .min = 1, .max = 1024, .doc = "In clear."},
    {.name = NULL},
};

static const struct member login_answer[] = {
    {.name = "action", .type = MEMBER_STRING, .constant = "succesful", .doc = "Spelled so."},
    {.name = "token",
     .type = MEMBER_STRING,
     .min = AUTH_TOKEN_HEX,
     .max = AUTH_TOKEN_HEX,
     .doc = "For the header Authorization, bare or after Bearer."},
    {.name = NULL},
};

struct login {
    char token[AUTH_TOKEN_HEX + 1];
    uint8_t token_hash[AUTH_HASH_BYTES];
    uint8_t name_key[NAME_KEY_BYTES];
};

static void login_free(void *login)
{
    sodium_memzero(login, sizeof(struct login));
    free(login);
}

static struct str name_key(const struct login *login)
{
    return (struct str){.data = (const char *)login->name_key, .bytes = NAME_KEY_BYTES};
}

/* Each name and address together are limited, so that nobody locks another out, and each address,
 * so that it cannot go through the names. The name's attempt is taken first: a client that is
 * refused for a name does not use up what others behind the same address have. */
static enum err take_attempt(struct exchange *exchange, struct login *login, struct str username)
{
    struct original *original = exchange->self;
    uint64_t now_ms = clock_mono_ms(original->clock);
    http_address_key(exchange->request->client, login->name_key);
    crypto_hash_sha256(login->name_key + ADDRESS_BYTES, (const unsigned char *)username.data,
                       username.bytes);
    struct str name = name_key(login);
    struct str address = {.data = name.data, .bytes = ADDRESS_BYTES};
    if (!limiter_take(original->by_name, name, now_ms, &exchange->retry_after_ms)) {
        metric_inc(original->limited_name);
        return ERR_RATE_LIMITED;
    }
    if (!limiter_take(original->by_address, address, now_ms, &exchange->retry_after_ms)) {
        limiter_give_back(original->by_name, name);
        metric_inc(original->limited_address);
        return ERR_RATE_LIMITED;
    }
    return ERR_OK;
}

static enum err prepare_login(struct exchange *exchange, struct msg *msg)
{
    struct login *login = exchange_attach(exchange, sizeof(*login), login_free);
    enum err err = take_attempt(exchange, login, msg->login.username);
    if (err != ERR_OK) {
        return err;
    }
    uint8_t token[AUTH_TOKEN_BYTES];
    randombytes_buf(token, sizeof(token));
    hex_encode(login->token, token, sizeof(token));
    sodium_memzero(token, sizeof(token));
    crypto_hash_sha256(login->token_hash, (const unsigned char *)login->token, AUTH_TOKEN_HEX);
    msg->login.token_hash =
        (struct str){.data = (const char *)login->token_hash, .bytes = AUTH_HASH_BYTES};
    return ERR_OK;
}

/* Only a wrong password counts against a name. */
static void settle_login(struct exchange *exchange, enum err err, const struct msg *reply)
{
    struct original *original = exchange->self;
    (void)reply;
    if (err == ERR_OK || err_http_status(err) >= 500) {
        limiter_give_back(original->by_name, name_key(exchange->state));
    }
}

static void write_login(const struct exchange *exchange, const struct msg *reply,
                        struct json_out *out)
{
    const struct login *login = exchange->state;
    (void)reply;
    json_out_member_z(out, "action", "succesful"); /* the wire format */
    json_out_member_z(out, "token", login->token);
}

static const struct route_ask ask_login = {
    .message = MSG_login, .prepare = prepare_login, .settle = settle_login, .write = write_login};

/* ---- POST /create ---- */

static const struct member create_body[] = {{.name = NULL}};

static const struct member create_answer[] = {
    {.name = "action", .type = MEMBER_STRING, .constant = "success", .doc = ""},
    {.name = "room_id",
     .type = MEMBER_NUMBER,
     .min = 1,
     .max = ROOM_ID_MAX,
     .doc = "The room's id in Janus, too."},
    {.name = NULL},
};

struct creating {
    uint8_t key[REPEAT_KEY_BYTES];
    uint64_t user_id;
    uint64_t wait_ms; /* until the user may add a room again; 0: he may */
};

static struct str user_key(const struct creating *creating)
{
    return (struct str){.data = (const char *)&creating->user_id, .bytes = sizeof(uint64_t)};
}

/* Whether a room is added, or was there before, is known only behind the bus: who may add none
 * asks for one that is there. */
static enum err prepare_create(struct exchange *exchange, struct msg *msg)
{
    struct original *original = exchange->self;
    struct creating *creating = exchange_attach(exchange, sizeof(*creating), free);
    repeat_key_make(exchange, creating->key);
    creating->user_id = exchange->context.principal.user_id;
    msg->room_create.idempotency_key =
        (struct str){.data = (const char *)creating->key, .bytes = REPEAT_KEY_BYTES};
    msg->room_create.only_known = !limiter_take(original->creates, user_key(creating),
                                                clock_mono_ms(original->clock), &creating->wait_ms);
    return ERR_OK;
}

/* A create that failed may have added a room all the same. */
static void settle_create(struct exchange *exchange, enum err err, const struct msg *reply)
{
    struct original *original = exchange->self;
    const struct creating *creating = exchange->state;
    if (err == ERR_OK && creating->wait_ms == 0 && !reply->room_create_reply.added) {
        limiter_give_back(original->creates, user_key(creating));
    } else if (err == ERR_RATE_LIMITED) {
        metric_inc(original->limited_creates);
        exchange->retry_after_ms = creating->wait_ms;
    }
}

static void write_create(const struct exchange *exchange, const struct msg *reply,
                         struct json_out *out)
{
    (void)exchange;
    json_out_member_z(out, "action", "success");
    json_out_member_u64(out, "room_id", reply->room_create_reply.room_id);
}

static const struct route_ask ask_create = {.message = MSG_room_create,
                                            .prepare = prepare_create,
                                            .settle = settle_create,
                                            .write = write_create};

/* ---- POST /list_participants ---- */

static const struct member list_body[] = {
    {.name = "room_id", .type = MEMBER_NUMBER, .min = 1, .max = ROOM_ID_MAX, .doc = ""},
    {.name = NULL},
};

static const struct member list_answer[] = {
    {.name = "action", .type = MEMBER_STRING, .constant = "success", .doc = ""},
    {.name = "room_id", .type = MEMBER_NUMBER, .min = 1, .max = ROOM_ID_MAX, .doc = ""},
    {.name = "publishers",
     .type = MEMBER_NUMBERS,
     .max = PUBLISHERS_MAX,
     .doc = "The feeds in Janus that publish right now."},
    {.name = NULL},
};

static void write_list(const struct exchange *exchange, const struct msg *reply,
                       struct json_out *out)
{
    struct u64_list publishers = reply->room_participants_reply.publishers;
    json_out_member_z(out, "action", "success");
    json_out_member_u64(out, "room_id", json_body_u64(exchange->body, "room_id"));
    json_out_open_member(out, "publishers", '[');
    for (size_t i = 0; i < publishers.count; i++) {
        json_out_u64(out, publishers.items[i]);
    }
    json_out_close(out, "]");
}

static const struct route_ask ask_list = {.message = MSG_room_participants, .write = write_list};

/* ---- the rows ---- */

static const struct route rows[] = {
    {.method = "POST",
     .template = "/login",
     .name = "login",
     .doc = "Logs in and gives a token for the other two.",
     .who = ROUTE_ANYBODY,
     .body = login_body,
     .answer = {.members = login_answer, .doc = "A session is open."},
     .errors = {ERR_BAD_CREDENTIALS, ERR_RATE_LIMITED},
     .ask = &ask_login},
    {.method = "POST",
     .template = "/create",
     .name = "create",
     .doc = "Makes the standard room, or a fresh one where none is configured.",
     .who = ROUTE_USER,
     .body = create_body,
     .body_may_be_empty = true,
     .answer = {.members = create_answer, .doc = "The room is there."},
     .errors = {ERR_RATE_LIMITED},
     .ask = &ask_create},
    {.method = "POST",
     .template = "/list_participants",
     .name = "list_participants",
     .doc = "Lists who publishes in a room right now.",
     .who = ROUTE_USER,
     .body = list_body,
     .answer = {.members = list_answer, .doc = "At most 200 ms behind Janus."},
     .errors = {ERR_NO_SUCH_ROOM},
     .ask = &ask_list},
};

struct resource original_resource(struct original *original)
{
    return (struct resource){
        .dialect = DIALECT_ORIGINAL, .routes = rows, .count = ARRAY_LEN(rows), .self = original};
}

/* ---- life ---- */

static struct metric *limited(struct metrics *metrics, const char *labels)
{
    return metrics_counter(metrics, "lynks_gateway_limited_logins_total",
                           "Logins refused because there were too many.", labels);
}

struct original *original_new(const struct clock *clock, struct metrics *metrics,
                              const struct original_config *config)
{
    struct original *original = mem_alloc(sizeof(*original));
    original->clock = clock;
    original->by_address = limiter_new(&(struct limiter_config){
        .burst = config->login_address_burst,
        .per_minute = config->login_address_per_minute,
        .keys_max = config->login_table_max,
    });
    original->by_name = limiter_new(&(struct limiter_config){
        .burst = config->login_name_burst,
        .per_minute = config->login_name_per_minute,
        .keys_max = config->login_table_max,
    });
    original->creates = limiter_new(&(struct limiter_config){
        .burst = config->create_burst,
        .per_minute = config->create_per_minute,
        .keys_max = CREATE_USERS_MAX,
    });
    original->limited_creates =
        metrics_counter(metrics, "lynks_gateway_limited_creates_total",
                        "Rooms not made because their user has made too many of late.", NULL);
    original->limited_address = limited(metrics, "limit=\"address\"");
    original->limited_name = limited(metrics, "limit=\"name\"");
    return original;
}

void original_free(struct original **original)
{
    if (*original != NULL) {
        limiter_free(&(*original)->by_address);
        limiter_free(&(*original)->by_name);
        limiter_free(&(*original)->creates);
        mem_free(original);
    }
}
