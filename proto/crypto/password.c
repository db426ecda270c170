#include "proto/crypto/password.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#define LEGACY_PREFIX "sha256:"
#define HEX_BYTES (crypto_hash_sha256_BYTES * 2)
#define SALT_BYTES 16
#define HASH_BYTES 32
#define BASE64_VARIANT sodium_base64_VARIANT_ORIGINAL_NO_PADDING

static size_t memory_bytes(const struct password_params *params)
{
    return (size_t)params->memory_kib * 1024;
}

bool password_is_bare(struct str stored)
{
    unsigned char ignored[crypto_hash_sha256_BYTES];
    return hex_decode(ignored, sizeof(ignored), stored);
}

static void sha256_hex(char ret_hex[HEX_BYTES + 1], struct str password)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)password.data, password.bytes);
    hex_encode(ret_hex, digest, sizeof(digest));
    sodium_memzero(digest, sizeof(digest));
}

/* A well-formed hash with these parameters that no password fits. */
static void make_dummy(const struct password_params *params, char ret_stored[PASSWORD_STORED_BYTES])
{
    unsigned char salt[SALT_BYTES];
    unsigned char hash[HASH_BYTES];
    char salt64[sodium_base64_ENCODED_LEN(SALT_BYTES, BASE64_VARIANT)];
    char hash64[sodium_base64_ENCODED_LEN(HASH_BYTES, BASE64_VARIANT)];
    randombytes_buf(salt, sizeof(salt));
    randombytes_buf(hash, sizeof(hash));
    sodium_bin2base64(salt64, sizeof(salt64), salt, sizeof(salt), BASE64_VARIANT);
    sodium_bin2base64(hash64, sizeof(hash64), hash, sizeof(hash), BASE64_VARIANT);
    (void)snprintf(ret_stored, PASSWORD_STORED_BYTES,
                   "$argon2id$v=19$m=%" PRIu64 ",t=%" PRIu64 ",p=1$%s$%s", params->memory_kib,
                   params->passes, salt64, hash64);
}

enum outcome { FITS, FITS_NOT, NO_MEMORY, NOT_A_HASH };

/* libsodium 1.0.18 [src]: errno is EINVAL when the password does not fit, ENOMEM from the
 * allocation, and untouched when the text is not a hash, which costs no time. */
static enum outcome argon2_verify(const char *hash, struct str password)
{
    errno = 0;
    if (crypto_pwhash_str_verify(hash, password.data, password.bytes) == 0) {
        return FITS;
    }
    if (errno == ENOMEM) {
        return NO_MEMORY;
    }
    return errno == EINVAL ? FITS_NOT : NOT_A_HASH;
}

static enum outcome dummy_verify(const struct password_params *params, struct str password)
{
    char dummy[PASSWORD_STORED_BYTES];
    make_dummy(params, dummy);
    return argon2_verify(dummy, password) == NO_MEMORY ? NO_MEMORY : FITS_NOT;
}

/* A bare SHA-256: nothing to spend time on, so it is spent on the dummy. */
static enum outcome bare_verify(const struct password_params *params, const char *stored,
                                struct str hex)
{
    char lower[HEX_BYTES + 1];
    unsigned char digest[crypto_hash_sha256_BYTES];
    if (!hex_decode(digest, sizeof(digest), str_of(stored))) {
        return NOT_A_HASH;
    }
    hex_encode(lower, digest, sizeof(digest));
    enum outcome outcome = dummy_verify(params, hex);
    if (outcome == FITS_NOT && sodium_memcmp(lower, hex.data, HEX_BYTES) == 0) {
        return FITS;
    }
    return outcome;
}

static bool is_legacy(const char *stored)
{
    return strncmp(stored, LEGACY_PREFIX, sizeof(LEGACY_PREFIX) - 1) == 0;
}

static enum outcome verify(const struct password_params *params, const char *stored,
                           struct str password, struct str hex)
{
    if (stored == NULL) {
        return NOT_A_HASH;
    }
    if (is_legacy(stored)) {
        return argon2_verify(stored + sizeof(LEGACY_PREFIX) - 1, hex);
    }
    if (stored[0] == '$') {
        return argon2_verify(stored, password);
    }
    return bare_verify(params, stored, hex);
}

enum err password_verify(const struct password_params *params, const char *stored,
                         struct str password)
{
    char hex[HEX_BYTES + 1];
    sha256_hex(hex, password);
    enum outcome outcome = verify(params, stored, password, str_of(hex));
    if (outcome == NOT_A_HASH) {
        outcome = dummy_verify(params, password);
    }
    sodium_memzero(hex, sizeof(hex));
    if (outcome == NO_MEMORY) {
        return ERR_OVERLOADED;
    }
    return outcome == FITS ? ERR_OK : ERR_BAD_CREDENTIALS;
}

bool password_needs_rehash(const struct password_params *params, const char *stored)
{
    return crypto_pwhash_str_needs_rehash(stored, params->passes, memory_bytes(params)) != 0;
}

enum err password_hash(const struct password_params *params, struct str password, char *ret_stored)
{
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(hash, password.data, password.bytes, params->passes,
                          memory_bytes(params)) != 0) {
        return ERR_OVERLOADED;
    }
    (void)snprintf(ret_stored, PASSWORD_STORED_BYTES, "%s", hash);
    return ERR_OK;
}

enum err password_wrap(const struct password_params *params, struct str bare, char *ret_stored)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char lower[HEX_BYTES + 1];
    char hash[PASSWORD_STORED_BYTES];
    if (!hex_decode(digest, sizeof(digest), bare)) {
        return ERR_BAD_REQUEST;
    }
    hex_encode(lower, digest, sizeof(digest));
    enum err err = password_hash(params, str_of(lower), hash);
    if (err == ERR_OK) {
        int bytes = snprintf(ret_stored, PASSWORD_STORED_BYTES, LEGACY_PREFIX "%s", hash);
        err = bytes < PASSWORD_STORED_BYTES ? ERR_OK : ERR_INTERNAL;
    }
    sodium_memzero(lower, sizeof(lower));
    return err;
}
