/* Who asks: turns what came with a request into a principal. What a route needs stands in its row
 * (route->who). One for the whole API, made before the dispatcher and freed after it; lives on the
 * loop. */
#ifndef LYNKS_GATEWAY_HTTP_AUTH_H
#define LYNKS_GATEWAY_HTTP_AUTH_H

#include "gateway/http/exchange.h"
#include "gateway/http/token.h"

/* SHA-256 of a token or secret as text, with its prefix: all that services know of it. */
#define AUTH_HASH_BYTES SESSION_HASH_BYTES

struct auth_config {
    const char *token_key; /* see token_keys_new */
    /* How often one address may come with tokens that gateways have drawn and that are of no
     * session and no participant: ended ones, as a rule. */
    uint64_t unknown_burst, unknown_per_minute;
    uint64_t unknown_table_max; /* addresses that are counted */
    uint64_t good_tokens_max;   /* that are remembered */
};

struct auth;
/* NULL: token_key is none. */
struct auth *auth_new(const struct clock *clock, struct metrics *metrics,
                      const struct auth_config *config); /* clock is borrowed */
void auth_free(struct auth **auth);

/* Draws a token for a session, ended by NUL. */
void auth_draw_token(const struct auth *auth, char ret_token[TOKEN_HEX + 1]);

/* The token of a participant, the secret of an invitation, or a stream key. */
struct auth_secret {
    char text[TOKEN_PREFIXED_BYTES + 1]; /* for the client; ended by NUL */
    uint8_t hash[AUTH_HASH_BYTES];       /* of text: for services */
};
/* Draws one. seed: where the request may come again, what makes the same one then (token_derive);
 * STR_NONE: it does not. */
void auth_draw_secret(const struct auth *auth, enum token_kind kind, struct str seed,
                      struct auth_secret *ret_secret);

/* The hash of an invitation's secret, as a client shows it. ERR_NO_SUCH_INVITATION: no gateway has
 * drawn it. Asks nobody. */
enum err auth_read_invitation(const struct auth *auth, struct str secret,
                              uint8_t ret_hash[AUTH_HASH_BYTES]);

/* This token is of a session or of a participant: a service has just made it theirs, or has said
 * so. Good ones are remembered until others take their places, and their requests are let through
 * however many bad ones their address has sent: behind one address there may be many people, and
 * what one of them sends must not lock out the others. Nothing else is remembered of a token:
 * whether it is still good is asked each time. */
void auth_note_good(struct auth *auth, const uint8_t token_hash[AUTH_HASH_BYTES]);

/* Of a body, or of what names a device, for services to compare: keyed, because passwords are in
 * bodies, and what is stored beside their slow hashes must not let anybody guess them faster. */
void auth_hash_body(const struct auth *auth, struct str body, uint8_t ret_hash[AUTH_BODY_BYTES]);

/* What came with a request. */
struct credential {
    enum credential_kind {
        CREDENTIAL_NONE,
        CREDENTIAL_SESSION,     /* the token of a session: bare, after "Bearer", or in the cookie */
        CREDENTIAL_PARTICIPANT, /* the token of a participant: bare, or after "Bearer" */
        CREDENTIAL_STREAM_KEY,  /* likewise, a stream key */
    } kind;
    bool is_by_cookie;
    uint8_t token_hash[AUTH_HASH_BYTES];
};

/* ERR_UNAUTHORIZED: the route needs a credential, and there is none; or there is one that it does
 * not take, or that no gateway has drawn. ERR_RATE_LIMITED: it is not remembered as a good one, and
 * too many of its address were of nobody. Asks nobody; for a route that is open to anybody it gives
 * CREDENTIAL_NONE.
 * The cookie counts only where there is no Authorization at all, and never for the original API.
 * One that is of no session, as far as is known here or auth_check is told, is taken away by the
 * answer that refuses it. */
enum err auth_read(struct exchange *exchange, struct credential *ret_credential);

/* So many refusals a second, or a burst of AUTH_REFUSALS_AT_ONCE, cost nobody else anything. */
#define AUTH_REFUSALS_PER_S 10000
#define AUTH_REFUSALS_AT_ONCE 100
#define AUTH_REFUSAL_MS_MAX 2000 /* nobody waits longer for his turn */
/* When it is the turn of one that auth_read has refused, in ms; 0: now. Who asks in masses with
 * what cannot be right waits, so that telling him takes no processor from who has a session. */
uint64_t auth_refusal_ms(struct auth *auth);

/* Puts the principal that credential stands for into the exchange's context, then calls then, now
 * or later. Or the exchange fails. Asks authsvc: session_check. Of a participant it asks nobody:
 * the service that does what he wants sees who he is (exchange_asker). Who has a stream key comes
 * into the room that the path names, where the row says what for (roomsvc: stream_enter), and is
 * the key's participant from then on. */
void auth_check(struct exchange *exchange, const struct credential *credential,
                void (*then)(struct exchange *exchange));

/* Of a request that came with a participant's token, if it is one: what roomsvc has said, which is
 * ERR_UNAUTHORIZED if the token is of nobody. Whoever asks roomsvc says it; ask.h does. */
void auth_note_answer(struct exchange *exchange, enum err err);

/* The token as it came with the request; empty: none did. Borrowed from it. */
struct str auth_token(const struct exchange *exchange);

#endif
