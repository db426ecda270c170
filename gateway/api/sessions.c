#include "gateway/api/sessions.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/api/user_json.h"
#include "gateway/http/json_body.h"
#include "gateway/http/paging.h"
#include "gateway/http/repeat_key.h"
#include "proto/base/address.h"
#include "gateway/http/session_cookie.h"

#define DEVICE_CHARACTERS 64

struct sessions_api {
    struct sign_ins *sign_ins;
};

static struct str session_id_str(const uint8_t id[SESSION_ID_BYTES])
{
    return (struct str){.data = (const char *)id, .bytes = SESSION_ID_BYTES};
}

/* ---- POST /v1/sessions ---- */

static const struct member open_body[] = {
    {.name = "username", .type = MEMBER_STRING, .min = 1, .max = 256, .doc = "Compared exactly."},
    {.name = "password", .type = MEMBER_STRING, .min = 1, .max = 1024, .doc = "In clear."},
    {.name = "device",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .min = 1,
     .max = DEVICE_CHARACTERS,
     .doc = "What the list of sessions calls this one."},
    {.name = "cookie",
     .type = MEMBER_BOOL,
     .is_optional = true,
     .is_local = true,
     .doc = "true, for our own pages: the token comes as a cookie that scripts cannot read, and is "
            "not in the answer. Over plain HTTP only on the machine itself."},
    {.name = NULL},
};

static const struct member open_answer[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 32, .max = 32, .doc = "Opaque; not secret."},
    {.name = "token",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = TOKEN_HEX,
     .max = TOKEN_HEX,
     .doc = "For the header Authorization, after Bearer; not if it comes as a cookie."},
    {.name = "expires_at", .type = MEMBER_TIME, .doc = "When it ends if it is not used."},
    {.name = "user", .type = MEMBER_OBJECT, .members = user_members},
    {.name = NULL},
};

static bool wants_cookie(const struct exchange *exchange)
{
    return json_body_bool(exchange->body, "cookie");
}

static enum err prepare_open(struct exchange *exchange, struct msg *msg)
{
    const struct sessions_api *sessions = exchange->self;
    enum err err =
        wants_cookie(exchange)
            ? session_cookie_check_sign_in(exchange->all->config.cookie, exchange->request)
            : ERR_OK;
    if (err != ERR_OK) {
        return err;
    }
    msg->session_open.address = request_client(exchange->request);
    return sign_ins_begin(sessions->sign_ins, exchange, msg->session_open.username,
                          &msg->session_open.token_hash);
}

static enum err settle_open(struct exchange *exchange, enum err err, const struct msg *reply)
{
    const struct sessions_api *sessions = exchange->self;
    sign_ins_end(sessions->sign_ins, exchange, err);
    if (err == ERR_OK && wants_cookie(exchange)) {
        const struct sign_in *sign_in = exchange->state;
        exchange_set_cookie(exchange, sign_in->token, reply->session_open_reply.lifetime_s);
    }
    return err == ERR_BAD_CREDENTIALS ? ERR_SIGN_IN_REFUSED : err;
}

static void write_open(const struct exchange *exchange, const struct msg *reply,
                       struct json_out *out)
{
    const struct sign_in *sign_in = exchange->state;
    json_out_key(out, "id");
    json_out_hex(out, session_id_str(sign_in->token_hash));
    if (!wants_cookie(exchange)) {
        json_out_member_z(out, "token", sign_in->token);
    }
    json_out_key(out, "expires_at");
    json_out_time(out, reply->session_open_reply.expires_unix_ms);
    json_out_open_member(out, "user", '{');
    user_json_write(&reply->session_open_reply.user, out);
    json_out_close(out, "}");
}

static void locate_session(const struct exchange *exchange, const struct msg *reply,
                           char ret_path[LOCATION_BYTES])
{
    const struct sign_in *sign_in = exchange->state;
    char id[2 * SESSION_ID_BYTES + 1];
    (void)reply;
    hex_encode(id, sign_in->token_hash, SESSION_ID_BYTES);
    (void)snprintf(ret_path, LOCATION_BYTES, "/v1/sessions/%s", id);
}

static const struct route_ask ask_open = {.message = MSG_session_open,
                                          .prepare = prepare_open,
                                          .settle = settle_open,
                                          .locate = locate_session,
                                          .write = write_open};

/* ---- GET /v1/sessions/{session}, GET /v1/sessions/current ---- */

static const struct member session_members[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 32, .max = 32, .doc = "Opaque; not secret."},
    {.name = "kind",
     .type = MEMBER_STRING,
     .min = 1,
     .max = 16,
     .doc = "web: of POST /v1/sessions; original: of /login, which lives for minutes."},
    {.name = "device",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = 4UL * DEVICE_CHARACTERS,
     .doc = "As it was called when it was opened."},
    {.name = "address",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 2,
     .max = ADDRESS_TEXT_BYTES,
     .doc = "Where it was opened from: IPv4 or IPv6."},
    {.name = "created_at", .type = MEMBER_TIME},
    {.name = "last_used_at", .type = MEMBER_TIME, .doc = "May be half a minute behind."},
    {.name = "expires_at", .type = MEMBER_TIME, .doc = "When it ends if it is not used again."},
    {.name = "current", .type = MEMBER_BOOL, .doc = "It is the one that this was asked with."},
    {.name = NULL},
};

static void write_address(const struct str address, struct json_out *out)
{
    char text[ADDRESS_TEXT_BYTES];
    if (address_write(address, text)) {
        json_out_member_z(out, "address", text);
    }
}

/* Into an object that is open already. */
static void write_session(const struct exchange *exchange, const struct msg_session *session,
                          struct json_out *out)
{
    json_out_key(out, "id");
    json_out_hex(out, session->id);
    json_out_member_z(out, "kind", session->kind == SESSION_WEB ? "web" : "original");
    if (session->device.bytes > 0) {
        json_out_key(out, "device");
        json_out_str(out, session->device);
    }
    write_address(session->address, out);
    json_out_key(out, "created_at");
    json_out_time(out, session->created_unix_ms);
    json_out_key(out, "last_used_at");
    json_out_time(out, session->used_unix_ms);
    json_out_key(out, "expires_at");
    json_out_time(out, session->expires_unix_ms);
    json_out_key(out, "current");
    json_out_bool(out, str_eq(session->id, session_id_str(exchange->session)));
}

/* Whose sessions: those of the user whom the path names (an admin asks), else one's own. false: it
 * cannot be one. */
static bool read_holder(const struct exchange *exchange, uint64_t *ret_user_id)
{
    const struct str id = exchange_parameter(exchange, "user");
    *ret_user_id = exchange->context.principal.user_id;
    return id.bytes == 0 || str_id(id, ret_user_id);
}

/* The session that the path names: by its id, or current. false: it cannot be one. */
static bool read_session(struct exchange *exchange, uint8_t ret_id[SESSION_ID_BYTES])
{
    const struct str id = exchange_parameter(exchange, "session");
    if (id.bytes == 0) {
        memcpy(ret_id, exchange->session, SESSION_ID_BYTES);
        return true;
    }
    return hex_decode(ret_id, SESSION_ID_BYTES, id);
}

static enum err prepare_get(struct exchange *exchange, struct msg *msg)
{
    uint8_t *id = exchange_attach(exchange, SESSION_ID_BYTES, free);
    msg->session_page = (struct msg_session_page){
        .user_id = exchange->context.principal.user_id, .limit = 1, .session = session_id_str(id)};
    return read_session(exchange, id) ? ERR_OK : ERR_NOT_FOUND;
}

static enum err settle_get(struct exchange *exchange, enum err err, const struct msg *reply)
{
    (void)exchange;
    return err == ERR_OK && reply->session_page_reply.sessions.count != 1 ? ERR_PROTOCOL : err;
}

static void write_get(const struct exchange *exchange, const struct msg *reply,
                      struct json_out *out)
{
    write_session(exchange, &reply->session_page_reply.sessions.items[0], out);
}

static const struct route_ask ask_get = {
    .message = MSG_session_page, .prepare = prepare_get, .settle = settle_get, .write = write_get};

/* ---- GET /v1/sessions, GET /v1/users/{user}/sessions ---- */

static const struct member list_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = PAGING_LIMIT_MAX,
     .members = session_members,
     .doc = "The newest first."},
    PAGING_NEXT,
    {.name = NULL},
};
_Static_assert(PAGING_LIMIT_MAX <= SESSIONS_PAGE, "a page fits into a message");

/* Where a page ends: the last one's time and id. */
struct place {
    uint8_t created[PAGING_NUMBER_BYTES];
    uint8_t id[SESSION_ID_BYTES];
};

struct list {
    struct paging paging;
    struct place place;
};

static enum err prepare_session_list(struct exchange *exchange, struct msg *msg)
{
    struct list *list = exchange_attach(exchange, sizeof(*list), free);
    enum err err = paging_read(exchange->request, &list->place, sizeof(list->place), &list->paging);
    const uint64_t created = paging_number(list->place.created);
    if (err != ERR_OK || created > INT64_MAX) {
        return ERR_BAD_REQUEST;
    }
    msg->session_page = (struct msg_session_page){
        .limit = list->paging.limit,
        .after_created_unix_ms = created,
        .after_session = list->paging.has_place ? session_id_str(list->place.id) : STR_NONE};
    return read_holder(exchange, &msg->session_page.user_id) ? ERR_OK : ERR_NOT_FOUND;
}

static void write_session_list(const struct exchange *exchange, const struct msg *reply,
                               struct json_out *out)
{
    const struct list *list = exchange->state;
    const struct msg_session_list sessions = reply->session_page_reply.sessions;
    json_out_open_member(out, "items", '[');
    for (size_t i = 0; i < sessions.count; i++) {
        json_out_open(out, '{');
        write_session(exchange, &sessions.items[i], out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    if (sessions.count == list->paging.limit) {
        const struct msg_session *last = &sessions.items[sessions.count - 1];
        struct place place;
        paging_set_number(place.created, last->created_unix_ms);
        memcpy(place.id, last->id.data, sizeof(place.id));
        paging_write_next(out, &place, sizeof(place));
    }
}

static const struct route_ask ask_list = {
    .message = MSG_session_page, .prepare = prepare_session_list, .write = write_session_list};

/* ---- DELETE ---- */

struct ending {
    uint8_t id[SESSION_ID_BYTES];
    uint8_t key[REPEAT_KEY_BYTES];
};

/* With a key: if the call is repeated on the bus, who asked is not told that there is none. */
static enum err prepare_end(struct exchange *exchange, struct msg *msg)
{
    struct ending *ending = exchange_attach(exchange, sizeof(*ending), free);
    repeat_key_make(exchange, ending->key);
    msg->session_revoke = (struct msg_session_revoke){
        .session = session_id_str(ending->id),
        .has_origin = true,
        .origin = exchange_origin(exchange),
        .idempotency_key = {.data = (const char *)ending->key, .bytes = sizeof(ending->key)}};
    return read_holder(exchange, &msg->session_revoke.user_id) && read_session(exchange, ending->id)
               ? ERR_OK
               : ERR_NOT_FOUND;
}

/* The current one may have been ended a moment ago; it is over, which is what was asked for. */
static enum err settle_end(struct exchange *exchange, enum err err, const struct msg *reply)
{
    bool is_named = exchange_parameter(exchange, "session").bytes > 0;
    bool is_none = err == ERR_OK && reply->session_revoke_reply.revoked == 0;
    if (exchange->is_by_cookie &&
        memcmp(exchange->state, exchange->session, SESSION_ID_BYTES) == 0) {
        exchange_set_cookie(exchange, "", 0);
    }
    return is_none && is_named ? ERR_NOT_FOUND : err;
}

static const struct route_ask ask_end = {
    .message = MSG_session_revoke, .prepare = prepare_end, .settle = settle_end};

/* With a key: if the call is repeated on the bus, what was opened since goes on. */
static enum err prepare_end_others(struct exchange *exchange, struct msg *msg)
{
    msg->session_revoke =
        (struct msg_session_revoke){.except_session = session_id_str(exchange->session),
                                    .has_origin = true,
                                    .origin = exchange_origin(exchange),
                                    .idempotency_key = repeat_key_attach(exchange)};
    return read_holder(exchange, &msg->session_revoke.user_id) ? ERR_OK : ERR_NOT_FOUND;
}

static const struct route_ask ask_end_others = {.message = MSG_session_revoke,
                                                .prepare = prepare_end_others};

/* ---- the rows ---- */

static const struct route rows[] = {
    {.method = "GET",
     .template = "/v1/sessions",
     .name = "listSessions",
     .doc = "Lists one's own sessions that go on.",
     .who = ROUTE_USER,
     .query = paging_query,
     .answer = {.members = list_answer, .doc = "A page of them."},
     .ask = &ask_list},
    {.method = "POST",
     .template = "/v1/sessions",
     .name = "openSession",
     .doc = "Signs in: opens a session that slides over days.",
     .who = ROUTE_ANYBODY,
     .body = open_body,
     .answer = {.status = 201,
                .members = open_answer,
                .doc = "The session is open.",
                .has_location = true,
                .sets_cookie = true},
     .errors = {ERR_SIGN_IN_REFUSED, ERR_RATE_LIMITED, ERR_HTTPS_MISSING},
     .ask = &ask_open},
    {.method = "DELETE",
     .template = "/v1/sessions",
     .name = "endOtherSessions",
     .doc = "Ends all of one's own sessions but the one that this is asked with.",
     .who = ROUTE_USER,
     .answer = {.status = 204, .doc = "They are over, within a second everywhere."},
     .ask = &ask_end_others},
    {.method = "GET",
     .template = "/v1/sessions/current",
     .name = "getCurrentSession",
     .doc = "Shows the session that this is asked with.",
     .who = ROUTE_USER,
     .answer = {.members = session_members, .doc = "The session."},
     .errors = {ERR_NOT_FOUND},
     .ask = &ask_get},
    {.method = "DELETE",
     .template = "/v1/sessions/current",
     .name = "endCurrentSession",
     .doc = "Signs out: ends the session that this is asked with.",
     .who = ROUTE_USER,
     .answer = {.status = 204,
                .doc = "It is over, within a second everywhere.",
                .sets_cookie = true},
     .ask = &ask_end},
    {.method = "GET",
     .template = "/v1/sessions/{session}",
     .name = "getSession",
     .doc = "Shows one of one's own sessions.",
     .who = ROUTE_USER,
     .answer = {.members = session_members, .doc = "The session."},
     .errors = {ERR_NOT_FOUND},
     .ask = &ask_get},
    {.method = "DELETE",
     .template = "/v1/sessions/{session}",
     .name = "endSession",
     .doc = "Ends one of one's own sessions.",
     .who = ROUTE_USER,
     .answer = {.status = 204,
                .doc = "It is over, within a second everywhere.",
                .sets_cookie = true},
     .errors = {ERR_NOT_FOUND},
     .ask = &ask_end},
    {.method = "GET",
     .template = "/v1/users/{user}/sessions",
     .name = "listSessionsOfUser",
     .doc = "Lists the sessions of a user that go on.",
     .who = ROUTE_ADMIN,
     .query = paging_query,
     .answer = {.members = list_answer, .doc = "A page of them; of nobody: none."},
     .errors = {ERR_NOT_FOUND},
     .ask = &ask_list},
    {.method = "DELETE",
     .template = "/v1/users/{user}/sessions",
     .name = "endSessionsOfUser",
     .doc = "Ends all sessions of a user but the one that this is asked with.",
     .who = ROUTE_ADMIN,
     .answer = {.status = 204, .doc = "They are over, within a second everywhere."},
     .errors = {ERR_NOT_FOUND},
     .ask = &ask_end_others},
    {.method = "DELETE",
     .template = "/v1/users/{user}/sessions/{session}",
     .name = "endSessionOfUser",
     .doc = "Ends a session of a user.",
     .who = ROUTE_ADMIN,
     .answer = {.status = 204,
                .doc = "It is over, within a second everywhere.",
                .sets_cookie = true},
     .errors = {ERR_NOT_FOUND},
     .ask = &ask_end},
};

struct resource sessions_api_resource(struct sessions_api *sessions)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = rows, .count = ARRAY_LEN(rows), .self = sessions};
}

/* ---- life ---- */

struct sessions_api *sessions_api_new(struct sign_ins *sign_ins)
{
    struct sessions_api *sessions = mem_alloc(sizeof(*sessions));
    sessions->sign_ins = sign_ins;
    return sessions;
}

void sessions_api_free(struct sessions_api **sessions)
{
    mem_free(sessions);
}
