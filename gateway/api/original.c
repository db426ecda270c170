#include "gateway/api/original.h"

#include <stdlib.h>

#include "gateway/http/json_body.h"
#include "gateway/http/repeat_key.h"
#include "proto/base/lru.h"

#define LISTED_ROOMS_MAX 65536
/* For so long after a list that was a use of its room further ones need not be: far less than
 * LYNKS_ROOM_IDLE_S, after which a room ends. */
#define LISTED_MS 2000

struct original {
    const struct clock *clock;
    struct sign_ins *sign_ins;
    struct user_limit *creates;
    struct lru *listed; /* room -> when a list of it was a use last (monotonic ms) */
};

/* ---- POST /login ---- */

static const struct member login_body[] = {
    {.name = "username", .type = MEMBER_STRING, .min = 1, .max = 256, .doc = "Compared exactly."},
    {.name = "password", .type = MEMBER_STRING, .min = 1, .max = 1024, .doc = "In clear."},
    {.name = NULL},
};

static const struct member login_answer[] = {
    {.name = "action", .type = MEMBER_STRING, .constant = "succesful", .doc = "Spelled so."},
    {.name = "token",
     .type = MEMBER_STRING,
     .min = TOKEN_HEX,
     .max = TOKEN_HEX,
     .doc = "For the header Authorization, bare or after Bearer."},
    {.name = NULL},
};

static enum err prepare_login(struct exchange *exchange, struct msg *msg)
{
    const struct original *original = exchange->self;
    msg->login.address = (struct str){.data = (const char *)exchange->request->client, .bytes = 16};
    return sign_ins_begin(original->sign_ins, exchange, msg->login.username,
                          &msg->login.token_hash);
}

static enum err settle_login(struct exchange *exchange, enum err err, const struct msg *reply)
{
    const struct original *original = exchange->self;
    (void)reply;
    sign_ins_end(original->sign_ins, exchange, err);
    return err;
}

static void write_login(const struct exchange *exchange, const struct msg *reply,
                        struct json_out *out)
{
    const struct sign_in *sign_in = exchange->state;
    (void)reply;
    json_out_member_z(out, "action", "succesful"); /* the wire format */
    json_out_member_z(out, "token", sign_in->token);
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
    uint64_t wait_ms; /* until the user may add a room again; 0: he may */
};

/* Whether a room is added, or was there before, is known only behind the bus: who may add none
 * asks for one that is there. */
static enum err prepare_create(struct exchange *exchange, struct msg *msg)
{
    struct original *original = exchange->self;
    struct creating *creating = exchange_attach(exchange, sizeof(*creating), free);
    repeat_key_make(exchange, creating->key);
    msg->room_create.idempotency_key =
        (struct str){.data = (const char *)creating->key, .bytes = REPEAT_KEY_BYTES};
    msg->room_create.only_known = !user_limit_take(original->creates, exchange, &creating->wait_ms);
    return ERR_OK;
}

/* A create that failed may have added a room all the same. */
static enum err settle_create(struct exchange *exchange, enum err err, const struct msg *reply)
{
    struct original *original = exchange->self;
    const struct creating *creating = exchange->state;
    if (err == ERR_OK && creating->wait_ms == 0 && !reply->room_create_reply.added) {
        user_limit_give_back(original->creates, exchange);
    } else if (err == ERR_RATE_LIMITED) {
        err = user_limit_refuse(original->creates, exchange, creating->wait_ms);
    }
    return err;
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

/* A list that is asked for ahead is no use of the room, because it may be nobody's. So one in its
 * turn comes before it, time and again, and only rooms that somebody is using are asked for ahead.
 */
static bool list_ahead(const struct exchange *exchange, struct msg *msg)
{
    const struct original *original = exchange->self;
    const uint64_t *listed_ms = lru_peek(original->listed, &msg->room_participants.room_id);
    msg->room_participants.ahead = true;
    return listed_ms != NULL && clock_mono_ms(original->clock) - *listed_ms < LISTED_MS;
}

/* One that is not for everybody is never asked for ahead. */
static enum err settle_list(struct exchange *exchange, enum err err, const struct msg *reply)
{
    struct original *original = exchange->self;
    const uint64_t room_id = json_body_u64(exchange->body, "room_id");
    bool added;
    if (err == ERR_OK && !reply->room_participants_reply.for_asker) {
        *(uint64_t *)lru_put(original->listed, &room_id, &added) = clock_mono_ms(original->clock);
    }
    return err;
}

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

static const struct route_ask ask_list = {.message = MSG_room_participants,
                                          .ahead = list_ahead,
                                          .settle = settle_list,
                                          .write = write_list};

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

struct original *original_new(const struct original_parts *parts)
{
    struct original *original = mem_alloc(sizeof(*original));
    original->clock = parts->clock;
    original->sign_ins = parts->sign_ins;
    original->creates = parts->creates;
    original->listed = lru_new(sizeof(uint64_t), sizeof(uint64_t), LISTED_ROOMS_MAX);
    return original;
}

void original_free(struct original **original)
{
    if (*original != NULL) {
        lru_free(&(*original)->listed);
        mem_free(original);
    }
}
