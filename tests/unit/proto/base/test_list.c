#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/base/list.h"

struct item {
    int number;
    struct list_link link;
};

struct three {
    struct list_link head;
    struct item items[3];
};

static void fill(struct three *three)
{
    list_init(&three->head);
    for (int i = 0; i < 3; i++) {
        three->items[i].number = i + 1;
        list_init(&three->items[i].link);
        list_add(&three->head, &three->items[i].link);
    }
}

/* The numbers of its items as digits, first to last. */
static int digits(struct list_link *head)
{
    int sum = 0;
    LIST_EACH (const struct item, item, head, link) {
        sum = 10 * sum + item->number;
    }
    return sum;
}

static void adds_at_either_end_and_between(void **state)
{
    (void)state;
    struct three t;
    struct item four = {.number = 4}, five = {.number = 5};
    fill(&t);
    assert_int_equal(digits(&t.head), 123);
    list_add_first(&t.head, &four.link);
    list_add_before(&t.items[2].link, &five.link);
    assert_int_equal(digits(&t.head), 41253);
    assert_ptr_equal(LIST_FIRST(struct item, &t.head, link), &four);
    assert_ptr_equal(LIST_LAST(struct item, &t.head, link), &t.items[2]);
}

static void leaves_from_anywhere(void **state)
{
    (void)state;
    struct three t;
    fill(&t);
    list_remove(&t.items[1].link);
    assert_int_equal(digits(&t.head), 13);
    assert_true(list_is_empty(&t.items[1].link));
    list_remove(&t.items[1].link); /* harmless */
    assert_int_equal(digits(&t.head), 13);
    assert_true(list_has_several(&t.head));
    list_remove(&t.items[0].link);
    assert_false(list_has_several(&t.head));
    assert_false(list_is_empty(&t.head));
    list_remove(&t.items[2].link);
    assert_true(list_is_empty(&t.head));
    assert_false(list_has_several(&t.head));
    assert_null(LIST_FIRST(struct item, &t.head, link));
    assert_null(LIST_LAST(struct item, &t.head, link));
    assert_int_equal(digits(&t.head), 0);
}

static void each_survives_that_its_item_leaves(void **state)
{
    (void)state;
    struct three t;
    int seen = 0;
    fill(&t);
    LIST_EACH (struct item, item, &t.head, link) {
        seen = 10 * seen + item->number;
        list_remove(&item->link);
    }
    assert_int_equal(seen, 123);
    assert_true(list_is_empty(&t.head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_at_either_end_and_between),
        cmocka_unit_test(leaves_from_anywhere),
        cmocka_unit_test(each_survives_that_its_item_leaves),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
