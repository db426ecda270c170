/* GET /v1/events: who gets a stream, what is in it, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/gateway/api/stream_fixture.h"

#define ANN "{\"id\":\"41\",\"username\":\"ann\",\"display_name\":\"Ann <A>\",\"role\":\"member\"}"
#define SNAPSHOT_WITHOUT "event: snapshot\ndata: {\"me\":" ANN "}\n\n"
#define SNAPSHOT_WITH(rooms) "event: snapshot\ndata: {\"me\":" ANN ",\"rooms\":[" rooms "]}\n\n"
#define SNAPSHOT SNAPSHOT_WITH("{\"room\":\"7\",\"seq\":3}")
#define ENDED "event: end\ndata: {\"reason\":\"session_ended\"}\n\n"

static uint64_t ended(struct stream_fixture *f, const char *labels)
{
    return metric_value(
        metrics_counter(f->api->metrics, "lynks_gateway_ended_streams_total", "", labels));
}

static const struct msg_user ann = {.id = 41,
                                    .username = STR_LIT("ann"),
                                    .display_name = STR_LIT("Ann <A>"),
                                    .role = ROLE_MEMBER,
                                    .version = 7};

/* Whose session it is, and who that is: one call for both. */
static void answer_check(struct stream_fixture *f)
{
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {
            .user_id = 41, .expires_unix_ms = 1, .has_user = true, .user = ann}};
    struct mock_bus_call *call = mock_bus_pending(&f->api->bus, MSG_session_check);
    assert_non_null(call);
    assert_true(call->request.session_check.with_user);
    mock_bus_answer(call, ERR_OK, &reply);
    assert_null(mock_bus_pending(&f->api->bus, MSG_user_get));
}

static void answer_me(struct stream_fixture *f)
{
    const struct msg reply = {.id = MSG_user_get_reply, .user_get_reply = {.user = ann}};
    struct mock_bus_call *call = mock_bus_pending(&f->api->bus, MSG_user_get);
    assert_non_null(call);
    assert_int_equal(call->request.user_get.user_id, 41);
    mock_bus_answer(call, ERR_OK, &reply);
}

static struct ask *get_events(struct stream_fixture *f)
{
    struct ask *ask = ask_new("GET", "/v1/events", TOKEN, STR_NONE);
    api_handle(f->api->api, &ask->request);
    return ask;
}

/* As far as the server has the head. */
static struct stream_reader *ask_for_stream(struct stream_fixture *f)
{
    struct ask *ask = get_events(f);
    answer_check(f);
    return reader_new(ask);
}

static bool meetings_are_asked_for(void *arg)
{
    const struct stream_fixture *f = arg;
    fake_clock_advance(f->api->clock, 0);
    return mock_bus_pending(&f->api->bus, MSG_meeting_page) != NULL;
}

static void wait_for_question(struct stream_fixture *f)
{
    assert_true(loop_run_until(f->loop, meetings_are_asked_for, f, STREAM_WAIT_MS));
}

/* Somebody is in one of her rooms. */
static void answer_meetings(struct stream_fixture *f)
{
    const struct msg_room_head room = {.room_id = 7, .seq = 3};
    const struct msg reply = {.id = MSG_meeting_page_reply,
                              .meeting_page_reply = {.rooms = {.items = &room, .count = 1}}};
    struct mock_bus_call *call = mock_bus_pending(&f->api->bus, MSG_meeting_page);
    assert_non_null(call);
    assert_int_equal(call->request.meeting_page.user_id, 41);
    assert_int_equal(call->context.principal.user_id, 41);
    mock_bus_answer(call, ERR_OK, &reply);
}

static void hear_hint(struct stream_fixture *f, enum room_news_kind what)
{
    const uint64_t users[] = {41};
    const struct msg msg = {.id = MSG_room_news,
                            .room_news = {.what = what,
                                          .has_room_id = true,
                                          .room_id = 8,
                                          .seq = 5,
                                          .users = {.items = users, .count = 1}}};
    user_meetings_hear(f->api->meetings, &msg);
    news_watch_hear(f->api->news, "tcp://127.0.0.1:5712", /* is_next= */ true);
}

/* The question that follows from holding a session is answered. */
static struct stream_reader *open_stream(struct stream_fixture *f)
{
    struct stream_reader *reader = ask_for_stream(f);
    reader_begin(f, reader);
    if (mock_bus_pending(&f->api->bus, MSG_session_check) != NULL) {
        answer_session(f->api, 41);
    }
    wait_for_question(f);
    answer_meetings(f);
    reader_assert_got(f, reader, SNAPSHOT);
    return reader;
}

/* authsvc tells that something has changed, and says that the session is over. */
static void end_session(struct stream_fixture *f)
{
    const struct msg life = {.id = MSG_auth_event, .auth_event = {.what = AUTH_LIVES}};
    session_follow_hear(f->api->sessions, "tcp://127.0.0.1:5711", &life, /* is_next= */ false);
    struct mock_bus_call *call = mock_bus_pending(&f->api->bus, MSG_session_check);
    assert_non_null(call);
    assert_true(call->request.session_check.only_look);
    mock_bus_answer(call, ERR_UNAUTHORIZED, NULL);
}

/* ---- tests ---- */

static void the_first_event_tells_who_he_is(void **state)
{
    struct stream_fixture *f = *state;
    char value[64];
    struct stream_reader *reader = open_stream(f);
    const char *const headers[][2] = {{"Content-Type", "text/event-stream"},
                                      {"Cache-Control", "no-store, no-transform"},
                                      {"X-Accel-Buffering", "no"}};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        const char *found = ask_header(reader->ask, headers[i][0], value, sizeof(value));
        assert_non_null(found);
        assert_string_equal(found, headers[i][1]);
    }
    reader_leave(&reader);
}

static void then_what_begins_and_ends_is_told(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    hear_hint(f, ROOM_NEWS_BEGAN);
    hear_hint(f, ROOM_NEWS_WAITS);
    hear_hint(f, ROOM_NEWS_ENDED);
#define EIGHT "\ndata: {\"room\":\"8\",\"seq\":5}\n\n"
    reader_assert_got(f, reader,
                      SNAPSHOT "event: meeting.began" EIGHT "event: participant.waiting" EIGHT
                               "event: meeting.ended" EIGHT);
    reader_leave(&reader);
}

#define ROOT(role)                                                                                 \
    "{\"id\":\"41\",\"username\":\"ann\",\"display_name\":\"Ann <A>\",\"role\":\"" role "\"}"
#define SNAPSHOT_OF(role, rooms)                                                                   \
    "event: snapshot\ndata: {\"me\":" ROOT(role) ",\"rooms\":[" rooms "]}\n\n"

static void answer_role(struct stream_fixture *f, enum role role, bool with_user)
{
    struct msg reply = {.id = MSG_session_check_reply,
                        .session_check_reply = {.user_id = 41,
                                                .expires_unix_ms = 1,
                                                .has_role = true,
                                                .role = role,
                                                .has_user = with_user,
                                                .user = ann}};
    struct mock_bus_call *call = mock_bus_pending(&f->api->bus, MSG_session_check);
    assert_non_null(call);
    reply.session_check_reply.user.role = role;
    mock_bus_answer(call, ERR_OK, &reply);
}

static void answer_meetings_of(struct stream_fixture *f, uint64_t user_id, size_t count)
{
    const struct msg_room_head room = {.room_id = 9, .seq = 1};
    const struct msg reply = {.id = MSG_meeting_page_reply,
                              .meeting_page_reply = {.rooms = {.items = &room, .count = count}}};
    wait_for_question(f);
    struct mock_bus_call *call = mock_bus_pending(&f->api->bus, MSG_meeting_page);
    assert_int_equal(call->request.meeting_page.user_id, user_id);
    assert_int_equal(call->context.principal.role, user_id == 0 ? ROLE_ADMIN : ROLE_MEMBER);
    mock_bus_answer(call, ERR_OK, &reply);
}

/* authsvc tells that his session is to be asked for. */
static void hear_session_changes(struct stream_fixture *f)
{
    const struct msg life = {.id = MSG_auth_event, .auth_event = {.what = AUTH_LIVES}};
    session_follow_hear(f->api->sessions, "tcp://127.0.0.1:5711", &life, /* is_next= */ false);
}

static void hear_hint_of_others(struct stream_fixture *f)
{
    const struct msg msg = {
        .id = MSG_room_news,
        .room_news = {.what = ROOM_NEWS_BEGAN, .has_room_id = true, .room_id = 8, .seq = 5}};
    user_meetings_hear(f->api->meetings, &msg);
    news_watch_hear(f->api->news, "tcp://127.0.0.1:5712", /* is_next= */ true);
}

static void who_is_an_admin_no_more_hears_of_his_own_rooms_only(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = get_events(f);
    answer_role(f, ROLE_ADMIN, /* with_user= */ true);
    struct stream_reader *reader = reader_new(ask);
    reader_begin(f, reader);
    answer_role(f, ROLE_ADMIN, /* with_user= */ false);
    answer_meetings_of(f, 0, 1);
    hear_hint_of_others(f);
#define ALL SNAPSHOT_OF("admin", "{\"room\":\"9\",\"seq\":1}") "event: meeting.began" EIGHT
    reader_assert_got(f, reader, ALL);
    hear_session_changes(f);
    answer_role(f, ROLE_MEMBER, /* with_user= */ false);
    hear_hint_of_others(f);
    answer_meetings_of(f, 41, 0);
    hear_hint_of_others(f);
    reader_assert_got(f, reader, ALL SNAPSHOT_OF("member", ""));
    hear_session_changes(f); /* and one again */
    answer_role(f, ROLE_ADMIN, /* with_user= */ false);
    answer_meetings_of(f, 0, 0);
    hear_hint_of_others(f);
    reader_assert_got(f, reader,
                      ALL SNAPSHOT_OF("member", "")
                          SNAPSHOT_OF("admin", "") "event: meeting.began" EIGHT);
    reader_leave(&reader);
}

static void a_snapshot_says_that_there_may_be_more_rooms(void **state)
{
    static struct msg_room_head rooms[JOURNAL_HEADS];
    struct stream_fixture *f = *state;
    struct stream_reader *reader = ask_for_stream(f);
    const struct msg reply = {
        .id = MSG_meeting_page_reply,
        .meeting_page_reply = {.rooms = {.items = rooms, .count = JOURNAL_HEADS}}};
    struct strbuf text = {0};
    reader_begin(f, reader);
    answer_session(f->api, 41);
    wait_for_question(f);
    strbuf_add_z(&text, "event: snapshot\ndata: {\"me\":" ANN ",\"rooms\":[");
    for (size_t i = 0; i < USER_MEETINGS_MAX; i++) {
        struct msg_room_head *room = &rooms[i % JOURNAL_HEADS];
        *room = (struct msg_room_head){.room_id = 1 + i, .seq = 1};
        AUTO(mem_free)
        char *one = mem_printf("%s{\"room\":\"%zu\",\"seq\":1}", i == 0 ? "" : ",", 1 + i);
        strbuf_add_z(&text, one);
        if ((i + 1) % JOURNAL_HEADS == 0) {
            mock_bus_answer(mock_bus_pending(&f->api->bus, MSG_meeting_page), ERR_OK, &reply);
        }
    }
    strbuf_add_z(&text, "],\"more\":true}\n\n");
    strbuf_add(&text, (struct str){.data = "", .bytes = 1});
    reader_assert_got(f, reader, text.data);
    strbuf_fini(&text);
    reader_leave(&reader);
}

/* roomsvc is away: what he is now does not wait for it. */
static void who_is_something_else_is_told_so_without_roomsvc(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = get_events(f);
    answer_role(f, ROLE_ADMIN, /* with_user= */ true);
    struct stream_reader *reader = reader_new(ask);
    answer_role(f, ROLE_MEMBER, /* with_user= */ false); /* before it has begun */
    reader_begin(f, reader);
    answer_meetings_of(f, 41, 0);
    reader_assert_got(f, reader, SNAPSHOT_OF("member", ""));
    hear_session_changes(f);
    answer_role(f, ROLE_ADMIN, /* with_user= */ false);
    wait_for_question(f);
    fail_call(f->api, MSG_meeting_page, ERR_UNAVAILABLE);
    reader_assert_got(
        f, reader,
        SNAPSHOT_OF("member", "") "event: snapshot\ndata: {\"me\":" ROOT("admin") "}\n\n");
    reader_leave(&reader);
}

/* What is his session's does not wait for rooms; they follow when roomsvc is there. */
static void without_roomsvc_the_snapshot_is_without_rooms(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = ask_for_stream(f);
    reader_begin(f, reader);
    answer_session(f->api, 41);
    wait_for_question(f);
    hear_hint(f, ROOM_NEWS_BEGAN); /* before he was told anything: the snapshot will have it */
    fail_call(f->api, MSG_meeting_page, ERR_UNAVAILABLE);
    reader_assert_got(f, reader, SNAPSHOT_WITHOUT);
    fake_clock_advance(f->api->clock, 1000);
    answer_meetings(f);
    reader_assert_got(f, reader, SNAPSHOT_WITHOUT SNAPSHOT);
    fake_clock_advance(f->api->clock, 1000); /* nothing is heard: something may have been missed */
    answer_meetings(f);
    reader_assert_got(f, reader, SNAPSHOT_WITHOUT SNAPSHOT SNAPSHOT);
    reader_leave(&reader);
}

static void a_comment_comes_every_15_s(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    fake_clock_advance(f->api->clock, 14000);
    reader_assert_got(f, reader, SNAPSHOT);
    fake_clock_advance(f->api->clock, 1000);
    reader_assert_got(f, reader, SNAPSHOT ":\n\n");
    fake_clock_advance(f->api->clock, 15000);
    reader_assert_got(f, reader, SNAPSHOT ":\n\n:\n\n");
    reader_leave(&reader);
}

static void who_has_no_session_gets_no_stream(void **state)
{
    struct stream_fixture *f = *state;
    struct ask *ask = ask_new("GET", "/v1/events", NULL, STR_NONE);
    api_handle(f->api->api, &ask->request);
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
    ask = get_events(f);
    fail_call(f->api, MSG_session_check, ERR_UNAUTHORIZED);
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
    log_capture_expect("request failed");
    ask = get_events(f);
    answer_session(f->api, 41);
    fail_call(f->api, MSG_user_get, ERR_UNAVAILABLE);
    assert_problem(ask, 503, "unavailable");
    ask_free(&ask);
    assert_int_equal(session_follow_count(f->api->sessions), 0);
}

static void a_connection_that_was_used_before_is_sent_again(void **state)
{
    struct stream_fixture *f = *state;
    char location[64];
    struct ask *ask = ask_new("GET", "/v1/events", TOKEN, STR_NONE);
    ask->is_on_used_connection = true;
    api_handle(f->api->api, &ask->request);
    assert_int_equal(ask->status, 307);
    assert_string_equal(ask_header(ask, "Location", location, sizeof(location)), "/v1/events");
    assert_int_equal(f->api->bus.count, 0);
    ask_free(&ask);
}

static void when_the_session_ends_the_last_event_says_so(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    struct stream_reader *second = open_stream(f);
    end_session(f);
    reader_assert_got(f, reader, SNAPSHOT ENDED);
    reader_assert_closed(f, reader);
    reader_assert_got(f, second, SNAPSHOT ENDED);
    reader_assert_closed(f, second);
    assert_int_equal(ended(f, "reason=\"session_ended\""), 2);
    assert_int_equal(session_follow_count(f->api->sessions), 0);
    reader_leave(&reader);
    reader_leave(&second);
}

/* Its head is not out yet: nothing of him is told. */
static void a_session_that_ends_before_the_stream_begins_shows_nothing(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = ask_for_stream(f);
    fail_call(f->api, MSG_session_check, ERR_UNAUTHORIZED);
    reader_begin(f, reader);
    reader_assert_got(f, reader, ENDED);
    reader_assert_closed(f, reader);
    reader_leave(&reader);
}

static void one_that_ran_out_of_time_says_so(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = ask_for_stream(f);
    reader_begin(f, reader);
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {.user_id = 41, .expires_unix_ms = 1, .remaining_ms = 200}};
    mock_bus_answer(mock_bus_pending(&f->api->bus, MSG_session_check), ERR_OK, &reply);
    wait_for_question(f);
    answer_meetings(f);
    reader_assert_got(f, reader, SNAPSHOT);
    fake_clock_advance(f->api->clock, 250);
    fail_call(f->api, MSG_session_check, ERR_UNAUTHORIZED);
    reader_assert_got(f, reader, SNAPSHOT "event: end\ndata: {\"reason\":\"expired\"}\n\n");
    reader_assert_closed(f, reader);
    reader_leave(&reader);
}

static void who_leaves_is_forgotten(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    struct stream_reader *stays = open_stream(f);
    reader_leave(&reader);
    assert_true(loop_run_until(f->loop, stream_fixture_has_one, f, STREAM_WAIT_MS));
    assert_int_equal(ended(f, "reason=\"client_gone\""), 1);
    assert_int_equal(session_follow_count(f->api->sessions), 1);
    reader_leave(&stays);
}

static void who_never_takes_the_head_is_forgotten(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = ask_for_stream(f);
    answer_session(f->api, 41);
    reader_leave(&reader);
    assert_int_equal(ended(f, "reason=\"client_gone\""), 1);
    assert_int_equal(session_follow_count(f->api->sessions), 0);
}

static void a_user_has_so_many_and_no_more(void **state)
{
    struct stream_fixture *f = *state;
    char retry[16];
    struct stream_reader *readers[STREAMS_PER_USER_MAX];
    for (size_t i = 0; i < STREAMS_PER_USER_MAX; i++) {
        readers[i] = open_stream(f);
    }
    struct ask *ask = get_events(f);
    answer_session(f->api, 41);
    answer_me(f);
    assert_problem(ask, 429, "rate_limited");
    assert_string_equal(ask_header(ask, "Retry-After", retry, sizeof(retry)), "10");
    ask_free(&ask);
    for (size_t i = 1; i < STREAMS_PER_USER_MAX; i++) {
        reader_leave(&readers[i]);
    }
    assert_true(loop_run_until(f->loop, stream_fixture_has_one, f, STREAM_WAIT_MS));
    struct stream_reader *another = open_stream(f);
    reader_leave(&another);
    reader_leave(&readers[0]);
}

static void draining_tells_when_to_come_again(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *reader = open_stream(f);
    http_streams_drain(f->streams);
    reader_assert_closed(f, reader);
    unsigned retry_ms = 0;
    reader->got[reader->bytes] = '\0';
    const char *end = strstr(reader->got, "retry: ");
    assert_non_null(end);
    assert_int_equal(sscanf(end, "retry: %u", &retry_ms), 1);
    assert_in_range(retry_ms, 500, 3500);
    assert_non_null(strstr(end, "\nevent: end\ndata: {\"reason\":\"draining\"}\n\n"));
    assert_int_equal(ended(f, "reason=\"draining\""), 1);
    reader_leave(&reader);
}

/* One runs, of one the server has the head only. */
static void streams_outlive_the_api_by_nothing(void **state)
{
    struct stream_fixture *f = *state;
    struct stream_reader *runs = open_stream(f);
    struct stream_reader *begins = ask_for_stream(f);
    struct stream_reader *never_begins = ask_for_stream(f);
    api_free(&f->api->api);
    reader_assert_got(f, runs, SNAPSHOT);
    reader_assert_closed(f, runs);
    reader_begin(f, begins);
    reader_assert_closed(f, begins);
    assert_int_equal(session_follow_count(f->api->sessions), 0);
    reader_leave(&runs);
    reader_leave(&begins);
    reader_leave(&never_begins);
}

static void only_the_row_of_a_stream_wants_one(void **state)
{
    struct stream_fixture *f = *state;
    const struct api *api = f->api->api;
    char long_path[4096];
    memset(long_path, 'a', sizeof(long_path));
    long_path[0] = '/';
    assert_true(api_wants_stream(api, STR_LIT("GET"), STR_LIT("/v1/events")));
    assert_false(api_wants_stream(api, STR_LIT("HEAD"), STR_LIT("/v1/events")));
    assert_false(api_wants_stream(api, STR_LIT("POST"), STR_LIT("/v1/events")));
    assert_false(api_wants_stream(api, STR_LIT("GET"), STR_LIT("/v1/users/me")));
    assert_false(api_wants_stream(api, STR_LIT("GET"), STR_LIT("/v1/event")));
    assert_false(api_wants_stream(api, STR_LIT("GET"), STR_NONE));
    assert_false(api_wants_stream(api, STR_LIT("GET"),
                                  (struct str){.data = long_path, .bytes = sizeof(long_path)}));
}

#define T(test) cmocka_unit_test_setup_teardown(test, stream_fixture_setup, stream_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_first_event_tells_who_he_is),
        T(then_what_begins_and_ends_is_told),
        T(who_is_an_admin_no_more_hears_of_his_own_rooms_only),
        T(who_is_something_else_is_told_so_without_roomsvc),
        T(a_snapshot_says_that_there_may_be_more_rooms),
        T(without_roomsvc_the_snapshot_is_without_rooms),
        T(a_comment_comes_every_15_s),
        T(who_has_no_session_gets_no_stream),
        T(a_connection_that_was_used_before_is_sent_again),
        T(when_the_session_ends_the_last_event_says_so),
        T(a_session_that_ends_before_the_stream_begins_shows_nothing),
        T(one_that_ran_out_of_time_says_so),
        T(who_leaves_is_forgotten),
        T(who_never_takes_the_head_is_forgotten),
        T(a_user_has_so_many_and_no_more),
        T(draining_tells_when_to_come_again),
        T(streams_outlive_the_api_by_nothing),
        T(only_the_row_of_a_stream_wants_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
