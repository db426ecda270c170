/* Who asks: turns what came with a request into a principal. What a route needs stands in its row
 * (route->who). */
#ifndef LYNKS_GATEWAY_HTTP_AUTH_H
#define LYNKS_GATEWAY_HTTP_AUTH_H

#include "gateway/http/exchange.h"

#define AUTH_TOKEN_BYTES 32 /* drawn at random */
#define AUTH_TOKEN_HEX 64   /* as clients have it: lower-case hex digits */
#define AUTH_HASH_BYTES 32  /* SHA-256 of the hex digits: what services know of it */

/* What came with a request. */
struct credential {
    enum credential_kind {
        CREDENTIAL_NONE,
        CREDENTIAL_SESSION, /* the token of a session, bare or after "Bearer" */
    } kind;
    uint8_t token_hash[AUTH_HASH_BYTES];
};

/* ERR_UNAUTHORIZED: the route needs a credential, and there is none, or one that cannot be right.
 * Looks at the form only; for a route that is open to anybody it gives CREDENTIAL_NONE. */
enum err auth_read(struct request *request, const struct route *route,
                   struct credential *ret_credential);

/* Puts the principal that credential stands for into the exchange's context, then calls then, now
 * or later. Or the exchange fails. Asks authsvc: session_check. */
void auth_check(struct exchange *exchange, const struct credential *credential,
                void (*then)(struct exchange *exchange));

#endif
