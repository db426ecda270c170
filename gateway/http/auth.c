#include "gateway/http/auth.h"

#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

/* A session that is being asked for. */
struct check {
    struct exchange *exchange;
    uint8_t token_hash[AUTH_HASH_BYTES];
    void (*then)(struct exchange *exchange);
};

enum err auth_read(struct request *request, const struct route *route,
                   struct credential *ret_credential)
{
    *ret_credential = (struct credential){.kind = CREDENTIAL_NONE};
    if (route->who == ROUTE_ANYBODY) {
        return ERR_OK;
    }
    struct str token = str_of(request_header(request, "Authorization"));
    if (token.bytes > 7 && strncasecmp(token.data, "Bearer ", 7) == 0) {
        token.data += 7;
        token.bytes -= 7;
    }
    if (token.bytes != AUTH_TOKEN_HEX || strspn(token.data, "0123456789abcdef") != AUTH_TOKEN_HEX) {
        return ERR_UNAUTHORIZED;
    }
    ret_credential->kind = CREDENTIAL_SESSION;
    crypto_hash_sha256(ret_credential->token_hash, (const unsigned char *)token.data, token.bytes);
    return ERR_OK;
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
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    const struct msg_session_check_reply *session = &reply->session_check_reply;
    exchange->context.principal =
        (struct principal){.kind = PRINCIPAL_USER,
                           .role = session->has_role ? session->role : ROLE_MEMBER,
                           .user_id = session->user_id,
                           .session_id = session_id_of(check.token_hash)};
    memcpy(exchange->session, check.token_hash, sizeof(exchange->session));
    check.then(exchange);
}

void auth_check(struct exchange *exchange, const struct credential *credential,
                void (*then)(struct exchange *exchange))
{
    if (credential->kind == CREDENTIAL_NONE) {
        then(exchange);
        return;
    }
    const struct msg msg = {
        .id = MSG_session_check,
        .session_check = {.token_hash = {.data = (const char *)credential->token_hash,
                                         .bytes = AUTH_HASH_BYTES}},
    };
    struct check *check = mem_alloc(sizeof(*check));
    *check = (struct check){.exchange = exchange, .then = then};
    memcpy(check->token_hash, credential->token_hash, sizeof(check->token_hash));
    enum err err =
        bus_call(exchange->all->config.bus, &msg, &exchange->context, on_session_checked, check);
    if (err != ERR_OK) {
        free(check);
        exchange_fail(exchange, err);
    }
}
