/* Messages asked: login, room_create, room_participants. */
#include "gateway/http/routes.h"

#include <sodium.h>

#include "gateway/http/exchange.h"
#include "proto/http/http_conns.h"

#define ADDRESS_BYTES 16

/* ---- POST /login ---- */

static const char *const login_members[] = {"username", "password", NULL};

static void draw_token(struct exchange *exchange)
{
    uint8_t token[TOKEN_BYTES];
    randombytes_buf(token, sizeof(token));
    hex_encode(exchange->token, token, sizeof(token));
    sodium_memzero(token, sizeof(token));
    crypto_hash_sha256(exchange->token_hash, (const unsigned char *)exchange->token, TOKEN_HEX);
    exchange->msg.login.token_hash =
        (struct str){.data = (const char *)exchange->token_hash, .bytes = TOKEN_HASH_BYTES};
}

static struct str name_key(const struct exchange *exchange)
{
    return (struct str){.data = (const char *)exchange->name_key, .bytes = NAME_KEY_BYTES};
}

/* Each name and address together are limited, so that nobody locks another out, and each address,
 * so that it cannot go through the names. The name's attempt is taken first: who only fails at that
 * does not use up what others behind the same address have. */
static enum err take_attempt(struct exchange *exchange)
{
    struct api *api = exchange->api;
    uint64_t now_ms = clock_mono_ms(api->parts.clock);
    struct str username = exchange->msg.login.username;
    http_address_key(exchange->web->client, exchange->name_key);
    crypto_hash_sha256(exchange->name_key + ADDRESS_BYTES, (const unsigned char *)username.data,
                       username.bytes);
    struct str name = name_key(exchange);
    struct str address = {.data = name.data, .bytes = ADDRESS_BYTES};
    if (!limiter_take(api->by_name, name, now_ms, &exchange->wait_ms)) {
        metric_inc(api->limited_name);
        return ERR_RATE_LIMITED;
    }
    if (!limiter_take(api->by_address, address, now_ms, &exchange->wait_ms)) {
        limiter_give_back(api->by_name, name);
        metric_inc(api->limited_address);
        return ERR_RATE_LIMITED;
    }
    exchange->attempt_taken = true;
    return ERR_OK;
}

static enum err prepare_login(struct exchange *exchange)
{
    enum err err = take_attempt(exchange);
    if (err == ERR_OK) {
        draw_token(exchange);
    }
    return err;
}

/* Only a wrong password counts against a name. */
static void settle_login(struct exchange *exchange, enum err err)
{
    if (exchange->attempt_taken && (err == ERR_OK || err_http_status(err) >= 500)) {
        limiter_give_back(exchange->api->by_name, name_key(exchange));
    }
}

static void write_login(const struct exchange *exchange, const struct msg *reply,
                        struct strbuf *text)
{
    (void)reply;
    strbuf_add(text, STR_LIT("{\"action\":\"succesful\",\"token\":\"")); /* the wire format */
    strbuf_add_z(text, exchange->token);
    strbuf_add(text, STR_LIT("\"}"));
}

/* ---- POST /create ---- */

static const char *const no_members[] = {NULL};

static enum err prepare_create(struct exchange *exchange)
{
    randombytes_buf(exchange->idempotency_key, sizeof(exchange->idempotency_key));
    exchange->msg.room_create.idempotency_key =
        (struct str){.data = (const char *)exchange->idempotency_key,
                     .bytes = sizeof(exchange->idempotency_key)};
    return ERR_OK;
}

static void write_room(struct strbuf *text, uint64_t room_id)
{
    strbuf_add(text, STR_LIT("{\"action\":\"success\",\"room_id\":"));
    strbuf_add_u64(text, room_id);
}

static void write_create(const struct exchange *exchange, const struct msg *reply,
                         struct strbuf *text)
{
    (void)exchange;
    write_room(text, reply->room_create_reply.room_id);
    strbuf_add(text, STR_LIT("}"));
}

/* ---- POST /list_participants ---- */

static const char *const list_members[] = {"room_id", NULL};

static void write_list(const struct exchange *exchange, const struct msg *reply,
                       struct strbuf *text)
{
    struct u64_list publishers = reply->room_participants_reply.publishers;
    write_room(text, exchange->msg.room_participants.room_id);
    strbuf_add(text, STR_LIT(",\"publishers\":["));
    for (size_t i = 0; i < publishers.count; i++) {
        strbuf_add_z(text, i == 0 ? "" : ",");
        strbuf_add_u64(text, publishers.items[i]);
    }
    strbuf_add(text, STR_LIT("]}"));
}

/* ---- the table ---- */

static const struct route routes[] = {
    {.path = "/login",
     .method = "POST",
     .message = MSG_login,
     .members = login_members,
     .prepare = prepare_login,
     .settle = settle_login,
     .write = write_login},
    {.path = "/create",
     .method = "POST",
     .needs_session = true,
     .message = MSG_room_create,
     .members = no_members,
     .prepare = prepare_create,
     .write = write_create},
    {.path = "/list_participants",
     .method = "POST",
     .needs_session = true,
     .message = MSG_room_participants,
     .members = list_members,
     .write = write_list},
};

const struct route *routes_at(size_t index)
{
    return index < ARRAY_LEN(routes) ? &routes[index] : NULL;
}

size_t routes_count(void)
{
    return ARRAY_LEN(routes);
}

enum err routes_find(const char *path, const char *method, const struct route **ret_route)
{
    enum err err = ERR_NOT_FOUND;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(routes[i].path, path) != 0) {
            continue;
        }
        *ret_route = &routes[i];
        if (strcmp(routes[i].method, method) == 0) {
            return ERR_OK;
        }
        err = ERR_METHOD_NOT_ALLOWED;
    }
    return err;
}

void routes_write_allow(const char *path, struct strbuf *text)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(routes[i].path, path) == 0) {
            strbuf_add_z(text, text->bytes == 0 ? "" : ", ");
            strbuf_add_z(text, routes[i].method);
        }
    }
}
