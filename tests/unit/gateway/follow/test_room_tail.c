/* What is kept of the events of rooms, and what goes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/follow/room_tail.h"

static void add(struct room_tail *tail, size_t bytes)
{
    AUTO(mem_free) char *text = mem_alloc(bytes);
    memset(text, 'x', bytes);
    struct http_chunk *chunk = http_chunk_new((struct str){.data = text, .bytes = bytes});
    const struct msg_room_event event = {
        .seq = tail->last_seq + 1, .type = EVENT_HAND_RAISED, .audience = AUDIENCE_ALL};
    room_tail_add(tail, &event, &chunk);
    assert_null(chunk);
}

static void a_room_keeps_its_last_events(void **state)
{
    struct tail_budget budget;
    struct room_tail tail;
    (void)state;
    tail_budget_init(&budget, 10000000);
    room_tail_init(&tail, &budget);
    room_tail_clear(&tail, 40);
    assert_null(room_tail_find(&tail, 40));
    assert_null(room_tail_find(&tail, 41));
    for (int i = 0; i < ROOM_TAIL_EVENTS + 5; i++) {
        add(&tail, 10);
    }
    assert_null(room_tail_find(&tail, 45));
    for (uint64_t seq = 46; seq <= 40 + ROOM_TAIL_EVENTS + 5; seq++) {
        assert_int_equal(room_tail_find(&tail, seq)->seq, seq);
    }
    assert_null(room_tail_find(&tail, 40 + ROOM_TAIL_EVENTS + 6));
    assert_null(room_tail_find(&tail, 0));
    assert_null(room_tail_find(&tail, UINT64_MAX));
    room_tail_fini(&tail);
    assert_int_equal(budget.bytes, 0);
}

static void bytes_are_those_behind_an_event(void **state)
{
    struct tail_budget budget;
    struct room_tail tail;
    (void)state;
    tail_budget_init(&budget, 10000000);
    room_tail_init(&tail, &budget);
    assert_int_equal(room_tail_bytes_after(&tail, 0), 0);
    add(&tail, 10);
    add(&tail, 20);
    add(&tail, 30);
    assert_int_equal(room_tail_bytes_after(&tail, 0), 60);
    assert_int_equal(room_tail_bytes_after(&tail, 1), 50);
    assert_int_equal(room_tail_bytes_after(&tail, 2), 30);
    assert_int_equal(room_tail_bytes_after(&tail, 3), 0);
    room_tail_clear(&tail, 9);
    add(&tail, 5);
    assert_int_equal(room_tail_bytes_after(&tail, 2), 5); /* all that is here */
    room_tail_fini(&tail);
}

static void the_oldest_of_all_rooms_goes_first(void **state)
{
    struct tail_budget budget;
    struct room_tail one, two;
    (void)state;
    tail_budget_init(&budget, 100000);
    room_tail_init(&one, &budget);
    room_tail_init(&two, &budget);
    add(&one, 30000);
    add(&two, 30000);
    add(&one, 30000);
    add(&two, 30000);
    assert_null(room_tail_find(&one, 1));
    assert_non_null(room_tail_find(&two, 1));
    add(&two, 30000);
    assert_null(room_tail_find(&two, 1));
    assert_non_null(room_tail_find(&one, 2));
    assert_true(budget.bytes <= budget.bytes_max);
    add(&one, 200000); /* more than all may have: it is nowhere, and the next goes on from it */
    assert_null(room_tail_find(&one, 3));
    assert_int_equal(one.last_seq, 3);
    assert_int_equal(budget.bytes, 0);
    add(&one, 10);
    assert_int_equal(room_tail_find(&one, 4)->seq, 4);
    room_tail_fini(&one);
    room_tail_fini(&two);
    assert_int_equal(budget.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_keeps_its_last_events),
        cmocka_unit_test(bytes_are_those_behind_an_event),
        cmocka_unit_test(the_oldest_of_all_rooms_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
