#include "gateway/api/events.h"

#include <stdlib.h>

#include "gateway/api/sse.h"
#include "gateway/api/tally.h"
#include "gateway/api/user_json.h"
#include "gateway/follow/user_meetings.h"
#include "gateway/http/auth.h"

/* Why a stream has ended. */
enum farewell {
    FAREWELL_SESSION_ENDED,
    FAREWELL_EXPIRED,
    FAREWELL_UNAVAILABLE,
    FAREWELL_DRAINING,
    FAREWELL_NONE, /* the client has gone first */
    FAREWELL_COUNT
};

static const char *const farewell_names[FAREWELL_COUNT] = {
    [FAREWELL_SESSION_ENDED] = "session_ended",
    [FAREWELL_EXPIRED] = "expired",
    [FAREWELL_UNAVAILABLE] = "unavailable",
    [FAREWELL_DRAINING] = "draining",
    [FAREWELL_NONE] = "client_gone",
};

static const enum farewell farewell_of[] = {
    [SESSION_ENDED] = FAREWELL_SESSION_ENDED,
    [SESSION_EXPIRED] = FAREWELL_EXPIRED,
    [SESSION_UNKNOWN] = FAREWELL_UNAVAILABLE,
};

enum stream_step {
    STREAM_BEGINS,  /* the head of its answer is not out yet */
    STREAM_DOOMED,  /* likewise, and its session is over: it ends with its first event */
    STREAM_RUNS,    /* a snapshot comes when roomsvc has answered, hints and comments follow */
    STREAM_ORPHANED /* the API is gone: it ends when it begins */
};

/* What users are told of their rooms, beside snapshots. */
static const char *const hint_names[] = {
    [ROOM_NEWS_BEGAN] = "meeting.began",
    [ROOM_NEWS_ENDED] = "meeting.ended",
    [ROOM_NEWS_WAITS] = "participant.waiting",
};

struct events_stream {
    struct list_link link; /* of events->streams */
    struct events_api *events;
    struct session_hold hold;
    struct msg_user me;            /* who he is */
    char *username, *display_name; /* its texts */
    enum stream_step step;
    enum farewell farewell;      /* of a doomed one */
    struct http_stream *stream;  /* NULL until it runs */
    struct http_chunk *snapshot; /* that waits to be sent */
    struct meetings_watch watch; /* once it runs; its principal from the beginning */
    bool was_told;               /* a snapshot was made */
    bool is_behind; /* it has not taken what it was told: it is told anew when there is room */
    uint64_t comment_timer;
};

struct events_api {
    struct events_parts parts;
    struct list_link streams;
    struct tally *users; /* their streams */
    struct http_chunk *comment;
    struct metric *ended[FAREWELL_COUNT], *too_many;
};

/* ---- what is sent ---- */

static void write_head(const struct msg_room_head *room, struct json_out *out)
{
    json_out_member_id(out, "room", room->room_id);
    json_out_member_u64(out, "seq", room->seq);
}

/* told NULL: nothing is known of his rooms. */
static struct http_chunk *snapshot_chunk(const struct msg_user *me,
                                         const struct user_meetings_told *told)
{
    struct strbuf text = {0};
    struct json_out out;
    json_out_init(&out, &text);
    json_out_open(&out, '{');
    json_out_open_member(&out, "me", '{');
    user_json_write(me, &out);
    json_out_close(&out, "}");
    if (told != NULL) {
        json_out_open_member(&out, "rooms", '[');
        for (size_t i = 0; i < told->count; i++) {
            json_out_open(&out, '{');
            write_head(&told->rooms[i], &out);
            json_out_close(&out, "}");
        }
        json_out_close(&out, "]");
        if (!told->is_all) {
            json_out_member_bool(&out, "more", true);
        }
    }
    json_out_close(&out, "}");
    struct http_chunk *chunk = sse_event("snapshot", STR_NONE, strbuf_str(&text));
    strbuf_fini(&text);
    return chunk;
}

static struct http_chunk *hint_chunk(enum room_news_kind hint, const struct msg_room_head *room)
{
    struct strbuf text = {0};
    struct json_out out;
    json_out_init(&out, &text);
    json_out_open(&out, '{');
    write_head(room, &out);
    json_out_close(&out, "}");
    struct http_chunk *chunk = sse_event(hint_names[hint], STR_NONE, strbuf_str(&text));
    strbuf_fini(&text);
    return chunk;
}

/* ---- the life of a stream ---- */

/* What the API knows of it; its memory stays. */
static void forget_events(struct events_stream *stream, enum farewell why)
{
    struct events_api *events = stream->events;
    session_follow_release(events->parts.sessions, &stream->hold);
    user_meetings_release(&stream->watch);
    clock_cancel(events->parts.clock, stream->comment_timer);
    list_remove(&stream->link);
    tally_take_back(events->users, &stream->me.id);
    metric_inc(events->ended[why]);
}

static void free_events(struct events_stream *stream)
{
    http_chunk_unref(&stream->snapshot);
    free(stream->username);
    free(stream->display_name);
    mem_free(&stream);
}

/* Of one that runs. A reader that is so far behind that it takes nothing more is not told why. */
static void say_farewell(struct events_stream *stream, enum farewell why)
{
    struct http_chunk *chunk = sse_end(farewell_names[why], why == FAREWELL_DRAINING);
    (void)http_stream_send(stream->stream, chunk);
    http_chunk_unref(&chunk);
    http_stream_end(&stream->stream);
    forget_events(stream, why);
    free_events(stream);
}

static void on_session_over(void *arg, enum session_end why)
{
    struct events_stream *stream = arg;
    if (stream->step == STREAM_RUNS) {
        say_farewell(stream, farewell_of[why]);
    } else {
        stream->step = STREAM_DOOMED;
        stream->farewell = farewell_of[why];
    }
}

static void send_comment(void *arg)
{
    struct events_stream *stream = arg;
    const struct events_api *events = stream->events;
    /* One that takes nothing now is not in need of it. */
    (void)http_stream_send(stream->stream, events->comment);
    stream->comment_timer = clock_after(events->parts.clock, SSE_COMMENT_MS, send_comment, stream);
}

/* A newer one takes the place of one that still waits. */
static void send_snapshot(struct events_stream *stream)
{
    if (stream->snapshot != NULL && http_stream_send(stream->stream, stream->snapshot)) {
        http_chunk_unref(&stream->snapshot);
    }
}

static void on_meetings_told(void *arg, const struct user_meetings_told *told)
{
    struct events_stream *stream = arg;
    /* Once he has been told something, no news is no news. */
    if (told == NULL && stream->was_told) {
        return;
    }
    stream->was_told = true;
    stream->is_behind = false;
    http_chunk_unref(&stream->snapshot);
    stream->snapshot = snapshot_chunk(&stream->me, told);
    send_snapshot(stream);
}

/* What he does not take now he is told anew later, as it is then. */
static void on_meeting_hint(void *arg, enum room_news_kind hint, const struct msg_room_head *room)
{
    struct events_stream *stream = arg;
    if (!stream->was_told || stream->is_behind || stream->snapshot != NULL) {
        return;
    }
    struct http_chunk *chunk = hint_chunk(hint, room);
    stream->is_behind = !http_stream_send(stream->stream, chunk);
    http_chunk_unref(&chunk);
}

/* What waits to be sent is of what he was. */
static void on_role_told(void *arg, enum role role)
{
    struct events_stream *stream = arg;
    if (role == stream->watch.principal.role) {
        return;
    }
    stream->me.role = role;
    stream->was_told = false;
    http_chunk_unref(&stream->snapshot);
    user_meetings_set_role(&stream->watch, role);
}

static void begin_events(struct events_stream *stream, struct http_stream *begun)
{
    const struct events_parts *parts = &stream->events->parts;
    stream->stream = begun;
    stream->step = STREAM_RUNS;
    stream->comment_timer = clock_after(parts->clock, SSE_COMMENT_MS, send_comment, stream);
    stream->watch.on_told = on_meetings_told;
    stream->watch.on_hint = on_meeting_hint;
    stream->watch.arg = stream;
    if (!user_meetings_watch(parts->meetings, &stream->watch)) {
        on_meetings_told(stream, NULL);
    }
}

static void catch_up_events(struct events_stream *stream)
{
    send_snapshot(stream);
    if (stream->is_behind) {
        stream->is_behind = false;
        user_meetings_repeat(&stream->watch);
    }
}

static void on_room(void *arg, struct http_stream *begun)
{
    struct events_stream *stream = arg;
    switch (stream->step) {
    case STREAM_BEGINS:
        begin_events(stream, begun);
        break;
    case STREAM_DOOMED:
        stream->stream = begun;
        say_farewell(stream, stream->farewell);
        break;
    case STREAM_ORPHANED:
        http_stream_end(&begun);
        free_events(stream);
        break;
    case STREAM_RUNS:
        catch_up_events(stream);
        break;
    }
}

static void on_drain(void *arg, struct http_stream *drained)
{
    struct events_stream *stream = arg;
    if (stream->step == STREAM_ORPHANED) {
        on_room(stream, drained);
        return;
    }
    stream->stream = drained;
    say_farewell(stream, stream->step == STREAM_DOOMED ? stream->farewell : FAREWELL_DRAINING);
}

static void on_gone(void *arg)
{
    struct events_stream *stream = arg;
    if (stream->step != STREAM_ORPHANED) {
        forget_events(stream, FAREWELL_NONE);
    }
    free_events(stream);
}

static const struct http_producer producer = {on_room, on_drain, on_gone};

/* ---- GET /v1/events ---- */

/* ERR_RATE_LIMITED: he has as many as he may have. */
static enum err make_stream(struct exchange *exchange, const struct msg_user *user,
                            struct events_stream **ret_stream)
{
    struct events_api *events = exchange->self;
    if (!tally_add(events->users, &user->id)) {
        metric_inc(events->too_many);
        exchange->retry_after_ms = SSE_TOO_MANY_RETRY_MS;
        return ERR_RATE_LIMITED;
    }
    struct events_stream *stream = mem_alloc(sizeof(*stream));
    stream->events = events;
    stream->hold.on_over = on_session_over;
    stream->hold.on_role = on_role_told;
    stream->hold.arg = stream;
    if (!session_follow_hold(events->parts.sessions, exchange->session, &stream->hold)) {
        tally_take_back(events->users, &user->id);
        mem_free(&stream);
        return ERR_OVERLOADED;
    }
    stream->watch.principal = exchange->context.principal;
    stream->me = *user;
    stream->username = str_dup(user->username);
    stream->display_name = str_dup(user->display_name);
    stream->me.username = str_of(stream->username);
    stream->me.display_name = str_of(stream->display_name);
    list_add(&events->streams, &stream->link);
    *ret_stream = stream;
    return ERR_OK;
}

static void stream_to(struct exchange *exchange, const struct msg_user *user)
{
    struct events_stream *stream = NULL;
    const enum err err = make_stream(exchange, user, &stream);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    sse_respond(exchange, &producer, stream);
}

static void on_me(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    stream_to(exchange, &reply->user_get_reply.user);
}

static void open_events(struct exchange *exchange)
{
    if (exchange->user != NULL) {
        stream_to(exchange, exchange->user);
        return;
    }
    /* An authsvc before 1.2 does not tell. */
    const struct msg msg = {.id = MSG_user_get,
                            .user_get = {.user_id = exchange->context.principal.user_id}};
    enum err err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_me, exchange);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

static const struct route events_rows[] = {
    {.method = "GET",
     .template = "/v1/events",
     .name = "followMe",
     .doc = "Tells what concerns oneself, for as long as one's session goes on.",
     .who = ROUTE_USER,
     .is_stream = true,
     .with_user = true,
     .answer = {.media_type = "text/event-stream",
                .doc =
                    "Events (HTML, section 9.2): first `snapshot` with {\"me\": the user, "
                    "\"rooms\": [{\"room\", \"seq\"}]}: those that he owns or is a member of, of "
                    "an admin all, in which somebody is; without rooms where that is not known "
                    "yet; with {\"more\": true} where there may be others. Then `meeting.began`, "
                    "`meeting.ended` and `participant.waiting` with "
                    "{\"room\", \"seq\"}, and another `snapshot` whenever something may have "
                    "been missed, or the user has another role; a comment every 15 s; `end` with "
                    "{\"reason\"} is the last: session_ended, "
                    "expired, unavailable, or draining, after which one comes again."},
     .handle = open_events},
};

struct resource events_api_resource(struct events_api *events)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = events_rows,
                             .count = ARRAY_LEN(events_rows),
                             .self = events};
}

/* ---- life ---- */

struct events_api *events_api_new(const struct events_parts *parts,
                                  const struct events_config *config)
{
    struct events_api *events = mem_alloc(sizeof(*events));
    events->parts = *parts;
    list_init(&events->streams);
    events->users = tally_new(sizeof(uint64_t), config->users_max, config->per_user_max);
    events->comment = sse_comment();
    for (size_t i = 0; i < FAREWELL_COUNT; i++) {
        AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", farewell_names[i]);
        events->ended[i] = metrics_counter(parts->metrics, "lynks_gateway_ended_streams_total",
                                           "Streams of events that have ended.", labels);
    }
    events->too_many =
        metrics_counter(parts->metrics, "lynks_gateway_refused_streams_total",
                        "Streams of events that were refused: their user had too many.", NULL);
    return events;
}

/* What has not begun is with the HTTP server, which may still begin it. */
static void abandon_stream(struct events_stream *stream)
{
    forget_events(stream, FAREWELL_DRAINING);
    if (stream->step == STREAM_RUNS) {
        http_stream_end(&stream->stream);
        free_events(stream);
    } else {
        stream->step = STREAM_ORPHANED;
    }
}

void events_api_free(struct events_api **events)
{
    if (*events == NULL) {
        return;
    }
    for (struct events_stream *stream;
         (stream = LIST_FIRST(struct events_stream, &(*events)->streams, link)) != NULL;) {
        abandon_stream(stream);
    }
    tally_free(&(*events)->users);
    http_chunk_unref(&(*events)->comment);
    mem_free(events);
}
