#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/http/http_conns.h"
#include "tests/support/c/fake_clock.h"

#define MAX 4
#define REQUEST_MS 30000
#define IDLE_MS 75000
#define CUT_MAX 16

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct http_conns *conns;
    struct http_conn *cut[CUT_MAX]; /* in the order in which they were cut */
    size_t cut_count;
    int fds[2];
};

static const uint8_t one[16] = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1};
static const uint8_t two[16] = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 2};

static void on_cut(void *arg, struct http_conn *conn)
{
    struct fixture *f = arg;
    assert_true(f->cut_count < CUT_MAX);
    f->cut[f->cut_count++] = conn;
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const struct http_conns_config config = {.name = "test",
                                             .max = MAX,
                                             .per_address_max = 3,
                                             .request_timeout_ms = REQUEST_MS,
                                             .idle_timeout_ms = IDLE_MS};
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->conns = http_conns_new(fake_clock_clock(f->clock), f->metrics, &config, on_cut, f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f->fds), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_conns_free(&f->conns);
    assert_int_equal(fake_clock_timers(f->clock), 0);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    close(f->fds[0]);
    close(f->fds[1]);
    free(f);
    return 0;
}

static struct http_conn *add(struct fixture *f, const uint8_t address[16])
{
    assert_true(http_conns_admit(f->conns, address));
    return http_conns_add(f->conns, address, f->fds[0]);
}

static void test_a_silent_one_is_cut(void **state)
{
    struct fixture *f = *state;
    struct http_conn *conn = add(f, one);
    fake_clock_advance(f->clock, REQUEST_MS - 1);
    assert_int_equal(f->cut_count, 0);
    fake_clock_advance(f->clock, 1);
    assert_int_equal(f->cut_count, 1);
    assert_ptr_equal(f->cut[0], conn);
    fake_clock_advance(f->clock, 10 * IDLE_MS); /* once is enough */
    assert_int_equal(f->cut_count, 1);
}

static void test_an_idle_one_is_kept_longer(void **state)
{
    struct fixture *f = *state;
    struct http_conn *conn = add(f, one);
    http_conns_enter(f->conns, conn, HTTP_IDLE);
    fake_clock_advance(f->clock, IDLE_MS - 1);
    assert_int_equal(f->cut_count, 0);
    fake_clock_advance(f->clock, REQUEST_MS / 4 + 1);
    assert_int_equal(f->cut_count, 1);
}

static void test_the_handler_has_its_own_time(void **state)
{
    struct fixture *f = *state;
    struct http_conn *conn = add(f, one);
    http_conns_enter(f->conns, conn, HTTP_WAITING);
    fake_clock_advance(f->clock, 10 * IDLE_MS);
    assert_int_equal(f->cut_count, 0);
    http_conns_enter(f->conns, conn, HTTP_SENDING);
    fake_clock_advance(f->clock, REQUEST_MS - 1);
    assert_int_equal(f->cut_count, 0);
    fake_clock_advance(f->clock, 1);
    assert_int_equal(f->cut_count, 1);
}

static void test_one_timer_for_all(void **state)
{
    struct fixture *f = *state;
    struct http_conn *first = add(f, one);
    struct http_conn *second = add(f, one);
    http_conns_enter(f->conns, second, HTTP_IDLE);
    fake_clock_advance(f->clock, 10);
    add(f, two);
    assert_int_equal(fake_clock_timers(f->clock), 1);
    http_conns_remove(f->conns, first);
    fake_clock_advance(f->clock, REQUEST_MS);
    assert_int_equal(f->cut_count, 1); /* the third; the first is gone, the second idle */
    assert_int_equal(http_conns_count(f->conns), 2);
}

static void test_per_address(void **state)
{
    struct fixture *f = *state;
    struct http_conn *conn = add(f, one);
    add(f, one);
    add(f, one);
    assert_false(http_conns_admit(f->conns, one));
    assert_true(http_conns_admit(f->conns, two));
    http_conns_remove(f->conns, conn);
    assert_true(http_conns_admit(f->conns, one));
}

static void test_ipv6_counts_by_64_bits(void **state)
{
    struct fixture *f = *state;
    uint8_t address[16] = {0x20, 1, 0x0d, 0xb8};
    for (uint8_t i = 0; i < 3; i++) {
        address[15] = i;
        add(f, address);
    }
    address[15] = 99;
    assert_false(http_conns_admit(f->conns, address));
    address[7] = 1;
    assert_true(http_conns_admit(f->conns, address));
}

static void test_the_longest_idle_gives_way(void **state)
{
    struct fixture *f = *state;
    struct http_conn *busy = add(f, one);
    struct http_conn *young = add(f, one);
    struct http_conn *old = add(f, two);
    http_conns_enter(f->conns, busy, HTTP_WAITING);
    http_conns_enter(f->conns, old, HTTP_IDLE);
    fake_clock_advance(f->clock, 5);
    http_conns_enter(f->conns, young, HTTP_IDLE);
    add(f, two);
    assert_int_equal(f->cut_count, 0);
    add(f, two);
    assert_int_equal(f->cut_count, 1);
    assert_ptr_equal(f->cut[0], old);
    http_conns_remove(f->conns, old);
    assert_true(http_conns_admit(f->conns, two));
    assert_ptr_equal(f->cut[1], young);
}

/* Without an idle one, the one that has been at its request for longest; but each has a second. */
static void test_the_longest_silent_gives_way(void **state)
{
    struct fixture *f = *state;
    struct http_conn *first = add(f, one);
    for (int i = 1; i < MAX; i++) {
        add(f, two);
    }
    fake_clock_advance(f->clock, 999);
    assert_false(http_conns_admit(f->conns, one));
    fake_clock_advance(f->clock, 1);
    assert_true(http_conns_admit(f->conns, one));
    assert_ptr_equal(f->cut[0], first);
}

static void test_busy_ones_do_not_give_way(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < MAX; i++) {
        http_conns_enter(f->conns, add(f, i % 2 == 0 ? one : two), HTTP_WAITING);
    }
    fake_clock_advance(f->clock, 10 * IDLE_MS);
    assert_false(http_conns_admit(f->conns, one));
    assert_int_equal(f->cut_count, 0);
}

static void test_cut_all(void **state)
{
    struct fixture *f = *state;
    http_conns_enter(f->conns, add(f, one), HTTP_IDLE);
    http_conns_enter(f->conns, add(f, one), HTTP_IDLE);
    add(f, two);
    http_conns_cut_all(f->conns, HTTP_IDLE);
    assert_int_equal(f->cut_count, 2);
}

#define CONNS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNS_TEST(test_a_silent_one_is_cut),
        CONNS_TEST(test_an_idle_one_is_kept_longer),
        CONNS_TEST(test_the_handler_has_its_own_time),
        CONNS_TEST(test_one_timer_for_all),
        CONNS_TEST(test_per_address),
        CONNS_TEST(test_ipv6_counts_by_64_bits),
        CONNS_TEST(test_the_longest_idle_gives_way),
        CONNS_TEST(test_the_longest_silent_gives_way),
        CONNS_TEST(test_busy_ones_do_not_give_way),
        CONNS_TEST(test_cut_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
