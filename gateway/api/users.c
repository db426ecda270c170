#include "gateway/api/users.h"

#include <stdlib.h>

#include "gateway/api/user_json.h"
#include "gateway/http/repeat_key.h"
#include "proto/unicode/label.h"

/* ---- what all of them show: one user ---- */

static const struct msg_user *user_of(const struct msg *reply)
{
    return reply->id == MSG_user_get_reply ? &reply->user_get_reply.user
                                           : &reply->user_change_reply.user;
}

static uint64_t user_version(const struct msg *reply)
{
    return user_of(reply)->version;
}

static void write_user(const struct exchange *exchange, const struct msg *reply,
                       struct json_out *out)
{
    (void)exchange;
    user_json_write(user_of(reply), out);
}

/* ---- GET /v1/users/me ---- */

static enum err prepare_get_me(struct exchange *exchange, struct msg *msg)
{
    msg->user_get.user_id = exchange->context.principal.user_id;
    return ERR_OK;
}

static const struct route_ask ask_get_me = {.message = MSG_user_get,
                                            .prepare = prepare_get_me,
                                            .version = user_version,
                                            .write = write_user};

/* ---- PATCH /v1/users/me ---- */

static const struct member change_me_body[] = {
    {.name = "display_name",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .is_nullable = true,
     .min = 1,
     .max = LABEL_CHARACTERS_MAX,
     .doc = "What others see; null: the user name again."},
    {.name = NULL},
};

static enum err prepare_change_me(struct exchange *exchange, struct msg *msg)
{
    uint8_t *key = exchange_attach(exchange, REPEAT_KEY_BYTES, free);
    repeat_key_make(exchange, key);
    msg->user_change.user_id = exchange->context.principal.user_id;
    msg->user_change.idempotency_key =
        (struct str){.data = (const char *)key, .bytes = REPEAT_KEY_BYTES};
    msg->user_change.has_version = !exchange->match.is_any;
    msg->user_change.version = exchange->match.version;
    return ERR_OK;
}

static const struct route_ask ask_change_me = {.message = MSG_user_change,
                                               .prepare = prepare_change_me,
                                               .version = user_version,
                                               .write = write_user};

/* ---- the rows ---- */

static const struct route user_rows[] = {
    {.method = "GET",
     .template = "/v1/users/me",
     .name = "getMe",
     .doc = "Shows oneself.",
     .who = ROUTE_USER,
     .answer = {.members = user_members, .doc = "The user.", .has_etag = true},
     .ask = &ask_get_me},
    {.method = "PATCH",
     .template = "/v1/users/me",
     .name = "changeMe",
     .doc = "Changes oneself (RFC 7396).",
     .who = ROUTE_USER,
     .has_if_match = true,
     .body = change_me_body,
     .answer = {.members = user_members, .doc = "The user as he is now.", .has_etag = true},
     .errors = {ERR_WRONG_MEMBER},
     .ask = &ask_change_me},
};

struct resource users_resource(void)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = user_rows, .count = ARRAY_LEN(user_rows)};
}
