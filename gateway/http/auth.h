/* Who asks: turns what came with a request into a principal. What a route needs stands in its row
 * (route->who). One for the whole API, made before the dispatcher and freed after it; lives on the
 * loop. */
#ifndef LYNKS_GATEWAY_HTTP_AUTH_H
#define LYNKS_GATEWAY_HTTP_AUTH_H

#include "gateway/http/exchange.h"
#include "gateway/http/token.h"

#define AUTH_HASH_BYTES 32 /* SHA-256 of a token's hex digits: what services know of it */

struct auth_config {
    const char *token_key; /* see token_keys_new */
};

struct auth;
/* NULL: token_key is none. */
struct auth *auth_new(struct metrics *metrics, const struct auth_config *config);
void auth_free(struct auth **auth);

/* Draws a token for a session, ended by NUL. */
void auth_draw_token(const struct auth *auth, char ret_token[TOKEN_HEX + 1]);

/* What came with a request. */
struct credential {
    enum credential_kind {
        CREDENTIAL_NONE,
        CREDENTIAL_SESSION, /* the token of a session, bare or after "Bearer" */
    } kind;
    uint8_t token_hash[AUTH_HASH_BYTES];
};

/* ERR_UNAUTHORIZED: the route needs a credential, and there is none, or one that no gateway has
 * drawn. Asks nobody; for a route that is open to anybody it gives CREDENTIAL_NONE. */
enum err auth_read(const struct exchange *exchange, struct credential *ret_credential);

/* Puts the principal that credential stands for into the exchange's context, then calls then, now
 * or later. Or the exchange fails. Asks authsvc: session_check. */
void auth_check(struct exchange *exchange, const struct credential *credential,
                void (*then)(struct exchange *exchange));

#endif
