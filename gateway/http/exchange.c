#include "gateway/http/exchange.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/http/cors.h"
#include "gateway/http/json_body.h"
#include "gateway/http/session_cookie.h"
#include "proto/http/http_conns.h"

#define LINKS_BYTES_MAX 2048 /* so that all other fields fit beside them */

/* ---- life ---- */

void exchanges_init(struct exchanges *all, struct metrics *metrics,
                    const struct exchanges_config *config)
{
    *all = (struct exchanges){.config = *config, .stats = stats_new(metrics, "other")};
    all->file_stats = config->files == NULL ? NULL : stats_new(metrics, "files");
    list_init(&all->in_hand);
    static_assert(sizeof(all->id_key) == crypto_shorthash_KEYBYTES, "key of request ids");
    randombytes_buf(all->id_key, sizeof(all->id_key));
}

/* A keyed hash of a counter: as good as random to strangers, and no system call for each request.
 */
static void draw_request_id(struct exchanges *all, char ret_id[17])
{
    uint64_t id;
    uint64_t count = all->ids_drawn++;
    crypto_shorthash((unsigned char *)&id, (const unsigned char *)&count, sizeof(count),
                     all->id_key);
    hex_encode(ret_id, &id, sizeof(id));
}

struct exchange *exchange_new(struct exchanges *all, struct request *request)
{
    struct exchange *exchange = mem_alloc(sizeof(*exchange));
    exchange->all = all;
    exchange->request = request;
    exchange->began_us = system_mono_us();
    draw_request_id(all, exchange->request_id);
    exchange->context.request_id =
        (struct str){.data = exchange->request_id, .bytes = sizeof(exchange->request_id) - 1};
    exchange->context.deadline_ms = clock_mono_ms(all->config.clock) + all->config.budget_ms;
    list_add(&all->in_hand, &exchange->link);
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    json_body_free(&exchange->body);
    strbuf_fini(&exchange->links);
    if (exchange->free_state != NULL) {
        exchange->free_state(exchange->state);
    }
    if (exchange->set_cookie != NULL) {
        sodium_memzero(exchange->set_cookie, strlen(exchange->set_cookie));
        free(exchange->set_cookie);
    }
    free(exchange);
}

void exchanges_fini(struct exchanges *all)
{
    LIST_EACH (struct exchange, exchange, &all->in_hand, link) {
        struct http_response *response = http_response_new(503);
        list_remove(&exchange->link);
        exchange->request->ops->finish(exchange->request, &response);
        exchange->request = NULL;
        exchange->all = NULL;
        if (exchange->late_timer != 0) { /* nobody else has it */
            clock_cancel(all->config.clock, exchange->late_timer);
            exchange_free(exchange);
        }
    }
    stats_free(&all->stats);
    stats_free(&all->file_stats);
    strbuf_fini(&all->text);
}

/* ---- for handlers ---- */

void *exchange_attach(struct exchange *exchange, size_t bytes, void (*free_state)(void *state))
{
    assert(exchange->state == NULL);
    exchange->state = mem_alloc(bytes);
    exchange->free_state = free_state;
    return exchange->state;
}

void exchange_set_cookie(struct exchange *exchange, const char *token, uint64_t max_age_s)
{
    assert(exchange->set_cookie == NULL);
    exchange->set_cookie = session_cookie_write(exchange->all->config.cookie, token, max_age_s);
}

void exchange_link(struct exchange *exchange, const char *link)
{
    const size_t bytes = strlen(link) + 1;
    if (exchange->links.bytes + bytes <= LINKS_BYTES_MAX) {
        strbuf_add(&exchange->links, (struct str){.data = link, .bytes = bytes});
    }
}

enum dialect exchange_dialect(const struct exchange *exchange)
{
    const char *path = exchange->request->path;
    bool is_v1 = exchange->path != NULL
                     ? exchange->path->resource->dialect == DIALECT_V1
                     : strncmp(path, "/v1", 3) == 0 && (path[3] == '\0' || path[3] == '/');
    is_v1 = is_v1 || exchange->file != NULL;
    return is_v1 ? DIALECT_V1 : DIALECT_ORIGINAL;
}

struct str exchange_address_key(const struct exchange *exchange, uint8_t key[ADDRESS_BYTES])
{
    http_address_key(exchange->request->client, key);
    return (struct str){.data = (const char *)key, .bytes = ADDRESS_BYTES};
}

struct str exchange_parameter(const struct exchange *exchange, const char *name)
{
    const struct route_path *path = exchange->path;
    for (size_t i = 0; i < path->segment_count; i++) {
        struct str segment = path->segments[i];
        if (route_segment_is_parameter(segment) && segment.bytes == strlen(name) + 2 &&
            memcmp(segment.data + 1, name, segment.bytes - 2) == 0) {
            return exchange->request->segments[i];
        }
    }
    return STR_NONE;
}

bool exchange_asker(const struct exchange *exchange, struct msg_asker *ret_asker)
{
    if (exchange->is_participant) {
        *ret_asker = (struct msg_asker){.token_hash = {.data = (const char *)exchange->participant,
                                                       .bytes = sizeof(exchange->participant)}};
    }
    return exchange->is_participant;
}

struct msg_origin exchange_origin(const struct exchange *exchange)
{
    return (struct msg_origin){.address = request_client(exchange->request)};
}

/* ---- answers ---- */

const char *exchange_cors_origins(const struct exchange *exchange)
{
    return exchange->path != NULL && exchange->path->resource->is_for_all_pages
               ? "*"
               : exchange->all->config.cors_origins;
}

/* Names and values are ours, and far from the bound. */
static void add_own_header(struct http_response *response, const char *name, const char *value)
{
    (void)http_response_add_header(response, name, value);
}

static void add_common_headers(const struct exchange *exchange, struct http_response *response)
{
    const char *origins = exchange_cors_origins(exchange);
    const char *origin = cors_allow(origins, request_header(exchange->request, "Origin"));
    add_own_header(response, "X-Request-Id", exchange->request_id);
    if (exchange->file != NULL) {
        return; /* pages of other origins use the API, not its pages */
    }
    if (origin != NULL) {
        add_own_header(response, "Access-Control-Allow-Origin", origin);
        add_own_header(response, "Access-Control-Expose-Headers",
                       exchange_dialect(exchange) == DIALECT_ORIGINAL
                           ? "X-Request-Id, Retry-After"
                           : "X-Request-Id, Retry-After, ETag, Allow, Location, Link, "
                             "Accept-Patch, Accept-Post");
    }
    if (cors_depends_on_origin(origins)) {
        add_own_header(response, "Vary", "Origin");
    }
}

static void log_exchange(struct exchange *exchange, int status, enum err err, uint64_t took_us)
{
    struct exchanges *all = exchange->all;
    log_debug("request", LOG_Z("request_id", exchange->request_id),
              LOG_Z("method", exchange->request->method), LOG_Z("path", exchange->request->path),
              LOG_U64("status", status), LOG_U64("took_us", took_us));
    if (status >= 500 && status != 505) { /* 505 is the client's doing */
        log_warn_limited(&all->failures, clock_mono_ms(all->config.clock), "request failed",
                         LOG_Z("request_id", exchange->request_id),
                         LOG_Z("path", exchange->path == NULL ? "other" : exchange->path->template),
                         LOG_Z("code", err_code(err)));
    }
}

static struct stats *stats_of_exchange(const struct exchange *exchange)
{
    struct stats *others =
        exchange->file != NULL ? exchange->all->file_stats : exchange->all->stats;
    return exchange->path != NULL ? exchange->path->stats : others;
}

static void finish_exchange(struct exchange *exchange, struct http_response **response,
                            enum err err)
{
    uint64_t took_us = system_mono_us() - exchange->began_us;
    int status = http_response_status(*response);
    add_common_headers(exchange, *response);
    if (err == ERR_OK && exchange->set_cookie != NULL) {
        add_own_header(*response, "Set-Cookie", exchange->set_cookie);
    }
    if (exchange->route != NULL && exchange->all->config.guard.note != NULL) {
        exchange->all->config.guard.note(exchange->all->config.guard.arg, exchange, err);
    }
    stats_count(stats_of_exchange(exchange), status, took_us);
    log_exchange(exchange, status, err, took_us);
    list_remove(&exchange->link);
    exchange->request->ops->finish(exchange->request, response);
    exchange_free(exchange);
}

void exchange_respond(struct exchange *exchange, struct http_response **response)
{
    finish_exchange(exchange, response, ERR_OK);
}

static int row_status(const struct exchange *exchange)
{
    return exchange->route->answer.status == 0 ? 200 : exchange->route->answer.status;
}

static void add_success_headers(const struct exchange *exchange, struct http_response *response)
{
    const struct route *route = exchange->route;
    if (exchange_dialect(exchange) == DIALECT_V1 &&
        (route->ask != NULL || route->who != ROUTE_ANYBODY)) {
        add_own_header(response, "Cache-Control", "no-store");
    }
    if (exchange->etag[0] != '\0') {
        add_own_header(response, "ETag", exchange->etag);
    }
    if (exchange->location[0] != '\0') {
        add_own_header(response, "Location", exchange->location);
    }
    if (route->answer.accept_patch != NULL) {
        add_own_header(response, "Accept-Patch", route->answer.accept_patch);
    }
    for (size_t i = 0; i < exchange->links.bytes; i += strlen(&exchange->links.data[i]) + 1) {
        add_own_header(response, "Link", &exchange->links.data[i]);
    }
}

void exchange_respond_json(struct exchange *exchange)
{
    struct http_response *response =
        http_response_new(exchange->is_pending ? 202 : row_status(exchange));
    add_success_headers(exchange, response);
    http_response_set_body(response, "application/json", strbuf_str(&exchange->all->text));
    finish_exchange(exchange, &response, ERR_OK);
}

void exchange_respond_text(struct exchange *exchange, int status, struct str text)
{
    struct http_response *response = http_response_new(status != 0 ? status : row_status(exchange));
    add_success_headers(exchange, response);
    http_response_set_body(response, exchange->route->answer.media_type, text);
    finish_exchange(exchange, &response, ERR_OK);
}

void exchange_respond_bare(struct exchange *exchange)
{
    struct http_response *response = http_response_new(exchange->route->answer.bare_status);
    finish_exchange(exchange, &response, ERR_OK);
}

void exchange_respond_empty(struct exchange *exchange)
{
    struct http_response *response = http_response_new(204);
    finish_exchange(exchange, &response, ERR_OK);
}

void exchange_respond_not_modified(struct exchange *exchange)
{
    struct http_response *response = http_response_new(304);
    add_own_header(response, "Cache-Control", "no-store");
    add_own_header(response, "ETag", exchange->etag);
    finish_exchange(exchange, &response, ERR_OK);
}

/* Whole seconds, rounded up. */
static void add_retry_after(const struct exchange *exchange, struct http_response *response)
{
    char value[24];
    uint64_t wait_s = (exchange->retry_after_ms + 999) / 1000;
    (void)snprintf(value, sizeof(value), "%" PRIu64, wait_s > 0 ? wait_s : 1);
    add_own_header(response, "Retry-After", value);
}

/* Pages cannot remove the cookie, and browsers send it with every request: a dead one would keep a
 * guest out for ever of what is open to anybody. */
static void take_dead_cookie(const struct exchange *exchange, struct http_response *response)
{
    if (exchange->is_cookie_dead) {
        AUTO(mem_free)
        char *value = session_cookie_write(exchange->all->config.cookie, "", 0);
        add_own_header(response, "Set-Cookie", value);
    }
}

/* The media types but JSON that a method of the exchange's path takes. */
static void add_types(const struct exchange *exchange, struct http_response *response,
                      const char *method, const char *name)
{
    struct strbuf types = {0};
    route_path_write_types(exchange->path, method, &types);
    if (types.bytes > 0) {
        strbuf_add(&types, (struct str){.data = "", .bytes = 1});
        add_own_header(response, name, types.data);
    }
    strbuf_fini(&types);
}

/* The methods of the exchange's path. */
static void add_allow(const struct exchange *exchange, struct http_response *response,
                      const char *name)
{
    struct strbuf allow = {0};
    if (exchange->file != NULL) {
        strbuf_add_z(&allow, "GET, HEAD");
    } else {
        route_path_write_allow(exchange->path, &allow);
    }
    strbuf_add(&allow, (struct str){.data = "", .bytes = 1});
    add_own_header(response, name, allow.data);
    strbuf_fini(&allow);
}

static void on_late(void *arg)
{
    struct exchange *exchange = arg;
    exchange->late_timer = 0;
    exchange_fail(exchange, exchange->late_err);
}

void exchange_fail_after(struct exchange *exchange, enum err err, uint64_t ms)
{
    if (ms == 0) {
        exchange_fail(exchange, err);
        return;
    }
    exchange->late_err = err;
    exchange->late_timer = clock_after(exchange->all->config.clock, ms, on_late, exchange);
}

void exchange_fail_with(struct exchange *exchange, const struct problem *problem)
{
    int status = err_http_status(problem->err);
    struct http_response *response = http_response_new(status);
    struct json_out out;
    json_out_init(&out, &exchange->all->text);
    const char *media_type =
        problem_write(problem, exchange_dialect(exchange), exchange->request_id, &out);
    http_response_set_body(response, media_type, strbuf_str(&exchange->all->text));
    if (exchange->request->error != ERR_OK) {
        http_response_close(response);
    }
    if (status == 429 || status == 503 || exchange->retry_after_ms > 0 ||
        problem->err == ERR_IN_FLIGHT) {
        add_retry_after(exchange, response);
    } else if (status == 401) {
        add_own_header(response, "WWW-Authenticate", "Bearer");
        take_dead_cookie(exchange, response);
    } else if (status == 405) {
        add_allow(exchange, response, "Allow");
    } else if (problem->err == ERR_CONTENT_CODING) {
        add_own_header(response, "Accept-Encoding", "identity"); /* RFC 9110, section 12.5.3 */
    }
    finish_exchange(exchange, &response, problem->err);
}

void exchange_fail(struct exchange *exchange, enum err err)
{
    exchange_fail_with(exchange, &(struct problem){.err = err});
}

void exchange_respond_options(struct exchange *exchange, bool is_preflight)
{
    struct http_response *response = http_response_new(204);
    if (is_preflight) {
        add_allow(exchange, response, "Access-Control-Allow-Methods");
        add_own_header(
            response, "Access-Control-Allow-Headers",
            exchange_dialect(exchange) == DIALECT_ORIGINAL
                ? "authorization, content-type"
                : "authorization, content-type, idempotency-key, if-match, if-none-match, "
                  "last-event-id");
        add_own_header(response, "Access-Control-Max-Age", "600");
    } else {
        add_allow(exchange, response, "Allow");
    }
    add_types(exchange, response, "POST", "Accept-Post");
    add_types(exchange, response, "PATCH", "Accept-Patch");
    finish_exchange(exchange, &response, ERR_OK);
}
