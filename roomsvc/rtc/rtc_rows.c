#include "roomsvc/rtc/rtc_rows.h"

#include "roomsvc/store/rtc_media.h"

struct rtc_rows {
    struct rtc_rows_parts parts;
    struct arena *arenas[RTC_PAGE]; /* of what the connections of one page send and get */
    struct log_gate failures;
    struct metric *done, *refused, *failed;
};

/* Lives until its call is answered. */
struct rtc_call {
    struct rtc_rows *rows;
    struct call *call;
};

static void fail_rtc_call(struct rtc_rows *rows, struct call *call, enum err err)
{
    if (err_is_callers(err)) {
        metric_inc(rows->refused);
    } else {
        metric_inc(rows->failed);
        log_warn_limited(&rows->failures, clock_mono_ms(rows->parts.clock),
                         "a bridge's call about connections has failed",
                         LOG_Z("call", msg_name(call->request.id)), LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

/* Frees arg. NULL: it has failed, and is answered. */
static struct call *end_rtc_call(void *arg, enum err err, struct rtc_rows **ret_rows)
{
    const struct rtc_call ended = *(struct rtc_call *)arg;
    mem_free(&arg);
    *ret_rows = ended.rows;
    if (err != ERR_OK) {
        fail_rtc_call(ended.rows, ended.call, err);
        return NULL;
    }
    metric_inc(ended.rows->done);
    return ended.call;
}

static struct str connection_of(const unsigned char *connection)
{
    return (struct str){.data = (const char *)connection, .bytes = RTC_CONNECTION_BYTES};
}

/* ---- one connection ---- */

static void on_rtc_command(void *arg, enum err err, const struct rtc_outcome *outcome)
{
    struct rtc_rows *rows;
    struct call *call = end_rtc_call(arg, err, &rows);
    if (call == NULL) {
        return;
    }
    room_news_tell_journal(rows->parts.news, outcome->journal);
    struct msg reply = {.id = msg_type_find(call->request.id)->reply};
    if (reply.id == MSG_rtc_open_reply) {
        reply.rtc_open_reply = (struct msg_rtc_open_reply){
            .room_id = outcome->room_id,
            .participant = outcome->participant_id,
            .feed = outcome->feed,
            .pin = str_of(outcome->janus_pin),
            .secret = str_of(outcome->secret),
            .muted = outcome->muted,
            .bitrate = outcome->bitrate,
            .replaced = outcome->has_replaced ? connection_of(outcome->replaced) : STR_NONE};
    }
    call_reply(call, &reply);
}

/* ---- those of a node ---- */

static struct msg_rtc_row rtc_row_record(struct rtc_rows *rows, const struct rtc_kept *kept,
                                         struct arena *arena)
{
    struct rtc_media media = {.tracks = {.count = 0}};
    if (!rtc_media_decode(arena, &kept->media, &media)) {
        log_warn_limited(&rows->failures, clock_mono_ms(rows->parts.clock),
                         "what a connection sends or gets cannot be read",
                         LOG_U64("room", kept->room_id), LOG_U64("feed", kept->feed));
    }
    return (struct msg_rtc_row){
        .connection = connection_of(kept->connection),
        .kind = (enum rtc_kind)kept->kind,
        .room_id = kept->room_id,
        .participant = kept->participant_id,
        .token_hash = {.data = (const char *)kept->token_hash, .bytes = sizeof(kept->token_hash)},
        .janus_session = kept->janus_session,
        .janus_handle = kept->janus_handle,
        .feed = kept->feed,
        .version = kept->version,
        .is_up = kept->is_up != 0,
        .published = kept->published,
        .lost = kept->lost,
        .seq = kept->seq,
        .tracks = media.tracks,
        .streams = media.streams,
        .is_offered = media.is_offered,
        .secret = str_of(kept->secret),
        .muted = kept->muted,
        .bitrate = kept->bitrate};
}

static void on_rtc_page(void *arg, enum err err, const struct rtc_page *page)
{
    struct rtc_rows *rows;
    struct msg_rtc_row items[RTC_PAGE];
    struct call *call = end_rtc_call(arg, err, &rows);
    if (call == NULL) {
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        items[i] = rtc_row_record(rows, &page->rows[i], rows->arenas[i]);
    }
    const struct msg reply = {.id = MSG_rtc_page_reply,
                              .rtc_page_reply = {.rows = {.items = items, .count = page->count}}};
    call_reply(call, &reply);
}

static void on_rtc_due(void *arg, enum err err, const struct rtc_due_page *page)
{
    struct rtc_rows *rows;
    struct msg_rtc_due_row items[RTC_DUE_PAGE];
    struct call *call = end_rtc_call(arg, err, &rows);
    if (call == NULL) {
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        items[i] = (struct msg_rtc_due_row){.connection = connection_of(page->rows[i].connection),
                                            .ends = page->rows[i].ends != 0,
                                            .muted = page->rows[i].muted,
                                            .bitrate = page->rows[i].bitrate};
    }
    const struct msg reply = {.id = MSG_rtc_due_reply,
                              .rtc_due_reply = {.rows = {.items = items, .count = page->count}}};
    call_reply(call, &reply);
}

static void on_rtc_where_told(void *arg, enum err err, const char *node)
{
    struct rtc_rows *rows;
    struct call *call = end_rtc_call(arg, err, &rows);
    if (call != NULL) {
        const struct msg reply = {.id = MSG_rtc_where_reply,
                                  .rtc_where_reply = {.node = str_of(node)}};
        call_reply(call, &reply);
    }
}

/* ---- all of them ---- */

static enum err start_rtc_call(struct rtc_rows *rows, struct rtc_call *asking)
{
    const struct rtc_store *store = &rows->parts.store;
    const struct call *call = asking->call;
    const uint64_t deadline_ms = call->context.deadline_ms;
    switch (call->request.id) {
    case MSG_rtc_page:
        return store->ops->page(store->self, &call->request.rtc_page, deadline_ms, on_rtc_page,
                                asking);
    case MSG_rtc_due:
        return store->ops->due(store->self, &call->request.rtc_due, deadline_ms, on_rtc_due,
                               asking);
    case MSG_rtc_where:
        return store->ops->where(store->self, &call->request.rtc_where, deadline_ms,
                                 on_rtc_where_told, asking);
    default:
        return store->ops->run(store->self, &call->request, deadline_ms, on_rtc_command, asking);
    }
}

/* What they are told has secrets of Janus in it. */
void rtc_rows_answer(struct rtc_rows *rows, struct call *call)
{
    if (strcmp(call->peer_role, "janusbridge") != 0) {
        fail_rtc_call(rows, call, ERR_FORBIDDEN);
        return;
    }
    struct rtc_call *asking = mem_alloc(sizeof(*asking));
    *asking = (struct rtc_call){.rows = rows, .call = call};
    const enum err err = start_rtc_call(rows, asking);
    if (err != ERR_OK) {
        mem_free(&asking);
        fail_rtc_call(rows, call, err);
    }
}

/* ---- life ---- */

#define CALLS "lynks_rtc_row_calls_total"
#define CALLS_HELP "Calls of bridges about connections for media, by how they ended."

struct rtc_rows *rtc_rows_new(const struct rtc_rows_parts *parts)
{
    struct rtc_rows *rows = mem_alloc(sizeof(*rows));
    struct metrics *metrics = parts->metrics;
    rows->parts = *parts;
    for (size_t i = 0; i < RTC_PAGE; i++) {
        rows->arenas[i] = arena_new();
    }
    rows->done = metrics_counter(metrics, CALLS, CALLS_HELP, "result=\"done\"");
    rows->refused = metrics_counter(metrics, CALLS, CALLS_HELP, "result=\"refused\"");
    rows->failed = metrics_counter(metrics, CALLS, CALLS_HELP, "result=\"failed\"");
    return rows;
}

void rtc_rows_free(struct rtc_rows **rows)
{
    if (*rows == NULL) {
        return;
    }
    for (size_t i = 0; i < RTC_PAGE; i++) {
        arena_free(&(*rows)->arenas[i]);
    }
    mem_free(rows);
}
