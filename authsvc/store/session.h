/* One session as the database has it. */
#ifndef LYNKS_AUTHSVC_STORE_SESSION_H
#define LYNKS_AUTHSVC_STORE_SESSION_H

#include "proto/schema/msg.h"

/* SHA-256 of a token: all that this service ever sees of it. */
#define TOKEN_HASH_BYTES 32
struct token_hash {
    unsigned char bytes[TOKEN_HASH_BYTES];
};

/* What a session is called outside of this service: the first half of its token's hash, which tells
 * nothing about the token, and cannot be guessed without it. */
struct session_id {
    unsigned char bytes[SESSION_ID_BYTES];
};

struct session {
    uint64_t id;
    uint64_t user_id;
    uint64_t role; /* of the user: an enum role */
    uint64_t kind; /* an enum session_kind */
    uint64_t created_unix_ms;
    uint64_t expires_unix_ms;
};

struct session_span {
    uint64_t idle_ms;     /* from the last use */
    uint64_t lifetime_ms; /* from the login */
};

/* How long sessions live. */
struct session_rules {
    struct session_span original, web;
    uint64_t outage_ms; /* how far past the stored expiry one goes on while it cannot be stored */
};

/* kind: an enum session_kind. */
static inline const struct session_span *session_rules_span(const struct session_rules *rules,
                                                            uint64_t kind)
{
    return kind == SESSION_WEB ? &rules->web : &rules->original;
}

#endif
