#include "gateway/http/repeat_key.h"

#include <sodium.h>
#include <stdlib.h>

#include "gateway/http/auth.h"

#define CLIENT_KEY_BYTES_MAX 128
/* 128 bits as base64 has them: of who is not known, only the key tells requests apart. */
#define NOBODYS_KEY_BYTES_MIN 22

static bool is_of_nobody(const struct exchange *exchange)
{
    return exchange->context.principal.kind == PRINCIPAL_NONE && !exchange->is_participant;
}

/* ---- Idempotency-Key ---- */

static bool is_good_key(struct str key, size_t bytes_min)
{
    for (size_t i = 0; i < key.bytes; i++) {
        if (key.data[i] <= ' ' || key.data[i] > '~' || key.data[i] == '"' || key.data[i] == '\\') {
            return false;
        }
    }
    return key.bytes >= bytes_min && key.bytes <= CLIENT_KEY_BYTES_MAX;
}

/* It is an Item of RFC 8941, so in quotes; many clients leave them out. */
bool repeat_key_read(struct exchange *exchange)
{
    const char *header = request_header(exchange->request, "Idempotency-Key");
    struct str key = str_of(header);
    const bool is_nobodys = is_of_nobody(exchange);
    if (header == NULL) {
        return true;
    }
    if (key.bytes >= 2 && key.data[0] == '"' && key.data[key.bytes - 1] == '"') {
        key.data++;
        key.bytes -= 2;
    }
    if (!is_good_key(key, is_nobodys ? NOBODYS_KEY_BYTES_MIN : 1)) {
        return false;
    }
    exchange->repeat_key = key;
    auth_hash_body(exchange->all->config.auth, exchange->request->body, exchange->body_hash);
    return true;
}

/* ---- the key of the message ---- */

static void add(crypto_generichash_state *hash, const void *data, size_t bytes)
{
    const uint64_t length = bytes; /* so that nothing moves from one part to the next */
    crypto_generichash_update(hash, (const unsigned char *)&length, sizeof(length));
    crypto_generichash_update(hash, data, bytes);
}

static void add_str(crypto_generichash_state *hash, struct str text)
{
    add(hash, text.data, text.bytes);
}

static void add_asker(crypto_generichash_state *hash, const struct exchange *exchange)
{
    const struct principal *principal = &exchange->context.principal;
    const uint64_t kind = (uint64_t)principal->kind;
    add(hash, &kind, sizeof(kind));
    add(hash, &principal->user_id, sizeof(principal->user_id));
    add(hash, &principal->participant_id, sizeof(principal->participant_id));
    add(hash, &principal->stream_key_id, sizeof(principal->stream_key_id));
    if (exchange->is_participant) {
        add(hash, exchange->participant, sizeof(exchange->participant));
    }
}

static void add_route(crypto_generichash_state *hash, const struct exchange *exchange)
{
    const struct route_path *path = exchange->path;
    add_str(hash, str_of(exchange->route->name));
    for (size_t i = 0; i < path->segment_count; i++) {
        if (route_segment_is_parameter(path->segments[i])) {
            add_str(hash, exchange->request->segments[i]);
        }
    }
}

static void add_body_of_nobody(crypto_generichash_state *hash, const struct exchange *exchange)
{
    uint8_t body_hash[AUTH_BODY_BYTES], address[ADDRESS_BYTES];
    auth_hash_body(exchange->all->config.auth, exchange->request->body, body_hash);
    add(hash, body_hash, sizeof(body_hash));
    if (exchange->repeat_key.bytes == 0) {
        add_str(hash, exchange_address_key(exchange, address));
    }
}

bool repeat_key_is_given(const struct exchange *exchange)
{
    return exchange->repeat_key.bytes > 0 || exchange->request->proxy_id.bytes > 0;
}

void repeat_key_make(const struct exchange *exchange, uint8_t ret_key[REPEAT_KEY_BYTES])
{
    const bool is_clients = exchange->repeat_key.bytes > 0;
    crypto_generichash_state hash;
    if (!repeat_key_is_given(exchange)) {
        randombytes_buf(ret_key, REPEAT_KEY_BYTES);
        return;
    }
    crypto_generichash_init(&hash, NULL, 0, REPEAT_KEY_BYTES);
    add_asker(&hash, exchange);
    add_route(&hash, exchange);
    if (is_clients) {
        add_str(&hash, STR_LIT("Idempotency-Key")); /* one more part than there is of a proxy's */
    }
    if (is_of_nobody(exchange)) {
        add_body_of_nobody(&hash, exchange);
    }
    add_str(&hash, is_clients ? exchange->repeat_key : exchange->request->proxy_id);
    crypto_generichash_final(&hash, ret_key, REPEAT_KEY_BYTES);
}

struct str repeat_key_attach(struct exchange *exchange)
{
    uint8_t *key = exchange_attach(exchange, REPEAT_KEY_BYTES, free);
    repeat_key_make(exchange, key);
    return (struct str){.data = (const char *)key, .bytes = REPEAT_KEY_BYTES};
}

struct str repeat_key_body(const struct exchange *exchange)
{
    const struct str hash = {.data = (const char *)exchange->body_hash,
                             .bytes = sizeof(exchange->body_hash)};
    return exchange->repeat_key.bytes > 0 ? hash : STR_NONE;
}
