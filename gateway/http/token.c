#include "gateway/http/token.h"

#include <sodium.h>
#include <stdlib.h>

#define RANDOM_BYTES 24
#define CHECK_BYTES 8 /* a guess is right once in 2^64 */
#define KEYS_MAX 2

struct token_keys {
    crypto_auth_hmacsha256_state keys[KEYS_MAX]; /* with nothing hashed yet */
    size_t count;
};

static const struct str kinds[] = {[TOKEN_SESSION] = STR_LIT("session"),
                                   [TOKEN_PARTICIPANT] = STR_LIT("participant"),
                                   [TOKEN_INVITATION] = STR_LIT("invitation"),
                                   [TOKEN_STREAM_KEY] = STR_LIT("stream key")};
/* What is hashed for another purpose than a check value begins with one of these, or with data. */
static const struct str derived_kinds[] = {[TOKEN_SESSION] = STR_LIT("derived session"),
                                           [TOKEN_PARTICIPANT] = STR_LIT("derived participant"),
                                           [TOKEN_INVITATION] = STR_LIT("derived invitation"),
                                           [TOKEN_STREAM_KEY] = STR_LIT("derived stream key")};

struct token_bytes {
    uint8_t random[RANDOM_BYTES];
    uint8_t check[CHECK_BYTES];
};
_Static_assert(2 * sizeof(struct token_bytes) == TOKEN_HEX, "a token is all of these bytes");

/* ---- keys ---- */

static bool key_is_good(struct str key)
{
    for (size_t i = 0; i < key.bytes; i++) {
        if (key.data[i] <= ' ' || key.data[i] > '~') {
            return false;
        }
    }
    return key.bytes >= TOKEN_KEY_BYTES_MIN && key.bytes <= TOKEN_KEY_BYTES_MAX;
}

struct token_keys *token_keys_new(const char *text)
{
    struct token_keys *keys = mem_alloc(sizeof(*keys));
    const char *rest = text;
    while (rest != NULL) {
        const char *comma = strchr(rest, ',');
        struct str key = {.data = rest,
                          .bytes = comma == NULL ? strlen(rest) : (size_t)(comma - rest)};
        if (keys->count == KEYS_MAX || !key_is_good(key)) {
            token_keys_free(&keys);
            return NULL;
        }
        crypto_auth_hmacsha256_init(&keys->keys[keys->count++], (const unsigned char *)key.data,
                                    key.bytes);
        rest = comma == NULL ? NULL : comma + 1;
    }
    return keys;
}

void token_keys_free(struct token_keys **keys)
{
    if (*keys != NULL) {
        sodium_memzero(*keys, sizeof(**keys));
        mem_free(keys);
    }
}

/* ---- tokens ---- */

/* A hash of both, one after the other. */
static void hash_with(const crypto_auth_hmacsha256_state *key, struct str kind, struct str data,
                      void *ret_hash, size_t hash_bytes)
{
    crypto_auth_hmacsha256_state state = *key;
    unsigned char hash[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)kind.data, kind.bytes);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)data.data, data.bytes);
    crypto_auth_hmacsha256_final(&state, hash);
    memcpy(ret_hash, hash, hash_bytes);
    sodium_memzero(hash, sizeof(hash));
}

static void make_check(const crypto_auth_hmacsha256_state *key, enum token_kind kind,
                       const uint8_t random[RANDOM_BYTES], uint8_t ret_check[CHECK_BYTES])
{
    const struct str data = {.data = (const char *)random, .bytes = RANDOM_BYTES};
    hash_with(key, kinds[kind], data, ret_check, CHECK_BYTES);
}

void token_keys_hash(const struct token_keys *keys, struct str data, void *ret_hash,
                     size_t hash_bytes)
{
    hash_with(&keys->keys[0], STR_LIT("data"), data, ret_hash, hash_bytes);
}

/* The check value is added; bytes are wiped. */
static void write_token(const struct token_keys *keys, enum token_kind kind,
                        struct token_bytes *bytes, char ret_token[TOKEN_HEX + 1])
{
    make_check(&keys->keys[0], kind, bytes->random, bytes->check);
    hex_encode(ret_token, bytes, sizeof(*bytes));
    sodium_memzero(bytes, sizeof(*bytes));
}

void token_draw(const struct token_keys *keys, enum token_kind kind, char ret_token[TOKEN_HEX + 1])
{
    struct token_bytes bytes;
    randombytes_buf(bytes.random, sizeof(bytes.random));
    write_token(keys, kind, &bytes, ret_token);
}

void token_derive(const struct token_keys *keys, enum token_kind kind, struct str seed,
                  char ret_token[TOKEN_HEX + 1])
{
    struct token_bytes bytes;
    hash_with(&keys->keys[0], derived_kinds[kind], seed, bytes.random, sizeof(bytes.random));
    write_token(keys, kind, &bytes, ret_token);
}

enum token_verdict token_judge(const struct token_keys *keys, enum token_kind kind,
                               struct str token)
{
    struct token_bytes bytes;
    bool is_ours = false;
    for (size_t i = 0; i < token.bytes; i++) {
        if (token.data[i] >= 'A' && token.data[i] <= 'F') {
            return TOKEN_IS_NONE;
        }
    }
    if (!hex_decode(&bytes, sizeof(bytes), token)) {
        return TOKEN_IS_NONE;
    }
    for (size_t i = 0; i < keys->count; i++) {
        uint8_t check[CHECK_BYTES];
        make_check(&keys->keys[i], kind, bytes.random, check);
        is_ours |= sodium_memcmp(check, bytes.check, CHECK_BYTES) == 0;
    }
    return is_ours ? TOKEN_IS_OURS : TOKEN_IS_FOREIGN;
}
