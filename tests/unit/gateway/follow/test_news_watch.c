/* Who publishes is watched, and those who follow are told when something may have been missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/follow/news_watch.h"
#include "proto/bus/publishers.h"
#include "tests/support/c/fake_clock.h"

#define ONE "tcp://127.0.0.1:1"
#define OTHER "tcp://127.0.0.1:2"

static struct {
    struct fake_clock *clock;
    struct news_watch *watch;
    struct news_watcher fast, even;
    unsigned fast_told, even_told;
    enum news_miss why;
} t;

static void on_fast_missed(void *arg, enum news_miss why)
{
    (void)arg;
    t.fast_told++;
    t.why = why;
}

static void on_even_missed(void *arg, enum news_miss why)
{
    (void)arg;
    (void)why;
    t.even_told++;
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    t.clock = fake_clock_new();
    fake_clock_advance(t.clock, 100000);
    t.watch = news_watch_new(fake_clock_clock(t.clock));
    t.fast =
        (struct news_watcher){.round_ms = 500, .slow_round_ms = 2000, .on_missed = on_fast_missed};
    t.even =
        (struct news_watcher){.round_ms = 5000, .slow_round_ms = 5000, .on_missed = on_even_missed};
    news_watch_add(t.watch, &t.fast);
    news_watch_add(t.watch, &t.even);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    news_watch_remove(&t.fast);
    news_watch_remove(&t.even);
    news_watch_free(&t.watch);
    assert_int_equal(fake_clock_timers(t.clock), 0);
    fake_clock_free(&t.clock);
    return 0;
}

static void assert_told(unsigned fast_min, unsigned fast_max, unsigned even_min, unsigned even_max)
{
    assert_in_range(t.fast_told, fast_min, fast_max);
    assert_in_range(t.even_told, even_min, even_max);
    t.fast_told = t.even_told = 0;
}

static void live(const char *endpoint, uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += 100) {
        fake_clock_advance(t.clock, 100);
        news_watch_hear(t.watch, endpoint, /* is_next= */ true);
    }
}

static void a_gap_is_told_at_once(void **state)
{
    (void)state;
    news_watch_hear(t.watch, ONE, /* is_next= */ false);
    assert_int_equal(t.why, NEWS_GAP);
    assert_told(1, 1, 1, 1);
    live(ONE, 60000);
    assert_told(0, 0, 0, 0);
}

static void one_that_is_gone_is_told_once(void **state)
{
    (void)state;
    news_watch_hear(t.watch, ONE, true);
    news_watch_hear(t.watch, OTHER, true);
    news_watch_leave(t.watch, OTHER);
    assert_int_equal(t.why, NEWS_SILENCE);
    live(ONE, 60000);
    assert_told(1, 1, 1, 1);
}

static void silence_of_one_of_two_is_told_again_and_again_and_after_a_while_seldom(void **state)
{
    (void)state;
    news_watch_hear(t.watch, OTHER, true);
    news_watch_hear(t.watch, ONE, true);
    live(ONE, PUBLISHER_SILENT_MS - 100);
    assert_told(0, 0, 0, 0);
    live(ONE, 200);
    assert_told(1, 1, 1, 1);
    live(ONE, NEWS_SILENT_LONG_MS - 200);
    assert_told(18, 20, 1, 2);
    live(ONE, 60000);
    assert_told(28, 32, 11, 13);
    news_watch_hear(t.watch, OTHER, true);
    live(ONE, PUBLISHER_SILENT_MS + 5000); /* it falls silent again: fast */
    assert_told(9, 12, 1, 2);
}

/* Nobody was ever heard, or nobody is there any more. */
static void where_nobody_publishes_it_is_the_same(void **state)
{
    (void)state;
    fake_clock_advance(t.clock, NEWS_SILENT_LONG_MS);
    assert_told(18, 21, 2, 3);
    fake_clock_advance(t.clock, 60000);
    assert_told(28, 32, 11, 13);
    news_watch_hear(t.watch, ONE, true);
    live(ONE, 1000);
    assert_told(0, 0, 0, 0);
    news_watch_leave(t.watch, ONE);
    fake_clock_advance(t.clock, 5000);
    assert_told(10, 12, 1, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_gap_is_told_at_once),
        TEST(one_that_is_gone_is_told_once),
        TEST(silence_of_one_of_two_is_told_again_and_again_and_after_a_while_seldom),
        TEST(where_nobody_publishes_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
