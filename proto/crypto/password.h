/* Stored passwords: what they look like, how one is checked, when one is out of date.
 *
 *   $argon2id$v=19$...          Argon2id of the password, as libsodium writes it
 *   sha256:$argon2id$v=19$...   Argon2id of the 64 lower-case hex digits of the password's SHA-256:
 *                               what the migration made of the original program's hashes
 *   64 hex digits               the original's own form: still understood, never written
 *
 * Pure functions, any thread; they burn CPU and memory on purpose, so never on the loop. */
#ifndef LYNKS_PROTO_CRYPTO_PASSWORD_H
#define LYNKS_PROTO_CRYPTO_PASSWORD_H

#include "proto/base/err.h"

#define PASSWORD_STORED_BYTES 256 /* with its NUL; the column holds 255 */

struct password_params {
    uint64_t memory_kib; /* 8 .. 4 Mi */
    uint64_t passes;     /* 1 .. 100 */
};

/* Costs exactly one Argon2id whatever stored is; NULL stands for an unknown user.
 * ERR_OK; ERR_BAD_CREDENTIALS; ERR_OVERLOADED: no memory for it. */
enum err password_verify(const struct password_params *params, const char *stored,
                         struct str password);

/* Is it of an older form, or made with other parameters? */
bool password_needs_rehash(const struct password_params *params, const char *stored);

/* ret_stored holds PASSWORD_STORED_BYTES. ERR_OVERLOADED: no memory for it. */
enum err password_hash(const struct password_params *params, struct str password, char *ret_stored);

/* Is it a bare SHA-256 as the original stored it? */
bool password_is_bare(struct str stored);
/* Makes "sha256:$argon2id$..." of a bare one. */
enum err password_wrap(const struct password_params *params, struct str bare, char *ret_stored);

#endif
