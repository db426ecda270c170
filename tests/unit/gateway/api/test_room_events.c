/* GET /v1/rooms/{room}/events: who gets a stream or an answer, what is in it, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/gateway/api/stream_fixture.h"

#define PATH "/v1/rooms/5/events"
#define ME 7
#define GENERATION 3
#define ROOM                                                                                       \
    "{\"id\":\"5\",\"code\":\"abc-defg-hij\",\"url\":\"http://127.0.0.1:60000/abc-defg-hij\","     \
    "\"name\":\"Stand-up\",\"access\":\"open\",\"guests_wait\":false,\"lobby\":false,"             \
    "\"locked\":false,\"has_pin\":false,\"participants_max\":10,\"publishers_max\":4,"             \
    "\"chat\":false,\"screen_share\":false,\"mute_on_entry\":false,\"unmute\":\"self\","           \
    "\"empty_timeout_s\":300,\"created_at\":\"1970-01-01T00:00:01.000Z\"}"
#define PERSON(id, name, state)                                                                    \
    "{\"id\":\"" id "\",\"name\":\"" name "\",\"role\":\"participant\",\"state\":\"" state         \
    "\",\"kind\":\"person\",\"guest\":false,\"muted\":[],\"tracks\":[],\"joined_at\":\"1970-01-"   \
    "01T00:00:02.000Z\"}"
#define SNAPSHOT_DATA                                                                              \
    "{\"room\":" ROOM ",\"participants\":[" PERSON("7", "Ann", "joined") "],\"me\":{\"can\":["     \
                                                                         "\"see_room\","           \
                                                                         "\"raise_hand\"]}}"
#define SNAPSHOT "event: snapshot\nid: g3.41\ndata: " SNAPSHOT_DATA "\n\n"
#define DATA(type, data)                                                                           \
    "{\"type\":\"" type "\",\"time\":\"1970-01-01T00:00:03.000Z\",\"room\":\"5\",\"data\":{" data  \
    "}}"
#define JOINED_DATA                                                                                \
    DATA("participant.joined", "\"participant\":" PERSON("8", "Bob \\\"B\\\"", "joined"))
#define JOINED "event: participant.joined\nid: g3.42\ndata: " JOINED_DATA "\n\n"
#define END(reason) "event: end\ndata: {\"reason\":\"" reason "\"}\n\n"

static const struct msg_participant ann = {.id = ME,
                                           .name = STR_LIT("Ann"),
                                           .role = ROOM_PARTICIPANT,
                                           .state = PARTICIPANT_JOINED,
                                           .joined_unix_ms = 2000};
static const struct msg_participant bob = {.id = 8,
                                           .name = STR_LIT("Bob \"B\""),
                                           .role = ROOM_PARTICIPANT,
                                           .state = PARTICIPANT_JOINED,
                                           .joined_unix_ms = 2000};
static const struct msg_room a_room = {.id = 5,
                                       .code = STR_LIT("abcdefghij"),
                                       .name = STR_LIT("Stand-up"),
                                       .access = ROOM_OPEN,
                                       .participants_max = 10,
                                       .publishers_max = 4,
                                       .unmute = ROOM_UNMUTE_SELF,
                                       .empty_timeout_s = 300,
                                       .created_unix_ms = 1000};

static uint64_t count_of(struct stream_fixture *f, const char *name, const char *labels)
{
    return metric_value(metrics_counter(f->api->metrics, name, "", labels));
}

static uint64_t streams_in(struct stream_fixture *f, const char *labels)
{
    return metric_value(metrics_gauge(f->api->metrics, "lynks_gateway_room_streams", "", labels));
}

/* ---- roomsvc ---- */

static void answer_with(struct stream_fixture *f, enum msg_id id, const struct msg *reply)
{
    struct mock_bus_call *call = mock_bus_pending(&f->api->bus, id);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, reply);
}

static void answer_open_in(struct stream_fixture *f, uint64_t room, uint64_t participant)
{
    static const uint64_t can[] = {ROOM_SEE, ROOM_RAISE_HAND};
    struct msg reply = {.id = MSG_stream_open_reply,
                        .stream_open_reply = {.room_id = 5,
                                              .participant = ann,
                                              .generation = GENERATION,
                                              .seq = 41,
                                              .can = {.items = can, .count = ARRAY_LEN(can)}}};
    const struct mock_bus_call *call = mock_bus_pending(&f->api->bus, MSG_stream_open);
    assert_non_null(call);
    assert_true(str_eq(call->request.stream_open.room, STR_LIT("5")));
    assert_int_equal(call->request.stream_open.asker.token_hash.bytes, 32);
    assert_int_equal(call->context.principal.kind, PRINCIPAL_NONE);
    reply.stream_open_reply.room_id = room;
    reply.stream_open_reply.participant.id = participant;
    answer_with(f, MSG_stream_open, &reply);
}

static void answer_open_of(struct stream_fixture *f, uint64_t participant)
{
    answer_open_in(f, 5, participant);
}

static void answer_open(struct stream_fixture *f)
{
    answer_open_of(f, ME);
}

static void answer_room(struct stream_fixture *f)
{
    const struct msg state = {.id = MSG_room_state_reply,
                              .room_state_reply = {.generation = GENERATION,
                                                   .seq = 41,
                                                   .room = a_room,
                                                   .participants = {.items = &ann, .count = 1}}};
    const struct msg none = {.id = MSG_journal_read_reply,
                             .journal_read_reply = {.generation = GENERATION, .head = 41}};
    answer_with(f, MSG_room_state, &state);
    answer_with(f, MSG_journal_read, &none); /* none before it are kept */
    answer_with(f, MSG_journal_read, &none);
}

/* Bob comes in: event 42, and so on. */
static void publish_bob(struct stream_fixture *f, uint64_t seq)
{
    stream_fixture_publish(f, GENERATION,
                           &(struct msg_room_event){.seq = seq,
                                                    .type = EVENT_PARTICIPANT_JOINED,
                                                    .audience = AUDIENCE_ALL,
                                                    .time_unix_ms = 3000,
                                                    .has_participant = true,
                                                    .participant = bob});
}

/* ---- clients ---- */

static struct ask *ask_events(struct stream_fixture *f, const char *accept, const char *last,
                              const char *query)
{
    struct ask *ask = ask_new("GET", PATH, PARTICIPANT_TOKEN, STR_NONE);
    ask->request.query = query;
    ask_set_header(ask, "Accept", accept);
    ask_set_header(ask, "Last-Event-ID", last);
    api_handle(f->api->api, &ask->request);
    return ask;
}

static struct ask *poll_events(struct stream_fixture *f, const char *query)
{
    struct ask *ask = ask_events(f, "application/json", NULL, query);
    if (mock_bus_pending(&f->api->bus, MSG_stream_open) != NULL) {
        answer_open(f);
    }
    return ask;
}

/* As far as roomsvc has said that he may. */
static struct stream_reader *open_stream_of(struct stream_fixture *f, uint64_t participant,
                                            const char *last)
{
    struct ask *ask = ask_events(f, "text/event-stream", last, NULL);
    answer_open_of(f, participant);
    struct stream_reader *reader = reader_new(ask);
    reader_begin(f, reader);
    return reader;
}

static struct stream_reader *open_stream_after(struct stream_fixture *f, const char *last)
{
    return open_stream_of(f, ME, last);
}

/* One that has its snapshot. */
static struct stream_reader *open_stream(struct stream_fixture *f)
{
    struct stream_reader *reader = open_stream_after(f, NULL);
    if (mock_bus_pending(&f->api->bus, MSG_room_state) != NULL) {
        answer_room(f);
    }
    reader_assert_got(f, reader, SNAPSHOT);
    return reader;
}

/* Ann becomes a moderator: event 42. */
static void publish_role(struct stream_fixture *f)
{
    struct msg_room_event event = {.seq = 42,
                                   .type = EVENT_PARTICIPANT_UPDATED,
                                   .audience = AUDIENCE_ALL,
                                   .time_unix_ms = 3000,
                                   .has_participant = true,
                                   .participant = ann};
    event.participant.role = ROOM_MODERATOR;
    stream_fixture_publish(f, GENERATION, &event);
}

#define ME_DATA "{\"me\":{\"can\":[\"see_room\",\"raise_hand\"]}}"
#define UPDATED_DATA                                                                               \
    DATA("participant.updated", "\"participant\":{\"id\":\"7\",\"name\":\"Ann\",\"role\":"         \
                                "\"moderator\",\"state\":\"joined\","                              \
                                "\"kind\":\"person\",\"guest\":false,\"muted\":[],\"tracks\":[],"  \
                                "\"joined_at\":\"1970-01-01T00:00:02.000Z\"}")

/* ---- streams ---- */

static void a_snapshot_comes_first_then_what_happens(void **state)
{
    struct stream_fixture *f = *state;
    char value[64];
    struct stream_reader *reader = open_stream_after(f, NULL);
    reader_assert_got(f, reader, "");
    assert_int_equal(streams_in(f, "state=\"waits\""), 1);
    answer_room(f);
    reader_assert_got(f, reader, SNAPSHOT);
    assert_int_equal(streams_in(f, "state=\"live\""), 1);
    assert_int_equal(streams_in(f, "state=\"waits\""), 0);
    publish_bob(f, 42);
    reader_assert_got(f, reader, SNAPSHOT JOINED);
    stream_fixture_publish(f, GENERATION,
                           &(struct msg_room_event){.seq = 43,
                                                    .type = EVENT_ROOM_UPDATED,
                                                    .audience = AUDIENCE_ALL,
                                                    .time_unix_ms = 3000,
                                                    .has_room = true,
                                                    .room = a_room});
    reader_assert_got(f, reader,
                      SNAPSHOT JOINED "event: room.updated\nid: g3.43\ndata: " DATA(
                          "room.updated", "\"room\":" ROOM) "\n\n");
    const char *const headers[][2] = {{"Content-Type", "text/event-stream"},
                                      {"Cache-Control", "no-store, no-transform"},
                                      {"X-Accel-Buffering", "no"}};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        assert_string_equal(ask_header(reader->ask, headers[i][0], value, sizeof(value)),
                            headers[i][1]);
    }
    assert_int_equal(presence_count(f->api->presence), 1);
    reader_leave(&reader);
}

static void what_one_may_is_told_before_another_role(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    publish_role(f);
    reader_assert_got(f, reader, SNAPSHOT);
    answer_open(f);
    reader_assert_got(f, reader,
                      SNAPSHOT "event: me\ndata: " ME_DATA "\n\n"
                               "event: participant.updated\nid: g3.42\ndata: " UPDATED_DATA "\n\n");
    reader_leave(&reader);
}

static void who_comes_again_is_told_what_he_has_missed(void **state)
{
    static const char *const garbage[] = {"g3.50", "g2.41", "42",      "g3.",   "g.41", "g3.041",
                                          "g3.4x", "x",     "g3.41.1", "g-3.1", "G3.41"};
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    publish_bob(f, 42);
    struct stream_reader *again = open_stream_after(f, "g3.41");
    reader_assert_got(f, again, JOINED);
    reader_leave(&again);
    assert_true(loop_run_until(f->loop, stream_fixture_has_one, f, STREAM_WAIT_MS));
    for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
        again = open_stream_after(f, garbage[i]);
        AUTO(mem_free)
        char *text = mem_printf(
            "event: reset\ndata: {}\n\nevent: snapshot\nid: g3.42\ndata: "
            "{\"room\":" ROOM ",\"participants\":[" PERSON("7", "Ann", "joined") "," PERSON(
                "8", "Bob \\\"B\\\"", "joined") "],\"me\":"
                                                "{\"can\":[\"see_room\",\"raise_hand\"]}}\n\n");
        reader_assert_got(f, again, text);
        reader_leave(&again);
        assert_true(loop_run_until(f->loop, stream_fixture_has_one, f, STREAM_WAIT_MS));
    }
    reader_leave(&reader);
}

static void a_page_of_another_origin_may_say_what_it_has_seen_last(void **state)
{
    struct stream_fixture *f = *state;
    char value[128];
    f->api->config.cors_origins = "https://a.example";
    api_fixture_restart(f->api);
    struct ask *ask = ask_new("OPTIONS", PATH, NULL, STR_NONE);
    ask_set_header(ask, "Origin", "https://a.example");
    ask_set_header(ask, "Access-Control-Request-Method", "GET");
    api_handle(f->api->api, &ask->request);
    assert_int_equal(ask->status, 204);
    assert_non_null(ask_header(ask, "Access-Control-Allow-Headers", value, sizeof(value)));
    assert_non_null(strstr(value, ", last-event-id"));
    assert_non_null(strstr(value, "authorization, "));
    ask_free(&ask);
}

static void a_comment_comes_every_15_s(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream_after(f, NULL);
    reader_assert_got(f, reader, "");
    fake_clock_advance(f->api->clock, 15000); /* roomsvc is away */
    reader_assert_got(f, reader, ":\n\n");
    reader_leave(&reader);
}

/* Each counts from its own begin, whichever of the others are gone. */
static void each_stream_has_comments_of_its_own(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *first = open_stream_after(f, NULL);
    reader_assert_got(f, first, "");
    fake_clock_advance(f->api->clock, 5000);
    struct stream_reader *second = open_stream_after(f, NULL);
    reader_assert_got(f, second, "");
    fake_clock_advance(f->api->clock, 5000);
    struct stream_reader *third = open_stream_of(f, 8, NULL);
    reader_assert_got(f, third, "");
    fake_clock_advance(f->api->clock, 5000);
    reader_assert_got(f, first, ":\n\n");
    reader_assert_got(f, second, "");
    reader_leave(&second);
    fake_clock_advance(f->api->clock, 9999);
    reader_assert_got(f, third, "");
    fake_clock_advance(f->api->clock, 1);
    reader_assert_got(f, third, ":\n\n");
    reader_assert_got(f, first, ":\n\n");
    fake_clock_advance(f->api->clock, 5000);
    reader_assert_got(f, first, ":\n\n:\n\n");
    reader_leave(&first);
    fake_clock_advance(f->api->clock, 10000);
    reader_assert_got(f, third, ":\n\n:\n\n");
    reader_leave(&third);
}

static void who_may_not_gets_no_stream(void **state)
{
    static const struct {
        enum err err;
        int status;
        const char *code;
    } cases[] = {
        {ERR_UNAUTHORIZED, 401, "unauthorized"},
        {ERR_NO_SUCH_ROOM, 404, "no_such_room"},
        {ERR_NOT_JOINED, 409, "not_joined"},
        {ERR_REMOVED, 403, "removed"},
        {ERR_GONE, 410, "gone"},
        {ERR_UNAVAILABLE, 503, "unavailable"},
    };
    struct stream_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ask *ask = ask_events(f, NULL, NULL, NULL);
        if (cases[i].status == 503) {
            log_capture_expect("request failed");
        }
        fail_call(f->api, MSG_stream_open, cases[i].err);
        assert_problem(ask, cases[i].status, cases[i].code);
        ask_free(&ask);
    }
    struct ask *ask = ask_new("GET", PATH, TOKEN, STR_NONE); /* that of a session */
    api_handle(f->api->api, &ask->request);
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
    assert_int_equal(presence_count(f->api->presence), 0);
    assert_int_equal(room_follow_count(f->api->rooms), 0);
}

static void there_are_so_many_of_one_and_no_more(void **state)
{
    struct stream_fixture *f = *state;
    char retry[16];
    struct stream_reader *readers[VISITS_PER_ADDRESS_MAX];
    for (uint64_t i = 0; i < VISITS_PER_ADDRESS_MAX; i++) {
        struct ask *ask = ask_events(f, NULL, NULL, NULL);
        answer_open_of(f, ME + i / VISITS_PER_PARTICIPANT_MAX);
        readers[i] = reader_new(ask);
        if (i == VISITS_PER_PARTICIPANT_MAX - 1) {
            ask = poll_events(f, NULL); /* counts like a stream */
            assert_problem(ask, 429, "rate_limited");
            assert_string_equal(ask_header(ask, "Retry-After", retry, sizeof(retry)), "10");
            ask_free(&ask);
        }
    }
    struct ask *ask = ask_events(f, NULL, NULL, NULL);
    answer_open_of(f, 100);
    assert_problem(ask, 429, "rate_limited");
    ask_free(&ask);
    assert_int_equal(count_of(f, "lynks_gateway_refused_room_streams_total", "of=\"participant\""),
                     1);
    assert_int_equal(count_of(f, "lynks_gateway_refused_room_streams_total", "of=\"address\""), 1);
    for (size_t i = 0; i < VISITS_PER_ADDRESS_MAX; i++) {
        reader_leave(&readers[i]);
    }
    for (size_t i = 0; i < VISITS_PER_PARTICIPANT_MAX; i++) { /* what was refused is not counted */
        ask = ask_events(f, NULL, NULL, NULL);
        answer_open_of(f, 100);
        readers[i] = reader_new(ask);
    }
    for (size_t i = 0; i < VISITS_PER_PARTICIPANT_MAX; i++) {
        reader_leave(&readers[i]);
    }
}

/* A room more than may be followed: presence hears nothing of him who wants to read it. */
static void a_room_too_many_is_refused(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *readers[STREAMS_MAX];
    struct ask *ask = NULL;
    f->api->config.room_visits.visits_max = 2UL * STREAMS_MAX;
    api_fixture_restart(f->api);
    for (uint64_t i = 0; i <= STREAMS_MAX; i++) {
        ask = ask_new("GET", PATH, PARTICIPANT_TOKEN, STR_NONE);
        ask->request.client[0] = (uint8_t)i;
        api_handle(f->api->api, &ask->request);
        if (i == STREAMS_MAX) {
            log_capture_expect("request failed");
        }
        answer_open_in(f, 10 + i, 100 + i);
        if (i < STREAMS_MAX) {
            readers[i] = reader_new(ask);
        }
    }
    assert_problem(ask, 503, "overloaded");
    ask_free(&ask);
    fake_clock_advance(f->api->clock, 5000);
    assert_int_equal(presence_count(f->api->presence), STREAMS_MAX);
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        reader_leave(&readers[i]);
    }
}

static void who_is_out_is_told_and_ended(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    struct msg_room_event event = {.seq = 42,
                                   .type = EVENT_PARTICIPANT_REMOVED,
                                   .audience = AUDIENCE_ALL,
                                   .time_unix_ms = 3000,
                                   .has_participant = true,
                                   .participant = ann,
                                   .has_reason = true,
                                   .reason = REASON_REMOVED};
    event.participant.state = PARTICIPANT_REMOVED;
    stream_fixture_publish(f, GENERATION, &event);
    reader_assert_got(
        f, reader,
        SNAPSHOT "event: participant.removed\nid: g3.42\ndata: " DATA(
            "participant.removed",
            "\"participant\":" PERSON("7", "Ann",
                                      "removed") ",\"reason\":\"removed\"") "\n\n" END("removed"));
    reader_assert_closed(f, reader);
    assert_int_equal(count_of(f, "lynks_gateway_ended_room_streams_total", "reason=\"out\""), 1);
    assert_int_equal(streams_in(f, "state=\"live\""), 0);
    fake_clock_advance(f->api->clock, 5000);
    assert_int_equal(presence_count(f->api->presence), 0);
    reader_leave(&reader);
}

static void draining_tells_when_to_come_again(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    unsigned retry_ms = 0;
    http_streams_drain(f->streams);
    reader_assert_closed(f, reader);
    reader->got[reader->bytes] = '\0';
    const char *end = strstr(reader->got, "retry: ");
    assert_non_null(end);
    assert_int_equal(sscanf(end, "retry: %u", &retry_ms), 1);
    assert_in_range(retry_ms, 500, 3500);
    assert_non_null(strstr(end, "\n" END("draining")));
    reader_leave(&reader);
}

/* The loop does not run: nothing of what is sent is taken. */
static void who_reads_nothing_is_dropped_when_too_much_waits(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    uint64_t seq = 41;
    while (count_of(f, "lynks_gateway_ended_room_streams_total", "reason=\"too_slow\"") == 0) {
        assert_true(seq < 3000);
        publish_bob(f, ++seq);
    }
    assert_true((seq - 41) * strlen(JOINED) > ROOM_CURSOR_BEHIND_BYTES);
    assert_true((seq - 41) * strlen(JOINED) < ROOM_CURSOR_BEHIND_BYTES + 20 * strlen(JOINED));
    reader_leave(&reader);
}

static void who_leaves_is_forgotten(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    struct stream_reader *stays = open_stream(f);
    reader_leave(&reader);
    assert_true(loop_run_until(f->loop, stream_fixture_has_one, f, STREAM_WAIT_MS));
    assert_int_equal(
        count_of(f, "lynks_gateway_ended_room_streams_total", "reason=\"client_gone\""), 1);
    publish_bob(f, 42);
    reader_assert_got(f, stays, SNAPSHOT JOINED);
    reader_leave(&stays);
}

static void streams_outlive_the_api_by_nothing(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *runs = open_stream(f);
    struct ask *begins = ask_events(f, NULL, NULL, NULL);
    answer_open_of(f, 8);
    struct stream_reader *reader = reader_new(begins);
    struct ask *polls = poll_events(f, "after=g3.41");
    api_free(&f->api->api);
    assert_int_equal(polls->status, 503);
    reader_assert_got(f, runs, SNAPSHOT);
    reader_assert_closed(f, runs);
    reader_begin(f, reader);
    reader_assert_closed(f, reader);
    reader_leave(&runs);
    reader_leave(&reader);
    ask_free(&polls);
}

/* ---- long polls ---- */

static void assert_polled(struct ask **ask, const char *body)
{
    char value[64];
    assert_int_equal((*ask)->answers, 1);
    assert_int_equal((*ask)->status, 200);
    assert_string_equal(ask_header(*ask, "Content-Type", value, sizeof(value)), "application/json");
    assert_string_equal(ask_header(*ask, "Cache-Control", value, sizeof(value)), "no-store");
    assert_string_equal((*ask)->body, body);
    ask_free(ask);
}

static void a_poll_has_the_same_events_with_the_same_ids(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = poll_events(f, NULL);
    assert_int_equal(ask->answers, 0);
    answer_room(f);
    assert_polled(&ask,
                  "{\"events\":[{\"id\":\"g3.41\",\"event\":\"snapshot\",\"data\":" SNAPSHOT_DATA
                  "}],\"next\":\"g3.41\"}");
    ask = poll_events(f, "after=g3.41&wait_s=25");
    assert_int_equal(ask->answers, 0);
    fake_clock_advance(f->api->clock, 24000);
    assert_int_equal(ask->answers, 0);
    publish_bob(f, 42);
    assert_polled(
        &ask,
        "{\"events\":[{\"id\":\"g3.42\",\"event\":\"participant.joined\",\"data\":" JOINED_DATA
        "}],\"next\":\"g3.42\"}");
    publish_bob(f, 43);
    ask = poll_events(f, "wait_s=0&after=g3.43");
    fake_clock_advance(f->api->clock, 1);
    assert_polled(&ask, "{\"events\":[],\"next\":\"g3.43\"}");
}

static void a_poll_has_what_one_may_and_the_other_role_together(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = poll_events(f, "after=g3.41");
    answer_room(f);
    publish_role(f);
    assert_int_equal(ask->answers, 0);
    answer_open(f);
    assert_polled(&ask,
                  "{\"events\":[{\"event\":\"me\",\"data\":" ME_DATA
                  "},{\"id\":\"g3.42\",\"event\":\"participant.updated\",\"data\":" UPDATED_DATA
                  "}],\"next\":\"g3.42\"}");
}

static void a_poll_on_a_connection_that_was_used_before_is_answered_there(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = ask_new("GET", PATH, PARTICIPANT_TOKEN, STR_NONE);
    ask->is_on_used_connection = true;
    ask_set_header(ask, "Accept", "application/json, text/plain");
    api_handle(f->api->api, &ask->request);
    answer_open(f);
    answer_room(f);
    assert_int_equal(ask->status, 200);
    ask_free(&ask);
    ask = ask_new("GET", PATH, PARTICIPANT_TOKEN, STR_NONE);
    ask->is_on_used_connection = true;
    ask_set_header(ask, "Accept", "text/event-stream, application/json");
    api_handle(f->api->api, &ask->request);
    assert_int_equal(ask->status, 307);
    ask_free(&ask);
}

static void a_poll_waits_for_20_s_and_no_more_than_25(void **state)
{
    static const char *const bad[] = {"wait_s=26", "wait_s=-1", "wait_s=", "wait_s=1x", "wait_s=%"};
    struct stream_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ask *ask = poll_events(f, bad[i]);
        assert_problem(ask, 400, "bad_request");
        ask_free(&ask);
    }
    struct ask *ask = poll_events(f, "after=g3.41");
    answer_room(f);
    fake_clock_advance(f->api->clock, 19000);
    assert_int_equal(ask->answers, 0);
    fake_clock_advance(f->api->clock, 1000);
    assert_polled(&ask, "{\"events\":[],\"next\":\"g3.41\"}");
}

/* roomsvc is away: it goes on from where it was. */
static void a_poll_that_is_told_nothing_keeps_its_place(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = poll_events(f, "after=g3.40&wait_s=5");
    fake_clock_advance(f->api->clock, 5000);
    assert_polled(&ask, "{\"events\":[],\"next\":\"g3.40\"}");
    ask = poll_events(f, "wait_s=5");
    fake_clock_advance(f->api->clock, 5000);
    assert_polled(&ask, "{\"events\":[]}");
}

static void a_poll_tells_of_a_reset_and_of_the_end(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = poll_events(f, "after=g2.7");
    answer_room(f);
    assert_polled(&ask,
                  "{\"events\":[{\"event\":\"reset\",\"data\":{}},{\"id\":\"g3.41\",\"event\":"
                  "\"snapshot\",\"data\":" SNAPSHOT_DATA "}],\"next\":\"g3.41\"}");
    ask = poll_events(f, "after=g3.41");
    stream_fixture_publish(f, GENERATION,
                           &(struct msg_room_event){.seq = 42,
                                                    .type = EVENT_MEETING_ENDED,
                                                    .audience = AUDIENCE_ALL,
                                                    .time_unix_ms = 3000,
                                                    .has_reason = true,
                                                    .reason = REASON_MEETING_ENDED});
    assert_polled(&ask, "{\"events\":[{\"id\":\"g3.42\",\"event\":\"meeting.ended\",\"data\":" DATA(
                            "meeting.ended",
                            "\"reason\":\"meeting_ended\"") "},{\"event\":\"end\","
                                                            "\"data\":{\"reason\":\"meeting_"
                                                            "ended\"}}],\"next\":\"g3.42\"}");
}

/* Another database, in which the room is not. */
static void a_poll_that_is_told_the_end_of_its_room_keeps_its_place(void **state)
{
    struct stream_fixture *f = *state;
    const struct msg heads = {.id = MSG_journal_heads_reply,
                              .journal_heads_reply = {.generation = GENERATION + 1}};
    struct ask *ask = poll_events(f, "after=g3.41");
    answer_room(f);
    news_watch_hear(f->api->news, "tcp://127.0.0.1:5712", /* is_next= */ false);
    answer_with(f, MSG_journal_heads, &heads);
    fail_call(f->api, MSG_room_state, ERR_GONE);
    assert_polled(&ask, "{\"events\":[{\"event\":\"end\",\"data\":{\"reason\":\"room_ended\"}}],"
                        "\"next\":\"g3.41\"}");
}

static void polls_are_answered_when_the_server_drains(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = poll_events(f, "after=g3.41");
    answer_room(f);
    assert_int_equal(ask->answers, 0);
    api_drain(f->api->api);
    assert_polled(&ask, "{\"events\":[],\"next\":\"g3.41\"}");
    ask = poll_events(f, "after=g3.41");
    fake_clock_advance(f->api->clock, 1);
    assert_polled(&ask, "{\"events\":[],\"next\":\"g3.41\"}");
}

#define T(test) cmocka_unit_test_setup_teardown(test, stream_fixture_setup, stream_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_snapshot_comes_first_then_what_happens),
        T(what_one_may_is_told_before_another_role),
        T(who_comes_again_is_told_what_he_has_missed),
        T(a_page_of_another_origin_may_say_what_it_has_seen_last),
        T(a_comment_comes_every_15_s),
        T(each_stream_has_comments_of_its_own),
        T(who_may_not_gets_no_stream),
        T(there_are_so_many_of_one_and_no_more),
        T(a_room_too_many_is_refused),
        T(who_is_out_is_told_and_ended),
        T(draining_tells_when_to_come_again),
        T(who_reads_nothing_is_dropped_when_too_much_waits),
        T(who_leaves_is_forgotten),
        T(streams_outlive_the_api_by_nothing),
        T(a_poll_has_the_same_events_with_the_same_ids),
        T(a_poll_has_what_one_may_and_the_other_role_together),
        T(a_poll_on_a_connection_that_was_used_before_is_answered_there),
        T(a_poll_waits_for_20_s_and_no_more_than_25),
        T(a_poll_that_is_told_nothing_keeps_its_place),
        T(a_poll_tells_of_a_reset_and_of_the_end),
        T(a_poll_that_is_told_the_end_of_its_room_keeps_its_place),
        T(polls_are_answered_when_the_server_drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
