/* Password hashing as an interface: hasher_pool.c has processes do it, tests mock it.
 *
 * Each function returns at once. ERR_OK: fn (arg) is called once, later, on the loop. Anything else
 * (ERR_OVERLOADED): it is never called. password is borrowed until then; stored is copied. */
#ifndef LYNKS_AUTHSVC_HASH_HASHER_H
#define LYNKS_AUTHSVC_HASH_HASHER_H

#include "proto/crypto/password.h"

/* As password_verify says, or ERR_DEADLINE. needs_rehash: it fits, but is out of date. */
typedef void hasher_verified_fn(void *arg, enum err err, bool needs_rehash);
/* stored: NULL unless err is ERR_OK; borrowed until fn returns. */
typedef void hasher_hashed_fn(void *arg, enum err err, const char *stored);

struct hasher_ops {
    /* stored NULL: unknown user; costs the same. */
    enum err (*verify)(void *self, const char *stored, struct str password, uint64_t deadline_ms,
                       hasher_verified_fn *fn, void *arg);
    /* Of a new password. */
    enum err (*hash)(void *self, struct str password, uint64_t deadline_ms, hasher_hashed_fn *fn,
                     void *arg);
    /* At the lowest priority: nobody waits for it. */
    enum err (*rehash)(void *self, struct str password, hasher_hashed_fn *fn, void *arg);
};

struct hasher {
    const struct hasher_ops *ops;
    void *self;
};

#endif
