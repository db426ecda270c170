#include "gateway/api/bans.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/api/room_ref.h"
#include "gateway/http/json_body.h"
#include "gateway/http/paging.h"
#include "gateway/http/repeat_key.h"
#include "proto/base/text.h"
#include "proto/unicode/label.h"

#define NOTE_CHARACTERS_MAX 200
#define NOTE_BYTES_MAX 800

/* What a ban may name, each word by the bit in its place. */
static const char *const by_words[] = {"user", "invitation", "device", NULL};
enum { BY_USER = 1, BY_INVITATION = 2, BY_DEVICE = 4 };
#define BY_MAX 3

static const struct member ban_members[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},
    {.name = "name",
     .type = MEMBER_STRING,
     .min = 1,
     .max = LABEL_BYTES - 1,
     .doc = "Of the participant when he was banned."},
    {.name = "by",
     .type = MEMBER_WORDS,
     .min = 1,
     .max = BY_MAX,
     .words = by_words,
     .doc = "What it names of him."},
    {.name = "user",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = JSON_OUT_ID_BYTES,
     .doc = "The id of the user."},
    {.name = "invitation",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = JSON_OUT_ID_BYTES,
     .doc = "The id of the invitation, by which nobody else comes."},
    {.name = "note", .type = MEMBER_STRING, .is_optional = true, .min = 1, .max = NOTE_BYTES_MAX},
    {.name = "expires_at",
     .type = MEMBER_TIME,
     .is_nullable = true,
     .doc = "Until when it holds; null: until it is lifted."},
    {.name = "created_at", .type = MEMBER_TIME},
    {.name = NULL},
};

static void write_ban(const struct msg_ban *ban, struct json_out *out)
{
    const uint64_t by = (ban->user_id != 0 ? BY_USER : 0U) |
                        (ban->invitation_id != 0 ? BY_INVITATION : 0U) |
                        (ban->device ? BY_DEVICE : 0U);
    json_out_member_id(out, "id", ban->id);
    json_out_key(out, "name");
    json_out_str(out, ban->name);
    json_out_member_words(out, "by", by_words, by);
    if (ban->user_id != 0) {
        json_out_member_id(out, "user", ban->user_id);
    }
    if (ban->invitation_id != 0) {
        json_out_member_id(out, "invitation", ban->invitation_id);
    }
    if (ban->note.bytes > 0) {
        json_out_key(out, "note");
        json_out_str(out, ban->note);
    }
    json_out_member_time_or_null(out, "expires_at", ban->expires_unix_ms);
    json_out_key(out, "created_at");
    json_out_time(out, ban->created_unix_ms);
}

static void write_one_ban(const struct exchange *exchange, const struct msg *reply,
                          struct json_out *out)
{
    (void)exchange;
    write_ban(reply->id == MSG_ban_add_reply ? &reply->ban_add_reply.ban
                                             : &reply->ban_page_reply.bans.items[0],
              out);
}

/* ---- POST /v1/rooms/{room}/bans ---- */

static const struct member add_ban_body[] = {
    {.name = "participant",
     .type = MEMBER_STRING,
     .is_local = true,
     .min = 1,
     .max = JSON_OUT_ID_BYTES,
     .doc = "The id of whom one bans; he may be out by now."},
    {.name = "by",
     .type = MEMBER_WORDS,
     .is_local = true,
     .min = 1,
     .max = BY_MAX,
     .words = by_words,
     .doc = "What is banned: his user, the invitation by which he came (for those who come from "
            "now on only), his device. At least one of them has to be there."},
    {.name = "note",
     .type = MEMBER_STRING,
     .is_optional = true,
     .min = 1,
     .max = NOTE_BYTES_MAX,
     .doc = "For who may lift it: 200 characters at most."},
    {.name = "expires_at",
     .type = MEMBER_TIME,
     .is_optional = true,
     .doc = "Until when it holds; absent: until it is lifted."},
    {.name = NULL},
};

static enum err prepare_add_ban(struct exchange *exchange, struct msg *msg)
{
    struct msg_ban_add *add = &msg->ban_add;
    const uint64_t by = json_body_words(exchange->body, "by", by_words);
    if (text_characters(add->note) > NOTE_CHARACTERS_MAX) {
        return ERR_WRONG_MEMBER;
    }
    add->user = (by & BY_USER) != 0;
    add->invitation = (by & BY_INVITATION) != 0;
    add->device = (by & BY_DEVICE) != 0;
    add->idempotency_key = repeat_key_attach(exchange);
    add->body_hash = repeat_key_body(exchange);
    add->has_asker = exchange_asker(exchange, &add->asker);
    add->has_origin = true;
    add->origin = exchange_origin(exchange);
    const enum err err = room_ref_read(exchange, &add->room);
    return err == ERR_OK
               ? room_ref_id(json_body_str(exchange->body, "participant"), &add->participant)
               : err;
}

/* By the name of the room that the client knows. */
static void locate_ban(const struct exchange *exchange, const struct msg *reply,
                       char ret_path[LOCATION_BYTES])
{
    const struct str room = exchange_parameter(exchange, "room");
    (void)snprintf(ret_path, LOCATION_BYTES, "/v1/rooms/%.*s/bans/%" PRIu64, (int)room.bytes,
                   room.data, reply->ban_add_reply.ban.id);
}

static const struct route_ask ask_add_ban = {.message = MSG_ban_add,
                                             .prepare = prepare_add_ban,
                                             .locate = locate_ban,
                                             .write = write_one_ban};

/* ---- GET /v1/rooms/{room}/bans ---- */

static const struct member ban_list_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = PAGING_LIMIT_MAX,
     .members = ban_members,
     .doc = "Those that hold, in the order of their ids."},
    PAGING_NEXT,
    {.name = NULL},
};
_Static_assert(PAGING_LIMIT_MAX <= BANS_PAGE, "a page fits into a message");

static enum err prepare_ban_list(struct exchange *exchange, struct msg *msg)
{
    struct msg_ban_page *page = &msg->ban_page;
    const enum err err = paging_ids_begin(exchange, ROOM_ID_MAX, &page->limit, &page->after_id);
    page->has_asker = exchange_asker(exchange, &page->asker);
    return err == ERR_OK ? room_ref_read(exchange, &page->room) : err;
}

static void write_ban_list(const struct exchange *exchange, const struct msg *reply,
                           struct json_out *out)
{
    const struct msg_ban_list list = reply->ban_page_reply.bans;
    json_out_open_member(out, "items", '[');
    for (size_t i = 0; i < list.count; i++) {
        json_out_open(out, '{');
        write_ban(&list.items[i], out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    paging_ids_end(exchange, list.count, list.count > 0 ? list.items[list.count - 1].id : 0, out);
}

static const struct route_ask ask_ban_list = {
    .message = MSG_ban_page, .prepare = prepare_ban_list, .write = write_ban_list};

/* ---- /v1/rooms/{room}/bans/{ban} ---- */

static enum err prepare_get_ban(struct exchange *exchange, struct msg *msg)
{
    struct msg_ban_page *page = &msg->ban_page;
    const enum err err = room_ref_read_id(exchange, "ban", &page->ban);
    page->limit = 1;
    page->has_asker = exchange_asker(exchange, &page->asker);
    return err == ERR_OK ? room_ref_read(exchange, &page->room) : err;
}

static enum err settle_get_ban(struct exchange *exchange, enum err err, const struct msg *reply)
{
    (void)exchange;
    return err == ERR_OK && reply->ban_page_reply.bans.count != 1 ? ERR_PROTOCOL : err;
}

static const struct route_ask ask_get_ban = {.message = MSG_ban_page,
                                             .prepare = prepare_get_ban,
                                             .settle = settle_get_ban,
                                             .write = write_one_ban};

static enum err prepare_lift_ban(struct exchange *exchange, struct msg *msg)
{
    struct msg_ban_lift *lift = &msg->ban_lift;
    const enum err err = room_ref_read_id(exchange, "ban", &lift->ban);
    lift->idempotency_key = repeat_key_attach(exchange);
    lift->has_asker = exchange_asker(exchange, &lift->asker);
    lift->has_origin = true;
    lift->origin = exchange_origin(exchange);
    return err == ERR_OK ? room_ref_read(exchange, &lift->room) : err;
}

static const struct route_ask ask_lift_ban = {.message = MSG_ban_lift, .prepare = prepare_lift_ban};

/* ---- the rows ---- */

static const struct route ban_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms/{room}/bans",
     .name = "listBans",
     .doc = "Lists who does not come into a room.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .query = paging_query,
     .answer = {.members = ban_list_answer, .doc = "A page of them."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ROOM_ASKER_ERRORS},
     .ask = &ask_ban_list},
    {.method = "POST",
     .template = "/v1/rooms/{room}/bans",
     .name = "addBan",
     .doc = "Bans somebody who is or was in a room: he is out at once, and does not come back.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .takes_key = true,
     .body = add_ban_body,
     .answer = {.status = 201, .members = ban_members, .doc = "The ban.", .has_location = true},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .ask = &ask_add_ban},
    {.method = "GET",
     .template = "/v1/rooms/{room}/bans/{ban}",
     .name = "getBan",
     .doc = "Shows a ban.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.members = ban_members, .doc = "The ban."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_get_ban},
    {.method = "DELETE",
     .template = "/v1/rooms/{room}/bans/{ban}",
     .name = "liftBan",
     .doc = "Lifts a ban: who is out comes in as anybody does.",
     .who = ROUTE_USER_OR_PARTICIPANT,
     .answer = {.status = 204, .doc = "It holds no more."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_lift_ban},
};

struct resource bans_resource(void)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = ban_rows, .count = ARRAY_LEN(ban_rows)};
}
