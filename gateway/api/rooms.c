#include "gateway/api/rooms.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/api/room_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/http/exchange.h"
#include "gateway/http/paging.h"
#include "gateway/http/repeat_key.h"
#include "proto/schema/codec_check.h"
#include "proto/unicode/label.h"

#define USER_BYTES LABEL_BYTES

struct rooms_api {
    struct rooms_api_limits limits;
    char *public_url;
};

static const struct msg_room *room_in(const struct msg *reply)
{
    switch (reply->id) {
    case MSG_room_add_reply:
        return &reply->room_add_reply.room;
    case MSG_room_change_reply:
        return &reply->room_change_reply.room;
    case MSG_room_hand_over_reply:
        return &reply->room_hand_over_reply.room;
    default:
        return &reply->room_get_reply.room;
    }
}

static uint64_t room_version(const struct msg *reply)
{
    return room_in(reply)->version;
}

static void write_room(const struct exchange *exchange, const struct msg *reply,
                       struct json_out *out)
{
    const struct rooms_api *rooms = exchange->self;
    room_json_write(room_in(reply), rooms->public_url, out);
}

/* ---- what a body says of a room ---- */

#define ROOM_OPTIONS                                                                               \
    {.name = "access",                                                                             \
     .type = MEMBER_WORD,                                                                          \
     .is_optional = true,                                                                          \
     .words = room_access_words,                                                                   \
     .doc = "open: whoever has the link; members: whoever has signed in; invited: members only."}, \
        {.name = "guests_wait",                                                                    \
         .type = MEMBER_BOOL,                                                                      \
         .is_optional = true,                                                                      \
         .doc = "Guests wait until somebody is in who is none; true where a room is made."},       \
        {.name = "lobby",                                                                          \
         .type = MEMBER_BOOL,                                                                      \
         .is_optional = true,                                                                      \
         .doc = "Whoever is no member waits to be let in."},                                       \
        {.name = "locked",                                                                         \
         .type = MEMBER_BOOL,                                                                      \
         .is_optional = true,                                                                      \
         .doc = "Nobody else comes in."},                                                          \
        {.name = "pin",                                                                            \
         .type = MEMBER_STRING,                                                                    \
         .is_optional = true,                                                                      \
         .is_nullable = true,                                                                      \
         .min = ROOM_PIN_DIGITS_MIN,                                                               \
         .max = ROOM_PIN_DIGITS_MAX,                                                               \
         .doc = "Digits that are needed to come in; null: none."},                                 \
        {.name = "participants_max",                                                               \
         .type = MEMBER_NUMBER,                                                                    \
         .is_optional = true,                                                                      \
         .min = 1,                                                                                 \
         .max = PARTICIPANTS_MAX,                                                                  \
         .doc = "How many may be in at a time."},                                                  \
        {.name = "publishers_max",                                                                 \
         .type = MEMBER_NUMBER,                                                                    \
         .is_optional = true,                                                                      \
         .min = 1,                                                                                 \
         .max = PUBLISHERS_MAX,                                                                    \
         .doc = "How many may publish at a time; not more than LYNKS_PUBLISHERS_MAX."},            \
        {.name = "bitrate",                                                                        \
         .type = MEMBER_NUMBER,                                                                    \
         .is_optional = true,                                                                      \
         .is_nullable = true,                                                                      \
         .min = MEDIA_BITRATE_MIN,                                                                 \
         .max = MEDIA_BITRATE_MAX,                                                                 \
         .doc = "Bits a second that each who publishes may send; null: as the service says."},     \
        {.name = "chat", .type = MEMBER_BOOL, .is_optional = true, .doc = "There is a chat."},     \
        {.name = "screen_share",                                                                   \
         .type = MEMBER_BOOL,                                                                      \
         .is_optional = true,                                                                      \
         .doc = "Participants may share their screens; moderators always may."},                   \
        {.name = "mute_on_entry",                                                                  \
         .type = MEMBER_BOOL,                                                                      \
         .is_optional = true,                                                                      \
         .doc = "Who comes in is mute at first."},                                                 \
        {.name = "unmute",                                                                         \
         .type = MEMBER_WORD,                                                                      \
         .is_optional = true,                                                                      \
         .words = room_unmute_words,                                                               \
         .doc = "Who ends it when somebody is mute."},                                             \
        {.name = "expires_at",                                                                     \
         .type = MEMBER_TIME,                                                                      \
         .is_optional = true,                                                                      \
         .is_nullable = true,                                                                      \
         .doc = "When it ends for good; null: never."},                                            \
    {                                                                                              \
        .name = "empty_timeout_s", .type = MEMBER_NUMBER, .is_optional = true, .min = 10,          \
        .max = 86400, .doc = "For how long the media server keeps it when nobody is in it.",       \
    }

static const struct member add_room_body[] = {
    {.name = "name", .type = MEMBER_LABEL, .min = 1, .max = LABEL_CHARACTERS_MAX, .doc = ""},
    ROOM_OPTIONS,
    {.name = NULL},
};

static const struct member change_room_body[] = {
    {.name = "name",
     .type = MEMBER_LABEL,
     .is_optional = true,
     .min = 1,
     .max = LABEL_CHARACTERS_MAX,
     .doc = ""},
    ROOM_OPTIONS,
    {.name = NULL},
};

/* Who comes in from now on is no matter of versions: whoever slams the door need not look first. */
static const char *const guards[] = {"locked", "lobby", NULL};

/* ---- GET /v1/rooms ---- */

static const struct member room_list_query[] = {
    {.name = "user",
     .type = MEMBER_STRING,
     .min = 1,
     .max = 24,
     .doc = "Those that this user owns or is a member of, by his id, or me; of others for admins "
            "only. None is given: "
            "one's own, and for an admin everybody's."},
    PAGING_QUERY_LIMIT,
    PAGING_QUERY_TOKEN,
    {.name = NULL},
};

static const struct member room_list_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = PAGING_LIMIT_MAX,
     .members = room_members,
     .doc = "Those that one owns or is a member of."},
    PAGING_NEXT,
    {.name = NULL},
};
_Static_assert(PAGING_LIMIT_MAX <= MANAGED_ROOMS_PAGE, "a page fits into a message");

/* Whose rooms are asked for; 0: everybody's. */
static enum err read_whose(const struct exchange *exchange, uint64_t *ret_user_id)
{
    const struct principal *principal = &exchange->context.principal;
    char text[24];
    *ret_user_id = principal->role == ROLE_ADMIN ? 0 : principal->user_id;
    if (!request_has_query(exchange->request, "user")) {
        return ERR_OK;
    }
    if (!request_query(exchange->request, "user", text, sizeof(text)) || text[0] == '\0') {
        return ERR_BAD_REQUEST;
    }
    if (strcmp(text, "me") == 0) {
        *ret_user_id = principal->user_id;
        return ERR_OK;
    }
    return str_id(str_of(text), ret_user_id) ? ERR_OK : ERR_BAD_REQUEST;
}

static enum err prepare_room_list(struct exchange *exchange, struct msg *msg)
{
    struct msg_room_page *page = &msg->room_page;
    const enum err err = paging_ids_begin(exchange, ROOM_ID_MAX, &page->limit, &page->after_id);
    return err == ERR_OK ? read_whose(exchange, &page->user_id) : err;
}

static void write_room_list(const struct exchange *exchange, const struct msg *reply,
                            struct json_out *out)
{
    const struct rooms_api *rooms = exchange->self;
    const struct msg_room_list list = reply->room_page_reply.rooms;
    json_out_open_member(out, "items", '[');
    for (size_t i = 0; i < list.count; i++) {
        json_out_open(out, '{');
        room_json_write(&list.items[i], rooms->public_url, out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    paging_ids_end(exchange, list.count, list.count > 0 ? list.items[list.count - 1].id : 0, out);
}

static const struct route_ask ask_room_list = {
    .message = MSG_room_page, .prepare = prepare_room_list, .write = write_room_list};

/* ---- POST /v1/rooms ---- */

static enum err prepare_add_room(struct exchange *exchange, struct msg *msg)
{
    struct rooms_api *rooms = exchange->self;
    uint64_t wait_ms = 0;
    if (!user_limit_take(rooms->limits.creates, exchange, &wait_ms)) {
        return user_limit_refuse(rooms->limits.creates, exchange, wait_ms);
    }
    msg->room_add.idempotency_key = repeat_key_attach(exchange);
    msg->room_add.body_hash = repeat_key_body(exchange);
    return ERR_OK;
}

/* One that failed otherwise may have made a room all the same. */
static enum err settle_add_room(struct exchange *exchange, enum err err, const struct msg *reply)
{
    const struct rooms_api *rooms = exchange->self;
    (void)reply;
    if (err != ERR_OK && err_is_callers(err)) {
        user_limit_give_back(rooms->limits.creates, exchange);
    }
    return err;
}

static void locate_room(const struct exchange *exchange, const struct msg *reply,
                        char ret_path[LOCATION_BYTES])
{
    (void)exchange;
    (void)snprintf(ret_path, LOCATION_BYTES, "/v1/rooms/%" PRIu64, room_in(reply)->id);
}

static const struct route_ask ask_add_room = {.message = MSG_room_add,
                                              .record = "options",
                                              .prepare = prepare_add_room,
                                              .settle = settle_add_room,
                                              .version = room_version,
                                              .locate = locate_room,
                                              .write = write_room};

/* ---- /v1/rooms/{room} ---- */

static enum err prepare_get_room(struct exchange *exchange, struct msg *msg)
{
    return room_ref_read(exchange, &msg->room_get.room);
}

static const struct route_ask ask_get_room = {.message = MSG_room_get,
                                              .prepare = prepare_get_room,
                                              .version = room_version,
                                              .write = write_room};

static enum err prepare_change_room(struct exchange *exchange, struct msg *msg)
{
    msg->room_change.idempotency_key = repeat_key_attach(exchange);
    msg->room_change.has_origin = true;
    msg->room_change.origin = exchange_origin(exchange);
    msg->room_change.has_version = !exchange->match.is_any;
    msg->room_change.version = exchange->match.version;
    return room_ref_read(exchange, &msg->room_change.room);
}

static const struct route_ask ask_change_room = {.message = MSG_room_change,
                                                 .record = "options",
                                                 .prepare = prepare_change_room,
                                                 .version = room_version,
                                                 .write = write_room};

static enum err prepare_close_room(struct exchange *exchange, struct msg *msg)
{
    msg->room_close.idempotency_key = repeat_key_attach(exchange);
    msg->room_close.has_origin = true;
    msg->room_close.origin = exchange_origin(exchange);
    return room_ref_read(exchange, &msg->room_close.room);
}

static const struct route_ask ask_close_room = {.message = MSG_room_close,
                                                .prepare = prepare_close_room};

/* ---- PUT /v1/rooms/{room}/owner ---- */

static const struct member owner_body[] = {
    {.name = "user",
     .type = MEMBER_STRING,
     .min = 1,
     .max = USER_BYTES - 1,
     .doc = "Who owns it from now on: his id, or exactly his user name; digits are an id."},
    {.name = NULL},
};

/* Who names others finds out whom there is, and what they are called. */
static enum err may_name(struct exchange *exchange)
{
    const struct rooms_api *rooms = exchange->self;
    uint64_t wait_ms = 0;
    return user_limit_take(rooms->limits.names, exchange, &wait_ms)
               ? ERR_OK
               : user_limit_refuse(rooms->limits.names, exchange, wait_ms);
}

static enum err prepare_hand_over(struct exchange *exchange, struct msg *msg)
{
    const enum err err = may_name(exchange);
    if (err != ERR_OK) {
        return err;
    }
    msg->room_hand_over.idempotency_key = repeat_key_attach(exchange);
    msg->room_hand_over.has_origin = true;
    msg->room_hand_over.origin = exchange_origin(exchange);
    return room_ref_read(exchange, &msg->room_hand_over.room);
}

static const struct route_ask ask_hand_over = {.message = MSG_room_hand_over,
                                               .prepare = prepare_hand_over,
                                               .version = room_version,
                                               .write = write_room};

/* ---- /v1/rooms/{room}/members ---- */

static const struct member member_list_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = PAGING_LIMIT_MAX,
     .members = member_members,
     .doc = "Without the owner."},
    PAGING_NEXT,
    {.name = NULL},
};
_Static_assert(PAGING_LIMIT_MAX <= MEMBERS_PAGE, "a page fits into a message");

static enum err prepare_member_list(struct exchange *exchange, struct msg *msg)
{
    struct msg_member_page *page = &msg->member_page;
    const enum err err = paging_ids_begin(exchange, INT64_MAX, &page->limit, &page->after_id);
    return err == ERR_OK ? room_ref_read(exchange, &page->room) : err;
}

static void write_member_list(const struct exchange *exchange, const struct msg *reply,
                              struct json_out *out)
{
    const struct msg_member_list list = reply->member_page_reply.members;
    json_out_open_member(out, "items", '[');
    for (size_t i = 0; i < list.count; i++) {
        json_out_open(out, '{');
        member_json_write(&list.items[i], out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    paging_ids_end(exchange, list.count, list.count > 0 ? list.items[list.count - 1].user_id : 0,
                   out);
}

static const struct route_ask ask_member_list = {
    .message = MSG_member_page, .prepare = prepare_member_list, .write = write_member_list};

/* A member that the path names. */
struct member_ask {
    uint8_t key[REPEAT_KEY_BYTES];
    char user[USER_BYTES];
};

static enum err read_member(struct exchange *exchange, struct str *ret_room, struct str *ret_user,
                            struct str *ret_key)
{
    struct member_ask *ask = exchange_attach(exchange, sizeof(*ask), free);
    const struct str user = exchange_parameter(exchange, "user");
    if (!request_segment_text(user, ask->user, sizeof(ask->user)) || ask->user[0] == '\0' ||
        !utf8_is_valid(str_of(ask->user))) {
        return ERR_NOT_FOUND;
    }
    const enum err err = may_name(exchange);
    if (err != ERR_OK) {
        return err;
    }
    repeat_key_make(exchange, ask->key);
    *ret_user = str_of(ask->user);
    *ret_key = (struct str){.data = (const char *)ask->key, .bytes = REPEAT_KEY_BYTES};
    return room_ref_read(exchange, ret_room);
}

static enum err prepare_get_member(struct exchange *exchange, struct msg *msg)
{
    struct msg_member_page *page = &msg->member_page;
    struct str unused;
    page->limit = 1;
    return read_member(exchange, &page->room, &page->user, &unused);
}

static enum err settle_get_member(struct exchange *exchange, enum err err, const struct msg *reply)
{
    (void)exchange;
    return err == ERR_OK && reply->member_page_reply.members.count != 1 ? ERR_PROTOCOL : err;
}

static void write_one_member(const struct exchange *exchange, const struct msg *reply,
                             struct json_out *out)
{
    (void)exchange;
    member_json_write(reply->id == MSG_member_set_reply
                          ? &reply->member_set_reply.member
                          : &reply->member_page_reply.members.items[0],
                      out);
}

static const struct route_ask ask_get_member = {.message = MSG_member_page,
                                                .prepare = prepare_get_member,
                                                .settle = settle_get_member,
                                                .write = write_one_member};

static const struct member member_body[] = {
    {.name = "role",
     .type = MEMBER_WORD,
     .words = member_role_words,
     .doc = "Less than one's own."},
    {.name = NULL},
};

static enum err prepare_set_member(struct exchange *exchange, struct msg *msg)
{
    struct msg_member_set *set = &msg->member_set;
    set->has_origin = true;
    set->origin = exchange_origin(exchange);
    return read_member(exchange, &set->room, &set->user, &set->idempotency_key);
}

static const struct route_ask ask_set_member = {
    .message = MSG_member_set, .prepare = prepare_set_member, .write = write_one_member};

static enum err prepare_remove_member(struct exchange *exchange, struct msg *msg)
{
    struct msg_member_remove *removal = &msg->member_remove;
    removal->has_origin = true;
    removal->origin = exchange_origin(exchange);
    return read_member(exchange, &removal->room, &removal->user, &removal->idempotency_key);
}

/* Who is nobody is no member, either. */
static enum err settle_remove_member(struct exchange *exchange, enum err err,
                                     const struct msg *reply)
{
    (void)exchange;
    (void)reply;
    return err == ERR_NO_SUCH_USER ? ERR_NOT_FOUND : err;
}

static const struct route_ask ask_remove_member = {
    .message = MSG_member_remove, .prepare = prepare_remove_member, .settle = settle_remove_member};

/* ---- the rows ---- */

static const struct route room_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms",
     .name = "listRooms",
     .doc = "Lists rooms.",
     .who = ROUTE_USER,
     .query = room_list_query,
     .answer = {.members = room_list_answer, .doc = "A page of them."},
     .errors = {ERR_FORBIDDEN},
     .ask = &ask_room_list},
    {.method = "POST",
     .template = "/v1/rooms",
     .name = "addRoom",
     .doc = "Makes a room, which one owns.",
     .who = ROUTE_USER,
     .takes_key = true,
     .body = add_room_body,
     .answer = {.status = 201,
                .members = room_members,
                .doc = "The room.",
                .has_etag = true,
                .has_location = true},
     .errors = {ERR_RATE_LIMITED, ERR_ROOMS_FULL},
     .ask = &ask_add_room},
    {.method = "GET",
     .template = "/v1/rooms/{room}",
     .name = "getRoom",
     .doc = "Shows a room, by its id or its code.",
     .who = ROUTE_USER,
     .answer = {.members = room_members, .doc = "The room.", .has_etag = true, .is_of_asker = true},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE},
     .ask = &ask_get_room},
    {.method = "PATCH",
     .template = "/v1/rooms/{room}",
     .name = "changeRoom",
     .doc = "Changes a room (RFC 7396). Moderators: locked and lobby, for which no If-Match is "
            "needed; the owner: everything.",
     .who = ROUTE_USER,
     .has_if_match = true,
     .free_of_match = guards,
     .body = change_room_body,
     .answer = {.members = room_members, .doc = "The room as it is now.", .has_etag = true},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_CONFLICT},
     .ask = &ask_change_room},
    {.method = "DELETE",
     .template = "/v1/rooms/{room}",
     .name = "closeRoom",
     .doc = "Ends a room for good: its link leads nowhere any more.",
     .who = ROUTE_USER,
     .answer = {.status = 204, .doc = "It is over."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_CONFLICT},
     .ask = &ask_close_room},
    {.method = "PUT",
     .template = "/v1/rooms/{room}/owner",
     .name = "handOverRoom",
     .doc = "Gives a room another owner; the one before becomes a moderator.",
     .who = ROUTE_USER,
     .body = owner_body,
     .answer = {.members = room_members, .doc = "The room as it is now.", .has_etag = true},
     .errors = {ERR_RATE_LIMITED, ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_CONFLICT,
                ERR_NO_SUCH_USER},
     .ask = &ask_hand_over},
    {.method = "GET",
     .template = "/v1/rooms/{room}/members",
     .name = "listMembers",
     .doc = "Lists the members of a room, for its moderators.",
     .who = ROUTE_USER,
     .query = paging_query,
     .answer = {.members = member_list_answer, .doc = "A page of them."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN},
     .ask = &ask_member_list},
    {.method = "GET",
     .template = "/v1/rooms/{room}/members/{user}",
     .name = "getMember",
     .doc = "Shows a member, by his id or exactly his user name; digits are an id.",
     .who = ROUTE_USER,
     .answer = {.members = member_members, .doc = "The member."},
     .errors = {ERR_RATE_LIMITED, ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_NOT_FOUND},
     .ask = &ask_get_member},
    {.method = "PUT",
     .template = "/v1/rooms/{room}/members/{user}",
     .name = "setMember",
     .doc = "Makes somebody a member, or gives a member another role.",
     .who = ROUTE_USER,
     .body = member_body,
     .answer = {.members = member_members, .doc = "The member."},
     .errors = {ERR_RATE_LIMITED, ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_NO_SUCH_USER,
                ERR_CONFLICT, ERR_NOT_FOUND},
     .ask = &ask_set_member},
    {.method = "DELETE",
     .template = "/v1/rooms/{room}/members/{user}",
     .name = "removeMember",
     .doc = "Makes somebody no member any more; oneself, too.",
     .who = ROUTE_USER,
     .answer = {.status = 204, .doc = "He is none."},
     .errors = {ERR_RATE_LIMITED, ERR_NO_SUCH_ROOM, ERR_GONE, ERR_FORBIDDEN, ERR_NOT_FOUND},
     .ask = &ask_remove_member},
};

struct resource rooms_api_resource(struct rooms_api *rooms)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = room_rows, .count = ARRAY_LEN(room_rows), .self = rooms};
}

/* ---- life ---- */

struct rooms_api *rooms_api_new(const struct rooms_api_limits *limits, const struct public_url *url)
{
    struct rooms_api *rooms = mem_alloc(sizeof(*rooms));
    rooms->limits = *limits;
    rooms->public_url = public_url_text(url);
    return rooms;
}

void rooms_api_free(struct rooms_api **rooms)
{
    if (*rooms != NULL) {
        mem_free(&(*rooms)->public_url);
        mem_free(rooms);
    }
}
