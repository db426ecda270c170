/* Wall clocks of callers that differ from ours: seen by people, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/bus/bus_skew.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"

#define LEFT_MS 4000

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct health *health;
    struct bus_skew *skew;
};

static int setup(void **state)
{
    log_capture_setup(state);
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->health = health_new();
    f->skew = bus_skew_new(fake_clock_clock(f->clock), f->metrics, f->health);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bus_skew_free(&f->skew);
    health_free(&f->health);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return log_capture_teardown(state);
}

/* A call that took so long, of a caller whose clock is so far ahead of ours. */
static void hear(struct fixture *f, uint64_t peer, int64_t ahead_ms, uint64_t took_ms)
{
    const uint64_t now_ms = clock_unix_ms(fake_clock_clock(f->clock));
    const struct envelope envelope = {
        .remaining_ms = LEFT_MS,
        .expiry_unix_ms = (uint64_t)((int64_t)(now_ms - took_ms) + ahead_ms) + LEFT_MS};
    bus_skew_hear(f->skew, peer, "gateway", &envelope);
}

static void hear_for_10_s(struct fixture *f, uint64_t peer, int64_t ahead_ms)
{
    for (unsigned i = 0; i < 10; i++) {
        hear(f, peer, ahead_ms, 1);
        fake_clock_advance(f->clock, 1000);
    }
}

static bool is_noted(const struct fixture *f, const char *words)
{
    AUTO(mem_free) char *json = health_json(f->health);
    assert_true(health_is_ready(f->health)); /* whatever the clocks say */
    return strstr(json, words) != NULL;
}

static void a_clock_that_is_ahead_is_seen(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("clocks differ");
    hear_for_10_s(f, 1, 4200);
    assert_true(is_noted(f, "\"note\":\"the clock of gateway is 4.1 s ahead of ours\""));
    const struct metric *ahead = metrics_gauge(f->metrics, "lynks_bus_clock_ahead_ms", "", NULL);
    assert_true((int64_t)metric_value(ahead) == -4199);
    hear_for_10_s(f, 1, 4200);
    assert_int_equal(log_capture_count("clocks differ"), 1); /* not each time */
    hear_for_10_s(f, 1, 0);
    assert_false(is_noted(f, "note"));
}

static void of_two_replicas_the_one_that_is_wrong_is_seen(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("clocks differ");
    for (unsigned i = 0; i < 10; i++) {
        hear(f, 1, 0, 1);
        hear(f, 2, -5000, 1);
        fake_clock_advance(f->clock, 1000);
    }
    assert_true(is_noted(f, "5.0 s behind ours"));
}

/* While we were stopped calls have waited: that is no difference of clocks. */
static void what_took_long_is_not_taken_for_a_difference(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 10; i++) {
        hear(f, 1, 0, i % 4 == 0 ? 20 : 8000);
        fake_clock_advance(f->clock, 1000);
    }
    assert_false(is_noted(f, "note"));
}

static void two_calls_are_not_enough(void **state)
{
    struct fixture *f = *state;
    hear(f, 1, 9000, 1);
    fake_clock_advance(f->clock, 60000);
    hear(f, 1, 9000, 1);
    assert_false(is_noted(f, "note"));
}

static void who_does_not_say_when_is_left_out(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 10; i++) {
        const struct envelope envelope = {.remaining_ms = LEFT_MS, .expiry_unix_ms = 0};
        bus_skew_hear(f->skew, 1, "gateway", &envelope);
        fake_clock_advance(f->clock, 1000);
    }
    assert_false(is_noted(f, "note"));
}

static void any_number_of_connections_is_bounded(void **state)
{
    struct fixture *f = *state;
    for (uint64_t peer = 0; peer < 1000; peer++) {
        hear(f, peer, 0, 1);
    }
    log_capture_expect("clocks differ");
    hear_for_10_s(f, 7, 2000);
    assert_true(is_noted(f, "ahead of ours"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_clock_that_is_ahead_is_seen),
        TEST(of_two_replicas_the_one_that_is_wrong_is_seen),
        TEST(what_took_long_is_not_taken_for_a_difference),
        TEST(two_calls_are_not_enough),
        TEST(who_does_not_say_when_is_left_out),
        TEST(any_number_of_connections_is_bounded),
    };
    return cmocka_run_group_tests_name("bus_skew", tests, NULL, NULL);
}
