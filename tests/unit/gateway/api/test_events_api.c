/* GET /v1/events: who gets a stream, what is in it, and how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define WAIT_MS 20000
#define ANN "{\"id\":\"41\",\"username\":\"ann\",\"display_name\":\"Ann <A>\",\"role\":\"member\"}"
#define SNAPSHOT "event: snapshot\ndata: {\"me\":" ANN "}\n\n"
#define ENDED "event: end\ndata: {\"reason\":\"session_ended\"}\n\n"

/* The API, and a server's streams on real sockets. */
struct fixture {
    struct api_fixture *api;
    struct loop *loop;
    struct http_conns *conns;
    struct http_streams *streams;
};

/* A client of a stream. */
struct reader {
    struct ask *ask;
    int fd;
    char got[1024];
    size_t bytes;
    bool is_closed;
};

static void on_cut(void *arg, struct http_conn *conn)
{
    (void)arg;
    (void)conn;
    fail_msg("a connection was cut");
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    api_fixture_setup((void **)&f->api);
    f->loop = loop_new();
    const struct http_conns_config conns = {.name = "test",
                                            .max = 100,
                                            .request_timeout_ms = WAIT_MS,
                                            .idle_timeout_ms = WAIT_MS,
                                            .stall_timeout_ms = WAIT_MS};
    f->conns = http_conns_new(loop_clock(f->loop), f->api->metrics, &conns, on_cut, NULL);
    f->streams = http_streams_new(f->loop, f->api->metrics, "test", f->conns);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct api_fixture *api = f->api;
    http_streams_free(&f->streams);
    http_conns_free(&f->conns);
    loop_free(&f->loop);
    free(f);
    return api_fixture_teardown((void **)&api);
}

static uint64_t ended(struct fixture *f, const char *labels)
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
static void answer_check(struct fixture *f)
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

static void answer_me(struct fixture *f)
{
    const struct msg reply = {.id = MSG_user_get_reply, .user_get_reply = {.user = ann}};
    struct mock_bus_call *call = mock_bus_pending(&f->api->bus, MSG_user_get);
    assert_non_null(call);
    assert_int_equal(call->request.user_get.user_id, 41);
    mock_bus_answer(call, ERR_OK, &reply);
}

static struct ask *get_events(struct fixture *f)
{
    struct ask *ask = ask_new("GET", "/v1/events", TOKEN, STR_NONE);
    api_handle(f->api->api, &ask->request);
    return ask;
}

/* As far as the server has the head. */
static struct reader *ask_for_stream(struct fixture *f)
{
    struct reader *reader = mem_alloc(sizeof(*reader));
    reader->ask = get_events(f);
    reader->fd = -1;
    answer_check(f);
    assert_int_equal(reader->ask->status, 200);
    assert_non_null(reader->ask->producer);
    return reader;
}

static void begin(struct fixture *f, struct reader *reader)
{
    static const uint8_t address[16] = {1};
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    reader->fd = fds[0];
    struct http_conn *conn = http_conns_add(f->conns, address, fds[1]);
    http_streams_open(f->streams, conn, STR_LIT("head\n"), /* is_chunked= */ false,
                      STEAL(reader->ask->producer), reader->ask->producer_arg);
}

struct expected {
    struct reader *reader;
    size_t bytes;
};

static bool has_come(void *arg)
{
    const struct expected *expected = arg;
    struct reader *reader = expected->reader;
    ssize_t n =
        recv(reader->fd, reader->got + reader->bytes, sizeof(reader->got) - reader->bytes, 0);
    reader->is_closed = n == 0;
    reader->bytes += n > 0 ? (size_t)n : 0;
    return reader->is_closed || reader->bytes >= expected->bytes;
}

/* All that has come since the head. */
static void assert_got(struct fixture *f, struct reader *reader, const char *text)
{
    AUTO(mem_free) char *all = mem_printf("head\n%s", text);
    struct expected expected = {.reader = reader, .bytes = strlen(all)};
    assert_true(loop_run_until(f->loop, has_come, &expected, WAIT_MS));
    assert_int_equal(reader->bytes, strlen(all));
    assert_memory_equal(reader->got, all, strlen(all));
}

static void assert_closed(struct fixture *f, struct reader *reader)
{
    struct expected expected = {.reader = reader, .bytes = SIZE_MAX};
    assert_true(loop_run_until(f->loop, has_come, &expected, WAIT_MS));
    assert_true(reader->is_closed);
}

static bool has_no_more_than_one(void *arg)
{
    const struct fixture *f = arg;
    return http_streams_count(f->streams) <= 1;
}

static void leave(struct reader **reader)
{
    ask_free(&(*reader)->ask);
    if ((*reader)->fd >= 0) {
        close((*reader)->fd);
    }
    mem_free(reader);
}

/* The question that follows from holding a session is answered. */
static struct reader *open_stream(struct fixture *f)
{
    struct reader *reader = ask_for_stream(f);
    begin(f, reader);
    if (mock_bus_pending(&f->api->bus, MSG_session_check) != NULL) {
        answer_session(f->api, 41);
    }
    assert_got(f, reader, SNAPSHOT);
    return reader;
}

/* authsvc tells that something has changed, and says that the session is over. */
static void end_session(struct fixture *f)
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
    struct fixture *f = *state;
    char value[64];
    struct reader *reader = open_stream(f);
    const char *const headers[][2] = {{"Content-Type", "text/event-stream"},
                                      {"Cache-Control", "no-store, no-transform"},
                                      {"X-Accel-Buffering", "no"}};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        const char *found = ask_header(reader->ask, headers[i][0], value, sizeof(value));
        assert_non_null(found);
        assert_string_equal(found, headers[i][1]);
    }
    leave(&reader);
}

static void a_comment_comes_every_15_s(void **state)
{
    struct fixture *f = *state;
    struct reader *reader = open_stream(f);
    fake_clock_advance(f->api->clock, 14000);
    assert_got(f, reader, SNAPSHOT);
    fake_clock_advance(f->api->clock, 1000);
    assert_got(f, reader, SNAPSHOT ":\n\n");
    fake_clock_advance(f->api->clock, 15000);
    assert_got(f, reader, SNAPSHOT ":\n\n:\n\n");
    leave(&reader);
}

static void who_has_no_session_gets_no_stream(void **state)
{
    struct fixture *f = *state;
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
    struct fixture *f = *state;
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
    struct fixture *f = *state;
    struct reader *reader = open_stream(f);
    struct reader *second = open_stream(f);
    end_session(f);
    assert_got(f, reader, SNAPSHOT ENDED);
    assert_closed(f, reader);
    assert_got(f, second, SNAPSHOT ENDED);
    assert_closed(f, second);
    assert_int_equal(ended(f, "reason=\"session_ended\""), 2);
    assert_int_equal(session_follow_count(f->api->sessions), 0);
    leave(&reader);
    leave(&second);
}

/* Its head is not out yet: nothing of him is told. */
static void a_session_that_ends_before_the_stream_begins_shows_nothing(void **state)
{
    struct fixture *f = *state;
    struct reader *reader = ask_for_stream(f);
    fail_call(f->api, MSG_session_check, ERR_UNAUTHORIZED);
    begin(f, reader);
    assert_got(f, reader, ENDED);
    assert_closed(f, reader);
    leave(&reader);
}

static void one_that_ran_out_of_time_says_so(void **state)
{
    struct fixture *f = *state;
    struct reader *reader = ask_for_stream(f);
    begin(f, reader);
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {.user_id = 41, .expires_unix_ms = 1, .remaining_ms = 200}};
    mock_bus_answer(mock_bus_pending(&f->api->bus, MSG_session_check), ERR_OK, &reply);
    assert_got(f, reader, SNAPSHOT);
    fake_clock_advance(f->api->clock, 250);
    fail_call(f->api, MSG_session_check, ERR_UNAUTHORIZED);
    assert_got(f, reader, SNAPSHOT "event: end\ndata: {\"reason\":\"expired\"}\n\n");
    assert_closed(f, reader);
    leave(&reader);
}

static void who_leaves_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct reader *reader = open_stream(f);
    struct reader *stays = open_stream(f);
    leave(&reader);
    assert_true(loop_run_until(f->loop, has_no_more_than_one, f, WAIT_MS));
    assert_int_equal(ended(f, "reason=\"client_gone\""), 1);
    assert_int_equal(session_follow_count(f->api->sessions), 1);
    leave(&stays);
}

static void who_never_takes_the_head_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct reader *reader = ask_for_stream(f);
    answer_session(f->api, 41);
    leave(&reader);
    assert_int_equal(ended(f, "reason=\"client_gone\""), 1);
    assert_int_equal(session_follow_count(f->api->sessions), 0);
}

static void a_user_has_so_many_and_no_more(void **state)
{
    struct fixture *f = *state;
    char retry[16];
    struct reader *readers[STREAMS_PER_USER_MAX];
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
        leave(&readers[i]);
    }
    assert_true(loop_run_until(f->loop, has_no_more_than_one, f, WAIT_MS));
    struct reader *another = open_stream(f);
    leave(&another);
    leave(&readers[0]);
}

static void draining_tells_when_to_come_again(void **state)
{
    struct fixture *f = *state;
    struct reader *reader = open_stream(f);
    http_streams_drain(f->streams);
    assert_closed(f, reader);
    unsigned retry_ms = 0;
    reader->got[reader->bytes] = '\0';
    const char *end = strstr(reader->got, "retry: ");
    assert_non_null(end);
    assert_int_equal(sscanf(end, "retry: %u", &retry_ms), 1);
    assert_in_range(retry_ms, 500, 3500);
    assert_non_null(strstr(end, "\nevent: end\ndata: {\"reason\":\"draining\"}\n\n"));
    assert_int_equal(ended(f, "reason=\"draining\""), 1);
    leave(&reader);
}

/* One runs, of one the server has the head only. */
static void streams_outlive_the_api_by_nothing(void **state)
{
    struct fixture *f = *state;
    struct reader *runs = open_stream(f);
    struct reader *begins = ask_for_stream(f);
    struct reader *never_begins = ask_for_stream(f);
    api_free(&f->api->api);
    assert_got(f, runs, SNAPSHOT);
    assert_closed(f, runs);
    begin(f, begins);
    assert_closed(f, begins);
    assert_int_equal(session_follow_count(f->api->sessions), 0);
    leave(&runs);
    leave(&begins);
    leave(&never_begins);
}

static void only_the_row_of_a_stream_wants_one(void **state)
{
    struct fixture *f = *state;
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

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_first_event_tells_who_he_is),
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
