/* What streams and long polls of a room tell of media: what participants send, to all, and what
 * becomes of one's own connections, to oneself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/gateway/api/stream_fixture.h"

#define PATH "/v1/rooms/5/events"
#define ME 7
#define GENERATION 3
#define SNAPSHOT_END "\"me\":{\"can\":[\"see_room\"]}}\n\n"
#define HINT(type, data)                                                                           \
    "event: " type "\ndata: {\"connection\":\"" CONNECTION_HEX "\"" data "}\n\n"
#define OFFER_1 HINT("rtc.offer", ",\"seq\":1")

static const struct msg_participant ann = {.id = ME,
                                           .name = STR_LIT("Ann"),
                                           .role = ROOM_PARTICIPANT,
                                           .state = PARTICIPANT_JOINED,
                                           .muted = MEDIA_SCREEN,
                                           .published = MEDIA_AUDIO | MEDIA_SCREEN,
                                           .lost = MEDIA_SCREEN,
                                           .joined_unix_ms = 2000};
static const struct msg_room a_room = {.id = 5,
                                       .name = STR_LIT("Tea"),
                                       .access = ROOM_OPEN,
                                       .participants_max = 10,
                                       .publishers_max = 4,
                                       .unmute = ROOM_UNMUTE_SELF,
                                       .empty_timeout_s = 300};

/* ---- roomsvc and the bridge ---- */

static void answer_with(struct stream_fixture *f, enum msg_id id, const struct msg *reply)
{
    mock_bus_answer(asked(f->api, id), ERR_OK, reply);
}

static void answer_open_of(struct stream_fixture *f, uint64_t participant)
{
    static const uint64_t can[] = {ROOM_SEE};
    struct msg reply = {.id = MSG_stream_open_reply,
                        .stream_open_reply = {.room_id = 5,
                                              .participant = ann,
                                              .generation = GENERATION,
                                              .seq = 41,
                                              .can = {.items = can, .count = ARRAY_LEN(can)}}};
    reply.stream_open_reply.participant.id = participant;
    answer_with(f, MSG_stream_open, &reply);
}

static void answer_room(struct stream_fixture *f)
{
    struct msg_participant people[] = {ann, ann};
    people[1].id = ME + 1;
    const struct msg state = {.id = MSG_room_state_reply,
                              .room_state_reply = {.generation = GENERATION,
                                                   .seq = 41,
                                                   .room = a_room,
                                                   .participants = {.items = people, .count = 2}}};
    const struct msg none = {.id = MSG_journal_read_reply,
                             .journal_read_reply = {.generation = GENERATION, .head = 41}};
    answer_with(f, MSG_room_state, &state);
    answer_with(f, MSG_journal_read, &none); /* none before it are kept */
    answer_with(f, MSG_journal_read, &none);
}

static void hint(struct stream_fixture *f, struct msg_rtc_hint hint)
{
    struct msg msg = {.id = MSG_rtc_hint, .rtc_hint = hint};
    msg.rtc_hint.node = STR_LIT("default");
    msg.rtc_hint.room_id = 5;
    msg.rtc_hint.connection = (struct str){.data = (const char *)connection_bytes, .bytes = 16};
    rtc_hints_hear(f->api->hints, &msg);
}

static void hint_offer(struct stream_fixture *f, uint64_t participant, uint64_t seq)
{
    hint(f, (struct msg_rtc_hint){
                .what = RTC_HINT_OFFER, .participant = participant, .kind = RTC_WATCH, .seq = seq});
}

static uint64_t hints_that_were(struct stream_fixture *f, const char *outcome)
{
    AUTO(mem_free) char *labels = mem_printf("outcome=\"%s\"", outcome);
    return metric_value(
        metrics_counter(f->api->metrics, "lynks_gateway_rtc_hints_total", "", labels));
}

/* ---- clients ---- */

static struct ask *ask_events(struct stream_fixture *f, const char *accept, const char *query,
                              uint64_t participant)
{
    struct ask *ask = ask_new("GET", PATH, PARTICIPANT_TOKEN, STR_NONE);
    ask->request.query = query;
    ask_set_header(ask, "Accept", accept);
    api_handle(f->api->api, &ask->request);
    answer_open_of(f, participant);
    return ask;
}

/* One that goes on after event 41: nothing is there for it. */
static struct stream_reader *open_stream_of(struct stream_fixture *f, uint64_t participant)
{
    struct ask *ask = ask_events(f, "text/event-stream", "after=g3.41", participant);
    struct stream_reader *reader = reader_new(ask);
    reader_begin(f, reader);
    if (mock_bus_pending(&f->api->bus, MSG_room_state) != NULL) {
        answer_room(f);
    }
    reader_assert_got(f, reader, "");
    return reader;
}

/* ---- what is sent ---- */

#define PERSON                                                                                     \
    "{\"id\":\"7\",\"name\":\"Ann\",\"role\":\"participant\",\"state\":\"joined\",\"kind\":"       \
    "\"person\",\"guest\":"                                                                        \
    "false,\"muted\":[\"screen\"],\"tracks\":[{\"source\":\"audio\",\"muted\":false,\"media\":"    \
    "\"flowing\"},{\"source\":\"screen\",\"muted\":true,\"media\":\"lost\"}],\"joined_at\":"       \
    "\"1970-01-01T00:00:02.000Z\"}"

static void what_one_sends_is_told_to_all(void **state)
{
    static const struct {
        enum room_event_type type;
        const char *name;
    } rows[] = {{EVENT_TRACK_PUBLISHED, "track.published"},
                {EVENT_TRACK_LOST, "track.muted"},
                {EVENT_TRACK_UNPUBLISHED, "track.unpublished"}};
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream_of(f, ME + 1);
    struct strbuf told = {0};
    for (uint64_t i = 0; i < ARRAY_LEN(rows); i++) {
        stream_fixture_publish(f, GENERATION,
                               &(struct msg_room_event){.seq = 42 + i,
                                                        .type = rows[i].type,
                                                        .audience = AUDIENCE_ALL,
                                                        .time_unix_ms = 3000,
                                                        .has_participant = true,
                                                        .participant = ann,
                                                        .sources = MEDIA_AUDIO | MEDIA_SCREEN});
        AUTO(mem_free)
        char *text = mem_printf(
            "event: %s\nid: g3.%d\ndata: {\"type\":\"%s\",\"time\":\"1970-01-01T00:00:03.000Z\","
            "\"room\":\"5\",\"data\":{\"participant\":" PERSON
            ",\"sources\":[\"audio\",\"screen\"]}}\n\n",
            rows[i].name, 42 + (int)i, rows[i].name);
        strbuf_add_z(&told, text);
    }
    AUTO(mem_free) char *all = str_dup(strbuf_str(&told));
    strbuf_fini(&told);
    reader_assert_got(f, reader, all);
    reader_leave(&reader);
    /* Who comes after that finds him as he is. */
    struct ask *ask = ask_events(f, "application/json", NULL, ME + 1);
    assert_non_null(strstr(ask->body, "\"participants\":[" PERSON));
    ask_free(&ask);
}

/* ---- hints ---- */

static void each_hint_is_told_in_its_words(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream_of(f, ME);
    hint_offer(f, ME, 1);
    hint(f, (struct msg_rtc_hint){.what = RTC_HINT_CLOSED,
                                  .participant = ME,
                                  .kind = RTC_PUBLISH,
                                  .has_reason = true,
                                  .reason = RTC_JANUS_LOST});
    hint(f, (struct msg_rtc_hint){.what = RTC_HINT_LAYER,
                                  .participant = ME,
                                  .kind = RTC_WATCH,
                                  .has_stream = true,
                                  .stream = {.mid = STR_LIT("v"),
                                             .participant = 9,
                                             .has_source = true,
                                             .source = MEDIA_VIDEO,
                                             .feed = 77},
                                  .has_layer = true,
                                  .layer = 2});
    hint(f, (struct msg_rtc_hint){
                .what = RTC_HINT_RESUMED, .participant = ME, .kind = RTC_WATCH, .seq = 1});
    reader_assert_got(f, reader,
                      OFFER_1 HINT("rtc.closed", ",\"kind\":\"publish\",\"reason\":\"janus_lost\"")
                          HINT("rtc.layer",
                               ",\"mid\":\"v\",\"participant\":\"9\",\"source\":\"video\","
                               "\"layer\":2") HINT("rtc.resumed", ""));
    reader_leave(&reader);
}

static void only_the_participant_himself_is_told_on_each_of_his_streams(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *first = open_stream_of(f, ME);
    struct stream_reader *second = open_stream_of(f, ME);
    struct stream_reader *other = open_stream_of(f, ME + 1);
    hint_offer(f, ME, 1);
    hint_offer(f, ME + 2, 1);
    rtc_hints_hear(f->api->hints, &(struct msg){.id = MSG_bridge_event});
    reader_assert_got(f, first, OFFER_1);
    reader_assert_got(f, second, OFFER_1);
    reader_assert_got(f, other, "");
    assert_int_equal(hints_that_were(f, "told"), 2);
    assert_int_equal(hints_that_were(f, "untold"), 1);
    reader_leave(&first);
    reader_leave(&second);
    reader_leave(&other);
}

/* Not before who reads knows how the room is, nor between the two parts of that; and never twice.
 */
static void hints_come_between_events_and_are_not_kept(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = ask_events(f, "text/event-stream", NULL, ME);
    struct stream_reader *reader = reader_new(ask);
    hint_offer(f, ME, 1);
    reader_begin(f, reader);
    reader_assert_got(f, reader, "");
    answer_room(f);
    reader_assert_ends(f, reader, SNAPSHOT_END OFFER_1);
    reader_leave(&reader);
    struct stream_reader *again = open_stream_of(f, ME);
    hint_offer(f, ME, 2);
    reader_assert_got(f, again, HINT("rtc.offer", ",\"seq\":2"));
    reader_leave(&again);
}

static void assert_polled(struct ask **ask, const char *body)
{
    assert_int_equal((*ask)->status, 200);
    assert_string_equal((*ask)->body, body);
    ask_free(ask);
}

static void a_poll_is_answered_by_a_hint(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = ask_events(f, "application/json", "after=g3.41", ME);
    answer_room(f);
    assert_int_equal(ask->answers, 0);
    hint_offer(f, ME, 1);
    assert_polled(&ask,
                  "{\"events\":[{\"event\":\"rtc.offer\",\"data\":{\"connection\":\"" CONNECTION_HEX
                  "\",\"seq\":1}}],\"next\":\"g3.41\"}");
    hint_offer(f, ME, 2); /* nobody waits */
    ask = ask_events(f, "application/json", "after=g3.41&wait_s=1", ME);
    fake_clock_advance(f->api->clock, 1000);
    assert_polled(&ask, "{\"events\":[],\"next\":\"g3.41\"}");
    assert_int_equal(hints_that_were(f, "untold"), 1);
}

/* The loop does not run: nothing of what is sent is taken. */
static void who_takes_no_hints_is_dropped(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream_of(f, ME);
    uint64_t count = 0;
    while (hints_that_were(f, "lost") == 0) {
        hint_offer(f, ME, ++count);
        assert_in_range(count, 1, RTC_HINTS_WAITING_MAX + 20);
    }
    assert_true(count > RTC_HINTS_WAITING_MAX);
    assert_int_equal(
        metric_value(metrics_counter(f->api->metrics, "lynks_gateway_ended_room_streams_total", "",
                                     "reason=\"too_slow\"")),
        1);
    hint_offer(f, ME, ++count);
    assert_int_equal(hints_that_were(f, "untold"), 1);
    reader_leave(&reader);
}

/* The room is not known yet, and many hints come: what waits is bounded, and the poll goes on. */
static void a_poll_that_waits_for_its_room_keeps_so_many_hints(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = ask_events(f, "application/json", "after=g3.41", ME);
    for (uint64_t i = 1; i <= RTC_HINTS_WAITING_MAX + 3; i++) {
        hint_offer(f, ME, i);
    }
    assert_int_equal(hints_that_were(f, "lost"), 3);
    assert_int_equal(ask->answers, 0);
    answer_room(f);
    assert_int_equal(ask->status, 200);
    assert_non_null(strstr(ask->body, "\"seq\":1}"));
    assert_non_null(strstr(ask->body, "\"seq\":128}"));
    assert_null(strstr(ask->body, "\"seq\":129}"));
    ask_free(&ask);
}

#define T(test) cmocka_unit_test_setup_teardown(test, stream_fixture_setup, stream_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_one_sends_is_told_to_all),
        T(each_hint_is_told_in_its_words),
        T(only_the_participant_himself_is_told_on_each_of_his_streams),
        T(hints_come_between_events_and_are_not_kept),
        T(a_poll_is_answered_by_a_hint),
        T(who_takes_no_hints_is_dropped),
        T(a_poll_that_waits_for_its_room_keeps_so_many_hints),
    };
    return cmocka_run_group_tests_name("room_media", tests, NULL, NULL);
}
