#include "gateway/http/exchange.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/http/cors.h"
#include "gateway/http/request_json.h"

/* A keyed hash of a counter: as good as random to strangers, and no system call for each request.
 */
static void draw_request_id(struct api *api, char ret_id[17])
{
    uint64_t id;
    uint64_t count = api->ids_drawn++;
    crypto_shorthash((unsigned char *)&id, (const unsigned char *)&count, sizeof(count),
                     api->id_key);
    hex_encode(ret_id, &id, sizeof(id));
}

struct exchange *exchange_new(struct api *api, struct web_request *web)
{
    struct exchange *exchange = mem_alloc(sizeof(*exchange));
    exchange->api = api;
    exchange->web = web;
    exchange->began_us = system_mono_us();
    exchange->path_label = "other";
    exchange->stats = api->stats[routes_count()];
    draw_request_id(api, exchange->request_id);
    exchange->context.request_id =
        (struct str){.data = exchange->request_id, .bytes = sizeof(exchange->request_id) - 1};
    exchange->context.deadline_ms = clock_mono_ms(api->parts.clock) + api->config.budget_ms;
    exchange->next = api->first;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange;
    }
    api->first = exchange;
    api->count++;
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    request_json_free(&exchange->json);
    sodium_memzero(exchange->token, sizeof(exchange->token));
    free(exchange);
}

static void unlink_exchange(struct exchange *exchange)
{
    struct api *api = exchange->api;
    *(exchange->previous == NULL ? &api->first : &exchange->previous->next) = exchange->next;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    }
    api->count--;
}

/* ---- answers ---- */

static const char *allowed_origin(const struct exchange *exchange)
{
    return cors_allow(exchange->api->config.cors_origins, exchange->web->origin);
}

static void add_header(struct http_response *response, const char *name, const char *value)
{
    (void)http_response_add_header(response, name, value);
}

static void add_common_headers(const struct exchange *exchange, struct http_response *response)
{
    add_header(response, "X-Request-Id", exchange->request_id);
    const char *origin = allowed_origin(exchange);
    if (origin != NULL) {
        add_header(response, "Access-Control-Allow-Origin", origin);
        add_header(response, "Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
        add_header(response, "Vary", "Origin");
    }
}

static void log_exchange(struct exchange *exchange, int status, enum err err, uint64_t took_us)
{
    struct api *api = exchange->api;
    log_debug("request", LOG_Z("request_id", exchange->request_id),
              LOG_Z("method", exchange->web->method), LOG_Z("path", exchange->web->path),
              LOG_U64("status", status), LOG_U64("took_us", took_us));
    if (status >= 500) {
        log_warn_limited(&api->failures, clock_mono_ms(api->parts.clock), "request failed",
                         LOG_Z("request_id", exchange->request_id),
                         LOG_Z("path", exchange->path_label), LOG_Z("code", err_code(err)));
    }
}

/* Takes *response. */
static void finish(struct exchange *exchange, struct http_response **response, enum err err)
{
    uint64_t took_us = system_mono_us() - exchange->began_us;
    int status = http_response_status(*response);
    add_common_headers(exchange, *response);
    stats_count(exchange->stats, status, took_us);
    log_exchange(exchange, status, err, took_us);
    unlink_exchange(exchange);
    exchange->web->finish(exchange->web, response);
    exchange_free(exchange);
}

void exchange_reply(struct exchange *exchange)
{
    struct http_response *response = http_response_new(200);
    http_response_set_body(response, "application/json", strbuf_str(&exchange->api->text));
    finish(exchange, &response, ERR_OK);
}

static struct str write_error(struct exchange *exchange, enum err err)
{
    struct strbuf *text = &exchange->api->text;
    strbuf_clear(text);
    strbuf_add(text, STR_LIT("{\"action\":\"failed\",\"error\":{\"code\":\""));
    strbuf_add_z(text, err_code(err));
    strbuf_add(text, STR_LIT("\",\"message\":\""));
    strbuf_add_z(text, err_text(err));
    strbuf_add(text, STR_LIT("\"},\"request_id\":\""));
    strbuf_add_z(text, exchange->request_id);
    strbuf_add(text, STR_LIT("\"}"));
    return strbuf_str(text);
}

/* Whole seconds, rounded up. */
static void add_retry_after(const struct exchange *exchange, struct http_response *response)
{
    char value[24];
    uint64_t wait_s = (exchange->wait_ms + 999) / 1000;
    (void)snprintf(value, sizeof(value), "%" PRIu64, wait_s > 0 ? wait_s : 1);
    add_header(response, "Retry-After", value);
}

static void add_allow(const struct exchange *exchange, struct http_response *response,
                      const char *name)
{
    struct strbuf allow = {0};
    routes_write_allow(exchange->web->path, &allow);
    strbuf_add(&allow, (struct str){.data = "", .bytes = 1});
    add_header(response, name, allow.data);
    strbuf_fini(&allow);
}

void exchange_fail(struct exchange *exchange, enum err err)
{
    int status = err_http_status(err);
    struct http_response *response = http_response_new(status);
    http_response_set_body(response, "application/json", write_error(exchange, err));
    if (exchange->web->error != ERR_OK) {
        http_response_close(response);
    }
    if (status == 429 || status == 503) {
        add_retry_after(exchange, response);
    } else if (status == 401) {
        add_header(response, "WWW-Authenticate", "Bearer");
    } else if (status == 405) {
        add_allow(exchange, response, "Allow");
    }
    finish(exchange, &response, err);
}

void exchange_preflight(struct exchange *exchange)
{
    struct http_response *response = http_response_new(204);
    add_allow(exchange, response, "Access-Control-Allow-Methods");
    add_header(response, "Access-Control-Allow-Headers", "authorization, content-type");
    add_header(response, "Access-Control-Max-Age", "600");
    finish(exchange, &response, ERR_OK);
}

void exchange_orphan(struct exchange *exchange)
{
    struct http_response *response = http_response_new(503);
    unlink_exchange(exchange);
    exchange->web->finish(exchange->web, &response);
    exchange->web = NULL;
    exchange->api = NULL;
}
