#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/base/backoff.h"

static uint32_t drawn;

static uint32_t draw(void)
{
    return drawn;
}

static void pauses_double_up_to_the_bound(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0, 50, 100, 200, 400, 700, 700};
    struct backoff backoff = {.min_ms = 50, .max_ms = 700};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_int_equal(backoff_next(&backoff), expected[i]);
    }
    backoff_begin(&backoff);
    assert_int_equal(backoff_next(&backoff), 0);
    assert_int_equal(backoff_next(&backoff), 50);
    backoff_begin_at_min(&backoff);
    assert_int_equal(backoff_next(&backoff), 50);
    assert_int_equal(backoff_next(&backoff), 100);
}

/* Between the half and the whole of each pause, both included; jitter does not add up. */
static void jitter_shortens_by_half_at_most(void **state)
{
    (void)state;
    static const struct {
        uint32_t drawn;
        uint64_t first_ms, second_ms;
    } cases[] = {{0, 100, 200}, {50, 50, 150}, {51, 100, 149}, {100, 51, 100}, {101, 50, 200}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct backoff backoff = {.min_ms = 100, .max_ms = 1000, .random = draw};
        drawn = cases[i].drawn;
        assert_int_equal(backoff_next(&backoff), 0);
        assert_int_equal(backoff_next(&backoff), cases[i].first_ms);
        assert_int_equal(backoff_next(&backoff), cases[i].second_ms);
    }
}

static void system_draws_differ(void **state)
{
    (void)state;
    size_t same = 0;
    for (int i = 0; i < 100; i++) {
        same += random_u32() == random_u32();
    }
    assert_in_range(same, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_the_bound),
        cmocka_unit_test(jitter_shortens_by_half_at_most),
        cmocka_unit_test(system_draws_differ),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
