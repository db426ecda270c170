#include "gateway/api/room_stream.h"

#include "gateway/api/sse.h"

enum room_stream_state {
    ROOM_STREAM_BEGINS,   /* the head of its answer is not out yet */
    ROOM_STREAM_WAITS,    /* for the room to be known */
    ROOM_STREAM_REPLAYS,  /* it is told what the journal has */
    ROOM_STREAM_LIVE,     /* it has been told all that there is */
    ROOM_STREAM_BLOCKED,  /* its client takes nothing more for now */
    ROOM_STREAM_ORPHANED, /* the API is gone: it ends when it begins; not counted any more */
    ROOM_STREAM_STATES
};

static const char *const state_names[ROOM_STREAM_STATES] = {
    [ROOM_STREAM_BEGINS] = "begins",   [ROOM_STREAM_WAITS] = "waits",
    [ROOM_STREAM_REPLAYS] = "replays", [ROOM_STREAM_LIVE] = "live",
    [ROOM_STREAM_BLOCKED] = "blocked", [ROOM_STREAM_ORPHANED] = NULL,
};

/* Why a stream has ended, besides what put its participant out. */
enum stream_farewell {
    STREAM_IS_OUT,
    STREAM_DRAINS,
    STREAM_TOO_SLOW,
    STREAM_CLIENT_GONE,
    STREAM_FAREWELLS
};

static const char *const stream_farewell_names[STREAM_FAREWELLS] = {
    [STREAM_IS_OUT] = "out",
    [STREAM_DRAINS] = "draining",
    [STREAM_TOO_SLOW] = "too_slow",
    [STREAM_CLIENT_GONE] = "client_gone",
};

struct room_stream {
    struct list_link link; /* of streams->beginning or streams->begun */
    struct room_streams *streams;
    struct room_visit visit;
    enum room_stream_state state;
    struct http_stream *stream; /* NULL until it has begun */
    uint64_t comment_due_ms;    /* of one that has begun */
};

struct room_streams {
    const struct clock *clock;
    struct list_link beginning;
    struct list_link begun; /* the one whose comment is due first comes first */
    uint64_t comment_timer; /* of all of them, for the first; 0: none has begun */
    struct http_chunk *comment;
    int64_t counts[ROOM_STREAM_STATES];
    struct metric *gauges[ROOM_STREAM_STATES];
    struct metric *ended[STREAM_FAREWELLS];
};

/* ---- its life ---- */

static void enter_state(struct room_stream *stream, enum room_stream_state state)
{
    struct room_streams *streams = stream->streams;
    if (stream->state != state) {
        metric_set(streams->gauges[stream->state], --streams->counts[stream->state]);
        stream->state = state;
        if (state != ROOM_STREAM_ORPHANED) {
            metric_set(streams->gauges[state], ++streams->counts[state]);
        }
    }
}

/* What the API knows of it; its memory stays. */
static void forget_room_stream(struct room_stream *stream, enum stream_farewell why)
{
    struct room_streams *streams = stream->streams;
    metric_inc(streams->ended[why]);
    enter_state(stream, ROOM_STREAM_ORPHANED);
    room_visit_close(&stream->visit);
    list_remove(&stream->link);
}

static void end_room_stream(struct room_stream *stream, enum stream_farewell why)
{
    http_stream_end(&stream->stream);
    forget_room_stream(stream, why);
    mem_free(&stream);
}

/* The snapshot is one event in two chunks: nothing else may come between them. */
static bool is_between_events(const struct room_stream *stream)
{
    return stream->visit.cursor.step != CURSOR_ME;
}

/* false: there is no room for it. */
static bool send_end(struct room_stream *stream, const char *reason, bool comes_again)
{
    struct http_chunk *chunk = sse_end(reason, comes_again);
    const bool is_sent = http_stream_send(stream->stream, chunk);
    http_chunk_unref(&chunk);
    return is_sent;
}

/* ---- what it sends ---- */

/* All that there is, as far as there is room; the stream may have ended after it. */
static void pump_stream(struct room_stream *stream)
{
    const struct room_cursor *cursor = &stream->visit.cursor;
    struct http_chunk *chunk;
    enum cursor_has has;
    while ((has = room_visit_peek(&stream->visit, &chunk)) == CURSOR_HAS_CHUNK) {
        if (!http_stream_send(stream->stream, chunk)) {
            enter_state(stream, ROOM_STREAM_BLOCKED);
            return;
        }
        room_visit_advance(&stream->visit);
    }
    if (has == CURSOR_HAS_END) {
        if (send_end(stream, room_end_word(cursor->end), /* comes_again= */ false)) {
            end_room_stream(stream, STREAM_IS_OUT);
        } else {
            enter_state(stream, ROOM_STREAM_BLOCKED);
        }
        return;
    }
    enter_state(stream, cursor->step == CURSOR_WAITS   ? ROOM_STREAM_WAITS
                        : cursor->step == CURSOR_READS ? ROOM_STREAM_REPLAYS
                                                       : ROOM_STREAM_LIVE);
}

/* One that is blocked goes on when there is room again. One that is too slow takes nothing more: it
 * is not told why. */
static void on_room_wakes(void *arg)
{
    struct room_stream *stream = arg;
    if (stream->state == ROOM_STREAM_BLOCKED) {
        if (room_visit_is_slow(&stream->visit)) {
            end_room_stream(stream, STREAM_TOO_SLOW);
        }
    } else if (stream->state != ROOM_STREAM_BEGINS) {
        pump_stream(stream);
    }
}

/* ---- comments ---- */

/* Its next one is due later than those of all others: the time between two is the same for all. */
static void put_off_comment(struct room_stream *stream)
{
    struct room_streams *streams = stream->streams;
    stream->comment_due_ms = clock_mono_ms(streams->clock) + SSE_COMMENT_MS;
    list_remove(&stream->link);
    list_add(&streams->begun, &stream->link);
}

static struct room_stream *next_for_comment(const struct room_streams *streams)
{
    return LIST_FIRST(struct room_stream, &streams->begun, link);
}

static void send_due_comments(void *arg);

static void wait_for_comments(struct room_streams *streams)
{
    const struct room_stream *next = next_for_comment(streams);
    if (next != NULL && streams->comment_timer == 0) {
        const uint64_t now_ms = clock_mono_ms(streams->clock);
        const uint64_t wait_ms = next->comment_due_ms > now_ms ? next->comment_due_ms - now_ms : 0;
        streams->comment_timer = clock_after(streams->clock, wait_ms, send_due_comments, streams);
    }
}

static void send_due_comments(void *arg)
{
    struct room_streams *streams = arg;
    const uint64_t now_ms = clock_mono_ms(streams->clock);
    struct room_stream *stream;
    streams->comment_timer = 0;
    while ((stream = next_for_comment(streams)) != NULL && stream->comment_due_ms <= now_ms) {
        if (is_between_events(stream)) {
            /* One that takes nothing now is not in need of it. */
            (void)http_stream_send(stream->stream, streams->comment);
        }
        put_off_comment(stream);
    }
    wait_for_comments(streams);
}

/* ---- for the server ---- */

static void on_stream_room(void *arg, struct http_stream *begun)
{
    struct room_stream *stream = arg;
    switch (stream->state) {
    case ROOM_STREAM_ORPHANED:
        http_stream_end(&begun);
        mem_free(&stream);
        return;
    case ROOM_STREAM_BEGINS:
        stream->stream = begun;
        put_off_comment(stream);
        wait_for_comments(stream->streams);
        break;
    default:
        break;
    }
    pump_stream(stream);
}

static void on_stream_drain(void *arg, struct http_stream *drained)
{
    struct room_stream *stream = arg;
    if (stream->state == ROOM_STREAM_ORPHANED) {
        on_stream_room(stream, drained);
        return;
    }
    stream->stream = drained;
    if (is_between_events(stream)) {
        (void)send_end(stream, "draining", /* comes_again= */ true);
    }
    end_room_stream(stream, STREAM_DRAINS);
}

static void on_stream_gone(void *arg)
{
    struct room_stream *stream = arg;
    if (stream->state != ROOM_STREAM_ORPHANED) {
        forget_room_stream(stream, STREAM_CLIENT_GONE);
    }
    mem_free(&stream);
}

static const struct http_producer stream_producer = {on_stream_room, on_stream_drain,
                                                     on_stream_gone};

/* ---- opening ---- */

void room_stream_open(struct room_streams *streams, struct room_visits *visits,
                      struct exchange *exchange, const struct cursor_open *open)
{
    struct room_stream *stream = mem_alloc(sizeof(*stream));
    uint8_t address[ADDRESS_BYTES];
    (void)exchange_address_key(exchange, address);
    stream->streams = streams;
    stream->visit.cursor.reader.wake = on_room_wakes;
    stream->visit.cursor.reader.arg = stream;
    const enum err err = room_visit_open(visits, open, address, &stream->visit);
    if (err != ERR_OK) {
        mem_free(&stream);
        exchange->retry_after_ms = SSE_TOO_MANY_RETRY_MS;
        exchange_fail(exchange, err);
        return;
    }
    list_add(&streams->beginning, &stream->link);
    metric_set(streams->gauges[ROOM_STREAM_BEGINS], ++streams->counts[ROOM_STREAM_BEGINS]);
    sse_respond(exchange, &stream_producer, stream);
}

/* ---- all of them ---- */

struct room_streams *room_streams_new(const struct clock *clock, struct metrics *metrics)
{
    struct room_streams *streams = mem_alloc(sizeof(*streams));
    streams->clock = clock;
    streams->comment = sse_comment();
    list_init(&streams->beginning);
    list_init(&streams->begun);
    for (size_t i = 0; i < ROOM_STREAM_ORPHANED; i++) {
        AUTO(mem_free) char *labels = mem_printf("state=\"%s\"", state_names[i]);
        streams->gauges[i] = metrics_gauge(metrics, "lynks_gateway_room_streams",
                                           "Streams of rooms that are open.", labels);
    }
    for (size_t i = 0; i < STREAM_FAREWELLS; i++) {
        AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", stream_farewell_names[i]);
        streams->ended[i] = metrics_counter(metrics, "lynks_gateway_ended_room_streams_total",
                                            "Streams of rooms that have ended.", labels);
    }
    return streams;
}

void room_streams_free(struct room_streams **streams)
{
    struct room_stream *stream;
    if (*streams == NULL) {
        return;
    }
    while ((stream = LIST_FIRST(struct room_stream, &(*streams)->begun, link)) != NULL) {
        end_room_stream(stream, STREAM_DRAINS);
    }
    /* These are with the HTTP server, which may still begin them. */
    while ((stream = LIST_FIRST(struct room_stream, &(*streams)->beginning, link)) != NULL) {
        forget_room_stream(stream, STREAM_DRAINS);
    }
    clock_cancel((*streams)->clock, (*streams)->comment_timer);
    http_chunk_unref(&(*streams)->comment);
    mem_free(streams);
}
