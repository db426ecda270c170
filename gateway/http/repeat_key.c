#include "gateway/http/repeat_key.h"

#include <sodium.h>
#include <stdlib.h>

static void add(crypto_generichash_state *hash, const void *data, size_t bytes)
{
    const uint64_t length = bytes; /* so that nothing moves from one part to the next */
    crypto_generichash_update(hash, (const unsigned char *)&length, sizeof(length));
    crypto_generichash_update(hash, data, bytes);
}

void repeat_key_make(const struct exchange *exchange, uint8_t ret_key[REPEAT_KEY_BYTES])
{
    const struct principal *principal = &exchange->context.principal;
    const struct str id = exchange->request->proxy_id;
    const uint64_t kind = (uint64_t)principal->kind;
    crypto_generichash_state hash;
    if (id.bytes == 0) {
        randombytes_buf(ret_key, REPEAT_KEY_BYTES);
        return;
    }
    crypto_generichash_init(&hash, NULL, 0, REPEAT_KEY_BYTES);
    add(&hash, &kind, sizeof(kind));
    add(&hash, &principal->user_id, sizeof(principal->user_id));
    add(&hash, exchange->route->name, strlen(exchange->route->name));
    add(&hash, id.data, id.bytes);
    crypto_generichash_final(&hash, ret_key, REPEAT_KEY_BYTES);
}

struct str repeat_key_attach(struct exchange *exchange)
{
    uint8_t *key = exchange_attach(exchange, REPEAT_KEY_BYTES, free);
    repeat_key_make(exchange, key);
    return (struct str){.data = (const char *)key, .bytes = REPEAT_KEY_BYTES};
}
