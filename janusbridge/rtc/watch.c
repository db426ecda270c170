#include "janusbridge/rtc/watch.h"

#include "janusbridge/rtc/elsewhere.h"
#include "janusbridge/rtc/sdp_swap.h"
#include "proto/base/log.h"
#include "proto/schema/rtc_id.h"

/* Attempts in a row at feeds of which one was gone: from then on one feed at a time, so that the
 * gone one does not keep the others away. */
#define VAIN_MAX 2
#define VAIN_PAUSE_MS 100
#define OFFER_PAUSE_MS 1000 /* until a client is told of its offer again; then twice as long */
#define LAYER_ASKS_MAX 3
#define LAYER_PAUSE_MS 1000

static void watch_look(struct connection *watcher);

static bool is_whep(const struct connection *watcher)
{
    return rtc_id_protocol(watcher->id) == RTC_WHEP;
}

/* ---- what is wanted, and can be had ---- */

/* Who sends what is wished for, or is about to; NULL: nobody, for now. Whether anything has arrived
 * yet is not waited for: each offer takes a client's time, and sound and picture come by one. */
static const struct connection *sender_of(const struct connection *watcher, const struct wish *wish)
{
    const struct connection *sender = rtc_publisher(watcher->rtc, wish->participant);
    return sender != NULL && sender->state == RTC_UP && sender->room_id == watcher->room_id &&
                   connection_mid_of(sender, wish->source) != NULL
               ? sender
               : NULL;
}

static bool has_stream(const struct connection *watcher, uint64_t feed, struct str mid)
{
    for (size_t i = 0; i < watcher->stream_count; i++) {
        const struct stream *stream = &watcher->streams[i];
        if (stream->feed == feed && str_eq(str_of(stream->feed_mid), mid)) {
            return true;
        }
    }
    return false;
}

/* What is wished for and not there; each once. */
static size_t find_missing(const struct connection *watcher, struct janus_stream *missing)
{
    size_t count = 0;
    for (size_t i = 0; i < watcher->wish_count; i++) {
        const struct connection *sender = sender_of(watcher, &watcher->wishes[i]);
        const char *mid =
            sender != NULL ? connection_mid_of(sender, watcher->wishes[i].source) : NULL;
        bool is_known = mid == NULL || has_stream(watcher, sender->feed, str_of(mid));
        for (size_t k = 0; k < count && !is_known; k++) {
            is_known = missing[k].feed == sender->feed && str_eq(missing[k].feed_mid, str_of(mid));
        }
        if (!is_known) {
            missing[count++] = (struct janus_stream){.feed = sender->feed, .feed_mid = str_of(mid)};
        }
    }
    return count;
}

/* The wish that a stream fulfils; NULL: none does. */
static const struct wish *wish_of(const struct connection *watcher, const struct stream *stream)
{
    for (size_t i = 0; i < watcher->wish_count; i++) {
        const struct connection *sender = sender_of(watcher, &watcher->wishes[i]);
        const char *mid =
            sender != NULL ? connection_mid_of(sender, watcher->wishes[i].source) : NULL;
        if (mid != NULL && sender->feed == stream->feed && strcmp(mid, stream->feed_mid) == 0) {
            return &watcher->wishes[i];
        }
    }
    return NULL;
}

static size_t find_needless(const struct connection *watcher, struct janus_stream *needless)
{
    size_t count = 0;
    for (size_t i = 0; i < watcher->stream_count; i++) {
        const struct stream *stream = &watcher->streams[i];
        if (stream->feed != 0 && wish_of(watcher, stream) == NULL) {
            needless[count++] = (struct janus_stream){.mid = str_of(stream->mid)};
        }
    }
    return count;
}

/* ---- what Janus offers ---- */

/* Those of the streams before that go on keep what is known of them. */
static void take_streams(struct connection *watcher, const struct janus_stream *list, size_t count)
{
    struct stream *now = mem_realloc_array(NULL, count > 0 ? count : 1, sizeof(*now));
    for (size_t i = 0; i < count; i++) {
        const struct stream *before = connection_stream(watcher, list[i].mid);
        now[i] = (struct stream){.mid = str_dup(list[i].mid), .feed = list[i].feed};
        if (list[i].feed == 0) {
            continue;
        }
        now[i].feed_mid = str_dup(list[i].feed_mid);
        if (before != NULL && before->feed == list[i].feed &&
            str_eq(str_of(before->feed_mid), list[i].feed_mid)) {
            now[i].participant = before->participant;
            now[i].source = before->source;
            now[i].is_tuned = before->is_tuned;
            now[i].is_paused = before->is_paused;
            now[i].layer = before->layer;
            now[i].layer_asks = before->layer_asks;
            continue;
        }
        const struct wish *wish = wish_of(watcher, &now[i]);
        if (wish != NULL) {
            now[i].participant = wish->participant;
            now[i].source = wish->source;
            now[i].layer = JANUS_LAYER_MAX;
            now[i].is_tuned = true;
        }
    }
    connection_clear_streams(watcher);
    watcher->streams = now;
    watcher->stream_count = count;
}

static void reply_watch(struct connection *watcher, struct call *call)
{
    const struct msg reply = {
        .id = MSG_rtc_watch_reply,
        .rtc_watch_reply = {.connection = {(const char *)watcher->id, sizeof(watcher->id)},
                            .seq = watcher->seq,
                            .answer = str_of(watcher->answer),
                            .participant = watcher->participant}};
    call_reply(call, &reply);
}

static void tell_of_offer(struct connection *watcher, uint64_t pause_ms)
{
    watcher->is_untold = false;
    watcher->told_ms = clock_mono_ms(watcher->rtc->parts.clock);
    watcher->tell_pause_ms = pause_ms;
    rtc_hint(watcher, (struct msg_rtc_hint){.what = RTC_HINT_OFFER});
}

/* Nobody keeps hints: one that was lost on its way would leave it waiting until it ends. */
static void remind_of_offer(struct connection *watcher)
{
    const uint64_t now_ms = clock_mono_ms(watcher->rtc->parts.clock);
    if (watcher->state == RTC_OFFERED && !watcher->is_busy && !is_whep(watcher) &&
        now_ms - watcher->told_ms >= watcher->tell_pause_ms) {
        tell_of_offer(watcher, 2 * watcher->tell_pause_ms);
    }
}

static void on_started(void *arg, enum err err, const struct janus_message *message)
{
    struct connection *watcher = arg;
    (void)message;
    watcher->is_busy = false;
    if (err != ERR_OK) {
        rtc_close(watcher, RTC_REFUSED, err);
        return;
    }
    struct call *call = rtc_take_call(watcher);
    mem_free(&watcher->sdp);
    (void)rtc_enter(watcher, CONNECTION_AGREED);
    if (watcher->state == RTC_CONNECTING) {
        rtc_limit(watcher, RTC_CONNECT_TIMEOUT_MS);
    }
    rtc_changed(watcher);
    if (call != NULL && call->request.id == MSG_rtc_watch) {
        reply_watch(watcher, call);
    } else if (call != NULL) {
        const struct msg reply = {.id = MSG_rtc_answer_reply};
        call_reply(call, &reply);
    }
    watch_look(watcher);
}

/* Gives Janus the answer to its offer, for who waits for that. */
static void give_answer(struct connection *watcher, struct call *call, struct str answer)
{
    AUTO(mem_free) char *jsep = janus_json_jsep("answer", answer);
    watcher->call = call;
    watcher->is_busy = true;
    if (is_whep(watcher)) {
        connection_set_text(&watcher->offer, answer);
    }
    const enum err err = janus_handle_send(watcher->handle, JANUS_JSON_START, jsep,
                                           RTC_JANUS_TIMEOUT_MS, on_started, watcher);
    if (err != ERR_OK) {
        rtc_close(watcher, RTC_REFUSED, err);
    }
}

/* Of WHEP: the client has made an offer, too. false: its answer is to come. */
static bool answer_by_offer(struct connection *watcher, struct call *call)
{
    AUTO(strbuf_fini) struct strbuf to_janus = {0};
    AUTO(strbuf_fini) struct strbuf to_client = {0};
    const char *why = sdp_swap(str_of(watcher->sdp), call->request.rtc_watch.offer,
                               watcher->rtc->config.candidates, &to_janus, &to_client);
    if (why != NULL) {
        log_debug("offer not answered", LOG_STR("request_id", call->context.request_id),
                  LOG_Z("why", why));
        return false;
    }
    connection_set_text(&watcher->answer, strbuf_str(&to_client));
    give_answer(watcher, call, strbuf_str(&to_janus));
    return true;
}

/* Who hears of an offer may answer the next bridge, which takes only answers to what the row says.
 */
static void tell_once_kept(struct connection *watcher)
{
    if (watcher->is_untold && watcher->state == RTC_OFFERED) {
        tell_of_offer(watcher, OFFER_PAUSE_MS);
    }
}

static void wait_for_answer(struct connection *watcher)
{
    rtc_limit(watcher, RTC_ANSWER_TIMEOUT_MS);
    watcher->told_ms = clock_mono_ms(watcher->rtc->parts.clock);
    watcher->tell_pause_ms = OFFER_PAUSE_MS;
}

static void take_offer(struct connection *watcher, const struct janus_message *message)
{
    struct janus_stream streams[RTC_STREAMS_MAX];
    struct str sdp = STR_NONE;
    size_t count = 0;
    const bool has_list = janus_message_streams(message, streams, RTC_STREAMS_MAX, &count);
    if (!janus_message_jsep(message, "offer", &sdp) || sdp.bytes > RTC_SDP_BYTES ||
        !rtc_enter(watcher, CONNECTION_OFFERED)) {
        /* An update that changes nothing comes without; "updating" is that of an offer of which we
         * know nothing. */
        if (!janus_message_says(message, "updated")) {
            rtc_close(watcher, RTC_INTERRUPTED, ERR_PROTOCOL);
        }
        return;
    }
    if (has_list) {
        take_streams(watcher, streams, count);
    }
    watcher->vain = 0;
    watcher->seq++;
    connection_set_text(&watcher->sdp, sdp);
    wait_for_answer(watcher);
    watcher->is_untold = !is_whep(watcher);
    rtc_changed(watcher);
    struct call *call = rtc_take_call(watcher);
    if (call != NULL && !answer_by_offer(watcher, call)) {
        reply_watch(watcher, call); /* of WHEP */
    }
}

void watch_resume_offered(struct connection *watcher)
{
    if (rtc_enter(watcher, CONNECTION_OFFERED)) {
        wait_for_answer(watcher);
    }
}

static void watch_look_later(void *arg)
{
    struct connection *watcher = arg;
    watcher->timer = 0;
    watch_look(watcher);
}

static void on_offered(void *arg, enum err err, const struct janus_message *message)
{
    struct connection *watcher = arg;
    watcher->is_busy = false;
    /* Janus was restarted, and gets its rooms back one by one. */
    const bool comes = err == ERR_NO_SUCH_ROOM && watcher->state == RTC_JOINING;
    if (is_whep(watcher) && (err == ERR_NOT_FOUND || comes)) {
        rtc_close(watcher, RTC_REFUSED, comes ? ERR_UNAVAILABLE : ERR_CONFLICT);
    } else if (err == ERR_NOT_FOUND || comes) {
        watcher->vain++;
        clock_cancel(watcher->rtc->parts.clock, watcher->timer);
        watcher->timer =
            clock_after(watcher->rtc->parts.clock, VAIN_PAUSE_MS, watch_look_later, watcher);
    } else if (err != ERR_OK) {
        rtc_close(watcher, RTC_REFUSED, err);
    } else {
        take_offer(watcher, message);
    }
}

static void ask_offer(struct connection *watcher, const char *body)
{
    watcher->is_busy = true;
    const enum err err =
        janus_handle_send(watcher->handle, body, NULL, RTC_JANUS_TIMEOUT_MS, on_offered, watcher);
    if (err != ERR_OK) {
        rtc_close(watcher, RTC_REFUSED, err);
    }
}

/* ---- layers and pauses ---- */

static void on_tuned(void *arg, enum err err, const struct janus_message *message)
{
    struct connection *watcher = arg;
    (void)message;
    watcher->is_busy = false;
    if (err != ERR_OK) {
        rtc_close(watcher, RTC_REFUSED, err);
    } else {
        watch_look(watcher);
    }
}

/* True: Janus is asked. */
static bool tune_streams(struct connection *watcher)
{
    struct janus_tuning tunings[RTC_STREAMS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < watcher->stream_count; i++) {
        struct stream *stream = &watcher->streams[i];
        const struct wish *wish = stream->feed != 0 ? wish_of(watcher, stream) : NULL;
        if (wish == NULL || (stream->is_tuned && stream->is_paused == wish->is_paused &&
                             stream->layer == wish->layer)) {
            continue;
        }
        tunings[count++] = (struct janus_tuning){.mid = str_of(stream->mid),
                                                 .is_sent = !wish->is_paused,
                                                 .has_layer = wish->source == MEDIA_VIDEO,
                                                 .layer = wish->layer};
        if (wish->source == MEDIA_VIDEO && stream->layer != wish->layer) {
            stream->layer_asks = LAYER_ASKS_MAX;
        }
        stream->is_tuned = true;
        stream->is_paused = wish->is_paused;
        stream->layer = wish->layer;
    }
    if (count == 0) {
        return false;
    }
    AUTO(mem_free) char *body = janus_json_tune(tunings, count);
    watcher->is_busy = true;
    if (janus_handle_send(watcher->handle, body, NULL, RTC_JANUS_TIMEOUT_MS, on_tuned, watcher) !=
        ERR_OK) {
        rtc_close(watcher, RTC_REFUSED, ERR_UNAVAILABLE);
    }
    return true;
}

static void tune_layers_again(void *arg)
{
    struct connection *watcher = arg;
    watcher->timer = 0;
    for (size_t i = 0; i < watcher->stream_count; i++) {
        struct stream *stream = &watcher->streams[i];
        if (stream->layer_asks > 0) {
            stream->layer_asks--;
            stream->is_tuned = false;
        }
    }
    watch_look(watcher);
}

/* Janus changes layers at a key frame, which it asks for when it is tuned, and then only. A browser
 * leaves out what it is asked shortly after its last one. */
static void wait_for_layers(struct connection *watcher)
{
    for (size_t i = 0; i < watcher->stream_count && watcher->timer == 0; i++) {
        if (watcher->streams[i].layer_asks > 0) {
            watcher->timer =
                clock_after(watcher->rtc->parts.clock, LAYER_PAUSE_MS, tune_layers_again, watcher);
        }
    }
}

/* ---- looking ---- */

static void subscribe_first(struct connection *watcher, const struct janus_stream *missing,
                            size_t count)
{
    const struct janus_place place = {.room_id = watcher->room_id, .pin = str_of(watcher->pin)};
    if (count > 0) {
        AUTO(mem_free) char *body = janus_json_subscribe(&place, missing, count);
        ask_offer(watcher, body);
    }
}

static void update_streams(struct connection *watcher, const struct janus_stream *missing,
                           size_t count)
{
    struct janus_stream needless[RTC_STREAMS_MAX];
    const size_t needless_count = find_needless(watcher, needless);
    if (count + needless_count > 0) {
        AUTO(mem_free) char *body = janus_json_update(missing, count, needless, needless_count);
        ask_offer(watcher, body);
    } else if (!tune_streams(watcher)) {
        wait_for_layers(watcher);
    }
}

/* Does anything come of the connection that it was made for? */
static bool gets_anything(const struct connection *watcher)
{
    for (size_t i = 0; i < watcher->stream_count; i++) {
        const struct stream *stream = &watcher->streams[i];
        const struct connection *sender = rtc_publisher(watcher->rtc, stream->participant);
        if (stream->feed != 0 && sender != NULL && sender->feed == stream->feed &&
            sender->state == RTC_UP) {
            return true;
        }
    }
    return false;
}

static void look_at_whep(struct connection *watcher)
{
    struct janus_stream missing[RTC_WISHES_MAX];
    const size_t count = watcher->state == RTC_JOINING ? find_missing(watcher, missing) : 0;
    if (count > 0) {
        subscribe_first(watcher, missing, count);
    } else if (watcher->state == RTC_JOINING) {
        rtc_close(watcher, RTC_REFUSED, ERR_CONFLICT); /* nothing is sent */
    } else if (watcher->rtc->is_taken_over && !gets_anything(watcher)) {
        rtc_close(watcher, RTC_LOST, ERR_UNAVAILABLE);
    }
}

static void watch_look(struct connection *watcher)
{
    struct janus_stream missing[RTC_WISHES_MAX];
    if (watcher->is_busy || (watcher->state != RTC_JOINING && watcher->state != RTC_UP)) {
        return;
    }
    if (is_whep(watcher)) {
        look_at_whep(watcher);
        return;
    }
    if (watcher->wishes == NULL) { /* it was taken over, and its client has not said yet */
        return;
    }
    size_t count = find_missing(watcher, missing);
    if (watcher->vain >= VAIN_MAX && count > 1) {
        missing[0] = missing[watcher->vain % count];
        count = 1;
    }
    if (watcher->state == RTC_JOINING) {
        subscribe_first(watcher, missing, count);
    } else {
        update_streams(watcher, missing, count);
    }
}

/* ---- what clients ask ---- */

static void join_as_watcher(struct connection *watcher)
{
    struct call *call = is_whep(watcher) ? NULL : rtc_take_call(watcher);
    if (call != NULL) {
        reply_watch(watcher, call);
    }
    watch_look(watcher);
}

/* The same call again: it has its offer or its answer by now, or waits for it. */
static void whep_again(struct connection *watcher, struct call *call)
{
    const bool is_being_answered = watcher->answer != NULL && watcher->is_busy;
    if (watcher->seq > 0 && !is_being_answered) {
        reply_watch(watcher, call);
        return;
    }
    rtc_fail_call(watcher, ERR_CONFLICT);
    watcher->call = call;
}

void watch_wish(struct rtc *rtc, struct call *call)
{
    const struct msg_rtc_watch *asked = &call->request.rtc_watch;
    struct connection *watcher = rtc_find_of(rtc, &asked->asker, RTC_WATCH);
    struct connection *same = rtc_find_his(rtc, asked->connection, &asked->asker);
    const bool is_of_whep = rtc_id_protocol(asked->connection.data) == RTC_WHEP;
    if (is_of_whep && same != NULL) {
        whep_again(same, call);
        return;
    }
    if (watcher == NULL || is_of_whep || is_whep(watcher)) { /* which ends by the new one */
        if (rtc_find(rtc, (const uint8_t *)asked->connection.data) != NULL) {
            call_fail(call, ERR_CONFLICT); /* it was his, and is closing */
            return;
        }
        watcher = rtc_begin(rtc, call, RTC_WATCH, asked->connection, &asked->asker);
        if (watcher != NULL) {
            connection_set_wishes(watcher, &asked->wanted);
        }
        return;
    }
    connection_set_wishes(watcher, &asked->wanted);
    if (watcher->state == RTC_ATTACHING || watcher->state == RTC_STORING) {
        rtc_fail_call(watcher, ERR_CONFLICT);
        watcher->call = call;
        return;
    }
    reply_watch(watcher, call);
    watch_look(watcher);
}

void watch_ask_offer(struct rtc *rtc, struct call *call)
{
    const struct msg_asker *asker = &call->request.rtc_ask_offer.asker;
    struct connection *watcher = rtc_find_of(rtc, asker, RTC_WATCH);
    if (watcher == NULL) {
        elsewhere_fail(rtc, call, STR_NONE, asker);
        return;
    }
    if (watcher->sdp == NULL) {
        call_fail(call, ERR_NOT_FOUND);
        if (watcher->state == RTC_OFFERED) { /* the bridge before had it; Janus makes no other */
            rtc_close(watcher, RTC_INTERRUPTED, ERR_UNAVAILABLE);
        }
        return;
    }
    struct msg_rtc_stream streams[RTC_STREAMS_MAX];
    for (size_t i = 0; i < watcher->stream_count; i++) {
        const struct stream *stream = &watcher->streams[i];
        streams[i] = (struct msg_rtc_stream){.mid = str_of(stream->mid),
                                             .participant = stream->participant,
                                             .source = stream->source,
                                             .has_source = stream->participant != 0};
    }
    const struct msg reply = {
        .id = MSG_rtc_ask_offer_reply,
        .rtc_ask_offer_reply = {.connection = {(const char *)watcher->id, sizeof(watcher->id)},
                                .seq = watcher->seq,
                                .sdp = str_of(watcher->sdp),
                                .streams = {streams, watcher->stream_count}}};
    call_reply(call, &reply);
}

void watch_answer(struct rtc *rtc, struct call *call)
{
    const struct msg_rtc_answer *asked = &call->request.rtc_answer;
    struct connection *watcher = rtc_find_of(rtc, &asked->asker, RTC_WATCH);
    const char *why = "";
    if (watcher == NULL) {
        elsewhere_fail(rtc, call, STR_NONE, &asked->asker);
        return;
    }
    if (watcher->seq == 0) {
        call_fail(call, ERR_NOT_FOUND);
        return;
    }
    if (asked->seq != watcher->seq) {
        call_fail(call, ERR_STALE_OFFER);
        return;
    }
    if (watcher->state != RTC_OFFERED) { /* it has its answer */
        const struct msg reply = {.id = MSG_rtc_answer_reply};
        call_reply(call, &reply);
        return;
    }
    if (watcher->is_busy) {
        rtc_fail_call(watcher, ERR_CONFLICT);
        watcher->call = call;
        return;
    }
    if (sdp_check_answer(asked->sdp, str_of(watcher->sdp), &why) != ERR_OK) {
        log_info("answer refused", LOG_STR("request_id", call->context.request_id),
                 LOG_Z("why", why));
        call_fail(call, ERR_BAD_SDP);
        return;
    }
    AUTO(strbuf_fini) struct strbuf sdp = {0};
    sdp_pass_on(asked->sdp, rtc->config.candidates, &sdp);
    give_answer(watcher, call, strbuf_str(&sdp));
}

void watch_restart(struct rtc *rtc, struct call *call)
{
    const struct msg_rtc_restart *asked = &call->request.rtc_restart;
    struct connection *watcher = rtc_find_his(rtc, asked->connection, &asked->asker);
    if (watcher == NULL) {
        elsewhere_fail(rtc, call, asked->connection, &asked->asker);
        return;
    }
    if (watcher->kind != RTC_WATCH) {
        call_fail(call, ERR_CONFLICT);
        return;
    }
    if (watcher->state == RTC_UP && !watcher->is_busy) {
        ask_offer(watcher, JANUS_JSON_RESTART);
    }
    const struct msg reply = {.id = MSG_rtc_restart_reply};
    call_reply(call, &reply);
}

/* ---- what Janus tells without being asked ---- */

static void hear_of_layers(struct connection *watcher, const struct janus_message *message)
{
    struct str mid = STR_NONE;
    uint64_t layer;
    struct stream *stream =
        janus_message_layer(message, &mid, &layer) ? connection_stream(watcher, mid) : NULL;
    if (stream == NULL || stream->participant == 0) {
        return;
    }
    if (layer == stream->layer) {
        stream->layer_asks = 0;
    }
    rtc_hint(watcher, (struct msg_rtc_hint){.what = RTC_HINT_LAYER,
                                            .has_layer = true,
                                            .layer = layer,
                                            .has_stream = true,
                                            .stream = {.mid = str_of(stream->mid),
                                                       .participant = stream->participant,
                                                       .source = stream->source,
                                                       .has_source = true}});
}

const struct rtc_kind_ops watch_ops = {.join = join_as_watcher,
                                       .look = watch_look,
                                       .hear_event = hear_of_layers,
                                       .kept = tell_once_kept,
                                       .remind = remind_of_offer};
