/* One request on its way through the API: its id, its deadline, what it asks of which service, and
 * its answer. Made when the request is there, freed with the answer. */
#ifndef LYNKS_GATEWAY_HTTP_EXCHANGE_H
#define LYNKS_GATEWAY_HTTP_EXCHANGE_H

#include "gateway/http/api.h"
#include "gateway/http/limiter.h"
#include "gateway/http/routes.h"
#include "gateway/http/stats.h"
#include "proto/base/strbuf.h"
#include "gateway/http/web.h"
#include "proto/base/log.h"

#define TOKEN_BYTES 32
#define TOKEN_HEX 64
#define TOKEN_HASH_BYTES 32      /* SHA-256 of the hex digits */
#define NAME_KEY_BYTES (16 + 32) /* client address, SHA-256 of the user name */

struct api {
    struct api_parts parts;
    struct api_config config;
    struct limiter *by_address, *by_name;
    struct metric *limited_address, *limited_name;
    struct stats **stats; /* of each route, then of all other paths */
    struct strbuf text;   /* of the answer being made */
    struct exchange *first;
    size_t count;
    uint64_t ids_drawn;
    uint8_t id_key[16];
    struct log_gate failures;
};

struct exchange {
    struct api *api; /* NULL once the API is gone */
    struct exchange *previous, *next;
    struct web_request *web;
    const struct route *route; /* NULL: none yet */
    const char *path_label;    /* of the route table; "other" */
    struct stats *stats;
    uint64_t began_us;
    char request_id[17];
    struct call_context context;
    struct json_t *json;
    struct msg msg; /* what is asked; strings are json's or the exchange's */
    char token[TOKEN_HEX + 1];
    uint8_t token_hash[TOKEN_HASH_BYTES];
    uint8_t idempotency_key[16];
    uint8_t name_key[NAME_KEY_BYTES]; /* of the login limits */
    bool attempt_taken;               /* of name_key's; not given back yet */
    uint64_t wait_ms;                 /* for Retry-After of ERR_RATE_LIMITED */
};

struct exchange *exchange_new(struct api *api, struct web_request *web);
/* The answer of a route, its body in api->text; the exchange is gone afterwards. */
void exchange_reply(struct exchange *exchange);
/* The JSON error; the exchange is gone afterwards. */
void exchange_fail(struct exchange *exchange, enum err err);
/* Answers OPTIONS of a page that may use the API. */
void exchange_preflight(struct exchange *exchange);
/* The API goes: what comes for this exchange later only frees it. */
void exchange_orphan(struct exchange *exchange);
void exchange_free(struct exchange *exchange);

#endif
