#include "gateway/api/room_poll.h"

#include "gateway/api/room_events_json.h"
#include "gateway/api/sse.h"

/* What has more than this for a client tells the rest with the next answer. */
#define POLL_BYTES 262144

struct room_poll {
    struct list_link link; /* of polls->list */
    struct room_polls *polls;
    struct room_visit visit;
    struct exchange *exchange;
    struct cursor_after after; /* where its client was */
    uint64_t timer;
};

struct room_polls {
    const struct clock *clock;
    struct list_link list;
    int64_t count;
    bool is_draining;
    struct metric *waiting, *answered, *empty;
};

static const struct member event_members[] = {
    {.name = "id",
     .type = MEMBER_STRING,
     .is_optional = true,
     .max = ROOM_EVENT_ID_BYTES - 1,
     .doc = "Absent of reset, me and end, of what a snapshot follows, and of connections for "
            "media."},
    {.name = "event", .type = MEMBER_STRING, .min = 1, .max = 64},
    {.name = "data", .type = MEMBER_ANY_OBJECT, .doc = "As on the stream."},
    {.name = NULL},
};

const struct member room_poll_members[] = {
    {.name = "events", .type = MEMBER_OBJECTS, .members = event_members, .max = 10000},
    {.name = "next",
     .type = MEMBER_STRING,
     .is_optional = true,
     .max = ROOM_EVENT_ID_BYTES - 1,
     .doc = "For `after` of the next request; absent: there is nothing to go on from, and a "
            "snapshot comes first."},
    {.name = NULL},
};

/* ---- the answer ---- */

/* What follows name in a line of it; STR_NONE: it has no such line. Moves *text behind the line. */
static struct str take_event_line(struct str *text, struct str name)
{
    if (text->bytes < name.bytes || memcmp(text->data, name.data, name.bytes) != 0) {
        return STR_NONE;
    }
    const char *begin = text->data + name.bytes;
    const char *end = memchr(begin, '\n', text->bytes - name.bytes);
    const struct str value = {.data = begin, .bytes = (size_t)(end - begin)};
    text->bytes -= (size_t)(end + 1 - text->data);
    text->data = end + 1;
    return value;
}

/* Events as a stream sends them, one after the other, each with its line of data. */
static void write_events(struct str text, struct json_out *out)
{
    while (text.bytes > 0) {
        const struct str name = take_event_line(&text, STR_LIT("event: "));
        const struct str id = take_event_line(&text, STR_LIT("id: "));
        const struct str data = take_event_line(&text, STR_LIT("data: "));
        (void)take_event_line(&text, STR_LIT("")); /* the empty one at its end */
        json_out_open(out, '{');
        if (id.bytes > 0) {
            json_out_key(out, "id");
            json_out_str(out, id);
        }
        json_out_key(out, "event");
        json_out_str(out, name);
        json_out_key(out, "data");
        json_out_raw(out, data);
        json_out_close(out, "}");
    }
}

/* As far as it has been told; or where it was, if nothing came. Whoever waits for a snapshot is to
 * get that first. */
static void write_next(const struct room_poll *poll, struct json_out *out)
{
    const struct room_cursor *cursor = &poll->visit.cursor;
    const struct cursor_after *after = &poll->after;
    char id[ROOM_EVENT_ID_BYTES];
    if (cursor->step == CURSOR_SNAPSHOT) {
        return;
    }
    if (cursor->generation != 0) {
        (void)room_event_id_write(cursor->generation, cursor->seq, id);
    } else if (after->kind == AFTER_EVENT) {
        (void)room_event_id_write(after->generation, after->seq, id);
    } else {
        return;
    }
    json_out_member_z(out, "next", id);
}

static void forget_poll(struct room_poll *poll)
{
    struct room_polls *polls = poll->polls;
    room_visit_close(&poll->visit);
    clock_cancel(polls->clock, poll->timer);
    list_remove(&poll->link);
    metric_set(polls->waiting, --polls->count);
    mem_free(&poll);
}

/* events: as a stream has them. */
static void answer_poll(struct room_poll *poll, struct str events)
{
    struct exchange *exchange = poll->exchange;
    struct json_out out;
    metric_inc(events.bytes > 0 ? poll->polls->answered : poll->polls->empty);
    json_out_init(&out, &exchange->all->text);
    json_out_open(&out, '{');
    json_out_open_member(&out, "events", '[');
    write_events(events, &out);
    json_out_close(&out, "]");
    write_next(poll, &out);
    json_out_close(&out, "}");
    forget_poll(poll);
    struct http_response *response = http_response_new(200);
    (void)http_response_add_header(response, "Cache-Control", "no-store");
    http_response_set_body(response, "application/json", strbuf_str(&exchange->all->text));
    exchange_respond(exchange, &response);
}

/* ---- while it waits ---- */

/* What there is for it by now. A snapshot is taken whole. */
static void collect_events(struct room_poll *poll, struct strbuf *text)
{
    const struct room_cursor *cursor = &poll->visit.cursor;
    struct http_chunk *chunk;
    enum cursor_has has = CURSOR_HAS_NOTHING;
    while ((text->bytes < POLL_BYTES || cursor->step == CURSOR_ME) &&
           (has = room_visit_peek(&poll->visit, &chunk)) == CURSOR_HAS_CHUNK) {
        strbuf_add(text, http_chunk_data(chunk));
        room_visit_advance(&poll->visit);
    }
    if (has == CURSOR_HAS_END) {
        chunk = sse_end(room_end_word(cursor->end), /* comes_again= */ false);
        strbuf_add(text, http_chunk_data(chunk));
        http_chunk_unref(&chunk);
    }
}

static void look_for_events(struct room_poll *poll, bool waits)
{
    struct strbuf text = {0};
    if (poll->exchange->all == NULL) {
        return; /* it has been answered: the API is being freed */
    }
    collect_events(poll, &text);
    if (text.bytes > 0 || !waits) {
        answer_poll(poll, strbuf_str(&text));
    }
    strbuf_fini(&text);
}

static void on_poll_wakes(void *arg)
{
    look_for_events(arg, /* waits= */ true);
}

static void on_poll_time(void *arg)
{
    struct room_poll *poll = arg;
    poll->timer = 0;
    look_for_events(poll, /* waits= */ false);
}

/* ---- opening ---- */

void room_poll_open(struct room_polls *polls, struct room_visits *visits, struct exchange *exchange,
                    const struct cursor_open *open, uint64_t wait_ms)
{
    struct room_poll *poll = mem_alloc(sizeof(*poll));
    uint8_t address[ADDRESS_BYTES];
    (void)exchange_address_key(exchange, address);
    poll->polls = polls;
    poll->exchange = exchange;
    poll->after = open->after;
    poll->visit.cursor.reader.wake = on_poll_wakes;
    poll->visit.cursor.reader.arg = poll;
    const enum err err = room_visit_open(visits, open, address, &poll->visit);
    if (err != ERR_OK) {
        mem_free(&poll);
        exchange->retry_after_ms = SSE_TOO_MANY_RETRY_MS;
        exchange_fail(exchange, err);
        return;
    }
    list_add(&polls->list, &poll->link);
    metric_set(polls->waiting, ++polls->count);
    poll->timer = clock_after(polls->clock, polls->is_draining ? 0 : wait_ms, on_poll_time, poll);
    look_for_events(poll, /* waits= */ true);
}

/* ---- all of them ---- */

struct room_polls *room_polls_new(const struct clock *clock, struct metrics *metrics)
{
    static const char polls_name[] = "lynks_gateway_room_polls_total";
    static const char help[] = "Long polls of rooms that were answered.";
    struct room_polls *polls = mem_alloc(sizeof(*polls));
    polls->clock = clock;
    list_init(&polls->list);
    polls->waiting = metrics_gauge(metrics, "lynks_gateway_waiting_room_polls",
                                   "Long polls of rooms that wait for something to happen.", NULL);
    polls->answered = metrics_counter(metrics, polls_name, help, "with=\"events\"");
    polls->empty = metrics_counter(metrics, polls_name, help, "with=\"nothing\"");
    return polls;
}

void room_polls_drain(struct room_polls *polls)
{
    polls->is_draining = true;
    for (struct room_poll *poll;
         (poll = LIST_FIRST(struct room_poll, &polls->list, link)) != NULL;) {
        look_for_events(poll, /* waits= */ false);
    }
}

void room_polls_free(struct room_polls **polls)
{
    if (*polls == NULL) {
        return;
    }
    for (struct room_poll *poll;
         (poll = LIST_FIRST(struct room_poll, &(*polls)->list, link)) != NULL;) {
        exchange_free(poll->exchange);
        forget_poll(poll);
    }
    mem_free(polls);
}
