#include "gateway/api/stream_keys.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/api/room_ref.h"
#include "gateway/http/auth.h"
#include "gateway/http/paging.h"
#include "gateway/http/repeat_key.h"
#include "proto/unicode/label.h"

#define STREAM_URL_BYTES 512

struct stream_keys_api {
    char *public_url;
};

static const char *const stream_use_words[] = {"publish", "watch", NULL};
_Static_assert(STREAM_PUBLISH == 1 && STREAM_WATCH == 2, "the words stand in their order");

/* ---- what one sees of a key ---- */

/* All of the members but the first one, its id. */
#define STREAM_KEY_MEMBERS                                                                         \
    {.name = "use", .type = MEMBER_WORD, .words = stream_use_words},                               \
        {.name = "label",                                                                          \
         .type = MEMBER_STRING,                                                                    \
         .min = 1,                                                                                 \
         .max = LABEL_BYTES - 1,                                                                   \
         .doc = "The name of its participant."},                                                   \
        {.name = "made_by",                                                                        \
         .type = MEMBER_STRING,                                                                    \
         .is_optional = true,                                                                      \
         .min = 1,                                                                                 \
         .max = LABEL_BYTES - 1,                                                                   \
         .doc = "The display name of who has made it; absent: he is not there any more."},         \
        {.name = "url",                                                                            \
         .type = MEMBER_STRING,                                                                    \
         .is_optional = true,                                                                      \
         .min = 1,                                                                                 \
         .max = STREAM_URL_BYTES,                                                                  \
         .doc = "Of one that publishes: where to send to (WHIP)."},                                \
        {.name = "participant",                                                                    \
         .type = MEMBER_STRING,                                                                    \
         .is_optional = true,                                                                      \
         .min = 1,                                                                                 \
         .max = JSON_OUT_ID_BYTES,                                                                 \
         .doc = "The id of who is in by it; absent: nobody is."},                                  \
        {.name = "receives", .type = MEMBER_BOOL, .doc = "Something that it sends arrives now."},  \
        {.name = "expires_at",                                                                     \
         .type = MEMBER_TIME,                                                                      \
         .is_nullable = true,                                                                      \
         .doc = "Until when it is good; null: for ever."},                                         \
    {                                                                                              \
        .name = "created_at", .type = MEMBER_TIME                                                  \
    }

static const struct member stream_key_members[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},
    STREAM_KEY_MEMBERS,
    {.name = NULL},
};

/* By the room's number, not by its code, which lets in people. */
static void write_url(const struct exchange *exchange, uint64_t room_id, struct json_out *out)
{
    const struct stream_keys_api *keys = exchange->self;
    AUTO(mem_free)
    char *url = mem_printf("%s/v1/rooms/%" PRIu64 "/whip", keys->public_url, room_id);
    json_out_member_z(out, "url", url);
}

static void write_stream_key(const struct exchange *exchange, const struct msg_stream_key *key,
                             uint64_t room_id, struct json_out *out)
{
    json_out_member_id(out, "id", key->id);
    json_out_member_z(out, "use", stream_use_words[key->use - STREAM_PUBLISH]);
    json_out_key(out, "label");
    json_out_str(out, key->label);
    if (key->user_name.bytes > 0) {
        json_out_key(out, "made_by");
        json_out_str(out, key->user_name);
    }
    if (key->use == STREAM_PUBLISH) {
        write_url(exchange, room_id, out);
    }
    if (key->participant != 0) {
        json_out_member_id(out, "participant", key->participant);
    }
    json_out_member_bool(out, "receives", key->receives);
    json_out_member_time_or_null(out, "expires_at", key->expires_unix_ms);
    json_out_key(out, "created_at");
    json_out_time(out, key->created_unix_ms);
}

/* ---- POST /v1/rooms/{room}/stream-keys ---- */

static const struct member add_stream_key_body[] = {
    {.name = "label",
     .type = MEMBER_LABEL,
     .min = 1,
     .max = LABEL_CHARACTERS_MAX,
     .doc = "The name of its participant: \"Camera at the door\"."},
    {.name = "use",
     .type = MEMBER_WORD,
     .words = stream_use_words,
     .doc = "What it is good for, and nothing else."},
    {.name = "expires_at",
     .type = MEMBER_TIME,
     .is_optional = true,
     .doc = "Until when; absent: for ever."},
    {.name = NULL},
};

static const struct member add_stream_key_answer[] = {
    {.name = "id", .type = MEMBER_STRING, .min = 1, .max = JSON_OUT_ID_BYTES, .doc = "Opaque."},
    {.name = "key",
     .type = MEMBER_STRING,
     .min = TOKEN_PREFIXED_BYTES,
     .max = TOKEN_PREFIXED_BYTES,
     .doc = "The bearer token for the program; told only here."},
    STREAM_KEY_MEMBERS,
    {.name = NULL},
};

/* The exchange's state. */
struct drawing {
    uint8_t key[REPEAT_KEY_BYTES];
    struct auth_secret secret;
};

static void free_drawing(void *drawing)
{
    sodium_memzero(drawing, sizeof(struct drawing));
    free(drawing);
}

static enum err prepare_add_stream_key(struct exchange *exchange, struct msg *msg)
{
    struct msg_stream_key_add *add = &msg->stream_key_add;
    struct drawing *drawing = exchange_attach(exchange, sizeof(*drawing), free_drawing);
    repeat_key_make(exchange, drawing->key);
    add->idempotency_key =
        (struct str){.data = (const char *)drawing->key, .bytes = sizeof(drawing->key)};
    auth_draw_secret(exchange->all->config.auth, TOKEN_STREAM_KEY,
                     repeat_key_is_given(exchange) ? add->idempotency_key : STR_NONE,
                     &drawing->secret);
    add->secret_hash = (struct str){.data = (const char *)drawing->secret.hash,
                                    .bytes = sizeof(drawing->secret.hash)};
    add->body_hash = repeat_key_body(exchange);
    add->has_origin = true;
    add->origin = exchange_origin(exchange);
    return room_ref_read(exchange, &add->room);
}

/* By the name of the room that the client knows. */
static void locate_stream_key(const struct exchange *exchange, const struct msg *reply,
                              char ret_path[LOCATION_BYTES])
{
    const struct str room = exchange_parameter(exchange, "room");
    (void)snprintf(ret_path, LOCATION_BYTES, "/v1/rooms/%.*s/stream-keys/%" PRIu64, (int)room.bytes,
                   room.data, reply->stream_key_add_reply.stream_key.id);
}

static void write_new_stream_key(const struct exchange *exchange, const struct msg *reply,
                                 struct json_out *out)
{
    const struct drawing *drawing = exchange->state;
    json_out_member_z(out, "key", drawing->secret.text);
    write_stream_key(exchange, &reply->stream_key_add_reply.stream_key,
                     reply->stream_key_add_reply.room_id, out);
}

static const struct route_ask ask_add_stream_key = {.message = MSG_stream_key_add,
                                                    .prepare = prepare_add_stream_key,
                                                    .locate = locate_stream_key,
                                                    .write = write_new_stream_key};

/* ---- GET /v1/rooms/{room}/stream-keys ---- */

static const struct member stream_key_list_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = PAGING_LIMIT_MAX,
     .members = stream_key_members,
     .doc = "In the order of their ids, those whose time is up among them."},
    PAGING_NEXT,
    {.name = NULL},
};
_Static_assert(PAGING_LIMIT_MAX <= STREAM_KEYS_PAGE, "a page fits into a message");

static enum err prepare_stream_key_list(struct exchange *exchange, struct msg *msg)
{
    struct msg_stream_key_page *page = &msg->stream_key_page;
    const enum err err = paging_ids_begin(exchange, ROOM_ID_MAX, &page->limit, &page->after_id);
    return err == ERR_OK ? room_ref_read(exchange, &page->room) : err;
}

static void write_stream_key_list(const struct exchange *exchange, const struct msg *reply,
                                  struct json_out *out)
{
    const struct msg_stream_key_list list = reply->stream_key_page_reply.stream_keys;
    json_out_open_member(out, "items", '[');
    for (size_t i = 0; i < list.count; i++) {
        json_out_open(out, '{');
        write_stream_key(exchange, &list.items[i], reply->stream_key_page_reply.room_id, out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    paging_ids_end(exchange, list.count, list.count > 0 ? list.items[list.count - 1].id : 0, out);
}

static const struct route_ask ask_stream_key_list = {.message = MSG_stream_key_page,
                                                     .prepare = prepare_stream_key_list,
                                                     .write = write_stream_key_list};

/* ---- /v1/rooms/{room}/stream-keys/{key} ---- */

static enum err prepare_get_stream_key(struct exchange *exchange, struct msg *msg)
{
    struct msg_stream_key_page *page = &msg->stream_key_page;
    const enum err err = room_ref_read_id(exchange, "key", &page->stream_key);
    page->limit = 1;
    return err == ERR_OK ? room_ref_read(exchange, &page->room) : err;
}

static enum err settle_get_stream_key(struct exchange *exchange, enum err err,
                                      const struct msg *reply)
{
    (void)exchange;
    return err == ERR_OK && reply->stream_key_page_reply.stream_keys.count != 1 ? ERR_PROTOCOL
                                                                                : err;
}

static void write_one_stream_key(const struct exchange *exchange, const struct msg *reply,
                                 struct json_out *out)
{
    write_stream_key(exchange, &reply->stream_key_page_reply.stream_keys.items[0],
                     reply->stream_key_page_reply.room_id, out);
}

static const struct route_ask ask_get_stream_key = {.message = MSG_stream_key_page,
                                                    .prepare = prepare_get_stream_key,
                                                    .settle = settle_get_stream_key,
                                                    .write = write_one_stream_key};

static enum err prepare_remove_stream_key(struct exchange *exchange, struct msg *msg)
{
    struct msg_stream_key_remove *remove = &msg->stream_key_remove;
    const enum err err = room_ref_read_id(exchange, "key", &remove->stream_key);
    remove->idempotency_key = repeat_key_attach(exchange);
    remove->has_origin = true;
    remove->origin = exchange_origin(exchange);
    return err == ERR_OK ? room_ref_read(exchange, &remove->room) : err;
}

static const struct route_ask ask_remove_stream_key = {.message = MSG_stream_key_remove,
                                                       .prepare = prepare_remove_stream_key};

/* ---- the rows ---- */

static const struct route stream_key_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms/{room}/stream-keys",
     .name = "listStreamKeys",
     .doc = "Lists the stream keys of a room, without the keys themselves.",
     .who = ROUTE_USER,
     .query = paging_query,
     .answer = {.members = stream_key_list_answer, .doc = "A page of them."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE},
     .ask = &ask_stream_key_list},
    {.method = "POST",
     .template = "/v1/rooms/{room}/stream-keys",
     .name = "addStreamKey",
     .doc = "Makes a key by which a program streams to a room, or from it, as one participant.",
     .who = ROUTE_USER,
     .takes_key = true,
     .body = add_stream_key_body,
     .answer =
         {.status = 201, .members = add_stream_key_answer, .doc = "The key.", .has_location = true},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_CONFLICT},
     .ask = &ask_add_stream_key},
    {.method = "GET",
     .template = "/v1/rooms/{room}/stream-keys/{key}",
     .name = "getStreamKey",
     .doc = "Shows a stream key, without the key itself.",
     .who = ROUTE_USER,
     .answer = {.members = stream_key_members, .doc = "What is known of it."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND},
     .ask = &ask_get_stream_key},
    {.method = "DELETE",
     .template = "/v1/rooms/{room}/stream-keys/{key}",
     .name = "removeStreamKey",
     .doc = "Removes a stream key: who is in by it is out, and does not come back.",
     .who = ROUTE_USER,
     .answer = {.status = 204, .doc = "It is of no use any more."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND},
     .ask = &ask_remove_stream_key},
};

struct resource stream_keys_api_resource(struct stream_keys_api *keys)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = stream_key_rows,
                             .count = ARRAY_LEN(stream_key_rows),
                             .self = keys};
}

/* ---- life ---- */

struct stream_keys_api *stream_keys_api_new(const struct public_url *url)
{
    struct stream_keys_api *keys = mem_alloc(sizeof(*keys));
    keys->public_url = public_url_text(url);
    return keys;
}

void stream_keys_api_free(struct stream_keys_api **keys)
{
    if (*keys != NULL) {
        mem_free(&(*keys)->public_url);
        mem_free(keys);
    }
}
