#include "janusbridge/rtc/publish.h"

#include "janusbridge/rtc/elsewhere.h"
#include "janusbridge/rtc/sdp_fragment.h"
#include "proto/base/log.h"
#include "proto/schema/rtc_id.h"

/* What an offer of a publisher is given back. */
static void reply_answer(struct connection *connection, bool is_first)
{
    struct call *call = rtc_take_call(connection);
    if (call == NULL) {
        return;
    }
    const struct msg first = {.id = MSG_rtc_publish_reply,
                              .rtc_publish_reply = {.sdp = str_of(connection->sdp),
                                                    .seq = connection->seq,
                                                    .participant = connection->participant}};
    const struct msg later = {
        .id = MSG_rtc_offer_reply,
        .rtc_offer_reply = {.sdp = str_of(connection->sdp), .seq = connection->seq}};
    call_reply(call, is_first ? &first : &later);
}

static uint64_t time_left(const struct connection *connection)
{
    const uint64_t now_ms = clock_mono_ms(connection->rtc->parts.clock);
    const uint64_t deadline_ms = connection->call->context.deadline_ms;
    const uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 1;
    return left_ms < RTC_JANUS_TIMEOUT_MS ? left_ms : RTC_JANUS_TIMEOUT_MS;
}

/* Sends offer with body; fn hears of the answer. */
static void send_offer(struct connection *connection, const char *body, struct str offer,
                       janus_call_fn *fn)
{
    AUTO(mem_free) char *jsep = janus_json_jsep("offer", offer);
    const uint64_t timeout_ms =
        connection->call != NULL ? time_left(connection) : RTC_JANUS_TIMEOUT_MS;
    connection->is_busy = true;
    const enum err err =
        janus_handle_send(connection->handle, body, jsep, timeout_ms, fn, connection);
    if (err != ERR_OK) {
        rtc_close(connection, RTC_REFUSED, err);
    }
}

/* True: Janus has agreed to all tracks, and its answer is kept. Whatever went wrong, a handle that
 * it went wrong on is of no use any more. */
static bool take_janus_answer(struct connection *connection,
                              const struct msg_rtc_track_list *tracks, enum err err,
                              const struct janus_message *message)
{
    struct str sdp = STR_NONE;
    const char *why = "";
    connection->is_busy = false;
    if (err == ERR_OK && !janus_message_jsep(message, "answer", &sdp)) {
        err = ERR_PROTOCOL;
    }
    if (err == ERR_OK && sdp.bytes > RTC_SDP_BYTES) {
        err = ERR_TOO_LARGE;
    }
    if (err == ERR_OK) {
        err = sdp_check_jsep_answer(sdp, tracks, &why);
    }
    if (err != ERR_OK) {
        log_info("janus and an offer do not agree", LOG_Z("error", err_code(err)),
                 LOG_Z("why", why), LOG_U64("janus_code", message != NULL ? message->code : 0));
        rtc_close(connection, RTC_REFUSED, err);
        return false;
    }
    connection_set_text(&connection->sdp, sdp);
    connection->seq++;
    return true;
}

/* False: the call is answered. */
static bool is_good_offer(struct call *call, struct str sdp,
                          const struct msg_rtc_track_list *tracks, struct str before)
{
    const char *why = "";
    if (sdp_check_offer(sdp, tracks, before, &why) == ERR_OK) {
        return true;
    }
    log_info("offer refused", LOG_STR("request_id", call->context.request_id), LOG_Z("why", why));
    call_fail(call, ERR_BAD_SDP);
    return false;
}

/* ---- the first offer ---- */

static void on_publish_joined(void *arg, enum err err, const struct janus_message *message)
{
    struct connection *connection = arg;
    struct msg_rtc_track tracks[RTC_TRACKS_MAX];
    const struct msg_rtc_track_list list = connection_track_list(connection, tracks);
    if (err == ERR_NO_SUCH_ROOM) {
        /* roomsvc has let him into it: Janus was restarted, and gets its rooms back one by one. */
        rtc_close(connection, RTC_JANUS_LOST, ERR_UNAVAILABLE);
        return;
    }
    if (take_janus_answer(connection, &list, err, message)) {
        (void)rtc_enter(connection, CONNECTION_AGREED);
        rtc_limit(connection, RTC_CONNECT_TIMEOUT_MS);
        reply_answer(connection, true);
        rtc_changed(connection);
    }
}

static uint64_t bitrate_of(const struct connection *connection, uint64_t of_room)
{
    return of_room != 0 ? of_room : connection->rtc->config.bitrate;
}

static void join_as_publisher(struct connection *connection)
{
    const struct janus_place place = {
        .room_id = connection->room_id, .feed = connection->feed, .pin = str_of(connection->pin)};
    AUTO(mem_free)
    char *body = janus_json_publish(&place, bitrate_of(connection, connection->bitrate));
    send_offer(connection, body, str_of(connection->offer), on_publish_joined);
}

/* Of another request: a client may give a key once only. */
static bool is_of_another_body(const struct connection *connection, struct str body_hash)
{
    const struct str first = {(const char *)connection->body_hash, sizeof(connection->body_hash)};
    return connection->has_body_hash && body_hash.bytes > 0 && !str_eq(first, body_hash);
}

/* The same call again: as long as there is no answer, whoever asked first does not listen any more.
 * Later Janus may be at another offer; and what it told the bridge before nobody knows. */
static void begin_again(struct connection *connection, struct call *call)
{
    const bool is_agreed = connection->state == RTC_CONNECTING || connection->state == RTC_UP;
    if (is_of_another_body(connection, call->request.rtc_publish.body_hash)) {
        call_fail(call, ERR_KEY_REUSED);
        return;
    }
    if (is_agreed && (connection->is_busy || connection->sdp == NULL)) {
        call_fail(call, ERR_CONFLICT);
        return;
    }
    rtc_fail_call(connection, ERR_CONFLICT);
    connection->call = call;
    if (is_agreed) {
        reply_answer(connection, true);
    }
}

static void note_body(struct connection *connection, struct str body_hash)
{
    connection->has_body_hash = body_hash.bytes == sizeof(connection->body_hash);
    if (connection->has_body_hash) {
        memcpy(connection->body_hash, body_hash.data, sizeof(connection->body_hash));
    }
}

void publish_begin(struct rtc *rtc, struct call *call)
{
    const struct msg_rtc_publish *asked = &call->request.rtc_publish;
    struct connection *connection = rtc_find_his(rtc, asked->connection, &asked->asker);
    if (connection != NULL && connection->kind == RTC_PUBLISH) {
        begin_again(connection, call);
        return;
    }
    if (rtc_find(rtc, (const uint8_t *)asked->connection.data) != NULL) {
        call_fail(call, ERR_CONFLICT); /* it was his, and is closing */
        return;
    }
    struct msg_rtc_track found[SDP_FOUND_MAX];
    struct msg_rtc_track_list tracks = asked->tracks;
    if (rtc_id_protocol(asked->connection.data) == RTC_WHIP) {
        tracks = (struct msg_rtc_track_list){found, sdp_find_tracks(asked->sdp, found)};
    }
    if (!is_good_offer(call, asked->sdp, &tracks, STR_NONE)) {
        return;
    }
    if (tracks.count == 0) { /* of WHIP; our own rows do not let it come so far */
        call_fail(call, ERR_BAD_SDP);
        return;
    }
    connection = rtc_begin(rtc, call, RTC_PUBLISH, asked->connection, &asked->asker);
    if (connection != NULL) {
        AUTO(strbuf_fini) struct strbuf sdp = {0};
        sdp_pass_on(asked->sdp, rtc->config.candidates, &sdp);
        connection_set_text(&connection->offer, strbuf_str(&sdp));
        connection_set_tracks(connection, &tracks);
        note_body(connection, asked->body_hash);
    }
}

/* ---- later ones ---- */

static void on_agreed_again(void *arg, enum err err, const struct janus_message *message)
{
    struct connection *connection = arg;
    const uint64_t room_id = connection->room_id;
    struct rtc *rtc = connection->rtc;
    const struct msg_rtc_track_list *tracks = &connection->call->request.rtc_offer.tracks;
    if (!take_janus_answer(connection, tracks, err, message)) {
        return;
    }
    connection_set_tracks(connection, tracks);
    reply_answer(connection, false);
    rtc_changed(connection);
    publish_moderate(connection);
    rtc_look_again(rtc, room_id);
}

void publish_offer(struct rtc *rtc, struct call *call)
{
    const struct msg_rtc_offer *asked = &call->request.rtc_offer;
    struct connection *connection = rtc_find_his(rtc, asked->connection, &asked->asker);
    if (connection == NULL) {
        elsewhere_fail(rtc, call, asked->connection, &asked->asker);
        return;
    }
    if (connection->kind != RTC_PUBLISH) {
        call_fail(call, ERR_NOT_FOUND);
        return;
    }
    if (!is_good_offer(call, asked->sdp, &asked->tracks, str_of(connection->offer))) {
        return;
    }
    if ((connection->state != RTC_UP && connection->state != RTC_CONNECTING) ||
        connection->is_busy || connection->call != NULL) {
        call_fail(call, ERR_CONFLICT);
        return;
    }
    AUTO(strbuf_fini) struct strbuf sdp = {0};
    sdp_pass_on(asked->sdp, rtc->config.candidates, &sdp);
    connection->call = call;
    if (connection->sdp != NULL && str_eq(strbuf_str(&sdp), str_of(connection->offer))) {
        reply_answer(connection, false);
        return;
    }
    connection_set_text(&connection->offer, strbuf_str(&sdp));
    send_offer(connection, JANUS_JSON_CONFIGURE, str_of(connection->offer), on_agreed_again);
}

/* ---- fragments ---- */

static void on_restarted(void *arg, enum err err, const struct janus_message *message)
{
    struct connection *connection = arg;
    struct msg_rtc_track tracks[RTC_TRACKS_MAX];
    const struct msg_rtc_track_list list = connection_track_list(connection, tracks);
    if (!take_janus_answer(connection, &list, err, message)) {
        return;
    }
    AUTO(strbuf_fini) struct strbuf fragment = {0};
    const enum err written = sdp_fragment_write(str_of(connection->sdp), &fragment);
    struct call *call = rtc_take_call(connection);
    rtc_changed(connection);
    if (call != NULL && written == ERR_OK) {
        const struct msg reply = {
            .id = MSG_rtc_trickle_reply,
            .rtc_trickle_reply = {.fragment = strbuf_str(&fragment), .seq = connection->seq}};
        call_reply(call, &reply);
    } else if (call != NULL) {
        call_fail(call, written);
    }
}

/* The last offer with other credentials is an offer that restarts ICE. */
static void restart_ice(struct connection *connection, struct call *call, const struct sdp_ice *ice)
{
    if (connection->kind != RTC_PUBLISH || connection->offer == NULL ||
        connection->state != RTC_UP || connection->is_busy || connection->call != NULL) {
        call_fail(call, ERR_CONFLICT);
        return;
    }
    AUTO(strbuf_fini) struct strbuf sdp = {0};
    sdp_replace_ice(str_of(connection->offer), ice, &sdp);
    connection->call = call;
    connection_set_text(&connection->offer, strbuf_str(&sdp));
    send_offer(connection, JANUS_JSON_CONFIGURE, str_of(connection->offer), on_restarted);
}

/* Janus learns from their checks where clients are, so that candidates only have to be sound. */
void publish_trickle(struct rtc *rtc, struct call *call)
{
    const struct msg_rtc_trickle *asked = &call->request.rtc_trickle;
    struct connection *connection = rtc_find_his(rtc, asked->connection, &asked->asker);
    struct sdp_fragment fragment;
    struct sdp_ice ice;
    const char *why = "";
    if (connection == NULL) {
        elsewhere_fail(rtc, call, asked->connection, &asked->asker);
        return;
    }
    if (sdp_fragment_read(asked->fragment, &fragment, &why) != ERR_OK) {
        log_info("fragment refused", LOG_STR("request_id", call->context.request_id),
                 LOG_Z("why", why));
        call_fail(call, ERR_BAD_SDP);
        return;
    }
    if (asked->has_if_seq && asked->if_seq != connection->seq) {
        call_fail(call, ERR_STALE);
        return;
    }
    const bool is_known = connection->offer != NULL && sdp_ice(str_of(connection->offer), &ice);
    if (fragment.ice.ufrag.bytes > 0 && is_known && !sdp_ice_is_same(&fragment.ice, &ice)) {
        if (asked->lacks_match) { /* RFC 9725, 4.3.1 */
            call_fail(call, ERR_MATCH_REQUIRED);
            return;
        }
        restart_ice(connection, call, &fragment.ice);
        return;
    }
    const struct msg reply = {.id = MSG_rtc_trickle_reply,
                              .rtc_trickle_reply = {.seq = connection->seq}};
    call_reply(call, &reply);
}

/* ---- what arrives ---- */

static void hear_what_arrives(struct connection *connection, const struct media_news *news)
{
    struct track *track = connection_track(connection, str_of(news->mid));
    if (track == NULL) {
        return;
    }
    const uint64_t layer = UINT64_C(1) << news->layer;
    const uint64_t published = connection_published(connection);
    const uint64_t lost = connection_lost(connection);
    track->arriving = news->arrives ? track->arriving | layer : track->arriving & ~layer;
    track->has_arrived |= news->arrives;
    if (published != connection_published(connection) || lost != connection_lost(connection)) {
        rtc_changed(connection);
    }
}

/* ---- what is not passed on ---- */

/* Of one source at a time, so that it is known of each. */
struct moderation {
    struct rtc *rtc;
    uint8_t id[CONNECTION_ID_BYTES];
    enum media_source source;
    bool mutes;
};

static void on_moderated(void *arg, enum err err, const struct janus_message *message)
{
    struct moderation *done = arg;
    struct connection *connection = rtc_find(done->rtc, done->id);
    (void)message;
    if (connection != NULL && connection->moderations > 0) {
        connection->moderations--;
        if (err == ERR_OK && connection->state != RTC_CLOSING) {
            connection->muted = done->mutes ? connection->muted | done->source
                                            : connection->muted & ~(uint64_t)done->source;
            rtc_changed(connection);
        }
    }
    mem_free(&done);
}

static void moderate_track(struct connection *connection, const struct track *track, bool mutes)
{
    struct rtc *rtc = connection->rtc;
    const struct janus_place place = {.room_id = connection->room_id, .feed = connection->feed};
    AUTO(mem_free)
    char *body = janus_json_moderate(&place, str_of(connection->secret), str_of(track->mid), mutes);
    struct moderation *asked = mem_alloc(sizeof(*asked));
    *asked = (struct moderation){.rtc = rtc, .source = track->source, .mutes = mutes};
    memcpy(asked->id, connection->id, sizeof(asked->id));
    uint64_t call_id;
    if (janus_session_call(rtc->parts.session, body, RTC_JANUS_TIMEOUT_MS, on_moderated, asked,
                           &call_id) == ERR_OK) {
        connection->moderations++;
    } else {
        mem_free(&asked);
    }
}

void publish_moderate(struct connection *connection)
{
    if (connection->state != RTC_UP || connection->moderations > 0) {
        return; /* it is due still, and asked for again */
    }
    const uint64_t differs = connection->muted ^ connection->wished_muted;
    uint64_t sent = 0;
    for (size_t i = 0; i < connection->track_count; i++) {
        const struct track *track = &connection->tracks[i];
        sent |= track->source;
        if ((differs & track->source) != 0) {
            moderate_track(connection, track, (connection->wished_muted & track->source) != 0);
        }
    }
    /* What is not sent at all is not passed on either. */
    if ((differs & ~sent) != 0) {
        connection->muted = (connection->muted & sent) | (connection->wished_muted & ~sent);
        rtc_changed(connection);
    }
}

/* ---- how much may be sent ---- */

static void on_limited(void *arg, enum err err, const struct janus_message *message)
{
    struct connection *connection = arg;
    (void)message;
    connection->is_busy = false;
    if (err == ERR_OK) {
        connection->bitrate = connection->asked_bitrate;
        rtc_changed(connection);
    }
}

/* While its handle is busy it stays due, and is asked for again. */
void publish_limit(struct connection *connection)
{
    if (connection->state != RTC_UP || connection->is_busy ||
        connection->bitrate == connection->wished_bitrate) {
        return;
    }
    AUTO(mem_free)
    char *body = janus_json_limit(bitrate_of(connection, connection->wished_bitrate));
    connection->is_busy = true;
    connection->asked_bitrate = connection->wished_bitrate;
    if (janus_handle_send(connection->handle, body, NULL, RTC_JANUS_TIMEOUT_MS, on_limited,
                          connection) != ERR_OK) {
        connection->is_busy = false;
    }
}

/* It can be watched from now on. */
static void publish_look(struct connection *connection)
{
    struct rtc *rtc = connection->rtc;
    const uint64_t room_id = connection->room_id;
    publish_moderate(connection);
    rtc_look_again(rtc, room_id);
}

const struct rtc_kind_ops publish_ops = {
    .join = join_as_publisher, .look = publish_look, .hear_media = hear_what_arrives};
