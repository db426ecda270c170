/* Accepting, where the system has nothing left to accept with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/http/http_front.h"
#include "proto/http/http_listen.h"
#include "proto/http/http_stream.h"
#include "tests/support/c/http_client.h"

#define WAIT_MS 20000

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct http_conns *conns;
    struct http_linger *linger;
    struct http_streams *streams;
    struct http_front *front;
    int listen_fd;
    size_t handed_over;
};

/* What the system says instead of accepting, and how often. */
static int shortage;
static unsigned shortages;

static int accept_or_not(int fd, struct sockaddr_storage *ret_from, socklen_t *ret_from_bytes)
{
    if (shortages > 0) {
        shortages--;
        errno = shortage;
        return -1;
    }
    return http_listen_accept(fd, ret_from, ret_from_bytes);
}

static void take_over(void *arg, struct http_conn *conn)
{
    struct fixture *f = arg;
    f->handed_over++;
    close(conn->fd);
    http_conns_remove(f->conns, conn);
}

static bool keeps_none(void *arg, struct str method, struct str path)
{
    (void)arg;
    (void)method;
    (void)path;
    return false;
}

static void ignore_cut(void *arg, struct http_conn *conn)
{
    (void)arg;
    (void)conn;
}

static int setup(void **state)
{
    static const struct http_front_owner owner = {.hand_over = take_over, .keeps = keeps_none};
    static const struct http_conns_config conns = {.name = "test",
                                                   .max = 10,
                                                   .request_timeout_ms = 3 * WAIT_MS,
                                                   .idle_timeout_ms = 3 * WAIT_MS};
    struct fixture *f = mem_alloc(sizeof(*f));
    const char *why = NULL;
    shortages = 0;
    f->loop = loop_new();
    f->metrics = metrics_new();
    f->conns = http_conns_new(loop_clock(f->loop), f->metrics, &conns, ignore_cut, f);
    f->linger = http_linger_new(f->loop);
    f->streams = http_streams_new(f->loop, f->metrics, "test", f->conns);
    f->listen_fd = http_listen("127.0.0.1", 0, &why);
    assert_true(f->listen_fd >= 0);
    const struct http_front_config config = {.name = "test",
                                             .listen_fd = f->listen_fd,
                                             .header_bytes_max = 4096,
                                             .accept = accept_or_not,
                                             .owner = &owner,
                                             .owner_arg = f};
    f->front = http_front_new(f->loop, f->metrics, &config, f->conns, f->linger, f->streams);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_front_free(&f->front);
    http_streams_free(&f->streams);
    http_linger_free(&f->linger);
    http_conns_free(&f->conns);
    close(f->listen_fd);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    free(f);
    return 0;
}

static struct http_client *ask(struct fixture *f)
{
    struct http_client *client = http_client_new(f->loop, http_listen_port(f->listen_fd), NULL);
    http_client_send(client, STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    return client;
}

struct wanted {
    struct fixture *f;
    size_t handed_over;
};

static bool has_handed_over(void *arg)
{
    const struct wanted *wanted = arg;
    return wanted->f->handed_over == wanted->handed_over;
}

static bool stands_still(void *arg)
{
    struct fixture *f = arg;
    return !http_front_is_accepting(f->front);
}

static uint64_t count_pauses(struct fixture *f)
{
    return (uint64_t)metric_value(
        metrics_counter(f->metrics, "lynks_http_accept_pauses_total", "", "listener=\"test\""));
}

/* Whatever is short, and however often: whoever waits is let in when it is there again. */
static void test_shortages(void **state)
{
    static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    enum { TIMES = 3 };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct wanted wanted = {.f = f, .handed_over = i + 1};
        shortage = errors[i];
        shortages = TIMES;
        struct http_client *client = ask(f);
        assert_true(loop_run_until(f->loop, has_handed_over, &wanted, WAIT_MS));
        assert_int_equal(shortages, 0);
        assert_int_equal(count_pauses(f), (i + 1) * TIMES);
        assert_true(http_front_is_accepting(f->front));
        http_client_free(&client);
    }
}

/* While it lasts, the look at it tells; when it is over, it tells that too. */
static void test_a_long_shortage_is_seen(void **state)
{
    struct fixture *f = *state;
    struct wanted wanted = {.f = f, .handed_over = 1};
    shortage = ENFILE;
    shortages = 1000000;
    assert_true(http_front_is_accepting(f->front));
    assert_false(loop_run_until(f->loop, stands_still, f, 50)); /* nobody waits */
    struct http_client *client = ask(f);
    assert_true(http_front_is_accepting(f->front));
    assert_true(loop_run_until(f->loop, stands_still, f, WAIT_MS));
    shortages = 0;
    assert_true(loop_run_until(f->loop, has_handed_over, &wanted, WAIT_MS));
    assert_true(http_front_is_accepting(f->front));
    http_client_free(&client);
}

/* Who waits while nobody even tries is seen by looking. */
static void test_nobody_tries(void **state)
{
    struct fixture *f = *state;
    struct http_client *client = ask(f);
    uint64_t began_ms = clock_mono_ms(loop_clock(f->loop));
    while (http_front_is_accepting(f->front)) { /* the loop does not turn */
        assert_true(clock_mono_ms(loop_clock(f->loop)) - began_ms < WAIT_MS);
    }
    struct wanted wanted = {.f = f, .handed_over = 1};
    assert_true(loop_run_until(f->loop, has_handed_over, &wanted, WAIT_MS));
    assert_true(http_front_is_accepting(f->front));
    http_client_free(&client);
}

#define FRONT_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRONT_TEST(test_shortages),
        FRONT_TEST(test_a_long_shortage_is_seen),
        FRONT_TEST(test_nobody_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
