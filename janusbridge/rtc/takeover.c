#include "janusbridge/rtc/takeover.h"

#include "janusbridge/rtc/rtc_audit.h"
#include "janusbridge/rtc/watch.h"
#include "proto/base/log.h"

#define TAKEOVER_AGAIN_MS 100
/* Gateways try to come back to a bridge at least every second: by the last time all have. */
static const uint64_t tell_pauses_ms[] = {500, 1000};
/* What is told about handles before their rows are read. */
#define EARLY_MAX 4096
struct early {
    uint64_t handle;
    struct media_news news;
};

/* What a client was told of his connection. */
struct told {
    uint8_t id[CONNECTION_ID_BYTES];
    struct msg_rtc_hint hint; /* but for the id, which is above */
};

enum takeover_state {
    TAKEOVER_IDLE,    /* the session is not ready */
    TAKEOVER_READING, /* rows are read, a page after the other */
    TAKEOVER_DONE,    /* all are known */
};

struct takeover {
    struct rtc *rtc;
    enum takeover_state state;
    uint64_t round; /* counts sessions: an answer to an earlier one's question is of no use */
    uint8_t last[CONNECTION_ID_BYTES]; /* of the page before */
    bool has_last;
    struct early *early; /* in the order of its coming */
    size_t early_count;
    size_t resumed, ended;
    uint64_t timer;
    struct told *told;
    size_t told_count;
    size_t tellings; /* since all are known */
    uint64_t tell_timer;
};

struct asking_page {
    struct takeover *takeover;
    uint64_t round;
};

/* The only place that sets the state. */
static void takeover_enter(struct takeover *takeover, enum takeover_state state)
{
    static const char *const names[] = {
        [TAKEOVER_IDLE] = "idle", [TAKEOVER_READING] = "reading", [TAKEOVER_DONE] = "done"};
    log_debug("taking connections over", LOG_Z("was", names[takeover->state]),
              LOG_Z("is", names[state]));
    takeover->state = state;
    takeover->rtc->is_taken_over = state == TAKEOVER_DONE;
    janus_handles_spare(takeover->rtc->parts.handles, state != TAKEOVER_DONE);
}

/* ---- rows ---- */

static void set_media(struct connection *connection, const struct msg_rtc_row *row)
{
    connection_set_tracks(connection, &row->tracks);
    for (size_t i = 0; i < connection->track_count; i++) {
        struct track *track = &connection->tracks[i];
        track->has_arrived = (row->published & track->source) != 0;
        track->arriving = (row->published & ~row->lost & track->source) != 0 ? 1 : 0;
    }
    connection->streams = mem_realloc_array(NULL, row->streams.count > 0 ? row->streams.count : 1,
                                            sizeof(struct stream));
    connection->stream_count = row->streams.count;
    for (size_t i = 0; i < row->streams.count; i++) {
        const struct msg_rtc_stream *stream = &row->streams.items[i];
        connection->streams[i] = (struct stream){.mid = str_dup(stream->mid),
                                                 .feed = stream->feed,
                                                 .feed_mid = str_dup(stream->feed_mid),
                                                 .participant = stream->participant,
                                                 .source = stream->source};
    }
}

/* ---- what clients are told ---- */

static void keep_told(struct takeover *takeover, const struct connection *connection,
                      struct msg_rtc_hint hint)
{
    struct told *told;
    hint.room_id = connection->room_id;
    hint.participant = connection->participant;
    hint.kind = connection->kind;
    hint.seq = connection->seq;
    takeover->told =
        mem_realloc_array(takeover->told, takeover->told_count + 1, sizeof(*takeover->told));
    told = &takeover->told[takeover->told_count++];
    told->hint = hint;
    memcpy(told->id, connection->id, sizeof(told->id));
}

static void forget_told(struct takeover *takeover)
{
    clock_cancel(takeover->rtc->parts.clock, takeover->tell_timer);
    takeover->tell_timer = 0;
    takeover->told_count = takeover->tellings = 0;
    mem_free(&takeover->told);
}

/* Who has said what he wants since he was told has heard it. */
static bool is_heard(const struct rtc *rtc, const struct told *told)
{
    const struct connection *connection = rtc_find(rtc, told->id);
    return told->hint.what == RTC_HINT_RESUMED &&
           (connection == NULL || connection->state == RTC_CLOSING || connection->wishes != NULL);
}

static void tell_them_again(void *arg);

static void tell_them_later(struct takeover *takeover)
{
    if (takeover->told_count == 0 || takeover->tellings == ARRAY_LEN(tell_pauses_ms)) {
        forget_told(takeover);
        return;
    }
    takeover->tell_timer =
        clock_after(takeover->rtc->parts.clock, tell_pauses_ms[takeover->tellings++],
                    tell_them_again, takeover);
}

static void tell_them_again(void *arg)
{
    struct takeover *takeover = arg;
    takeover->tell_timer = 0;
    for (size_t i = 0; i < takeover->told_count; i++) {
        const struct told *told = &takeover->told[i];
        struct msg_rtc_hint hint = told->hint;
        hint.connection = (struct str){(const char *)told->id, sizeof(told->id)};
        if (!is_heard(takeover->rtc, told)) {
            rtc_hint_of(takeover->rtc, hint);
        }
    }
    tell_them_later(takeover);
}

/* ---- what becomes of rows ---- */

/* In the order in which it came to where it is. */
static void resume_connection(struct takeover *takeover, struct connection *connection,
                              bool is_offered)
{
    (void)rtc_enter(connection, CONNECTION_ATTACHED);
    (void)rtc_enter(connection, CONNECTION_STORED);
    (void)rtc_enter(connection, CONNECTION_AGREED);
    (void)rtc_enter(connection, CONNECTION_THROUGH);
    if (is_offered) {
        watch_resume_offered(connection);
    }
    rtc_changed(connection);
    if (connection->kind == RTC_WATCH) {
        const struct msg_rtc_hint hint = {.what = RTC_HINT_RESUMED};
        rtc_hint(connection, hint);
        keep_told(takeover, connection, hint);
    }
}

static void take_over_row(struct takeover *takeover, const struct msg_rtc_row *row)
{
    struct rtc *rtc = takeover->rtc;
    if (rtc_find(rtc, (const uint8_t *)row->connection.data) != NULL) {
        return;
    }
    const bool is_known = row->janus_session == janus_session_id(rtc->parts.session);
    struct connection *connection = rtc_take_row(rtc, row, is_known);
    if (!row->is_up || connection->handle == NULL) {
        const enum rtc_reason reason = is_known ? RTC_INTERRUPTED : RTC_JANUS_LOST;
        takeover->ended++;
        keep_told(
            takeover, connection,
            (struct msg_rtc_hint){.what = RTC_HINT_CLOSED, .has_reason = true, .reason = reason});
        rtc_close(connection, reason, ERR_UNAVAILABLE);
        return;
    }
    set_media(connection, row);
    takeover->resumed++;
    metric_inc(rtc->taken_over);
    resume_connection(takeover, connection, row->is_offered);
}

static void ask_rows(void *arg);

static void ask_rows_again(struct takeover *takeover)
{
    clock_cancel(takeover->rtc->parts.clock, takeover->timer);
    takeover->timer =
        clock_after(takeover->rtc->parts.clock, TAKEOVER_AGAIN_MS, ask_rows, takeover);
}

static struct connection *find_by_handle(const struct rtc *rtc, uint64_t handle)
{
    LIST_EACH (struct connection, connection, &rtc->all, link) {
        if (connection->handle != NULL && janus_handle_id(connection->handle) == handle) {
            return connection;
        }
    }
    return NULL;
}

static void hear_early(struct takeover *takeover)
{
    for (size_t i = 0; i < takeover->early_count; i++) {
        struct connection *connection = find_by_handle(takeover->rtc, takeover->early[i].handle);
        if (connection != NULL) {
            rtc_hear(connection, &takeover->early[i].news);
        }
    }
    takeover->early_count = 0;
    mem_free(&takeover->early);
}

static void end_reading(struct takeover *takeover)
{
    takeover_enter(takeover, TAKEOVER_DONE);
    hear_early(takeover);
    tell_them_later(takeover);
    rtc_audit_now(takeover->rtc->audit); /* what was told to the bridge before nobody knows */
    if (takeover->resumed + takeover->ended > 0) {
        log_info("connections taken over", LOG_U64("resumed", takeover->resumed),
                 LOG_U64("ended", takeover->ended));
    }
}

static void on_rows(void *arg, enum err err, const struct msg *reply)
{
    struct asking_page *asking = arg;
    struct takeover *takeover = asking->takeover;
    const bool is_of_now = asking->round == takeover->round;
    mem_free(&asking);
    if (!is_of_now || takeover->state != TAKEOVER_READING) {
        return;
    }
    if (err != ERR_OK) {
        ask_rows_again(takeover);
        return;
    }
    const struct msg_rtc_row_list *rows = &reply->rtc_page_reply.rows;
    for (size_t i = 0; i < rows->count; i++) {
        take_over_row(takeover, &rows->items[i]);
    }
    if (rows->count < RTC_PAGE) {
        end_reading(takeover);
        return;
    }
    memcpy(takeover->last, rows->items[rows->count - 1].connection.data, sizeof(takeover->last));
    takeover->has_last = true;
    ask_rows(takeover);
}

static void ask_rows(void *arg)
{
    struct takeover *takeover = arg;
    const struct rtc *rtc = takeover->rtc;
    takeover->timer = 0;
    const struct msg msg = {
        .id = MSG_rtc_page,
        .rtc_page = {.node = str_of(rtc->config.node),
                     .epoch = lease_epoch(rtc->parts.lease),
                     .after_connection = {(const char *)takeover->last,
                                          takeover->has_last ? sizeof(takeover->last) : 0}}};
    const struct call_context context = rtc_context(rtc, "takeover");
    struct asking_page *asking = mem_alloc(sizeof(*asking));
    *asking = (struct asking_page){.takeover = takeover, .round = takeover->round};
    if (bus_call(rtc->parts.bus, &msg, &context, on_rows, asking) != ERR_OK) {
        mem_free(&asking);
        ask_rows_again(takeover);
    }
}

/* ---- the session ---- */

/* Of handles that are known by then their owners have heard it, which does no harm. */
static void on_early_event(void *arg, const struct janus_message *message)
{
    struct takeover *takeover = arg;
    struct early early = {.handle = message->sender};
    if (takeover->state != TAKEOVER_READING || takeover->early_count == EARLY_MAX ||
        message->kind == JANUS_EVENT || !media_news_read(message, &early.news)) {
        return;
    }
    if (takeover->early == NULL) {
        takeover->early = mem_realloc_array(NULL, EARLY_MAX, sizeof(early));
    }
    takeover->early[takeover->early_count++] = early;
}

static void begin_takeover(void *arg, bool is_new)
{
    struct takeover *takeover = arg;
    takeover->round++;
    (void)is_new; /* each row says in which session its handle is */
    takeover->has_last = false;
    takeover->resumed = takeover->ended = 0;
    forget_told(takeover);
    takeover_enter(takeover, TAKEOVER_READING);
    ask_rows(takeover);
}

/* The rows say what is to be gone on with, here or elsewhere. */
static void leave_all(void *arg)
{
    struct takeover *takeover = arg;
    struct rtc *rtc = takeover->rtc;
    clock_cancel(rtc->parts.clock, takeover->timer);
    takeover->timer = 0;
    takeover->early_count = 0;
    forget_told(takeover);
    takeover_enter(takeover, TAKEOVER_IDLE);
    for (struct connection *connection;
         (connection = LIST_FIRST(struct connection, &rtc->all, link)) != NULL;) {
        rtc_drop(connection);
    }
}

static void miss_news(void *arg)
{
    const struct takeover *takeover = arg;
    rtc_audit_now(takeover->rtc->audit);
}

struct takeover *takeover_new(struct rtc *rtc)
{
    struct takeover *takeover = mem_alloc(sizeof(*takeover));
    *takeover = (struct takeover){.rtc = rtc};
    janus_handles_spare(rtc->parts.handles, true);
    const struct janus_listener listener = {.on_ready = begin_takeover,
                                            .on_lost = leave_all,
                                            .on_gap = miss_news,
                                            .on_event = on_early_event,
                                            .arg = takeover};
    janus_session_listen(rtc->parts.session, &listener);
    return takeover;
}

void takeover_free(struct takeover **takeover_ref)
{
    if (*takeover_ref != NULL) {
        clock_cancel((*takeover_ref)->rtc->parts.clock, (*takeover_ref)->timer);
        forget_told(*takeover_ref);
        mem_free(&(*takeover_ref)->early);
        mem_free(takeover_ref);
    }
}
