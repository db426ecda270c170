#include "gateway/api/messages.h"

#include <stdlib.h>

#include "gateway/api/message_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/http/exchange.h"
#include "gateway/http/json_body.h"
#include "gateway/http/repeat_key.h"

/* ---- POST /v1/rooms/{room}/messages ---- */

static const struct member send_message_body[] = {
    {.name = "text", .type = MEMBER_STRING, .min = 1, .max = MESSAGE_BYTES_MAX},
    {.name = "to",
     .type = MEMBER_STRING,
     .is_optional = true,
     .is_local = true,
     .min = 1,
     .max = JSON_OUT_ID_BYTES,
     .doc = "The id of the only other participant who is to see it; absent: all see it."},
    {.name = NULL},
};

static enum err prepare_send_message(struct exchange *exchange, struct msg *msg)
{
    struct msg_message_send *send = &msg->message_send;
    const struct str to = json_body_str(exchange->body, "to");
    enum err err = room_ref_read(exchange, &send->room);
    if (err == ERR_OK && to.bytes > 0) {
        err = room_ref_id(to, &send->to);
    }
    send->idempotency_key = repeat_key_attach(exchange);
    send->body_hash = repeat_key_body(exchange);
    (void)exchange_asker(exchange, &send->asker); /* the row lets in nobody else */
    return err;
}

static void write_message(const struct exchange *exchange, const struct msg *reply,
                          struct json_out *out)
{
    (void)exchange;
    message_json_write(&reply->message_send_reply.message, out);
}

static const struct route_ask ask_send_message = {
    .message = MSG_message_send, .prepare = prepare_send_message, .write = write_message};

/* ---- GET /v1/rooms/{room}/messages ---- */

static const struct member message_page_query[] = {
    {.name = "after",
     .type = MEMBER_NUMBER,
     .max = INT64_MAX,
     .doc = "The seq of a message: those after it. None is given: the last 200."},
    {.name = "limit",
     .type = MEMBER_NUMBER,
     .min = 1,
     .max = MESSAGES_PAGE,
     .doc = "How many at most; 25 where none is given."},
    {.name = NULL},
};
_Static_assert(MESSAGES_PAGE == 25, "what the row says");

static const struct member message_page_answer[] = {
    {.name = "items",
     .type = MEMBER_OBJECTS,
     .max = MESSAGES_PAGE,
     .members = message_members,
     .doc = "In the order of their seq."},
    {.name = "more", .type = MEMBER_BOOL, .doc = "There are more after the last one."},
    {.name = NULL},
};

static enum err prepare_message_page(struct exchange *exchange, struct msg *msg)
{
    struct msg_message_page *page = &msg->message_page;
    const struct request *request = exchange->request;
    page->limit = MESSAGES_PAGE;
    page->has_after_seq = request_has_query(request, "after");
    if (!request_query_number(request, "after", 0, INT64_MAX, &page->after_seq) ||
        !request_query_number(request, "limit", 1, MESSAGES_PAGE, &page->limit)) {
        return ERR_BAD_REQUEST;
    }
    (void)exchange_asker(exchange, &page->asker); /* the row lets in nobody else */
    return room_ref_read(exchange, &page->room);
}

static void write_message_page(const struct exchange *exchange, const struct msg *reply,
                               struct json_out *out)
{
    const struct msg_chat_message_list list = reply->message_page_reply.messages;
    (void)exchange;
    json_out_open_member(out, "items", '[');
    for (size_t i = 0; i < list.count; i++) {
        json_out_open(out, '{');
        message_json_write(&list.items[i], out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
    json_out_member_bool(out, "more", !reply->message_page_reply.is_last);
}

static const struct route_ask ask_message_page = {
    .message = MSG_message_page, .prepare = prepare_message_page, .write = write_message_page};

/* ---- the rows ---- */

static const struct route message_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms/{room}/messages",
     .name = "listMessages",
     .doc = "Shows what was written in this meeting since one has come in, and one may see.",
     .who = ROUTE_PARTICIPANT,
     .query = message_page_query,
     .answer = {.members = message_page_answer, .doc = "A page of it."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_CHAT_OFF, ROOM_ASKER_ERRORS},
     .ask = &ask_message_page},
    {.method = "POST",
     .template = "/v1/rooms/{room}/messages",
     .name = "sendMessage",
     .doc = "Writes in the chat, for all or for one.",
     .who = ROUTE_PARTICIPANT,
     .takes_key = true,
     .body = send_message_body,
     .answer = {.status = 201, .members = message_members, .doc = "The message."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_CHAT_OFF, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_send_message},
};

struct resource messages_resource(void)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = message_rows, .count = ARRAY_LEN(message_rows)};
}
