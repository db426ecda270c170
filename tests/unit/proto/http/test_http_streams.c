/* Event streams of an HTTP server, from the request to the last byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/http/httpd.h"
#include "tests/support/c/http_client.h"
#include "tests/support/c/log_capture.h"

#define WAIT_MS 20000
#define SHORT_MS 30
#define STALL_MS 300
#define STREAMS_MAX 5
#define GET_EVENTS "GET /events?x=1 HTTP/1.1\r\nHost: x\r\nX-Who: me\r\n\r\n"

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct httpd *httpd;
    struct http_client *client;
    struct httpd_request *request; /* of /events, while it is held */
    enum err last_error;
    bool holds;   /* the request is not answered at once */
    bool refuses; /* it is answered 401 */
    bool ends_at_drain;
    /* of the last stream: */
    struct http_stream *stream;
    unsigned rooms, gones, drains;
};

static void on_room(void *arg, struct http_stream *stream)
{
    struct fixture *f = arg;
    f->stream = stream;
    f->rooms++;
}

static void send_event(struct fixture *f, const char *text)
{
    struct http_chunk *chunk = http_chunk_new(str_of(text));
    assert_true(http_stream_send(f->stream, chunk));
    http_chunk_unref(&chunk);
}

static void on_drain(void *arg, struct http_stream *stream)
{
    struct fixture *f = arg;
    assert_ptr_equal(stream, f->stream);
    f->drains++;
    if (f->ends_at_drain) {
        send_event(f, "bye\n\n");
        http_stream_end(&f->stream);
    }
}

static void on_gone(void *arg)
{
    struct fixture *f = arg;
    f->gones++;
    f->stream = NULL;
}

static const struct http_producer producer = {on_room, on_drain, on_gone};
static const struct http_producer producer_without_drain = {on_room, NULL, on_gone};

static void begin_stream(struct fixture *f, const struct http_producer *made_by)
{
    struct http_response *response = http_response_new(200);
    assert_true(http_response_add_header(response, "X-Test", "yes"));
    http_response_set_stream(response, "text/event-stream", made_by, f);
    httpd_respond(f->request, &response);
    f->request = NULL;
}

static bool wants_stream(void *arg, struct str method, struct str path)
{
    (void)arg;
    return str_eq(method, STR_LIT("GET")) && str_eq(path, STR_LIT("/events"));
}

static void on_request(void *arg, struct httpd_request *request, enum err error)
{
    struct fixture *f = arg;
    struct http_response *response = NULL;
    f->last_error = error;
    if (error == ERR_OK && strcmp(httpd_path(request), "/events") == 0) {
        f->request = request;
        if (!httpd_can_stream(request)) {
            response = httpd_again(request);
        } else if (f->refuses) {
            response = http_response_new(401);
            http_response_set_body(response, "text/plain", STR_LIT("no"));
        } else if (f->holds) {
            return;
        } else {
            assert_string_equal(httpd_method(request), "GET");
            assert_string_equal(httpd_query(request), "x=1");
            assert_string_equal(httpd_header(request, "x-who"), "me");
            begin_stream(f, &producer);
            return;
        }
    } else {
        response = http_response_new(error == ERR_OK ? 200 : err_http_status(error));
        http_response_set_body(response, "text/plain", str_of(httpd_path(request)));
    }
    httpd_respond(request, &response);
}

static int setup(void **state)
{
    static const struct httpd_config config = {
        .name = "test",
        .host = "127.0.0.1",
        .body_bytes_max = 1000,
        .header_bytes_max = 4096,
        .connections_max = 100,
        .request_timeout_ms = 3 * WAIT_MS,
        .idle_timeout_ms = 3 * WAIT_MS,
        .wants_stream = wants_stream,
        .streams_max = STREAMS_MAX,
        .stall_timeout_ms = STALL_MS,
    };
    struct fixture *f = mem_alloc(sizeof(*f));
    const char *why = "";
    log_capture_setup(NULL);
    f->loop = loop_new();
    f->metrics = metrics_new();
    f->httpd = httpd_new(f->loop, f->metrics, &config, on_request, f, &why);
    assert_non_null(f->httpd);
    f->client = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_client_free(&f->client);
    httpd_free(&f->httpd);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    free(f);
    return log_capture_teardown(NULL);
}

static bool has_stream(void *arg)
{
    return ((struct fixture *)arg)->stream != NULL;
}

static bool has_gone(void *arg)
{
    return ((struct fixture *)arg)->gones > 0;
}

static void open_stream(struct fixture *f)
{
    http_client_send(f->client, STR_LIT(GET_EVENTS));
    assert_true(loop_run_until(f->loop, has_stream, f, WAIT_MS));
}

struct expected {
    const struct http_client *client;
    const char *end;
};

static bool ends_with(void *arg)
{
    const struct expected *expected = arg;
    struct str got = http_client_received(expected->client);
    size_t bytes = strlen(expected->end);
    return got.bytes >= bytes && memcmp(got.data + got.bytes - bytes, expected->end, bytes) == 0;
}

static void await_end(struct fixture *f, const char *end)
{
    struct expected expected = {f->client, end};
    assert_true(loop_run_until(f->loop, ends_with, &expected, WAIT_MS));
}

static void test_events(void **state)
{
    struct fixture *f = *state;
    open_stream(f);
    assert_int_equal(f->rooms, 1);
    assert_int_equal(httpd_open_streams(f->httpd), 1);
    assert_int_equal(httpd_open_requests(f->httpd), 0);
    await_end(f, "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    AUTO(mem_free) char *head = str_dup(http_client_received(f->client));
    assert_memory_equal(head, "HTTP/1.1 200 OK\r\nDate: ", 23);
    assert_non_null(strstr(head, "\r\nX-Test: yes\r\nContent-Type: text/event-stream\r\n"));
    send_event(f, "data: 1\n\n");
    await_end(f, "\r\n\r\n9\r\ndata: 1\n\n\r\n");
    send_event(f, "data: 2\n\n");
    send_event(f, "data: three\n\n");
    http_stream_end(&f->stream);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    await_end(f, "9\r\ndata: 2\n\n\r\nd\r\ndata: three\n\n\r\n0\r\n\r\n");
    assert_false(http_client_was_reset(f->client));
    assert_int_equal(f->gones, 0);
    assert_int_equal(f->rooms, 1);
    assert_int_equal(httpd_open_streams(f->httpd), 0);
    assert_int_equal(httpd_open_connections(f->httpd), 0);
}

/* The end of the connection is the end of the stream. */
static void test_events_in_1_0(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client, STR_LIT("GET /events?x=1 HTTP/1.0\r\nX-Who: me\r\n\r\n"));
    assert_true(loop_run_until(f->loop, has_stream, f, WAIT_MS));
    send_event(f, "data: 1\n\n");
    send_event(f, "data: 2\n\n");
    http_stream_end(&f->stream);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    await_end(f, "Connection: close\r\n\r\ndata: 1\n\ndata: 2\n\n");
}

/* One chunk is sent by many. */
static void test_many_readers(void **state)
{
    struct fixture *f = *state;
    struct http_client *clients[STREAMS_MAX];
    struct http_stream *streams[STREAMS_MAX];
    struct http_chunk *chunk = http_chunk_new(STR_LIT("to all\n\n"));
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        f->stream = NULL;
        clients[i] = http_client_new(f->loop, httpd_port(f->httpd), NULL);
        http_client_send(clients[i], STR_LIT(GET_EVENTS));
        assert_true(loop_run_until(f->loop, has_stream, f, WAIT_MS));
        streams[i] = f->stream;
    }
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        assert_true(http_stream_send(streams[i], chunk));
    }
    http_chunk_unref(&chunk);
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        struct expected expected = {clients[i], "8\r\nto all\n\n\r\n"};
        assert_true(loop_run_until(f->loop, ends_with, &expected, WAIT_MS));
    }
    /* One more than there may be. */
    http_client_send(f->client, STR_LIT(GET_EVENTS));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 503);
    assert_int_equal(f->last_error, ERR_OVERLOADED);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        http_client_free(&clients[i]);
    }
}

static void test_client_leaves(void **state)
{
    static void (*const ways[])(struct http_client *) = {http_client_shutdown, http_client_reset};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        open_stream(f);
        ways[i](f->client);
        assert_true(loop_run_until(f->loop, has_gone, f, WAIT_MS));
        assert_int_equal(f->gones, 1);
        assert_int_equal(httpd_open_connections(f->httpd), 0);
        f->gones = 0;
        http_client_free(&f->client);
        f->client = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    }
}

/* Before it was answered: whoever answers then hears at once that nobody listens. */
static void test_client_leaves_early(void **state)
{
    struct fixture *f = *state;
    f->holds = true;
    http_client_send(f->client, STR_LIT(GET_EVENTS));
    assert_false(http_client_await_close(f->client, SHORT_MS));
    assert_int_equal(httpd_open_requests(f->httpd), 1);
    http_client_reset(f->client);
    assert_false(loop_run_until(f->loop, has_gone, f, SHORT_MS));
    assert_int_equal(httpd_open_requests(f->httpd), 0);
    assert_int_equal(httpd_open_connections(f->httpd), 0);
    assert_string_equal(httpd_header(f->request, "X-Who"), "me");
    begin_stream(f, &producer);
    assert_int_equal(f->gones, 1);
    assert_int_equal(f->rooms, 0);
}

/* What a client says after its request is thrown away, up to a bound. */
static void test_client_talks(void **state)
{
    struct fixture *f = *state;
    char noise[3000];
    memset(noise, 'n', sizeof(noise));
    open_stream(f);
    http_client_send(f->client, (struct str){.data = noise, .bytes = sizeof(noise)});
    assert_false(http_client_await_close(f->client, SHORT_MS));
    http_client_send(f->client, (struct str){.data = noise, .bytes = sizeof(noise)});
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_int_equal(f->gones, 1);
}

static void test_on_a_kept_connection(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n" GET_EVENTS));
    assert_true(http_client_await(f->client, 2, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 1), 307);
    assert_true(str_eq(http_client_header(f->client, 1, "Location"), STR_LIT("/events?x=1")));
    assert_true(str_eq(http_client_header(f->client, 1, "Connection"), STR_LIT("close")));
    assert_true(http_client_await_close(f->client, WAIT_MS));
}

static void test_answered_otherwise(void **state)
{
    struct fixture *f = *state;
    f->refuses = true;
    http_client_send(f->client, STR_LIT(GET_EVENTS));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 401);
    assert_true(str_eq(http_client_body(f->client, 0), STR_LIT("no")));
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_int_equal(httpd_open_connections(f->httpd), 0);
}

/* A request for a stream has no body, and is framed without doubt. */
static void test_ambiguous_requests(void **state)
{
    static const char *const rest[] = {
        " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
        " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        " HTTP/1.1\r\nHost: x\r\nX: a\nY: b\r\n\r\n",
        " HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        " HTTP/1.1\r\nHost: x\r\nX : a\r\n\r\n",
        " HTTP/1.1\r\nHost: x\r\nX: a\x01\r\n\r\n",
        "?\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
        "? b HTTP/1.1\r\nHost: x\r\n\r\n",
        " HTTP/1.1\n\n",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
        http_client_free(&f->client);
        f->client = http_client_new(f->loop, httpd_port(f->httpd), NULL);
        http_client_sendf(f->client, "GET /events%s", rest[i]);
        assert_true(http_client_await_close(f->client, WAIT_MS));
        if (http_client_status(f->client, 0) != 400) {
            fail_msg("%s: %d", rest[i], http_client_status(f->client, 0));
        }
    }
    assert_null(f->stream);
}

/* Who does not read holds up its producer, not the server; when it reads, nothing is missing. */
static void test_no_room(void **state)
{
    enum { BYTES = 10000, MOST = 10000 };
    struct fixture *f = *state;
    char *text = mem_alloc(BYTES + 1);
    memset(text, 'e', BYTES);
    struct http_chunk *chunk = http_chunk_new(str_of(text));
    size_t sent = 0;
    open_stream(f);
    http_client_read(f->client, false);
    while (sent < MOST && http_stream_send(f->stream, chunk)) {
        sent++;
        (void)http_client_await_close(f->client, 0);
    }
    assert_in_range(sent, HTTP_STREAM_CHUNKS, MOST - 1);
    assert_false(http_stream_send(f->stream, chunk));
    assert_int_equal(f->rooms, 1);
    http_client_read(f->client, true);
    f->stream = NULL;
    assert_true(loop_run_until(f->loop, has_stream, f, WAIT_MS));
    assert_int_equal(f->rooms, 2);
    http_stream_end(&f->stream);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    struct str got = http_client_received(f->client);
    size_t letters = 0;
    for (size_t i = 0; i < got.bytes; i++) {
        letters += got.data[i] == 'e';
    }
    assert_in_range(letters, sent * BYTES, sent * BYTES + 300); /* and those of the head */
    http_chunk_unref(&chunk);
    mem_free(&text);
}

static void test_stalled(void **state)
{
    enum { BYTES = 100000 };
    struct fixture *f = *state;
    char *text = mem_alloc(BYTES + 1);
    memset(text, 'e', BYTES);
    struct http_chunk *chunk = http_chunk_new(str_of(text));
    open_stream(f);
    http_client_read(f->client, false);
    while (http_stream_send(f->stream, chunk)) {
        (void)http_client_await_close(f->client, 0);
    }
    assert_true(loop_run_until(f->loop, has_gone, f, WAIT_MS));
    struct metric *stalled = metrics_counter(f->metrics, "lynks_http_cut_connections_total", "",
                                             "listener=\"test\",reason=\"stalled\"");
    assert_int_equal(metric_value(stalled), 1);
    assert_int_equal(httpd_open_streams(f->httpd), 0);
    http_chunk_unref(&chunk);
    mem_free(&text);
}

/* What is larger than the socket's buffer leaves in parts, which is no stall where the next part is
 * taken at once. */
static void test_a_reader_that_has_all_is_not_stalled(void **state)
{
    enum { CHUNK_BYTES = 6000 };
    struct fixture *f = *state;
    char *text = mem_alloc(CHUNK_BYTES + 1);
    open_stream(f);
    memset(text, 'x', CHUNK_BYTES);
    memcpy(text + CHUNK_BYTES - 4, "end\n", 4);
    for (size_t i = 0; i < HTTP_STREAM_CHUNKS; i++) {
        send_event(f, text);
    }
    mem_free(&text);
    assert_false(loop_run_until(f->loop, has_gone, f, 3 * STALL_MS));
    send_event(f, "more\n\n");
    await_end(f, "more\n\n\r\n");
}

static bool is_drained(void *arg)
{
    return httpd_is_drained(((struct fixture *)arg)->httpd);
}

static void test_drain(void **state)
{
    struct fixture *f = *state;
    f->ends_at_drain = true;
    open_stream(f);
    httpd_drain(f->httpd, 600000);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    await_end(f, "5\r\nbye\n\n\r\n0\r\n\r\n");
    assert_int_equal(f->drains, 1);
    assert_int_equal(f->gones, 0);
    assert_true(loop_run_until(f->loop, is_drained, f, WAIT_MS));
}

/* The server ends it where the producer has nothing to say about it. */
static void test_drain_without_a_word(void **state)
{
    struct fixture *f = *state;
    f->holds = true;
    http_client_send(f->client, STR_LIT(GET_EVENTS));
    assert_false(http_client_await_close(f->client, SHORT_MS));
    httpd_drain(f->httpd, 600000);
    begin_stream(f, &producer_without_drain);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    await_end(f, "\r\n\r\n0\r\n\r\n");
    assert_int_equal(f->gones, 1);
    assert_true(loop_run_until(f->loop, is_drained, f, WAIT_MS));
}

/* Who goes on is closed when the patience is over. */
static void test_drain_of_who_goes_on(void **state)
{
    struct fixture *f = *state;
    open_stream(f);
    httpd_drain(f->httpd, 100);
    assert_true(loop_run_until(f->loop, is_drained, f, WAIT_MS));
    assert_int_equal(f->drains, 1);
    assert_int_equal(f->gones, 1);
    assert_true(http_client_await_close(f->client, WAIT_MS));
}

static void test_free_with_a_stream(void **state)
{
    struct fixture *f = *state;
    open_stream(f);
    send_event(f, "last\n\n");
    httpd_free(&f->httpd);
    assert_int_equal(f->gones, 1);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    await_end(f, "6\r\nlast\n\n\r\n");
}

#define STREAM_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(test_events),
        STREAM_TEST(test_events_in_1_0),
        STREAM_TEST(test_many_readers),
        STREAM_TEST(test_client_leaves),
        STREAM_TEST(test_client_leaves_early),
        STREAM_TEST(test_client_talks),
        STREAM_TEST(test_on_a_kept_connection),
        STREAM_TEST(test_answered_otherwise),
        STREAM_TEST(test_ambiguous_requests),
        STREAM_TEST(test_no_room),
        STREAM_TEST(test_stalled),
        STREAM_TEST(test_a_reader_that_has_all_is_not_stalled),
        STREAM_TEST(test_drain),
        STREAM_TEST(test_drain_without_a_word),
        STREAM_TEST(test_drain_of_who_goes_on),
        STREAM_TEST(test_free_with_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
