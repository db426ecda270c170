#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "gateway/http/limiter.h"

#define START_MS 1000000
#define A STR_LIT("a")
#define B STR_LIT("b")

static struct limiter *make(uint64_t burst, uint64_t per_minute, uint64_t keys_max)
{
    return limiter_new(
        &(struct limiter_config){.burst = burst, .per_minute = per_minute, .keys_max = keys_max});
}

static size_t take_all(struct limiter *limiter, struct str key, uint64_t now_ms, size_t most)
{
    uint64_t wait_ms;
    size_t taken = 0;
    while (taken < most && limiter_take(limiter, key, now_ms, &wait_ms)) {
        taken++;
    }
    return taken;
}

static void test_burst_then_rate(void **state)
{
    (void)state;
    struct limiter *limiter = make(3, 6, 64);
    uint64_t wait_ms = 0;
    assert_int_equal(take_all(limiter, A, START_MS, 10), 3);
    assert_false(limiter_take(limiter, A, START_MS, &wait_ms));
    assert_int_equal(wait_ms, 10000);
    assert_false(limiter_take(limiter, A, START_MS + 9999, &wait_ms));
    assert_int_equal(wait_ms, 1);
    assert_int_equal(take_all(limiter, A, START_MS + 10000, 10), 1);
    assert_int_equal(take_all(limiter, A, START_MS + 1000000, 10), 3);
    limiter_free(&limiter);
}

static void test_a_look_takes_nothing(void **state)
{
    (void)state;
    struct limiter *limiter = make(2, 6, 64);
    uint64_t wait_ms = 0;
    for (int i = 0; i < 10; i++) {
        assert_true(limiter_has(limiter, A, START_MS, &wait_ms));
    }
    assert_int_equal(take_all(limiter, A, START_MS, 10), 2);
    assert_false(limiter_has(limiter, A, START_MS + 4000, &wait_ms));
    assert_int_equal(wait_ms, 6000);
    assert_true(limiter_has(limiter, B, START_MS, &wait_ms));
    assert_true(limiter_has(limiter, A, START_MS + 10000, &wait_ms));
    assert_int_equal(take_all(limiter, A, START_MS + 10000, 10), 1);
    limiter_free(&limiter);
}

static void test_keys_are_apart(void **state)
{
    (void)state;
    struct limiter *limiter = make(3, 6, 64);
    assert_int_equal(take_all(limiter, A, START_MS, 10), 3);
    assert_int_equal(take_all(limiter, B, START_MS, 10), 3);
    limiter_free(&limiter);
}

static void test_refused_attempts_cost_nothing(void **state)
{
    (void)state;
    struct limiter *limiter = make(1, 60, 64);
    uint64_t wait_ms;
    assert_true(limiter_take(limiter, A, START_MS, &wait_ms));
    for (int i = 0; i < 1000; i++) {
        assert_false(limiter_take(limiter, A, START_MS + 500, &wait_ms));
    }
    assert_true(limiter_take(limiter, A, START_MS + 1000, &wait_ms));
    limiter_free(&limiter);
}

static void test_give_back(void **state)
{
    (void)state;
    struct limiter *limiter = make(2, 6, 64);
    assert_int_equal(take_all(limiter, A, START_MS, 10), 2);
    limiter_give_back(limiter, A);
    assert_int_equal(take_all(limiter, A, START_MS, 10), 1);
    limiter_give_back(limiter, B); /* not known: nothing happens */
    assert_int_equal(take_all(limiter, B, START_MS, 10), 2);
    /* More than was taken does not make the burst larger. */
    limiter_give_back(limiter, A);
    limiter_give_back(limiter, A);
    limiter_give_back(limiter, A);
    assert_in_range(take_all(limiter, A, START_MS, 10), 2, 2);
    limiter_free(&limiter);
}

/* One that is out of attempts is not forgotten for any number of others that tried once, and each
 * of those finds a place. */
static void test_full_table(void **state)
{
    (void)state;
    struct limiter *limiter = make(5, 6, 64);
    char key[32];
    uint64_t wait_ms;
    assert_int_equal(take_all(limiter, A, START_MS, 10), 5);
    for (int i = 0; i < 100000; i++) {
        int bytes = snprintf(key, sizeof(key), "stranger %d", i);
        assert_true(limiter_take(limiter, (struct str){.data = key, .bytes = (size_t)bytes},
                                 START_MS, &wait_ms));
    }
    assert_false(limiter_take(limiter, A, START_MS, &wait_ms));
    limiter_free(&limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_then_rate),
        cmocka_unit_test(test_a_look_takes_nothing),
        cmocka_unit_test(test_keys_are_apart),
        cmocka_unit_test(test_refused_attempts_cost_nothing),
        cmocka_unit_test(test_give_back),
        cmocka_unit_test(test_full_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
