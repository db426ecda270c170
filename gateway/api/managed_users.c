#include "gateway/api/managed_users.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/api/user_json.h"
#include "gateway/http/paging.h"
#include "gateway/http/repeat_key.h"
#include "proto/unicode/label.h"

#define SEARCH_BYTES LABEL_BYTES

static void write_managed_user(const struct exchange *exchange, const struct msg *reply,
                               struct json_out *out)
{
    (void)exchange;
    managed_user_json_write(user_in(reply), out);
}

/* The user that the path names. */
static bool read_user_id(const struct exchange *exchange, uint64_t *ret_id)
{
    return str_id(exchange_parameter(exchange, "user"), ret_id);
}

/* ---- GET /v1/users ---- */

static const struct member list_query[] = {
    {.name = "search",
     .type = MEMBER_STRING,
     .min = 1,
     .max = SEARCH_BYTES - 1,
     .doc = "Only those in whose user name or display name it stands, whatever the case."},
    PAGING_QUERY_LIMIT,
    PAGING_QUERY_TOKEN,
    {.name = NULL},
};

static const struct member user_list_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = PAGING_LIMIT_MAX,
     .members = managed_user_members,
     .doc = "In the order in which they came."},
    PAGING_NEXT,
    {.name = NULL},
};
_Static_assert(PAGING_LIMIT_MAX <= USERS_PAGE, "a page fits into a message");

struct user_list {
    uint64_t limit;
    char search[SEARCH_BYTES];
};

static enum err prepare_user_list(struct exchange *exchange, struct msg *msg)
{
    struct user_list *list = exchange_attach(exchange, sizeof(*list), free);
    const struct request *request = exchange->request;
    uint64_t after_id;
    if (paging_read_ids(request, INT64_MAX, &list->limit, &after_id) != ERR_OK ||
        (request_has_query(request, "search") &&
         !request_query(request, "search", list->search, sizeof(list->search)))) {
        return ERR_BAD_REQUEST;
    }
    msg->user_page = (struct msg_user_page){
        .limit = list->limit, .after_id = after_id, .search = str_of(list->search)};
    return ERR_OK;
}

static void write_user_list(const struct exchange *exchange, const struct msg *reply,
                            struct json_out *out)
{
    const struct user_list *list = exchange->state;
    const struct msg_user_list users = reply->user_page_reply.users;
    json_out_open_member(out, "items", '[');
    for (size_t i = 0; i < users.count; i++) {
        json_out_open(out, '{');
        managed_user_json_write(&users.items[i], out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    paging_write_next_id(out, list->limit, users.count,
                         users.count > 0 ? users.items[users.count - 1].id : 0);
}

static const struct route_ask ask_user_list = {
    .message = MSG_user_page, .prepare = prepare_user_list, .write = write_user_list};

/* ---- POST /v1/users ---- */

static const struct member add_body[] = {
    NEW_USER_MEMBERS,
    {.name = "role",
     .type = MEMBER_WORD,
     .is_optional = true,
     .words = user_roles,
     .doc = "member where none is given."},
    {.name = NULL},
};

static enum err prepare_add(struct exchange *exchange, struct msg *msg)
{
    msg->user_add.idempotency_key = repeat_key_attach(exchange);
    msg->user_add.has_origin = true;
    msg->user_add.origin = exchange_origin(exchange);
    msg->user_add.body_hash = repeat_key_body(exchange);
    return ERR_OK;
}

static void locate_user(const struct exchange *exchange, const struct msg *reply,
                        char ret_path[LOCATION_BYTES])
{
    (void)exchange;
    (void)snprintf(ret_path, LOCATION_BYTES, "/v1/users/%" PRIu64, user_in(reply)->id);
}

static const struct route_ask ask_add = {.message = MSG_user_add,
                                         .prepare = prepare_add,
                                         .locate = locate_user,
                                         .write = write_managed_user};

/* ---- GET /v1/users/{user} ---- */

static enum err prepare_get_user(struct exchange *exchange, struct msg *msg)
{
    return read_user_id(exchange, &msg->user_get.user_id) ? ERR_OK : ERR_NOT_FOUND;
}

static const struct route_ask ask_get_user = {.message = MSG_user_get,
                                              .prepare = prepare_get_user,
                                              .version = user_version,
                                              .write = write_managed_user};

/* ---- PATCH /v1/users/{user} ---- */

static const struct member change_user_body[] = {
    {.name = "display_name",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .is_nullable = true,
     .min = 1,
     .max = LABEL_CHARACTERS_MAX,
     .doc = "What others see; null: the user name again."},
    {.name = "role",
     .type = MEMBER_WORD,
     .is_optional = true,
     .words = user_roles,
     .doc = "In force within a second; ends nothing."},
    {.name = "disabled",
     .type = MEMBER_BOOL,
     .is_optional = true,
     .doc = "true: signs him out everywhere within a second."},
    {.name = NULL},
};

static enum err prepare_change_user(struct exchange *exchange, struct msg *msg)
{
    msg->user_change.idempotency_key = repeat_key_attach(exchange);
    msg->user_change.has_version = !exchange->match.is_any;
    msg->user_change.version = exchange->match.version;
    msg->user_change.has_origin = true;
    msg->user_change.origin = exchange_origin(exchange);
    return read_user_id(exchange, &msg->user_change.user_id) ? ERR_OK : ERR_NOT_FOUND;
}

static const struct route_ask ask_change_user = {.message = MSG_user_change,
                                                 .prepare = prepare_change_user,
                                                 .version = user_version,
                                                 .write = write_managed_user};

/* ---- PUT /v1/users/{user}/password ---- */

static const struct member give_password_body[] = {
    NEW_PASSWORD_MEMBER("new_password"),
    {.name = NULL},
};

/* Oneself: only with the password that one has. A browser that was left open must not be enough. */
static enum err prepare_give_password(struct exchange *exchange, struct msg *msg)
{
    msg->user_password.idempotency_key = repeat_key_attach(exchange);
    msg->user_password.has_origin = true;
    msg->user_password.origin = exchange_origin(exchange);
    if (!read_user_id(exchange, &msg->user_password.user_id)) {
        return ERR_NOT_FOUND;
    }
    return msg->user_password.user_id == exchange->context.principal.user_id ? ERR_FORBIDDEN
                                                                             : ERR_OK;
}

static const struct route_ask ask_give_password = {.message = MSG_user_password,
                                                   .prepare = prepare_give_password};

/* ---- DELETE /v1/users/{user} ---- */

#define TRANSFER "transfer:"

static const struct member remove_query[] = {
    {.name = "rooms",
     .type = MEMBER_STRING,
     .min = 3,
     .max = REQUEST_PARAMETER_BYTES_MAX,
     .doc = "What becomes of his rooms: end, which is the default, or transfer:{user}, with the id "
            "of who gets them."},
    {.name = NULL},
};

/* ret_heir: 0: they end. */
static enum err read_heir(const struct request *request, uint64_t *ret_heir)
{
    char text[REQUEST_PARAMETER_BYTES_MAX];
    *ret_heir = 0;
    if (!request_has_query(request, "rooms")) {
        return ERR_OK;
    }
    if (!request_query(request, "rooms", text, sizeof(text))) {
        return ERR_BAD_REQUEST;
    }
    if (strncmp(text, TRANSFER, sizeof(TRANSFER) - 1) == 0) {
        return str_id(str_of(text + sizeof(TRANSFER) - 1), ret_heir) ? ERR_OK : ERR_NO_HEIR;
    }
    return strcmp(text, "end") == 0 ? ERR_OK : ERR_BAD_REQUEST;
}

static enum err prepare_remove(struct exchange *exchange, struct msg *msg)
{
    struct msg_user_remove *remove = &msg->user_remove;
    *remove = (struct msg_user_remove){.idempotency_key = repeat_key_attach(exchange),
                                       .has_version = !exchange->match.is_any,
                                       .version = exchange->match.version,
                                       .has_origin = true,
                                       .origin = exchange_origin(exchange)};
    const enum err err = read_heir(exchange->request, &remove->heir_id);
    return read_user_id(exchange, &remove->user_id) ? err : ERR_NOT_FOUND;
}

static const struct route_ask ask_remove = {.message = MSG_user_remove, .prepare = prepare_remove};

/* ---- the rows ---- */

static const struct route managed_user_rows[] = {
    {.method = "GET",
     .template = "/v1/users",
     .name = "listUsers",
     .doc = "Lists everybody.",
     .who = ROUTE_ADMIN,
     .query = list_query,
     .answer = {.members = user_list_answer, .doc = "A page of them."},
     .ask = &ask_user_list},
    {.method = "POST",
     .template = "/v1/users",
     .name = "addUser",
     .doc = "Adds a user.",
     .who = ROUTE_ADMIN,
     .takes_key = true,
     .body = add_body,
     .answer = {.status = 201,
                .members = managed_user_members,
                .doc = "He may sign in.",
                .has_location = true},
     .errors = {ERR_CONFLICT, ERR_WEAK_PASSWORD},
     .ask = &ask_add},
    {.method = "GET",
     .template = "/v1/users/{user}",
     .name = "getUser",
     .doc = "Shows a user.",
     .who = ROUTE_ADMIN,
     .answer = {.members = managed_user_members, .doc = "The user.", .has_etag = true},
     .errors = {ERR_NOT_FOUND},
     .ask = &ask_get_user},
    {.method = "PATCH",
     .template = "/v1/users/{user}",
     .name = "changeUser",
     .doc = "Changes a user (RFC 7396). The last admin who may sign in stays one.",
     .who = ROUTE_ADMIN,
     .has_if_match = true,
     .body = change_user_body,
     .answer = {.members = managed_user_members, .doc = "The user as he is now.", .has_etag = true},
     .errors = {ERR_NOT_FOUND, ERR_CONFLICT},
     .ask = &ask_change_user},
    {.method = "PUT",
     .template = "/v1/users/{user}/password",
     .name = "giveUserPassword",
     .doc = "Gives another user a password, and ends his sessions; oneself: "
            "/v1/users/me/password.",
     .who = ROUTE_ADMIN,
     .body = give_password_body,
     .answer = {.status = 204, .doc = "It is his from now on; he is signed out within a second."},
     .errors = {ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_WEAK_PASSWORD},
     .ask = &ask_give_password},
    {.method = "DELETE",
     .template = "/v1/users/{user}",
     .name = "removeUser",
     .doc = "Removes a user; his name is free. The last admin who may sign in stays.",
     .who = ROUTE_ADMIN,
     .has_if_match = true,
     .query = remove_query,
     .answer = {.status = 204, .doc = "He is gone, and signed out everywhere within a second."},
     .errors = {ERR_NOT_FOUND, ERR_CONFLICT, ERR_NO_HEIR},
     .ask = &ask_remove},
};

struct resource managed_users_resource(void)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = managed_user_rows, .count = ARRAY_LEN(managed_user_rows)};
}
