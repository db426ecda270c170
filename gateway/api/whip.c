#include "gateway/api/whip.h"

#include <stdlib.h>

#include "gateway/api/room_ref.h"
#include "gateway/api/rtc_json.h"

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
    const enum err err = read_offer(exchange, &publish->sdp);
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

static const struct route_ask ask_whip = {.message = MSG_rtc_publish,
                                          .prepare = prepare_whip,
                                          .text = answer_of,
                                          .version = first_version,
                                          .locate = locate_whip};

/* ---- GET /v1/rooms/{room}/whip ---- */

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
                .accept_patch = RTC_FRAGMENT_TYPE,
                .doc = "The answer to the offer, with all its candidates. Location is the session, "
                       "as WHIP calls the connection; its first audio is the microphone, its first "
                       "video the camera."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_NOT_ACCEPTABLE, ERR_BAD_SDP, ERR_ROOM_FULL,
                ERR_MEDIA_FULL, ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .ask = &ask_whip},
};

struct resource whip_resource(void)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = whip_rows,
                             .count = ARRAY_LEN(whip_rows),
                             .is_for_all_pages = true};
}
