#include "gateway/http/auth.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "gateway/http/limiter.h"
#include "gateway/http/session_cookie.h"
#include "proto/base/lru.h"

#define ROOM_NAME_BYTES_MAX 64 /* of stream_enter */
#define GOOD_KEY_BYTES 16      /* of a token's hash; enough to tell tokens apart */

struct auth {
    const struct clock *clock;
    struct token_keys *token_keys;
    struct lru *good;        /* tokens that were somebody's when they were asked for last */
    struct limiter *unknown; /* tokens of nobody, by address */
    uint64_t refusal_due_us; /* when the next refusal's turn is */
    struct metric *foreign_tokens, *limited_tokens;
};

static const char *const prefixes[] = {[TOKEN_SESSION] = "",
                                       [TOKEN_PARTICIPANT] = TOKEN_PARTICIPANT_PREFIX,
                                       [TOKEN_INVITATION] = TOKEN_INVITATION_PREFIX,
                                       [TOKEN_STREAM_KEY] = TOKEN_STREAM_KEY_PREFIX};
_Static_assert(sizeof(TOKEN_PARTICIPANT_PREFIX) == TOKEN_PREFIX_BYTES + 1 &&
                   sizeof(TOKEN_INVITATION_PREFIX) == TOKEN_PREFIX_BYTES + 1 &&
                   sizeof(TOKEN_STREAM_KEY_PREFIX) == TOKEN_PREFIX_BYTES + 1,
               "all prefixes are alike long");

/* A session or a stream key that is being asked for. */
struct check {
    struct exchange *exchange;
    struct credential credential;
    void (*then)(struct exchange *exchange);
};

struct auth *auth_new(const struct clock *clock, struct metrics *metrics,
                      const struct auth_config *config)
{
    struct auth *auth = mem_alloc(sizeof(*auth));
    auth->clock = clock;
    auth->token_keys = token_keys_new(config->token_key);
    if (auth->token_keys == NULL) {
        auth_free(&auth);
        return NULL;
    }
    auth->good = lru_new(GOOD_KEY_BYTES, sizeof(bool), config->good_tokens_max);
    auth->unknown = limiter_new(&(struct limiter_config){.burst = config->unknown_burst,
                                                         .per_minute = config->unknown_per_minute,
                                                         .keys_max = config->unknown_table_max});
    auth->limited_tokens = metrics_counter(
        metrics, "lynks_gateway_limited_tokens_total",
        "Requests refused without a call, because too many of their address had tokens of no "
        "session and no participant.",
        NULL);
    auth->foreign_tokens = metrics_counter(
        metrics, "lynks_gateway_foreign_tokens_total",
        "Requests refused without a call, because no gateway has drawn their token or their "
        "invitation.",
        NULL);
    return auth;
}

void auth_free(struct auth **auth)
{
    if (*auth != NULL) {
        token_keys_free(&(*auth)->token_keys);
        lru_free(&(*auth)->good);
        limiter_free(&(*auth)->unknown);
        mem_free(auth);
    }
}

void auth_draw_token(const struct auth *auth, char ret_token[TOKEN_HEX + 1])
{
    token_draw(auth->token_keys, TOKEN_SESSION, ret_token);
}

void auth_draw_secret(const struct auth *auth, enum token_kind kind, struct str seed,
                      struct auth_secret *ret_secret)
{
    char digits[TOKEN_HEX + 1];
    if (seed.bytes > 0) {
        token_derive(auth->token_keys, kind, seed, digits);
    } else {
        token_draw(auth->token_keys, kind, digits);
    }
    (void)snprintf(ret_secret->text, sizeof(ret_secret->text), "%s%s", prefixes[kind], digits);
    sodium_memzero(digits, sizeof(digits));
    crypto_hash_sha256(ret_secret->hash, (const unsigned char *)ret_secret->text,
                       TOKEN_PREFIXED_BYTES);
}

void auth_hash_body(const struct auth *auth, struct str body, uint8_t ret_hash[AUTH_BODY_BYTES])
{
    token_keys_hash(auth->token_keys, body, ret_hash, AUTH_BODY_BYTES);
}

void auth_note_good(struct auth *auth, const uint8_t token_hash[AUTH_HASH_BYTES])
{
    bool added;
    *(bool *)lru_put(auth->good, token_hash, &added) = true;
}

/* Only what has failed is counted: however many come at a time for the first time, good ones are
 * refused only while others of their address have used up what there is. */
static bool is_over_the_limit(struct exchange *exchange, const struct credential *credential)
{
    const struct auth *auth = exchange->all->config.auth;
    uint8_t key[ADDRESS_BYTES];
    return lru_peek(auth->good, credential->token_hash) == NULL &&
           !limiter_has(auth->unknown, exchange_address_key(exchange, key),
                        clock_mono_ms(auth->clock), &exchange->retry_after_ms);
}

static void note_unknown(struct exchange *exchange, const uint8_t token_hash[AUTH_HASH_BYTES])
{
    struct auth *auth = exchange->all->config.auth;
    uint8_t key[ADDRESS_BYTES];
    uint64_t wait_ms;
    lru_remove(auth->good, token_hash);
    (void)limiter_take(auth->unknown, exchange_address_key(exchange, key),
                       clock_mono_ms(auth->clock), &wait_ms);
}

/* The token as it came, without "Bearer". false: none did. */
static bool read_token(const struct exchange *exchange, struct str *ret_token,
                       bool *ret_is_by_cookie)
{
    const char *authorization = request_header(exchange->request, "Authorization");
    struct str token = str_of(authorization);
    *ret_is_by_cookie =
        authorization == NULL && exchange_dialect(exchange) == DIALECT_V1 &&
        session_cookie_find(exchange->all->config.cookie, exchange->request, &token);
    if (!*ret_is_by_cookie && token.bytes > 7 && strncasecmp(token.data, "Bearer ", 7) == 0) {
        token.data += 7;
        token.bytes -= 7;
    }
    *ret_token = token;
    return authorization != NULL || *ret_is_by_cookie;
}

struct str auth_token(const struct exchange *exchange)
{
    bool is_by_cookie;
    struct str token;
    return read_token(exchange, &token, &is_by_cookie) ? token : STR_NONE;
}

/* Has it the prefix of this kind? Then *token is what comes after. */
static bool cut_prefix(enum token_kind kind, struct str *token)
{
    if (token->bytes < TOKEN_PREFIX_BYTES ||
        memcmp(token->data, prefixes[kind], TOKEN_PREFIX_BYTES) != 0) {
        return false;
    }
    token->data += TOKEN_PREFIX_BYTES;
    token->bytes -= TOKEN_PREFIX_BYTES;
    return true;
}

/* Which kind of token it wants to be; digits are those of it. A cookie has only a session's. */
static enum token_kind token_kind_of(struct str token, bool is_by_cookie, struct str *ret_digits)
{
    *ret_digits = token;
    if (!is_by_cookie && cut_prefix(TOKEN_PARTICIPANT, ret_digits)) {
        return TOKEN_PARTICIPANT;
    }
    return !is_by_cookie && cut_prefix(TOKEN_STREAM_KEY, ret_digits) ? TOKEN_STREAM_KEY
                                                                     : TOKEN_SESSION;
}

static bool takes_kind(const struct route_takes *takes, enum token_kind kind)
{
    switch (kind) {
    case TOKEN_SESSION:
        return takes->session;
    case TOKEN_PARTICIPANT:
        return takes->participant;
    case TOKEN_STREAM_KEY:
        return takes->stream_key;
    default:
        return false;
    }
}

enum err auth_read_invitation(const struct auth *auth, struct str secret,
                              uint8_t ret_hash[AUTH_HASH_BYTES])
{
    struct str digits = secret;
    if (!cut_prefix(TOKEN_INVITATION, &digits)) {
        return ERR_NO_SUCH_INVITATION;
    }
    const enum token_verdict verdict = token_judge(auth->token_keys, TOKEN_INVITATION, digits);
    if (verdict == TOKEN_IS_FOREIGN) {
        metric_inc(auth->foreign_tokens);
    }
    if (verdict != TOKEN_IS_OURS) {
        return ERR_NO_SUCH_INVITATION;
    }
    crypto_hash_sha256(ret_hash, (const unsigned char *)secret.data, secret.bytes);
    return ERR_OK;
}

enum err auth_read(struct exchange *exchange, struct credential *ret_credential)
{
    const struct auth *auth = exchange->all->config.auth;
    const struct route_takes *takes = route_takes(exchange->route);
    struct str token, digits;
    *ret_credential = (struct credential){.kind = CREDENTIAL_NONE};
    if (!takes->session && !takes->participant && !takes->stream_key) {
        return ERR_OK;
    }
    if (!read_token(exchange, &token, &ret_credential->is_by_cookie)) {
        return takes->nothing ? ERR_OK : ERR_UNAUTHORIZED;
    }
    const enum token_kind kind = token_kind_of(token, ret_credential->is_by_cookie, &digits);
    static const enum credential_kind kinds[] = {[TOKEN_SESSION] = CREDENTIAL_SESSION,
                                                 [TOKEN_PARTICIPANT] = CREDENTIAL_PARTICIPANT,
                                                 [TOKEN_STREAM_KEY] = CREDENTIAL_STREAM_KEY};
    const enum token_verdict verdict = token_judge(auth->token_keys, kind, digits);
    if (verdict == TOKEN_IS_FOREIGN) {
        metric_inc(auth->foreign_tokens);
    }
    /* Of two only one could be taken away, and the other may be a page's of another port. */
    exchange->is_cookie_dead =
        ret_credential->is_by_cookie && token.bytes > 0 && verdict != TOKEN_IS_OURS;
    if (verdict != TOKEN_IS_OURS || !takes_kind(takes, kind)) {
        return ERR_UNAUTHORIZED;
    }
    ret_credential->kind = kinds[kind];
    crypto_hash_sha256(ret_credential->token_hash, (const unsigned char *)token.data, token.bytes);
    if (is_over_the_limit(exchange, ret_credential)) {
        metric_inc(auth->limited_tokens);
        return ERR_RATE_LIMITED;
    }
    return ERR_OK;
}

uint64_t auth_refusal_ms(struct auth *auth)
{
    const uint64_t now_us = clock_mono_ms(auth->clock) * 1000;
    const uint64_t due_us = auth->refusal_due_us > now_us ? auth->refusal_due_us : now_us;
    const uint64_t each_us = 1000000 / AUTH_REFUSALS_PER_S;
    const uint64_t ahead_us = due_us - now_us;
    if (ahead_us >= UINT64_C(1000) * AUTH_REFUSAL_MS_MAX) {
        return AUTH_REFUSAL_MS_MAX;
    }
    auth->refusal_due_us = due_us + each_us;
    return ahead_us < AUTH_REFUSALS_AT_ONCE * each_us ? 0 : ahead_us / 1000;
}

/* Names the session in logs: a part of the hash, which tells nothing about the token. */
static uint64_t session_id_of(const uint8_t hash[AUTH_HASH_BYTES])
{
    uint64_t id;
    memcpy(&id, hash, sizeof(id));
    return id & INT64_MAX;
}

static void on_session_checked(void *arg, enum err err, const struct msg *reply)
{
    struct check check = *(struct check *)arg;
    struct exchange *exchange = check.exchange;
    free(arg);
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    if (err == ERR_OK && reply->id != MSG_session_check_reply) {
        err = ERR_PROTOCOL;
    }
    if (err == ERR_UNAUTHORIZED) {
        note_unknown(exchange, check.credential.token_hash);
        exchange->is_cookie_dead = check.credential.is_by_cookie;
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    auth_note_good(exchange->all->config.auth, check.credential.token_hash);
    const struct msg_session_check_reply *session = &reply->session_check_reply;
    exchange->context.principal =
        (struct principal){.kind = PRINCIPAL_USER,
                           .role = session->has_role ? session->role : ROLE_MEMBER,
                           .user_id = session->user_id,
                           .session_id = session_id_of(check.credential.token_hash)};
    memcpy(exchange->session, check.credential.token_hash, sizeof(exchange->session));
    exchange->is_by_cookie = check.credential.is_by_cookie;
    exchange->user = session->has_user ? &session->user : NULL;
    check.then(exchange);
}

/* Its participant's token is the key itself. */
static void on_stream_entered(void *arg, enum err err, const struct msg *reply)
{
    struct check check = *(struct check *)arg;
    struct exchange *exchange = check.exchange;
    free(arg);
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    if (err == ERR_OK && reply->id != MSG_stream_enter_reply) {
        err = ERR_PROTOCOL;
    }
    auth_note_answer(exchange, err);
    if (err == ERR_OK) {
        check.then(exchange);
    } else {
        exchange_fail(exchange, err);
    }
}

static void ask_who(struct exchange *exchange, const struct credential *credential,
                    const struct msg *msg, void (*then)(struct exchange *exchange))
{
    struct check *check = mem_alloc(sizeof(*check));
    *check = (struct check){.exchange = exchange, .credential = *credential, .then = then};
    const enum err err =
        bus_call(exchange->all->config.bus, msg, &exchange->context,
                 msg->id == MSG_stream_enter ? on_stream_entered : on_session_checked, check);
    if (err != ERR_OK) {
        free(check);
        exchange_fail(exchange, err);
    }
}

static void enter_by_key(struct exchange *exchange, const struct credential *credential,
                         void (*then)(struct exchange *exchange))
{
    uint8_t address[ADDRESS_BYTES];
    const struct msg msg = {
        .id = MSG_stream_enter,
        .stream_enter = {
            .room = exchange_parameter(exchange, "room"),
            .key_hash = {.data = (const char *)credential->token_hash, .bytes = AUTH_HASH_BYTES},
            .use = exchange->route->key_use,
            .address = exchange_address_key(exchange, address)}};
    if (msg.stream_enter.room.bytes > ROOM_NAME_BYTES_MAX) {
        exchange_fail(exchange, ERR_NO_SUCH_ROOM);
    } else {
        ask_who(exchange, credential, &msg, then);
    }
}

void auth_check(struct exchange *exchange, const struct credential *credential,
                void (*then)(struct exchange *exchange))
{
    const struct msg msg = {
        .id = MSG_session_check,
        .session_check = {.token_hash = {.data = (const char *)credential->token_hash,
                                         .bytes = AUTH_HASH_BYTES},
                          .with_user = exchange->route->with_user},
    };
    if (credential->kind == CREDENTIAL_SESSION) {
        ask_who(exchange, credential, &msg, then);
        return;
    }
    exchange->is_participant = credential->kind != CREDENTIAL_NONE;
    memcpy(exchange->participant, credential->token_hash, sizeof(exchange->participant));
    if (credential->kind == CREDENTIAL_STREAM_KEY && exchange->route->key_use != 0) {
        enter_by_key(exchange, credential, then);
    } else {
        then(exchange);
    }
}

void auth_note_answer(struct exchange *exchange, enum err err)
{
    if (!exchange->is_participant) {
        return;
    }
    if (err == ERR_OK) {
        auth_note_good(exchange->all->config.auth, exchange->participant);
    } else if (err == ERR_UNAUTHORIZED) {
        note_unknown(exchange, exchange->participant);
    }
}
