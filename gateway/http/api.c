/* Messages asked: session_check, and those of the route table. */
#include "gateway/http/api.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

#include "gateway/http/cors.h"
#include "gateway/http/exchange.h"
#include "gateway/http/request_json.h"

/* ---- the action ---- */

static void end(struct exchange *exchange, enum err err, const struct msg *reply)
{
    struct api *api = exchange->api;
    const struct route *route = exchange->route;
    if (route->settle != NULL) {
        route->settle(exchange, err);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    strbuf_clear(&api->text);
    route->write(exchange, reply, &api->text);
    exchange_reply(exchange);
}

/* A service that breaks the schema's promise is not believed. */
static void on_action(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->api == NULL) {
        exchange_free(exchange);
        return;
    }
    if (err == ERR_OK && reply->id != msg_type_find(exchange->route->message)->reply) {
        err = ERR_PROTOCOL;
    }
    end(exchange, err, reply);
}

static void act(struct exchange *exchange)
{
    enum err err =
        bus_call(exchange->api->parts.bus, &exchange->msg, &exchange->context, on_action, exchange);
    if (err != ERR_OK) {
        end(exchange, err, NULL);
    }
}

/* ---- the session ---- */

/* The token, bare or after "Bearer": 64 lower-case hex digits, as they were given out. */
static bool read_token(const char *header, struct str *ret_token)
{
    struct str token = str_of(header);
    if (token.bytes > 7 && strncasecmp(token.data, "Bearer ", 7) == 0) {
        token.data += 7;
        token.bytes -= 7;
    }
    if (token.bytes != TOKEN_HEX || strspn(token.data, "0123456789abcdef") != TOKEN_HEX) {
        return false;
    }
    *ret_token = token;
    return true;
}

/* Names the session in logs: a part of the hash, which tells nothing about the token. */
static uint64_t session_id_of(const uint8_t hash[TOKEN_HASH_BYTES])
{
    uint64_t id;
    memcpy(&id, hash, sizeof(id));
    return id & INT64_MAX;
}

static void on_session(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->api == NULL) {
        exchange_free(exchange);
        return;
    }
    if (err == ERR_OK && reply->id != MSG_session_check_reply) {
        err = ERR_PROTOCOL;
    }
    if (err != ERR_OK) {
        end(exchange, err, NULL);
        return;
    }
    exchange->context.principal = (struct principal){
        .user_id = reply->session_check_reply.user_id,
        .session_id = session_id_of(exchange->token_hash),
    };
    act(exchange);
}

static void check_session(struct exchange *exchange, struct str token)
{
    crypto_hash_sha256(exchange->token_hash, (const unsigned char *)token.data, token.bytes);
    const struct msg check = {
        .id = MSG_session_check,
        .session_check = {.token_hash = {.data = (const char *)exchange->token_hash,
                                         .bytes = TOKEN_HASH_BYTES}},
    };
    enum err err =
        bus_call(exchange->api->parts.bus, &check, &exchange->context, on_session, exchange);
    if (err != ERR_OK) {
        end(exchange, err, NULL);
    }
}

/* ---- the request ---- */

static enum err read_body(struct exchange *exchange)
{
    const struct route *route = exchange->route;
    exchange->msg.id = route->message;
    exchange->json = request_json_parse(exchange->web->body);
    if (exchange->json == NULL ||
        !request_json_fill(exchange->json, route->members, &exchange->msg)) {
        return ERR_BAD_REQUEST;
    }
    return route->prepare != NULL ? route->prepare(exchange) : ERR_OK;
}

static bool is_preflight(const struct exchange *exchange)
{
    const struct web_request *web = exchange->web;
    return strcmp(web->method, "OPTIONS") == 0 && web->preflight_method != NULL &&
           cors_allow(exchange->api->config.cors_origins, web->origin) != NULL;
}

static void run(struct exchange *exchange)
{
    const struct web_request *web = exchange->web;
    const struct route *route = exchange->route;
    struct str token = STR_NONE;
    if (route->needs_session && !read_token(web->authorization, &token)) {
        exchange_fail(exchange, ERR_UNAUTHORIZED);
        return;
    }
    enum err err = read_body(exchange);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    } else if (route->needs_session) {
        check_session(exchange, token);
    } else {
        act(exchange);
    }
}

void api_handle(struct api *api, struct web_request *request)
{
    struct exchange *exchange = exchange_new(api, request);
    const struct route *route = NULL;
    enum err err = routes_find(request->path, request->method, &route);
    if (route != NULL) {
        exchange->path_label = route->path;
        exchange->stats = api->stats[route - routes_at(0)];
    }
    if (request->error != ERR_OK) {
        exchange_fail(exchange, request->error);
    } else if (err == ERR_METHOD_NOT_ALLOWED && is_preflight(exchange)) {
        exchange_preflight(exchange);
    } else if (err != ERR_OK) {
        exchange_fail(exchange, err);
    } else {
        assert(route != NULL);
        exchange->route = route;
        run(exchange);
    }
}

/* ---- life ---- */

static struct metric *limited(struct metrics *metrics, const char *labels)
{
    return metrics_counter(metrics, "lynks_gateway_limited_logins_total",
                           "Logins refused because there were too many.", labels);
}

struct api *api_new(const struct api_parts *parts, const struct api_config *config)
{
    struct api *api = mem_alloc(sizeof(*api));
    api->parts = *parts;
    api->config = *config;
    api->by_address = limiter_new(&(struct limiter_config){
        .burst = config->login_address_burst,
        .per_minute = config->login_address_per_minute,
        .keys_max = config->login_table_max,
    });
    api->by_name = limiter_new(&(struct limiter_config){
        .burst = config->login_name_burst,
        .per_minute = config->login_name_per_minute,
        .keys_max = config->login_table_max,
    });
    api->limited_address = limited(parts->metrics, "limit=\"address\"");
    api->limited_name = limited(parts->metrics, "limit=\"name\"");
    api->stats = mem_alloc((routes_count() + 1) * sizeof(struct stats *));
    for (size_t i = 0; i < routes_count(); i++) {
        api->stats[i] = stats_new(parts->metrics, routes_at(i)->path);
    }
    api->stats[routes_count()] = stats_new(parts->metrics, "other");
    static_assert(sizeof(api->id_key) == crypto_shorthash_KEYBYTES, "key of request ids");
    randombytes_buf(api->id_key, sizeof(api->id_key));
    return api;
}

void api_free(struct api **api_ref)
{
    struct api *api = *api_ref;
    if (api == NULL) {
        return;
    }
    while (api->first != NULL) {
        exchange_orphan(api->first);
    }
    for (size_t i = 0; i <= routes_count(); i++) {
        stats_free(&api->stats[i]);
    }
    free(api->stats);
    limiter_free(&api->by_address);
    limiter_free(&api->by_name);
    strbuf_fini(&api->text);
    mem_free(api_ref);
}
