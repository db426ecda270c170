/* One session as the database has it. */
#ifndef LYNKS_AUTHSVC_STORE_SESSION_H
#define LYNKS_AUTHSVC_STORE_SESSION_H

#include "proto/base/base.h"

/* SHA-256 of a token: all that this service ever sees of it. */
#define TOKEN_HASH_BYTES 32
struct token_hash {
    unsigned char bytes[TOKEN_HASH_BYTES];
};

struct session {
    uint64_t id;
    uint64_t user_id;
    uint64_t created_unix_ms;
    uint64_t expires_unix_ms;
};

/* How long sessions live. */
struct session_rules {
    uint64_t idle_ms;     /* from the last use */
    uint64_t lifetime_ms; /* from the login */
    uint64_t outage_ms;   /* how far past the stored expiry one goes on while it cannot be stored */
};

#endif
