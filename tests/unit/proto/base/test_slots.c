#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/base/slots.h"

struct item {
    uint64_t number;
};

static uint32_t drawn;

static uint32_t draw(void)
{
    return drawn;
}

static void takes_as_many_as_it_may(void **state)
{
    (void)state;
    struct slots *slots = slots_new(sizeof(struct item), 3, NULL);
    struct item *taken[3];
    for (size_t i = 0; i < 3; i++) {
        taken[i] = slots_take(slots);
        assert_non_null(taken[i]);
        assert_int_equal(taken[i]->number, 0);
        assert_int_not_equal(slots_id(taken[i]), 0);
        assert_ptr_equal(slots_find(slots, slots_id(taken[i])), taken[i]);
    }
    assert_null(slots_take(slots));
    assert_int_equal(slots_used(slots), 3);
    assert_int_not_equal(slots_id(taken[0]), slots_id(taken[1]));
    for (size_t i = 0; i < 3; i++) {
        slots_release(slots, taken[i]);
    }
    assert_null(slots_next(slots, NULL));
    slots_free(&slots);
    assert_null(slots);
}

static void old_ids_find_nothing(void **state)
{
    (void)state;
    struct slots *slots = slots_new(sizeof(struct item), 1, NULL);
    uint64_t seen[100];
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        struct item *item = slots_take(slots);
        seen[i] = slots_id(item);
        for (size_t k = 0; k < i; k++) {
            assert_null(slots_find(slots, seen[k]));
        }
        slots_release(slots, item);
        assert_null(slots_find(slots, seen[i])); /* nor its present one, once released */
        assert_null(slots_find(slots, slots_id(item)));
    }
    assert_null(slots_find(slots, 0));
    assert_null(slots_find(slots, UINT64_MAX));
    assert_null(slots_find(slots, seen[0] + 1)); /* a place that was never used */
    slots_free(&slots);
}

static void large_tables_keep_their_items_in_place(void **state)
{
    (void)state;
    enum { MANY = 65536 };
    struct slots *slots = slots_new(sizeof(struct item), MANY, NULL);
    struct item **taken = mem_realloc_array(NULL, MANY, sizeof(struct item *));
    for (size_t i = 0; i < MANY; i++) {
        taken[i] = slots_take(slots);
        assert_non_null(taken[i]);
        taken[i]->number = i;
    }
    assert_null(slots_take(slots));
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(slots_find(slots, slots_id(taken[i])), taken[i]);
        assert_int_equal(taken[i]->number, i);
        slots_release(slots, taken[i]);
    }
    slots_free(&slots);
    mem_free(&taken);
}

static void all_are_walked_while_they_go(void **state)
{
    (void)state;
    struct slots *slots = slots_new(sizeof(struct item), 200, NULL);
    struct item *taken[200];
    for (size_t i = 0; i < 200; i++) {
        taken[i] = slots_take(slots);
        taken[i]->number = i;
    }
    for (size_t i = 0; i < 200; i += 2) {
        slots_release(slots, taken[i]);
    }
    size_t expected = 1;
    for (struct item *item = NULL; (item = slots_next(slots, item)) != NULL; expected += 2) {
        assert_int_equal(item->number, expected);
        slots_release(slots, item);
    }
    assert_int_equal(expected, 201);
    slots_free(&slots);
}

static void tables_that_draw_give_other_ids(void **state)
{
    (void)state;
    uint64_t ids[2];
    for (size_t i = 0; i < 2; i++) {
        struct slots *slots = slots_new(sizeof(struct item), 1, draw);
        drawn = i == 0 ? 7 : UINT32_MAX; /* and generations that overflow */
        struct item *item = slots_take(slots);
        ids[i] = slots_id(item);
        slots_release(slots, item);
        item = slots_take(slots);
        assert_int_not_equal(slots_id(item), 0);
        assert_int_not_equal(slots_id(item), ids[i]);
        assert_ptr_equal(slots_find(slots, slots_id(item)), item);
        slots_release(slots, item);
        slots_free(&slots);
    }
    assert_int_not_equal(ids[0], ids[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_as_many_as_it_may),
        cmocka_unit_test(old_ids_find_nothing),
        cmocka_unit_test(large_tables_keep_their_items_in_place),
        cmocka_unit_test(all_are_walked_while_they_go),
        cmocka_unit_test(tables_that_draw_give_other_ids),
    };
    return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
