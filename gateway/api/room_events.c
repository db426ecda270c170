#include "gateway/api/room_events.h"

#include <stdlib.h>

#include "gateway/api/room_events_json.h"
#include "gateway/api/room_poll.h"
#include "gateway/api/room_ref.h"
#include "gateway/api/room_stream.h"
#include "gateway/http/auth.h"

struct room_events_api {
    struct room_visits *visits;
    struct room_streams *streams;
    struct room_polls *polls;
};

/* The exchange's state: what it asked for. */
struct opening {
    struct cursor_after after;
    uint64_t wait_ms;
};

/* As the browser says it when it comes again; else as the program does. */
static struct cursor_after read_after(const struct exchange *exchange)
{
    char text[ROOM_EVENT_ID_BYTES];
    const char *last = request_header(exchange->request, "Last-Event-ID");
    if (last != NULL && last[0] != '\0') {
        return room_event_id_read(last);
    }
    if (!request_has_query(exchange->request, "after")) {
        return (struct cursor_after){.kind = AFTER_NOTHING};
    }
    return request_query(exchange->request, "after", text, sizeof(text))
               ? room_event_id_read(text)
               : (struct cursor_after){.kind = AFTER_GARBAGE};
}

static enum err read_wait(const struct exchange *exchange, uint64_t *ret_ms)
{
    uint64_t wait_s = ROOM_POLL_WAIT_S;
    if (!request_query_number(exchange->request, "wait_s", 0, ROOM_POLL_WAIT_S_MAX, &wait_s)) {
        return ERR_BAD_REQUEST;
    }
    *ret_ms = wait_s * 1000;
    return ERR_OK;
}

static struct cursor_open open_of(const struct exchange *exchange,
                                  const struct msg_stream_open_reply *reply,
                                  const struct cursor_after *after)
{
    struct cursor_open open = {.room_id = reply->room_id,
                               .participant_id = reply->participant.id,
                               .role = reply->participant.role,
                               .can = cursor_can_of(reply->can),
                               .generation = reply->generation,
                               .seq = reply->seq,
                               .after = *after};
    if (reply->participant.state != PARTICIPANT_WAITING) {
        open.since_seq = reply->since_seq > 0 ? reply->since_seq : 1; /* a roomsvc of before */
    }
    _Static_assert(sizeof(open.token_hash) == sizeof(exchange->participant), "both are SHA-256");
    memcpy(open.token_hash, exchange->participant, sizeof(open.token_hash));
    return open;
}

static void on_may_open(void *arg, enum err err, const struct msg *reply)
{
    struct exchange *exchange = arg;
    if (exchange->all == NULL) {
        exchange_free(exchange);
        return;
    }
    auth_note_answer(exchange, err);
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
        return;
    }
    const struct room_events_api *events = exchange->self;
    const struct opening *opening = exchange->state;
    const struct cursor_open open = open_of(exchange, &reply->stream_open_reply, &opening->after);
    if (route_is_polled(exchange->route, exchange->request)) {
        room_poll_open(events->polls, events->visits, exchange, &open, opening->wait_ms);
    } else {
        room_stream_open(events->streams, events->visits, exchange, &open);
    }
}

static void open_room_events(struct exchange *exchange)
{
    struct opening *opening = exchange_attach(exchange, sizeof(*opening), free);
    struct msg msg = {.id = MSG_stream_open};
    enum err err = read_wait(exchange, &opening->wait_ms);
    if (err == ERR_OK) {
        err = room_ref_read(exchange, &msg.stream_open.room);
    }
    if (err == ERR_OK) {
        opening->after = read_after(exchange);
        (void)exchange_asker(exchange, &msg.stream_open.asker); /* the row takes nobody else */
        err = bus_call(exchange->all->config.bus, &msg, &exchange->context, on_may_open, exchange);
    }
    if (err != ERR_OK) {
        exchange_fail(exchange, err);
    }
}

static const struct member events_query[] = {
    {.name = "after",
     .type = MEMBER_STRING,
     .max = ROOM_EVENT_ID_BYTES - 1,
     .doc = "The id of the event that was seen last; a stream takes Last-Event-ID, too. One that "
            "cannot be gone on from is answered with reset and a snapshot."},
    {.name = "wait_s",
     .type = MEMBER_NUMBER,
     .max = ROOM_POLL_WAIT_S_MAX,
     .doc = "For how long a poll waits for something to happen; 20 where it is not given."},
    {.name = NULL},
};

static const struct route room_events_rows[] = {
    {.method = "GET",
     .template = "/v1/rooms/{room}/events",
     .name = "followRoom",
     .doc = "Tells what happens in a room, for as long as one is in it. Who accepts "
            "application/json, and not text/event-stream, gets what has happened since `after`, "
            "and waits until something has.",
     .who = ROUTE_PARTICIPANT,
     .is_stream = true,
     .poll = room_poll_members,
     .query = events_query,
     .answer = {.media_type = "text/event-stream",
                .doc = "Events (HTML, section 9.2), whose data is JSON: first `snapshot` with "
                       "{\"room\", \"participants\", \"me\"}, then, with ids one after the other, "
                       "of which some may be left out, {\"type\", \"time\", \"room\", \"data\"}; "
                       "one that lets oneself in, or lets one see who waits, has no id, and a "
                       "snapshot follows; "
                       "`me` with {\"me\"}, before one that gives oneself another role; "
                       "`reset` when what was told counts no more, and a snapshot follows; of "
                       "connections for media of one's own, without an id and not kept: "
                       "`rtc.offer` with {\"connection\", \"seq\"}, `rtc.closed` with "
                       "{\"connection\", \"kind\", \"reason\"}, `rtc.layer` with "
                       "{\"connection\", \"mid\", \"participant\", \"source\", \"layer\"}, "
                       "`rtc.resumed` with {\"connection\"}; a "
                       "comment every 15 s; `end` with {\"reason\"} is the last: left, absent, "
                       "removed, session_ended, not_a_member, banned, denied, "
                       "invitation_revoked, waited_too_long, meeting_ended, room_ended, "
                       "not_joined, or draining, after which one comes again."},
     .errors = {ERR_NO_SUCH_ROOM, ERR_GONE, ERR_REMOVED, ERR_NOT_JOINED, ERR_RATE_LIMITED},
     .handle = open_room_events},
};

struct resource room_events_api_resource(struct room_events_api *events)
{
    return (struct resource){.dialect = DIALECT_V1,
                             .routes = room_events_rows,
                             .count = ARRAY_LEN(room_events_rows),
                             .self = events};
}

/* ---- life ---- */

struct room_events_api *room_events_api_new(const struct room_events_parts *parts,
                                            const struct room_visits_config *config)
{
    struct room_events_api *events = mem_alloc(sizeof(*events));
    events->visits = room_visits_new(&(struct room_visits_parts){.metrics = parts->metrics,
                                                                 .rooms = parts->rooms,
                                                                 .presence = parts->presence,
                                                                 .hints = parts->hints},
                                     config);
    events->streams = room_streams_new(parts->clock, parts->metrics);
    events->polls = room_polls_new(parts->clock, parts->metrics);
    return events;
}

void room_events_api_drain(struct room_events_api *events)
{
    room_polls_drain(events->polls);
}

void room_events_api_free(struct room_events_api **events)
{
    if (*events != NULL) {
        room_polls_free(&(*events)->polls);
        room_streams_free(&(*events)->streams);
        room_visits_free(&(*events)->visits);
        mem_free(events);
    }
}
