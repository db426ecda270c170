#include "gateway/api/whip.h"

#include <stdlib.h>

#include "gateway/api/ice_servers.h"
#include "gateway/api/room_ref.h"
#include "gateway/api/rtc_limits.h"
#include "gateway/api/rtc_json.h"
#include "gateway/http/ask.h"

/* The exchange's state: what its message borrows. */
struct whip_asked {
    uint8_t connection[RTC_ID_BYTES];
};

/* ---- POST /v1/rooms/{room}/whip ---- */

/* Whether it is a description of something that can be sent is the bridge's to say. */
static enum err read_offer(const struct exchange *exchange, struct str *ret_sdp)
{
    const struct str sdp = exchange->request->body;
    *ret_sdp = sdp;
    if (sdp.bytes > RTC_SDP_BYTES) {
        return ERR_TOO_LARGE;
    }
    return rtc_is_sdp_text(sdp) && sdp.bytes > 4 && memcmp(sdp.data, "v=0", 3) == 0
               ? ERR_OK
               : ERR_BAD_REQUEST;
}

static enum err prepare_whip(struct exchange *exchange, struct msg *msg)
{
    struct msg_rtc_publish *publish = &msg->rtc_publish;
    struct whip_asked *asked = exchange_attach(exchange, sizeof(*asked), free);
    if (!request_accepts(exchange->request, RTC_SDP_TYPE)) {
        return ERR_NOT_ACCEPTABLE;
    }
    rtc_id_draw(exchange, RTC_WHIP, asked->connection);
    publish->connection = rtc_id_str(asked->connection);
    (void)exchange_asker(exchange, &publish->asker); /* the row lets in nobody else */
    enum err err = rtc_limits_take_offer(exchange->self, exchange);
    if (err == ERR_OK) {
        err = read_offer(exchange, &publish->sdp);
    }
    return err == ERR_OK ? room_ref_read(exchange, &publish->room) : err;
}

static struct str answer_of(const struct msg *reply)
{
    return reply->rtc_publish_reply.sdp;
}

static uint64_t first_version(const struct msg *reply)
{
    return reply->rtc_publish_reply.seq;
}

static void locate_whip(const struct exchange *exchange, const struct msg *reply,
                        char ret_path[LOCATION_BYTES])
{
    const struct whip_asked *asked = exchange->state;
    (void)reply;
    rtc_locate(asked->connection, ret_path);
}

static void link_whip(struct exchange *exchange, const struct msg *reply)
{
    ice_servers_link(exchange, reply->rtc_publish_reply.participant);
}

static const struct route_ask ask_whip = {.message = MSG_rtc_publish,
                                          .prepare = prepare_whip,
                                          .text = answer_of,
                                          .version = first_version,
                                          .locate = locate_whip,
                                          .link = link_whip};

/* ---- POST /v1/rooms/{room}/whep/{participant} ---- */

#define NOT_LIVE_RETRY_MS 2000
#define WHEP_COUNTER_OFFER 406
#define WHEP_SOURCES 2

/* The exchange's state: the bridge is asked to watch. It answers the client's offer, or has one of
 * its own by then, which is fetched. */
struct whep_asked {
    uint8_t connection[RTC_ID_BYTES];
    struct msg_rtc_wish wanted[WHEP_SOURCES];
};

/* What kinds of media are wanted; what else the offer says the bridge looks at. */
static bool has_part(struct str sdp, struct str beginning)
{
    return memmem(sdp.data, sdp.bytes, beginning.data, beginning.bytes) != NULL;
}

static enum err read_whep(struct exchange *exchange, struct msg_rtc_watch *watch)
{
    struct whep_asked *asked = exchange->state;
    uint64_t participant = 0;
    struct str offer;
    size_t count = 0;
    enum err err = read_offer(exchange, &offer);
    if (err == ERR_OK) {
        err = room_ref_read_id(exchange, "participant", &participant);
    }
    if (err == ERR_OK && has_part(offer, STR_LIT("\nm=audio "))) {
        asked->wanted[count++] =
            (struct msg_rtc_wish){.participant = participant, .source = MEDIA_AUDIO};
    }
    if (err == ERR_OK && has_part(offer, STR_LIT("\nm=video "))) {
        asked->wanted[count++] =
            (struct msg_rtc_wish){.participant = participant, .source = MEDIA_VIDEO};
    }
    watch->offer = offer;
    watch->wanted = (struct msg_rtc_wish_list){.items = asked->wanted, .count = count};
    return err == ERR_OK && count == 0 ? ERR_BAD_SDP : err;
}

static void fail_whep(struct exchange *exchange, enum err err)
{
    exchange->retry_after_ms = err == ERR_CONFLICT ? NOT_LIVE_RETRY_MS : 0;
    exchange_fail(exchange, err);
}

static void respond_whep(struct exchange *exchange, int status, uint64_t seq, struct str sdp)
{
    const struct whep_asked *asked = exchange->state;
    rtc_locate(asked->connection, exchange->location);
    etag_of_version(seq, exchange->etag);
    exchange_respond_text(exchange, status, sdp);
}

static void on_whep_offer(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (!ask_takes_answer(exchange, err, reply, MSG_rtc_ask_offer_reply)) {
        return;
    }
    const struct whep_asked *asked = exchange->state;
    const struct msg_rtc_ask_offer_reply *offer = &reply->rtc_ask_offer_reply;
    if (!str_eq(offer->connection, rtc_id_str(asked->connection))) {
        fail_whep(exchange, ERR_CONFLICT); /* he has asked for another one meanwhile */
        return;
    }
    respond_whep(exchange, WHEP_COUNTER_OFFER, offer->seq, offer->sdp);
}

static void on_whep_watched(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all != NULL && err == ERR_CONFLICT) {
        fail_whep(exchange, err);
        return;
    }
    if (!ask_takes_answer(exchange, err, reply, MSG_rtc_watch_reply)) {
        return;
    }
    const struct msg_rtc_watch_reply *watch = &reply->rtc_watch_reply;
    ice_servers_link(exchange, watch->participant);
    if (watch->answer.bytes > 0) {
        respond_whep(exchange, 0, watch->seq, watch->answer);
        return;
    }
    struct msg msg = {.id = MSG_rtc_ask_offer,
                      .rtc_ask_offer = {.room = exchange_parameter(exchange, "room")}};
    (void)exchange_asker(exchange, &msg.rtc_ask_offer.asker);
    err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_whep_offer, exchange);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

static void begin_whep(struct exchange *exchange)
{
    struct whep_asked *asked = exchange_attach(exchange, sizeof(*asked), free);
    struct msg msg = {.id = MSG_rtc_watch};
    rtc_id_draw(exchange, RTC_WHEP, asked->connection);
    msg.rtc_watch.connection = rtc_id_str(asked->connection);
    (void)exchange_asker(exchange, &msg.rtc_watch.asker); /* the row lets in nobody else */
    enum err err = rtc_limits_take_offer(exchange->self, exchange);
    if (err == ERR_OK) {
        err = read_whep(exchange, &msg.rtc_watch);
    }
    if (err == ERR_OK) {
        err = room_ref_read(exchange, &msg.rtc_watch.room);
    }
    if (err == ERR_OK) {
        err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_whep_watched,
                       exchange);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

/* ---- GET of both ---- */

static void answer_nothing(struct exchange *exchange)
{
    exchange_respond_empty(exchange);
}

/* ---- the rows ---- */

static const struct route whip_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms/{room}/whip",
     .name = "lookAtWhip",
     .doc = "Says nothing: there is something that speaks WHIP.",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .answer = {.status = 204, .doc = "It is here."},
     .handle = answer_nothing},
    {.method = "POST",
     .template = "/v1/rooms/{room}/whip",
     .name = "whip",
     .doc = "Makes the connection by which one sends to a room (RFC 9725); one that one has is "
            "ended by it.",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .key_use = STREAM_PUBLISH,
     .text_type = RTC_SDP_TYPE,
     .body_bytes_max = RTC_SDP_BYTES,
     .answer = {.status = 201,
                .media_type = RTC_SDP_TYPE,
                .has_etag = true,
                .has_location = true,
                .has_links = true,
                .accept_patch = RTC_FRAGMENT_TYPE,
                .doc = "The answer to the offer, with all its candidates. Location is the session, "
                       "as WHIP calls the connection; its first audio is the microphone, its first "
                       "video the camera."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_ACCEPTABLE, ERR_BAD_SDP, ERR_ROOM_FULL,
                ERR_MEDIA_FULL, ERR_CONFLICT, ERR_RATE_LIMITED, ROOM_ASKER_ERRORS},
     .ask = &ask_whip},
};

#define WHEP "/v1/rooms/{room}/whep/{participant}"

static const struct route whep_rows[] = {
    {.method = "GET",
     .template = WHEP,
     .name = "lookAtWhep",
     .doc = "Says nothing: there is something that speaks WHEP.",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .answer = {.status = 204, .doc = "It is here."},
     .handle = answer_nothing},
    {.method = "POST",
     .template = WHEP,
     .name = "whep",
     .doc = "Makes the connection by which one watches a participant (draft-ietf-wish-whep); one "
            "that one has is ended by it.",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .key_use = STREAM_WATCH,
     .text_type = RTC_SDP_TYPE,
     .body_bytes_max = RTC_SDP_BYTES,
     .answer = {.status = 201,
                .media_type = RTC_SDP_TYPE,
                .has_etag = true,
                .has_location = true,
                .has_links = true,
                .accept_patch = RTC_SDP_TYPE ", " RTC_FRAGMENT_TYPE,
                .doc = "The answer to the offer, with all its candidates. Location is the session.",
                .other_status = WHEP_COUNTER_OFFER,
                .other_doc = "Another offer, with all its candidates, where the client's has "
                             "other payload types. The client answers it within half a minute by "
                             "PATCH of what Location names."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_FOUND, ERR_BAD_SDP, ERR_MEDIA_FULL,
                ERR_CONFLICT, ERR_RATE_LIMITED, ROOM_ASKER_ERRORS},
     .handle = begin_whep},
};

struct resource whep_resource(struct rtc_limits *limits)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = whep_rows,
                             .count = ARRAY_LEN(whep_rows),
                             .self = limits,
                             .is_for_all_pages = true};
}

struct resource whip_resource(struct rtc_limits *limits)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = whip_rows,
                             .count = ARRAY_LEN(whip_rows),
                             .self = limits,
                             .is_for_all_pages = true};
}
