#include "gateway/api/users.h"

#include <stdlib.h>

#include "gateway/api/user_json.h"
#include "gateway/http/json_body.h"
#include "gateway/http/repeat_key.h"
#include "proto/unicode/label.h"

struct users_api {
    struct sign_ins *sign_ins;
};

static void write_user(const struct exchange *exchange, const struct msg *reply,
                       struct json_out *out)
{
    (void)exchange;
    user_json_write(user_in(reply), out);
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
    msg->user_change.user_id = exchange->context.principal.user_id;
    msg->user_change.idempotency_key = repeat_key_attach(exchange);
    msg->user_change.has_version = !exchange->match.is_any;
    msg->user_change.version = exchange->match.version;
    return ERR_OK;
}

static const struct route_ask ask_change_me = {.message = MSG_user_change,
                                               .prepare = prepare_change_me,
                                               .version = user_version,
                                               .write = write_user};

/* ---- PUT /v1/users/me/password ---- */

static const struct member password_body[] = {
    {.name = "current_password", .type = MEMBER_STRING, .min = 1, .max = 1024, .doc = "In clear."},
    NEW_PASSWORD_MEMBER("new_password"),
    {.name = NULL},
};

static void on_password_changed(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    const struct users_api *users = exchange->self;
    if (err == ERR_OK && reply->id != MSG_user_password_reply) {
        err = ERR_PROTOCOL;
    }
    /* Who has the right one may try as many new ones as he likes. */
    sign_ins_end(users->sign_ins, exchange, err == ERR_WEAK_PASSWORD ? ERR_OK : err);
    if (err == ERR_OK) {
        exchange_respond_empty(exchange);
    } else {
        exchange_fail(exchange, err == ERR_BAD_CREDENTIALS ? ERR_SIGN_IN_REFUSED : err);
    }
}

/* A wrong password counts against the name that it is tried for, as at signing in; what that is,
 * authsvc knows. */
static void on_my_name(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    const struct users_api *users = exchange->self;
    uint8_t key[REPEAT_KEY_BYTES];
    if (err == ERR_OK && reply->id != MSG_user_get_reply) {
        err = ERR_PROTOCOL;
    }
    if (err == ERR_OK) {
        err = sign_ins_try(users->sign_ins, exchange, reply->user_get_reply.user.username);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    repeat_key_make(exchange, key);
    const struct msg msg = {
        .id = MSG_user_password,
        .user_password = {
            .user_id = exchange->context.principal.user_id,
            .idempotency_key = {.data = (const char *)key, .bytes = sizeof(key)},
            .current_password = json_body_str(exchange->body, "current_password"),
            .new_password = json_body_str(exchange->body, "new_password"),
            .session = {.data = (const char *)exchange->session, .bytes = SESSION_ID_BYTES}}};
    err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_password_changed,
                   exchange);
    if (err != ERR_OK) {
        on_password_changed(exchange, err, NULL);
    }
}

static void change_my_password(struct exchange *exchange)
{
    const struct msg msg = {.id = MSG_user_get,
                            .user_get = {.user_id = exchange->context.principal.user_id}};
    enum err err =
        bus_call(exchange->all->config.bus, &msg, &exchange->context, on_my_name, exchange);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

/* ---- the rows ---- */

static const struct route user_rows[] = {
    {.method = "GET",
     .template = "/v1/users/me",
     .name = "getMe",
     .doc = "Shows oneself.",
     .who = ROUTE_USER,
     .with_user = true,
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
    {.method = "PUT",
     .template = "/v1/users/me/password",
     .name = "changeMyPassword",
     .doc = "Gives oneself another password, and ends one's other sessions.",
     .who = ROUTE_USER,
     .body = password_body,
     .answer = {.status = 204, .doc = "It is the new one; the others are over within a second."},
     .errors = {ERR_SIGN_IN_REFUSED, ERR_WEAK_PASSWORD, ERR_RATE_LIMITED},
     .handle = change_my_password},
};

struct resource users_api_resource(struct users_api *users)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = user_rows, .count = ARRAY_LEN(user_rows), .self = users};
}

/* ---- life ---- */

struct users_api *users_api_new(struct sign_ins *sign_ins)
{
    struct users_api *users = mem_alloc(sizeof(*users));
    users->sign_ins = sign_ins;
    return users;
}

void users_api_free(struct users_api **users)
{
    mem_free(users);
}
