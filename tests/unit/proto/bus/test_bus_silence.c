/* When an endpoint counts as silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/bus/bus_silence.h"

/* A tick of 25 ms. */
static const struct bus_patience patience = {
    .silent_ms = 150, .silent_costly_ms = 1000, .probe_ms = 500, .refusing_ms = 200};

static enum bus_verdict tick(struct bus_silence *silence, unsigned ticks, size_t in_flight,
                             size_t costly)
{
    enum bus_verdict verdict = BUS_VERDICT_WELL;
    for (unsigned i = 0; i < ticks; i++) {
        verdict = bus_silence_tick(silence, &patience, in_flight, costly);
    }
    return verdict;
}

static void patience_has_defaults(void **state)
{
    (void)state;
    struct bus_patience given = {.probe_ms = 7};
    bus_patience_complete(&given);
    assert_int_equal(given.silent_ms, 150);
    assert_int_equal(given.silent_costly_ms, 1000);
    assert_int_equal(given.probe_ms, 7);
    assert_int_equal(given.refusing_ms, 200);
    assert_int_equal(bus_patience_tick_ms(&given), 25);
}

/* The first tick may come right after the call. */
static void light_calls_are_missed_soon_and_costly_ones_later(void **state)
{
    (void)state;
    struct bus_silence silence = {0};
    assert_int_equal(tick(&silence, 6, 2, 1), BUS_VERDICT_WELL);
    assert_int_equal(tick(&silence, 1, 2, 1), BUS_VERDICT_SILENT_TO_LIGHT);
    bus_silence_restart_light(&silence);
    assert_int_equal(tick(&silence, 33, 1, 1), BUS_VERDICT_WELL); /* the costly one is left */
    assert_int_equal(tick(&silence, 1, 1, 1), BUS_VERDICT_SILENT);
    bus_silence_restart(&silence);
    assert_int_equal(tick(&silence, 40, 1, 1), BUS_VERDICT_WELL);
    assert_int_equal(tick(&silence, 1, 1, 1), BUS_VERDICT_SILENT);
}

static void any_answer_starts_the_count_anew(void **state)
{
    (void)state;
    struct bus_silence silence = {0};
    assert_int_equal(tick(&silence, 6, 1, 0), BUS_VERDICT_WELL);
    silence.answers++;
    assert_int_equal(tick(&silence, 7, 1, 0), BUS_VERDICT_WELL);
    assert_int_equal(tick(&silence, 1, 1, 0), BUS_VERDICT_SILENT_TO_LIGHT);
}

static void who_is_asked_nothing_is_not_silent(void **state)
{
    (void)state;
    struct bus_silence silence = {0};
    assert_int_equal(tick(&silence, 6, 1, 0), BUS_VERDICT_WELL);
    assert_int_equal(tick(&silence, 100, 0, 0), BUS_VERDICT_WELL);
    assert_int_equal(tick(&silence, 6, 1, 0), BUS_VERDICT_WELL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patience_has_defaults),
        cmocka_unit_test(light_calls_are_missed_soon_and_costly_ones_later),
        cmocka_unit_test(any_answer_starts_the_count_anew),
        cmocka_unit_test(who_is_asked_nothing_is_not_silent),
    };
    return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
