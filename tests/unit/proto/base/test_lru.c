/* The bounded table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sodium.h>

#include "proto/base/lru.h"

static void put(struct lru *lru, uint64_t key, uint32_t value)
{
    bool added;
    *(uint32_t *)lru_put(lru, &key, &added) = value;
}

static bool has(struct lru *lru, uint64_t key)
{
    return lru_peek(lru, &key) != NULL;
}

static void least_recently_used_makes_place(void **state)
{
    (void)state;
    AUTO(lru_free) struct lru *lru = lru_new(sizeof(uint64_t), sizeof(uint32_t), 3);
    put(lru, 1, 10);
    put(lru, 2, 20);
    put(lru, 3, 30);
    assert_true(lru_is_full(lru));
    uint64_t one = 1;
    assert_int_equal(*(uint32_t *)lru_find(lru, &one), 10);
    const void *oldest_key;
    assert_int_equal(*(uint32_t *)lru_oldest(lru, &oldest_key), 20);
    assert_int_equal(*(const uint64_t *)oldest_key, 2);
    put(lru, 4, 40);
    assert_true(has(lru, 1));
    assert_false(has(lru, 2));
    assert_true(has(lru, 3) && has(lru, 4));
    assert_int_equal(lru_count(lru), 3);
}

static void new_values_are_zero_also_in_used_places(void **state)
{
    (void)state;
    AUTO(lru_free) struct lru *lru = lru_new(sizeof(uint64_t), sizeof(uint32_t), 1);
    bool added;
    uint64_t key = 1;
    put(lru, key, 77);
    assert_int_equal(*(uint32_t *)lru_put(lru, &key, &added), 77);
    assert_false(added);
    key = 2;
    assert_int_equal(*(uint32_t *)lru_put(lru, &key, &added), 0);
    assert_true(added);
    lru_remove(lru, &key);
    lru_remove(lru, &key);
    assert_int_equal(lru_count(lru), 0);
    assert_null(lru_oldest(lru, &(const void *){NULL}));
}

/* Against a plain array that does the same slowly. */
static void agrees_with_a_simple_model(void **state)
{
    enum { KEYS = 40, ROOM = 16, STEPS = 20000 };
    uint64_t used[KEYS] = {0}; /* step of last use; 0: not in it */
    AUTO(lru_free) struct lru *lru = lru_new(sizeof(uint64_t), sizeof(uint32_t), ROOM);
    (void)state;
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint64_t key = randombytes_uniform(KEYS);
        if (randombytes_uniform(4) == 0) {
            lru_remove(lru, &key);
            used[key] = 0;
            continue;
        }
        size_t count = 0, oldest = KEYS;
        for (size_t k = 0; k < KEYS; k++) {
            count += used[k] != 0;
            if (used[k] != 0 && (oldest == KEYS || used[k] < used[oldest])) {
                oldest = k;
            }
        }
        if (used[key] == 0 && count == ROOM) {
            used[oldest] = 0;
        }
        used[key] = step;
        put(lru, key, (uint32_t)step);
        for (uint64_t k = 0; k < KEYS; k++) {
            const uint32_t *value = lru_peek(lru, &k);
            assert_int_equal(value == NULL ? 0 : *value, used[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_recently_used_makes_place),
        cmocka_unit_test(new_values_are_zero_also_in_used_places),
        cmocka_unit_test(agrees_with_a_simple_model),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("lru", tests, NULL, NULL);
}
