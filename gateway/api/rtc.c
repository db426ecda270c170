#include "gateway/api/rtc.h"

#include <stdlib.h>

#include "gateway/api/participant_json.h"
#include "gateway/api/room_ref.h"
#include "gateway/api/rtc_json.h"
#include "gateway/api/rtc_limits.h"
#include "gateway/http/ask.h"
#include "gateway/http/json_body.h"
#include "gateway/http/repeat_key.h"

/* The exchange's state: what its message borrows. */
struct rtc_asked {
    uint8_t connection[RTC_ID_BYTES];
    struct msg_rtc_track tracks[RTC_TRACKS_MAX];
};

static struct rtc_asked *attach_asked(struct exchange *exchange)
{
    return exchange_attach(exchange, sizeof(struct rtc_asked), free);
}

/* Of a request about one that is there: who asks, and the one that the path names. */
static enum err read_asked(struct exchange *exchange, struct str *ret_connection,
                           struct msg_asker *ret_asker)
{
    struct rtc_asked *asked = attach_asked(exchange);
    (void)exchange_asker(exchange, ret_asker); /* the rows let in nobody else */
    *ret_connection = rtc_id_str(asked->connection);
    return rtc_id_read(exchange, asked->connection);
}

/* ---- what is sent ---- */

#define SOURCES_MEMBER(min_)                                                                       \
    {                                                                                              \
        .name = "sources", .type = MEMBER_WORD_MAP, .is_local = true, .min = (min_),               \
        .max = RTC_TRACKS_MAX, .name_max = RTC_MID_BYTES, .words = media_source_words,             \
        .doc = "The mids of the parts in which something is sent, and what."                       \
    }

static struct msg_rtc_track_list read_tracks(const struct exchange *exchange,
                                             struct rtc_asked *asked)
{
    struct json_body_word words[RTC_TRACKS_MAX];
    const size_t count = json_body_word_map(exchange->body, "sources", media_source_words, words);
    for (size_t i = 0; i < count; i++) {
        asked->tracks[i] = (struct msg_rtc_track){
            .mid = words[i].name, .source = (enum media_source)(UINT32_C(1) << words[i].word)};
    }
    return (struct msg_rtc_track_list){.items = asked->tracks, .count = count};
}

/* ---- POST /v1/rooms/{room}/publish ---- */

static const struct member publish_body[] = {
    RTC_SDP_MEMBER("The offer, with what is sent, and nothing that is got."),
    SOURCES_MEMBER(1),
    {.name = NULL},
};

static const struct member publish_answer[] = {
    RTC_CONNECTION_MEMBER,
    RTC_SDP_MEMBER("The answer, with all its candidates."),
    RTC_SEQ_MEMBER(1, "How many offers there were."),
    {.name = NULL},
};

static enum err prepare_publish(struct exchange *exchange, struct msg *msg)
{
    struct msg_rtc_publish *publish = &msg->rtc_publish;
    struct rtc_asked *asked = attach_asked(exchange);
    rtc_id_draw(exchange, RTC_LYNKS, asked->connection);
    publish->connection = rtc_id_str(asked->connection);
    publish->body_hash = repeat_key_body(exchange);
    publish->tracks = read_tracks(exchange, asked);
    (void)exchange_asker(exchange, &publish->asker);
    return room_ref_read(exchange, &publish->room);
}

static void locate_connection(const struct exchange *exchange, const struct msg *reply,
                              char ret_path[LOCATION_BYTES])
{
    const struct rtc_asked *asked = exchange->state;
    (void)reply;
    rtc_locate(asked->connection, ret_path);
}

static void write_sdp(struct str sdp, uint64_t seq, struct json_out *out)
{
    json_out_key(out, "sdp");
    json_out_str(out, sdp);
    json_out_member_u64(out, "seq", seq);
}

static void write_published(const struct exchange *exchange, const struct msg *reply,
                            struct json_out *out)
{
    const struct rtc_asked *asked = exchange->state;
    rtc_json_write_id("connection", rtc_id_str(asked->connection), out);
    write_sdp(reply->rtc_publish_reply.sdp, reply->rtc_publish_reply.seq, out);
}

static const struct route_ask ask_publish = {.message = MSG_rtc_publish,
                                             .prepare = prepare_publish,
                                             .locate = locate_connection,
                                             .write = write_published};

/* ---- PUT /v1/rtc/{connection}/offer ---- */

static const struct member offer_body[] = {
    RTC_SDP_MEMBER("Another offer, with what is sent from now on."),
    SOURCES_MEMBER(0),
    {.name = NULL},
};

static const struct member offer_answer[] = {
    RTC_SDP_MEMBER("The answer, with all its candidates."),
    RTC_SEQ_MEMBER(1, "How many offers there were."),
    {.name = NULL},
};

static enum err prepare_offer(struct exchange *exchange, struct msg *msg)
{
    struct msg_rtc_offer *offer = &msg->rtc_offer;
    const enum err err = read_asked(exchange, &offer->connection, &offer->asker);
    offer->tracks = read_tracks(exchange, exchange->state);
    return err;
}

static void write_answer_to_offer(const struct exchange *exchange, const struct msg *reply,
                                  struct json_out *out)
{
    (void)exchange;
    write_sdp(reply->rtc_offer_reply.sdp, reply->rtc_offer_reply.seq, out);
}

static const struct route_ask ask_offer = {
    .message = MSG_rtc_offer, .prepare = prepare_offer, .write = write_answer_to_offer};

/* ---- GET, DELETE /v1/rtc/{connection}, and a restart ---- */

static enum err prepare_get_connection(struct exchange *exchange, struct msg *msg)
{
    return read_asked(exchange, &msg->rtc_get.connection, &msg->rtc_get.asker);
}

static void write_connection(const struct exchange *exchange, const struct msg *reply,
                             struct json_out *out)
{
    const struct rtc_asked *asked = exchange->state;
    rtc_json_write(asked->connection, &reply->rtc_get_reply, out);
}

/* Who speaks WHIP or WHEP has no use of our JSON, and is told in their way. */
static bool is_of_another_protocol(const struct exchange *exchange)
{
    const struct rtc_asked *asked = exchange->state;
    return rtc_id_protocol(asked->connection) != RTC_LYNKS;
}

static const struct route_ask ask_get_connection = {.message = MSG_rtc_get,
                                                    .prepare = prepare_get_connection,
                                                    .write = write_connection,
                                                    .is_bare = is_of_another_protocol};

static enum err prepare_close(struct exchange *exchange, struct msg *msg)
{
    return read_asked(exchange, &msg->rtc_close.connection, &msg->rtc_close.asker);
}

static const struct route_ask ask_close = {
    .message = MSG_rtc_close, .prepare = prepare_close, .is_bare = is_of_another_protocol};

static const struct member restart_answer[] = {
    RTC_CONNECTION_MEMBER,
    {.name = NULL},
};

static enum err prepare_restart(struct exchange *exchange, struct msg *msg)
{
    return read_asked(exchange, &msg->rtc_restart.connection, &msg->rtc_restart.asker);
}

static void write_restarted(const struct exchange *exchange, const struct msg *reply,
                            struct json_out *out)
{
    const struct rtc_asked *asked = exchange->state;
    (void)reply;
    rtc_json_write_id("connection", rtc_id_str(asked->connection), out);
}

static const struct route_ask ask_restart = {
    .message = MSG_rtc_restart, .prepare = prepare_restart, .write = write_restarted};

/* ---- PATCH /v1/rtc/{connection} with a fragment ---- */

/* Which session of ICE it is for; clients of WHIP put a * in quotes, too, and some of them tell
 * candidates without it. */
static enum err read_ice_match(struct exchange *exchange, struct msg_rtc_trickle *trickle)
{
    const char *header = request_header(exchange->request, "If-Match");
    struct etag_match match = {.is_any = true};
    trickle->lacks_match = header == NULL;
    if (header == NULL || strcmp(header, "\"*\"") == 0) {
        return ERR_OK;
    }
    const enum err err = etag_read_match(header, &match);
    trickle->has_if_seq = !match.is_any;
    trickle->if_seq = match.version;
    return err == ERR_MATCH_REQUIRED ? ERR_STALE : err;
}

static enum err prepare_trickle(struct exchange *exchange, struct msg *msg)
{
    struct msg_rtc_trickle *trickle = &msg->rtc_trickle;
    trickle->fragment = exchange->request->body;
    if (trickle->fragment.bytes > RTC_SDP_BYTES) {
        return ERR_TOO_LARGE;
    }
    if (!rtc_is_sdp_text(trickle->fragment)) {
        return ERR_BAD_SDP;
    }
    enum err err = rtc_limits_take_change(exchange->self, exchange);
    if (err == ERR_OK) {
        err = read_asked(exchange, &trickle->connection, &trickle->asker);
    }
    return err == ERR_OK ? read_ice_match(exchange, trickle) : err;
}

static struct str fragment_of(const struct msg *reply)
{
    return reply->rtc_trickle_reply.fragment;
}

static uint64_t version_of_ice(const struct msg *reply)
{
    return reply->rtc_trickle_reply.seq;
}

static const struct route_ask ask_trickle = {.message = MSG_rtc_trickle,
                                             .prepare = prepare_trickle,
                                             .text = fragment_of,
                                             .version = version_of_ice};

/* ---- PATCH /v1/rtc/{connection} with an answer, of WHEP ---- */

/* The exchange's state: the bridge is asked for what the path does not say, then it answers. */
struct answering {
    uint8_t connection[RTC_ID_BYTES];
};

static void on_whep_answered(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (ask_takes_answer(exchange, err, reply, MSG_rtc_answer_reply)) {
        exchange_respond_empty(exchange);
    }
}

static void on_answer_found(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (!ask_takes_answer(exchange, err, reply, MSG_rtc_get_reply)) {
        return;
    }
    const struct msg_rtc_get_reply *connection = &reply->rtc_get_reply;
    if (connection->room_id == 0 || connection->seq == 0) { /* it is being made */
        exchange_fail(exchange, ERR_CONFLICT);
        return;
    }
    AUTO(mem_free) char *room = mem_printf("%" PRIu64, connection->room_id);
    struct msg msg = {.id = MSG_rtc_answer,
                      .rtc_answer = {.room = str_of(room),
                                     .seq = connection->seq,
                                     .sdp = exchange->request->body}};
    (void)exchange_asker(exchange, &msg.rtc_answer.asker);
    err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_whep_answered, exchange);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

static void answer_whep(struct exchange *exchange)
{
    struct answering *answering = exchange_attach(exchange, sizeof(*answering), free);
    struct msg msg = {.id = MSG_rtc_get,
                      .rtc_get = {.connection = rtc_id_str(answering->connection)}};
    const struct str answer = exchange->request->body;
    enum err err = rtc_limits_take_change(exchange->self, exchange);
    if (err == ERR_OK) {
        err = rtc_id_read(exchange, answering->connection);
    }
    if (err == ERR_OK && rtc_id_protocol(answering->connection) != RTC_WHEP) {
        err = ERR_MEDIA_TYPE;
    }
    if (err == ERR_OK && !rtc_is_sdp_text(answer)) {
        err = ERR_BAD_SDP;
    }
    if (err == ERR_OK && answer.bytes > RTC_SDP_BYTES) {
        err = ERR_TOO_LARGE;
    }
    if (err == ERR_OK) {
        (void)exchange_asker(exchange, &msg.rtc_get.asker);
        err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_answer_found,
                       exchange);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

static const struct route whep_answer_row = {
    .method = "PATCH",
    .template = "/v1/rtc/{connection}",
    .name = "answerWhep",
    .doc = "Answers the offer that a client of WHEP was given.",
    .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
    .text_type = RTC_SDP_TYPE,
    .answer = {.status = 204, .doc = "Janus has the answer."},
    .errors = {ERR_NOT_FOUND, ERR_CONFLICT, ERR_BAD_SDP, ERR_RATE_LIMITED, ROOM_ASKER_ERRORS},
    .handle = answer_whep};

static const struct route trickle_row = {
    .method = "PATCH",
    .template = "/v1/rtc/{connection}",
    .name = "trickle",
    .doc = "Tells candidates of the client's, or other credentials for ICE, which restart it.",
    .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
    .text_type = RTC_FRAGMENT_TYPE,
    .by_text = &whep_answer_row,
    .answer = {.media_type = RTC_FRAGMENT_TYPE,
               .has_etag = true,
               .doc = "Of a restart: the other side's credentials and candidates.",
               .empty_doc = "The candidates are known."},
    .errors = {ERR_NOT_FOUND, ERR_CONFLICT, ERR_BAD_SDP, ERR_STALE, ERR_MATCH_REQUIRED,
               ERR_RATE_LIMITED, ROOM_ASKER_ERRORS},
    .ask = &ask_trickle};

/* ---- PATCH /v1/rtc/{connection} ---- */

static const struct member change_connection_body[] = {
    {.name = "muted",
     .type = MEMBER_WORDS,
     .is_local = true,
     .max = MEDIA_SOURCES,
     .words = media_source_words,
     .doc = "All that others are not to get of oneself from now on."},
    {.name = NULL},
};

/* The exchange's state: the bridge is asked whose the connection is, then roomsvc makes him mute.
 */
struct muting {
    uint8_t connection[RTC_ID_BYTES];
    uint8_t key[REPEAT_KEY_BYTES];
};

static void on_muted(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    struct json_out out;
    if (ask_takes_answer(exchange, err, reply, MSG_participant_change_reply)) {
        json_out_init(&out, &exchange->all->text);
        json_out_open(&out, '{');
        participant_json_write(&reply->participant_change_reply.participant, &out);
        json_out_close(&out, "}");
        exchange_respond_json(exchange);
    }
}

static void ask_to_mute(struct exchange *exchange, const struct msg_rtc_get_reply *connection)
{
    const struct muting *muting = exchange->state;
    AUTO(mem_free) char *room = mem_printf("%" PRIu64, connection->room_id);
    struct msg msg = {
        .id = MSG_participant_change,
        .participant_change = {
            .idempotency_key = {.data = (const char *)muting->key, .bytes = sizeof(muting->key)},
            .room = str_of(room),
            .participant = connection->participant,
            .has_muted = true,
            .muted = json_body_words(exchange->body, "muted", media_source_words),
            .has_origin = true,
            .origin = exchange_origin(exchange)}};
    msg.participant_change.has_asker = exchange_asker(exchange, &msg.participant_change.asker);
    const enum err err =
        bus_call(exchange->all->config.bus, &msg, &exchange->context, on_muted, exchange);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

static void on_mute_found(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (!ask_takes_answer(exchange, err, reply, MSG_rtc_get_reply)) {
        return;
    }
    if (reply->rtc_get_reply.room_id == 0) { /* it is being made */
        exchange_fail(exchange, ERR_CONFLICT);
        return;
    }
    ask_to_mute(exchange, &reply->rtc_get_reply);
}

static void change_connection(struct exchange *exchange)
{
    struct muting *muting = exchange_attach(exchange, sizeof(*muting), free);
    struct msg msg = {.id = MSG_rtc_get, .rtc_get = {.connection = rtc_id_str(muting->connection)}};
    enum err err = rtc_id_read(exchange, muting->connection);
    if (err == ERR_OK) {
        repeat_key_make(exchange, muting->key);
        (void)exchange_asker(exchange, &msg.rtc_get.asker);
        err =
            bus_call(exchange->all->config.bus, &msg, &exchange->context, on_mute_found, exchange);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

/* ---- the rows ---- */

static const struct route rtc_rows[] = {
    {.method = "POST",
     .template = "/v1/rooms/{room}/publish",
     .name = "publish",
     .doc = "Makes the connection by which one sends to a room; one that one has is ended by it.",
     .who = ROUTE_PARTICIPANT,
     .takes_key = true,
     .body = publish_body,
     .body_bytes_max = RTC_BODY_BYTES_MAX,
     .answer = {.status = 201,
                .members = publish_answer,
                .has_location = true,
                .doc = "The connection, which is up when ICE has found its way."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_BAD_SDP, ERR_SCREEN_OFF, ERR_ROOM_FULL,
                ERR_MEDIA_FULL, ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .ask = &ask_publish},
    {.method = "PUT",
     .template = "/v1/rtc/{connection}/offer",
     .name = "offerAgain",
     .doc = "Sends something else, or not any more, by a connection that publishes.",
     .who = ROUTE_PARTICIPANT,
     .body = offer_body,
     .body_bytes_max = RTC_BODY_BYTES_MAX,
     .answer = {.members = offer_answer, .doc = "The answer."},
     .errors = {ERR_NOT_FOUND, ERR_CONFLICT, ERR_BAD_SDP, ERR_SCREEN_OFF, ROOM_ASKER_ERRORS},
     .ask = &ask_offer},
    {.method = "GET",
     .template = "/v1/rtc/{connection}",
     .name = "getConnection",
     .doc = "Shows a connection of one's own.",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .answer = {.members = rtc_members,
                .doc = "How it is.",
                .bare_status = 204,
                .bare_doc = "It is there, and of a client that speaks WHIP or WHEP."},
     .errors = {ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_get_connection},
    {.method = "PATCH",
     .template = "/v1/rtc/{connection}",
     .name = "changeConnection",
     .doc = "Says what others are not to get of oneself (RFC 7396); or, as a fragment of SDP (RFC "
            "8840), tells candidates of the client's or other credentials for ICE, which restart "
            "it.",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .body = change_connection_body,
     .body_bytes_max = RTC_BODY_BYTES_MAX,
     .by_text = &trickle_row,
     .answer = {.members = participant_members,
                .doc = "Oneself as one is now; or, of a restart, the other side's credentials and "
                       "candidates."},
     .errors = {ERR_NOT_FOUND, ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .handle = change_connection},
    {.method = "DELETE",
     .template = "/v1/rtc/{connection}",
     .name = "closeConnection",
     .doc = "Ends a connection of one's own.",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .answer = {.status = 204,
                .doc = "It is over, or will be in a moment.",
                .bare_status = 200,
                .bare_doc = "Likewise, of a client that speaks WHIP or WHEP."},
     .errors = {ERR_NOT_FOUND, ROOM_ASKER_ERRORS},
     .ask = &ask_close},
    {.method = "POST",
     .template = "/v1/rtc/{connection}/restart",
     .name = "restartConnection",
     .doc = "Asks for an offer with other credentials for ICE, for a connection that watches.",
     .who = ROUTE_PARTICIPANT_OR_STREAM_KEY,
     .answer = {.status = 202, .members = restart_answer, .doc = "The offer comes."},
     .errors = {ERR_NOT_FOUND, ERR_CONFLICT, ROOM_ASKER_ERRORS},
     .ask = &ask_restart},
};

struct resource rtc_resource(struct rtc_limits *limits)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = rtc_rows,
                             .count = ARRAY_LEN(rtc_rows),
                             .self = limits,
                             .is_for_all_pages = true};
}
