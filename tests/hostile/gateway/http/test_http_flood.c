/* Many clients at a time, and clients that vanish: the service goes on, and all is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/hostile/gateway/http/http_fixture.h"

/* Freed memory is kept back only a little, so that resident memory tells something. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=4";
}

static void allow_descriptors(rlim_t wanted)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A request that is cut off by a reset after each of its bytes. */
static void test_reset_after_each_byte(void **state)
{
    struct http_fixture *f = *state;
    struct str request = STR_LIT(LIST);
    for (size_t bytes = 0; bytes <= request.bytes; bytes++) {
        send_anew(f, (struct str){.data = request.data, .bytes = bytes});
        turn_for(f, 0);
        http_client_reset(f->client);
    }
    assert_connections(f, 0);
    assert_serves(f);
}

/* Clients that vanish while their call is on the bus. */
static void test_reset_while_a_call_is_out(void **state)
{
    struct http_fixture *f = *state;
    f->hold = true;
    for (int i = 0; i < 200; i++) {
        send_anew(f, STR_LIT(LIST));
        turn_for(f, 0);
        if (i % 2 == 0) {
            http_client_reset(f->client);
        }
    }
    http_client_free(&f->client);
    turn_for(f, 20);
    http_fixture_release(f);
    assert_connections(f, 0);
    assert_serves(f);
}

#define CALLERS 50

static bool has_called(void *arg)
{
    const struct http_fixture *f = arg;
    return f->calls == CALLERS;
}

/* The gateway ends while calls are out, and the bus answers afterwards. */
static void test_end_while_calls_are_out(void **state)
{
    struct http_fixture *f = *state;
    struct http_client *clients[CALLERS];
    f->hold = true;
    http_client_free(&f->client);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = http_fixture_connect(f, NULL);
        http_client_send(clients[i], STR_LIT(LIST));
    }
    assert_true(loop_run_until(f->loop, has_called, f, WAIT_MS));
    assert_false(gateway_is_drained(f->gateway));
    gateway_free(&f->gateway);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        assert_true(http_client_await_close(clients[i], WAIT_MS));
        assert_int_equal(http_client_status(clients[i], 0), 503);
        http_client_free(&clients[i]);
    }
    http_fixture_release(f);
}

struct storm {
    const struct metric *accepted;
    uint64_t sent;
};

static bool is_accepted(void *arg)
{
    const struct storm *storm = arg;
    return metric_value(storm->accepted) >= storm->sent;
}

/* Connections that are cut at every point of a request, some before they are even accepted. */
static void reset_storm(struct http_fixture *f, size_t count)
{
    struct str request = STR_LIT(LIST);
    struct storm storm = {.accepted =
                              metrics_counter(f->metrics, "lynks_http_accepted_connections_total",
                                              "", "listener=\"http\"")};
    storm.sent = metric_value(storm.accepted);
    for (size_t i = 0; i < count; i++) {
        struct http_client *client = http_fixture_connect(f, NULL);
        storm.sent++;
        http_client_send(client,
                         (struct str){.data = request.data, .bytes = i * 7 % (request.bytes + 1)});
        if (i % 3 == 0) {
            turn_for(f, 0);
        }
        http_client_reset(client);
        http_client_free(&client);
        if (i % 64 == 0) { /* the backlog is finite */
            assert_true(loop_run_until(f->loop, is_accepted, &storm, WAIT_MS));
        }
    }
}

static void test_reset_storm(void **state)
{
    struct http_fixture *f = *state;
    http_client_free(&f->client);
    reset_storm(f, 2000);
    assert_connections(f, 0);
    size_t descriptors = open_descriptors();
    size_t kib = resident_kib();
    reset_storm(f, 20000);
    assert_serves(f);
    assert_connections(f, 0);
    assert_true(open_descriptors() <= descriptors);
    assert_true(resident_kib() < kib + 4 * 1024);
}

static void test_one_address_takes_its_share_only(void **state)
{
    struct http_fixture *f = *state;
    struct http_client *greedy[100];
    f->config.connections_per_address_max = 50;
    http_fixture_restart(f);
    http_client_free(&f->client);
    assert_connections(f, 0);
    for (size_t i = 0; i < ARRAY_LEN(greedy); i++) {
        greedy[i] = http_fixture_connect(f, "127.0.0.66");
    }
    assert_connections(f, 50);
    assert_serves(f);
    for (size_t i = 0; i < ARRAY_LEN(greedy); i++) {
        http_client_free(&greedy[i]);
    }
    assert_connections(f, 0);
}

/* With all places taken, the longest idle one makes way for a newcomer. */
static void test_full_of_idle(void **state)
{
    struct http_fixture *f = *state;
    struct http_client *idle[32];
    f->config.connections_max = 16;
    http_fixture_restart(f);
    for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
        idle[i] = http_fixture_connect(f, NULL);
        http_client_send(idle[i], STR_LIT(LIST));
        assert_true(http_client_await(idle[i], 1, WAIT_MS));
        assert_int_equal(http_client_status(idle[i], 0), 200);
    }
    for (int i = 0; i < 20; i++) {
        assert_serves(f);
    }
    assert_true(http_client_is_closed(idle[0]));
    for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
        http_client_free(&idle[i]);
    }
}

#define IDLE 10000

static void connect_idle(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (uint32_t i = 0; i < IDLE; i++) {
        struct sockaddr_in own = {.sin_family = AF_INET};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        own.sin_addr.s_addr = htonl(0x7f010001 + i / 200 * 256 + i % 200);
        if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 ||
            connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
            _exit(1);
        }
        if (i % 2 == 0 && write(fd, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", 28) != 28) {
            _exit(1);
        }
    }
}

/* Another process, because one may not have descriptors for both ends: it connects, and holds its
 * connections until its pipe is closed. */
static pid_t start_idle_clients(uint16_t port, int *ret_pipe)
{
    int ends[2];
    char ignored;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[1]);
        connect_idle(port);
        _exit(read(ends[0], &ignored, 1) == 0 ? 0 : 1);
    }
    close(ends[0]);
    *ret_pipe = ends[1];
    return pid;
}

static void test_10000_idle(void **state)
{
    struct http_fixture *f = *state;
    int held;
    int status;
    allow_descriptors(IDLE + 2000);
    http_client_free(&f->client);
    assert_connections(f, 0);
    size_t descriptors = open_descriptors();
    size_t kib = resident_kib();
    pid_t pid = start_idle_clients(gateway_port(f->gateway), &held);
    assert_connections(f, IDLE);
    /* 12 KiB at most; a sanitizer that surrounds each piece of memory included. */
    assert_true(resident_kib() - kib < IDLE * 12);
    for (int i = 0; i < 20; i++) {
        assert_serves(f);
    }
    close(held);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_serves(f);
    assert_connections(f, 0);
    assert_true(open_descriptors() <= descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BRIEF_TEST(test_reset_after_each_byte),
        BRIEF_TEST(test_reset_while_a_call_is_out),
        HTTP_TEST(test_end_while_calls_are_out),
        BRIEF_TEST(test_reset_storm),
        HTTP_TEST(test_one_address_takes_its_share_only),
        HTTP_TEST(test_full_of_idle),
        HTTP_TEST(test_10000_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
