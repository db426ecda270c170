#include "gateway/api/watch.h"

#include <stdlib.h>

#include "gateway/api/participant_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/api/rtc_json.h"
#include "gateway/http/json_body.h"

#define LAYER_MAX 2

/* ---- PUT /v1/rooms/{room}/watch ---- */

static const struct member wish_members[] = {
    {.name = "participant", .type = MEMBER_ID, .doc = "Whose."},
    {.name = "source", .type = MEMBER_WORD, .words = media_source_words},
    {.name = "layer",
     .type = MEMBER_NUMBER,
     .is_optional = true,
     .max = LAYER_MAX,
     .doc = "The largest one of a video that is wanted, 0 the smallest; absent: the largest there "
            "is."},
    {.name = "paused",
     .type = MEMBER_BOOL,
     .is_optional = true,
     .doc = "Nothing for now; its place is kept."},
    {.name = NULL},
};

static const struct member watch_body[] = {
    {.name = "wanted",
     .type = MEMBER_OBJECTS,
     .is_local = true,
     .max = RTC_WISHES_MAX,
     .members = wish_members,
     .doc = "All that one wants to get from now on. What is not there yet comes when it is."},
    {.name = NULL},
};

static const struct member watch_answer[] = {
    RTC_CONNECTION_MEMBER,
    RTC_SEQ_MEMBER(0, "Of the last offer; 0: there was none."),
    {.name = NULL},
};

/* The exchange's state. */
struct watching {
    uint8_t connection[RTC_ID_BYTES];
    struct msg_rtc_wish wanted[RTC_WISHES_MAX];
};

static struct msg_rtc_wish_list read_wishes(const struct exchange *exchange,
                                            struct watching *watching)
{
    const size_t count = json_body_count(exchange->body, "wanted");
    for (size_t i = 0; i < count; i++) {
        const struct json_t *wish = json_body_item(exchange->body, "wanted", i);
        const size_t source = json_body_word(wish, "source", media_source_words);
        watching->wanted[i] =
            (struct msg_rtc_wish){.participant = json_body_id(wish, "participant"),
                                  .source = (enum media_source)(UINT32_C(1) << source),
                                  .has_layer = json_body_has(wish, "layer"),
                                  .layer = json_body_u64(wish, "layer"),
                                  .paused = json_body_bool(wish, "paused")};
    }
    return (struct msg_rtc_wish_list){.items = watching->wanted, .count = count};
}

static enum err prepare_watch(struct exchange *exchange, struct msg *msg)
{
    struct msg_rtc_watch *watch = &msg->rtc_watch;
    struct watching *watching = exchange_attach(exchange, sizeof(*watching), free);
    rtc_id_draw(exchange, RTC_LYNKS, watching->connection);
    watch->connection = rtc_id_str(watching->connection);
    watch->wanted = read_wishes(exchange, watching);
    (void)exchange_asker(exchange, &watch->asker); /* the rows let in nobody else */
    return room_ref_read(exchange, &watch->room);
}

static void write_watched(const struct exchange *exchange, const struct msg *reply,
                          struct json_out *out)
{
    (void)exchange;
    rtc_json_write_id("connection", reply->rtc_watch_reply.connection, out);
    json_out_member_u64(out, "seq", reply->rtc_watch_reply.seq);
}

static const struct route_ask ask_watch = {
    .message = MSG_rtc_watch, .prepare = prepare_watch, .write = write_watched};

/* ---- GET /v1/rooms/{room}/watch/offer ---- */

static const struct member watch_offer_answer[] = {
    RTC_CONNECTION_MEMBER,
    RTC_SEQ_MEMBER(1, "Its number, for the answer."),
    RTC_SDP_MEMBER("The offer, with all its candidates."),
    {.name = "streams",
     .type = MEMBER_OBJECTS,
     .max = RTC_STREAMS_MAX,
     .members = rtc_stream_members,
     .doc = "What comes in which part of it."},
    {.name = NULL},
};

static enum err prepare_watch_offer(struct exchange *exchange, struct msg *msg)
{
    (void)exchange_asker(exchange, &msg->rtc_ask_offer.asker);
    return room_ref_read(exchange, &msg->rtc_ask_offer.room);
}

static void write_watch_offer(const struct exchange *exchange, const struct msg *reply,
                              struct json_out *out)
{
    const struct msg_rtc_ask_offer_reply *offer = &reply->rtc_ask_offer_reply;
    (void)exchange;
    rtc_json_write_id("connection", offer->connection, out);
    json_out_member_u64(out, "seq", offer->seq);
    json_out_key(out, "sdp");
    json_out_str(out, offer->sdp);
    json_out_open_member(out, "streams", '[');
    for (size_t i = 0; i < offer->streams.count; i++) {
        json_out_open(out, '{');
        rtc_stream_json_write(&offer->streams.items[i], out);
        json_out_close(out, "}");
    }
    json_out_close(out, "]");
}

static const struct route_ask ask_watch_offer = {
    .message = MSG_rtc_ask_offer, .prepare = prepare_watch_offer, .write = write_watch_offer};

/* ---- PUT /v1/rooms/{room}/watch/answer ---- */

static const struct member watch_answer_body[] = {
    RTC_SEQ_MEMBER(1, "Of the offer that it answers."),
    RTC_SDP_MEMBER("The answer, which sends nothing."),
    {.name = NULL},
};

static enum err prepare_watch_answer(struct exchange *exchange, struct msg *msg)
{
    (void)exchange_asker(exchange, &msg->rtc_answer.asker);
    return room_ref_read(exchange, &msg->rtc_answer.room);
}

static const struct route_ask ask_watch_answer = {.message = MSG_rtc_answer,
                                                  .prepare = prepare_watch_answer};

/* ---- the rows ---- */

static const struct route watch_rows[] = {
    {.method = "PUT",
     .template = "/v1/rooms/{room}/watch",
     .name = "watch",
     .doc =
         "Says all that one wants to get of the others; makes the connection for it, where there "
         "is none.",
     .who = ROUTE_PARTICIPANT,
     .body = watch_body,
     .body_bytes_max = RTC_BODY_BYTES_MAX,
     .answer = {.members = watch_answer, .doc = "It is known, and done as soon as it can be."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_MEDIA_FULL, ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .ask = &ask_watch},
    {.method = "GET",
     .template = "/v1/rooms/{room}/watch/offer",
     .name = "getWatchOffer",
     .doc = "Shows the offer that waits for the answer of who watches.",
     .who = ROUTE_PARTICIPANT,
     .answer = {.members = watch_offer_answer, .doc = "The offer."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_watch_offer},
    {.method = "PUT",
     .template = "/v1/rooms/{room}/watch/answer",
     .name = "answerWatchOffer",
     .doc = "Answers the last offer.",
     .who = ROUTE_PARTICIPANT,
     .body = watch_answer_body,
     .body_bytes_max = RTC_BODY_BYTES_MAX,
     .answer = {.status = 204, .doc = "Janus has the answer."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ERR_STALE_OFFER, ERR_BAD_SDP,
                ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .ask = &ask_watch_answer},
};

struct resource watch_resource(void)
{
    return (struct resource){
        .dialect = DIALECT_V1, .routes = watch_rows, .count = ARRAY_LEN(watch_rows)};
}
