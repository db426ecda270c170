#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/http/http_listen.h"
#include "proto/http/httpd.h"
#include "tests/support/c/http_client.h"
#include "tests/support/c/log_capture.h"

#define WAIT_MS 20000
#define BODY_MAX 1000

/* Answers with what it was asked; /later waits until the test says so. */
struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct httpd *httpd;
    struct http_client *client;
    struct httpd_request *later[8];
    size_t later_count;
    size_t handled;
    enum err last_error;
};

static void answer(struct httpd_request *request, int status, struct str body)
{
    struct http_response *response = http_response_new(status);
    assert_true(http_response_add_header(response, "X-Test", "yes"));
    assert_false(http_response_add_header(response, "X-Split", "a\r\nX-Made-Up: b"));
    http_response_set_body(response, "text/plain", body);
    httpd_respond(request, &response);
    assert_null(response);
}

static void count_header(void *arg, struct str name, struct str value)
{
    size_t *count = arg;
    *count += name.bytes == 1 && name.data[0] == 'x' && value.bytes == 1;
}

static void answer_headers(struct httpd_request *request)
{
    uint8_t peer[16];
    char text[192];
    size_t count = 0;
    httpd_peer(request, peer);
    httpd_each_header(request, count_header, &count);
    (void)snprintf(text, sizeof(text), "%s %s %s %s %zu %u", httpd_method(request),
                   httpd_query(request), httpd_header(request, "X"),
                   httpd_header(request, "Y") == NULL ? "none" : "some", count, peer[15]);
    answer(request, 200, str_of(text));
}

static void on_request(void *arg, struct httpd_request *request, enum err error)
{
    struct fixture *f = arg;
    f->handled++;
    f->last_error = error;
    if (strcmp(httpd_path(request), "/later") == 0) {
        f->later[f->later_count++] = request;
    } else if (error != ERR_OK) {
        answer(request, err_http_status(error), STR_LIT("refused"));
    } else if (strcmp(httpd_path(request), "/answer-first") == 0) {
        answer(f->later[0], 200, STR_LIT("first"));
        answer(request, 200, STR_LIT("second"));
    } else if (strcmp(httpd_path(request), "/headers") == 0) {
        answer_headers(request);
    } else if (strcmp(httpd_path(request), "/echo") == 0) {
        answer(request, 200, httpd_body(request));
    } else {
        answer(request, 200, str_of(httpd_path(request)));
    }
}

static const struct httpd_config defaults = {
    .name = "test",
    .host = "127.0.0.1",
    .body_bytes_max = BODY_MAX,
    .header_bytes_max = 4096,
    .connections_max = 100,
    .connections_per_address_max = 50,
    .request_timeout_ms = 3 * WAIT_MS,
    .idle_timeout_ms = 3 * WAIT_MS,
};

static struct fixture *make(const struct httpd_config *config)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const char *why = "";
    log_capture_setup(NULL);
    f->loop = loop_new();
    f->metrics = metrics_new();
    f->httpd = httpd_new(f->loop, f->metrics, config, on_request, f, &why);
    assert_non_null(f->httpd);
    f->client = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    return f;
}

static int setup(void **state)
{
    *state = make(&defaults);
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

static void assert_body(const struct fixture *f, size_t index, const char *text)
{
    struct str body = http_client_body(f->client, index);
    assert_int_equal(body.bytes, strlen(text));
    assert_memory_equal(body.data, text, body.bytes);
}

static void test_answers_at_once(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client, STR_LIT("GET /x?y=1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 200);
    assert_body(f, 0, "/x");
    assert_true(str_eq(http_client_header(f->client, 0, "x-test"), STR_LIT("yes")));
    assert_int_equal(httpd_open_requests(f->httpd), 0);
    assert_int_equal(httpd_open_connections(f->httpd), 1);
}

static void test_answers_later(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client,
                     STR_LIT("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"));
    assert_false(http_client_await(f->client, 1, 50));
    assert_int_equal(f->later_count, 1);
    assert_int_equal(httpd_open_requests(f->httpd), 1);
    answer(f->later[0], 201, STR_LIT("done"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 201);
    http_client_send(f->client, STR_LIT("GET /again HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(f->client, 2, WAIT_MS));
    assert_body(f, 1, "/again");
}

static void test_pipelined(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client, STR_LIT("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /later "
                                        "HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                                        "\r\nxGET /3 HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_false(http_client_await(f->client, 2, 50));
    answer(f->later[0], 200, STR_LIT("2"));
    assert_true(http_client_await(f->client, 3, WAIT_MS));
    assert_body(f, 0, "/1");
    assert_body(f, 1, "2");
    assert_body(f, 2, "/3");
}

static void test_half_close(void **state)
{
    struct fixture *f = *state;
    struct http_client *other = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    http_client_send(other, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(other, 1, WAIT_MS));
    http_client_send(f->client,
                     STR_LIT("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"));
    http_client_shutdown(f->client);
    assert_false(http_client_await(f->client, 1, 50));
    answer(f->later[0], 200, STR_LIT("late"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_true(http_client_await_close(f->client, WAIT_MS));
    http_client_free(&other);
}

/* A request that is not read to its end may be answered later too. */
static void test_refused_and_answered_later(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client,
                     STR_LIT("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\nabc"));
    assert_false(http_client_await(f->client, 1, 50));
    assert_int_equal(f->last_error, ERR_TOO_LARGE);
    answer(f->later[0], 413, STR_LIT("too much"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 413);
    assert_true(str_eq(http_client_header(f->client, 0, "Connection"), STR_LIT("close")));
    assert_true(http_client_await_close(f->client, WAIT_MS));
}

/* One handler answers another request, which came long before or in the same round. */
static void answers_another(struct fixture *f, bool same_round)
{
    struct http_client *other = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    http_client_send(other, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    http_client_send(f->client, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(other, 1, WAIT_MS));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    http_client_send(f->client, STR_LIT("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"));
    if (!same_round) {
        assert_false(http_client_await(f->client, 2, 20));
    }
    http_client_send(other, STR_LIT("GET /answer-first HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(other, 2, WAIT_MS));
    assert_true(http_client_await(f->client, 2, WAIT_MS));
    assert_body(f, 1, "first");
    http_client_free(&other);
}

static void test_answers_another(void **state)
{
    answers_another(*state, false);
}

static void test_answers_another_of_the_same_round(void **state)
{
    answers_another(*state, true);
}

static void test_what_a_handler_sees(void **state)
{
    struct fixture *f = *state;
    http_client_free(&f->client);
    f->client = http_client_new(f->loop, httpd_port(f->httpd), "127.0.0.9");
    http_client_send(
        f->client,
        STR_LIT("BREW /headers?a=%20b&c?d= HTTP/1.1\r\nHost: x\r\nx: 1\r\nX: 2\r\nx: 3\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_body(f, 0, "BREW a=%20b&c?d= 1 none 2 9");
}

/* The server leaves out the body of what would be the answer to GET; the next answer is in step. */
static void test_head(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client, STR_LIT("HEAD /four HTTP/1.1\r\nHost: x\r\n\r\n"));
    http_client_send(f->client, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    assert_true(http_client_await_close(f->client, WAIT_MS));
    AUTO(mem_free) char *got = str_dup(http_client_received(f->client));
    const char *end = strstr(got, "\r\n\r\n");
    assert_non_null(end);
    assert_non_null(strstr(got, "Content-Length: 5\r\n"));
    assert_memory_equal(end + 4, "HTTP/1.1 200 ", 13);
}

/* More fields than any table would hold, and none twice or lost. */
static void test_many_headers(void **state)
{
    enum { FIELDS = 40 };
    struct fixture *f = *state;
    char name[16];
    http_client_send(f->client, STR_LIT("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_false(http_client_await(f->client, 1, 20));
    struct http_response *response = http_response_new(200);
    for (int i = 0; i < FIELDS; i++) {
        (void)snprintf(name, sizeof(name), "X-%d", i);
        assert_true(http_response_add_header(response, name, name + 2));
    }
    httpd_respond(f->later[0], &response);
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    for (int i = 0; i < FIELDS; i++) {
        (void)snprintf(name, sizeof(name), "X-%d", i);
        assert_true(str_eq(http_client_header(f->client, 0, name), str_of(name + 2)));
    }
}

static void test_a_body_at_the_limit(void **state)
{
    struct fixture *f = *state;
    char body[BODY_MAX];
    memset(body, 'b', sizeof(body));
    http_client_send(f->client,
                     STR_LIT("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"));
    http_client_send(f->client, (struct str){.data = body, .bytes = 10});
    assert_false(http_client_await(f->client, 1, 20));
    http_client_send(f->client, (struct str){.data = body, .bytes = BODY_MAX - 10});
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_body(f->client, 0).bytes, BODY_MAX);
    assert_memory_equal(http_client_body(f->client, 0).data, body, BODY_MAX);
}

static size_t larger_to_echo(void *arg, struct str method, struct str path)
{
    (void)arg;
    return str_eq(method, STR_LIT("PUT")) && str_eq(path, STR_LIT("/echo")) ? 2 * BODY_MAX : 0;
}

/* Some requests may have larger bodies than most, whether their length is declared or not. */
static void test_larger_bodies(void **state)
{
    static const struct {
        const char *head, *end;
        size_t bytes;
        int status;
    } rows[] = {
        {"PUT /echo HTTP/1.1\r\nContent-Length: 2000\r\n", "", 2000, 200},
        {"PUT /echo?x HTTP/1.1\r\nContent-Length: 2000\r\n", "", 2000, 200},
        {"PUT /echo HTTP/1.1\r\nContent-Length: 2001\r\n", "", 2001, 413},
        {"POST /echo HTTP/1.1\r\nContent-Length: 1001\r\n", "", 1001, 413},
        {"PUT /other HTTP/1.1\r\nContent-Length: 1001\r\n", "", 1001, 413},
        {"PUT /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", "\r\n0\r\n\r\n", 2000, 200},
        {"PUT /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", "\r\n0\r\n\r\n", 2001, 413},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", "\r\n0\r\n\r\n", 1001, 413},
    };
    struct httpd_config config = defaults;
    char body[2 * BODY_MAX + 1];
    (void)state;
    memset(body, 'b', sizeof(body));
    config.larger_body_bytes_max = larger_to_echo;
    struct fixture *f = make(&config);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_client *client = http_client_new(f->loop, httpd_port(f->httpd), NULL);
        http_client_send(client, str_of(rows[i].head));
        http_client_send(client, STR_LIT("Host: x\r\n\r\n"));
        if (rows[i].end[0] != '\0') {
            AUTO(mem_free) char *size = mem_printf("%zx\r\n", rows[i].bytes);
            http_client_send(client, str_of(size));
        }
        http_client_send(client, (struct str){.data = body, .bytes = rows[i].bytes});
        http_client_send(client, str_of(rows[i].end));
        assert_true(http_client_await(client, 1, WAIT_MS));
        assert_int_equal(http_client_status(client, 0), rows[i].status);
        if (rows[i].status == 200) {
            assert_int_equal(http_client_body(client, 0).bytes, rows[i].bytes);
        }
        http_client_free(&client);
    }
    assert_int_equal(teardown((void **)&f), 0);
}

/* Who connected before is served, also from the backlog, and told to go; who is idle is closed. */
static void test_drain(void **state)
{
    struct fixture *f = *state;
    uint16_t port = httpd_port(f->httpd);
    struct http_client *idle = http_client_new(f->loop, port, NULL);
    http_client_send(idle, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(idle, 1, WAIT_MS));
    http_client_send(f->client, STR_LIT("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_false(http_client_await(f->client, 1, 20));
    struct http_client *late = http_client_new(f->loop, port, NULL); /* not accepted yet */
    http_client_send(late, STR_LIT("GET /y HTTP/1.1\r\nHost: x\r\n\r\n"));
    httpd_drain(f->httpd, 0);
    httpd_drain(f->httpd, 0);
    assert_true(http_client_await_close(idle, WAIT_MS));
    assert_true(http_client_await_close(late, WAIT_MS));
    assert_int_equal(http_client_status(late, 0), 200);
    assert_int_equal(httpd_open_requests(f->httpd), 1);
    answer(f->later[0], 200, STR_LIT("ok"));
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 200);
    assert_true(str_eq(http_client_header(f->client, 0, "Connection"), STR_LIT("close")));
    assert_int_equal(httpd_open_connections(f->httpd), 0);
    http_client_free(&idle);
    http_client_free(&late);
}

static bool is_drained(void *arg)
{
    return httpd_is_drained(((struct fixture *)arg)->httpd);
}

/* With patience, a request that is on its way to an idle connection is answered, and so is one of
 * somebody new; whoever stays silent is closed in the end. */
static void test_drain_with_patience(void **state)
{
    struct fixture *f = *state;
    uint16_t port = httpd_port(f->httpd);
    struct http_client *silent = http_client_new(f->loop, port, NULL);
    http_client_send(silent, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    http_client_send(f->client, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(silent, 1, WAIT_MS));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    httpd_drain(f->httpd, 300);
    assert_false(httpd_is_drained(f->httpd));
    http_client_send(f->client, STR_LIT("GET /y HTTP/1.1\r\nHost: x\r\n\r\n"));
    struct http_client *fresh = http_client_new(f->loop, port, NULL);
    http_client_send(fresh, STR_LIT("GET /z HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_true(http_client_await_close(fresh, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 1), 200);
    assert_true(str_eq(http_client_header(f->client, 1, "Connection"), STR_LIT("close")));
    assert_int_equal(http_client_status(fresh, 0), 200);
    assert_false(httpd_is_drained(f->httpd));
    assert_true(loop_run_until(f->loop, is_drained, f, WAIT_MS));
    assert_true(http_client_await_close(silent, WAIT_MS));
    http_client_free(&silent);
    http_client_free(&fresh);
}

/* Without a connection there is nobody to be patient with. */
static void test_drain_of_nobody(void **state)
{
    struct fixture *f = *state;
    http_client_free(&f->client);
    httpd_drain(f->httpd, 600000);
    assert_true(loop_run_until(f->loop, is_drained, f, WAIT_MS));
}

static bool has_paused(void *arg)
{
    const struct fixture *f = arg;
    return metric_value(metrics_counter(f->metrics, "lynks_http_accept_pauses_total", "",
                                        "listener=\"test\"")) > 0;
}

/* Without descriptors new connections wait, old ones are served; later the new ones are too. */
static void test_no_descriptors(void **state)
{
    struct fixture *f = *state;
    struct rlimit limit, none;
    http_client_send(f->client, STR_LIT("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    struct http_client *late = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    http_client_send(late, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_true(loop_run_until(f->loop, has_paused, f, WAIT_MS));
    http_client_send(f->client, STR_LIT("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(f->client, 2, WAIT_MS));
    assert_int_equal(http_client_status(late, 0), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(http_client_await(late, 1, WAIT_MS));
    assert_int_equal(http_client_status(late, 0), 200);
    http_client_free(&late);
}

/* The handler's requests outlive the server. */
/* What its handler belongs to may be gone by then. */
static void test_freeing_calls_the_handler_no_more(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture *f = *state;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(httpd_port(f->httpd))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
    httpd_free(&f->httpd);
    assert_int_equal(f->handled, 0);
    close(fd);
}

static void test_free_before_the_answer(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client, STR_LIT("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_false(http_client_await(f->client, 1, 20));
    httpd_free(&f->httpd);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 503);
    answer(f->later[0], 200, STR_LIT("nobody hears this"));
}

static void test_a_taken_port(void **state)
{
    struct fixture *f = *state;
    struct httpd_config config = defaults;
    const char *why = "";
    config.port = httpd_port(f->httpd);
    assert_null(httpd_new(f->loop, f->metrics, &config, on_request, f, &why));
    assert_string_equal(why, "Address already in use");
}

/* A socket that was handed over: its backlog is left to the next process. */
static void test_handed_over(void **state)
{
    struct fixture *f = *state;
    struct httpd_config config = defaults;
    const char *why = "";
    int fd = http_listen("127.0.0.1", 0, &why);
    int kept = dup(fd);
    uint16_t port = http_listen_port(fd);
    config.listen_fd = fd;
    struct httpd *first = httpd_new(f->loop, f->metrics, &config, on_request, f, &why);
    assert_int_equal(httpd_port(first), port);
    struct http_client *client = http_client_new(f->loop, port, NULL);
    httpd_free(&first);
    config.listen_fd = kept;
    struct httpd *second = httpd_new(f->loop, f->metrics, &config, on_request, f, &why);
    http_client_send(client, STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(client, 1, WAIT_MS));
    http_client_free(&client);
    httpd_free(&second);
}

#define HTTPD_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTPD_TEST(test_answers_at_once),
        HTTPD_TEST(test_answers_later),
        HTTPD_TEST(test_pipelined),
        HTTPD_TEST(test_half_close),
        HTTPD_TEST(test_refused_and_answered_later),
        HTTPD_TEST(test_answers_another),
        HTTPD_TEST(test_answers_another_of_the_same_round),
        HTTPD_TEST(test_what_a_handler_sees),
        HTTPD_TEST(test_head),
        HTTPD_TEST(test_many_headers),
        HTTPD_TEST(test_a_body_at_the_limit),
        cmocka_unit_test(test_larger_bodies),
        HTTPD_TEST(test_drain),
        HTTPD_TEST(test_drain_with_patience),
        HTTPD_TEST(test_drain_of_nobody),
        HTTPD_TEST(test_no_descriptors),
        HTTPD_TEST(test_free_before_the_answer),
        HTTPD_TEST(test_freeing_calls_the_handler_no_more),
        HTTPD_TEST(test_a_taken_port),
        HTTPD_TEST(test_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
