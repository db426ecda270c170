#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "janusbridge/rooms/room_state.h"

static bool set(struct room_state *room, uint64_t id, bool publishes)
{
    bool fits;
    const bool is_news = room_state_set(room, id, publishes, &fits);
    assert_true(fits);
    return is_news;
}

static bool holds(const struct room_state *room, uint64_t id)
{
    for (uint32_t i = 0; i < room->count; i++) {
        if (room->ids[i] == id) {
            return true;
        }
    }
    return false;
}

static void test_a_set_of_feeds(void **state)
{
    struct room_state room = {0};
    (void)state;
    assert_false(set(&room, 1, false));
    for (uint64_t id = 1; id <= 20; id++) {
        assert_true(set(&room, id, true));
        assert_false(set(&room, id, true));
    }
    assert_true(set(&room, 7, false));
    assert_false(set(&room, 7, false));
    assert_int_equal(room.count, 19);
    assert_false(holds(&room, 7));
    room_state_fini(&room);
}

/* Of a room that is full, those who are in it may change their streams. */
static void test_a_full_room(void **state)
{
    struct room_state room = {0};
    (void)state;
    for (uint64_t id = 1; id <= PUBLISHERS_MAX; id++) {
        assert_true(set(&room, id, true));
    }
    assert_false(set(&room, PUBLISHERS_MAX, true));
    bool fits = true;
    assert_false(room_state_set(&room, PUBLISHERS_MAX + 1, true, &fits));
    assert_false(fits);
    assert_int_equal(room.count, PUBLISHERS_MAX);
    room_state_fini(&room);
}

static void test_the_journal_counts_more_than_the_base(void **state)
{
    struct room_state room = {0};
    (void)state;
    set(&room, 1, true);
    room_state_begin(&room);
    set(&room, 2, true);
    set(&room, 3, true);
    set(&room, 3, false);
    set(&room, 4, false);
    assert_true(room_state_rebase(&room, (const uint64_t[]){3, 4, 5}, 3));
    assert_int_equal(room.count, 2);
    assert_true(holds(&room, 2) && holds(&room, 5));
    assert_null(room.journal);
    room_state_fini(&room);
}

static void test_two_bases_at_once(void **state)
{
    struct room_state room = {0};
    (void)state;
    room_state_begin(&room);
    set(&room, 2, true);
    room_state_begin(&room);
    assert_true(room_state_rebase(&room, NULL, 0));
    assert_true(holds(&room, 2));
    assert_true(room_state_rebase(&room, (const uint64_t[]){9}, 1));
    assert_true(holds(&room, 2) && holds(&room, 9));
    room_state_fini(&room);
}

static void test_a_torn_journal_makes_the_base_useless(void **state)
{
    struct room_state room = {0};
    (void)state;
    room_state_begin(&room);
    for (uint64_t id = 1; id <= ROOM_JOURNAL_MAX; id++) {
        set(&room, id, true);
    }
    set(&room, 1, false); /* the same feed again takes no place */
    assert_false(room.journal_is_torn);
    set(&room, ROOM_JOURNAL_MAX + 1, true);
    assert_false(room_state_rebase(&room, NULL, 0));
    assert_int_equal(room.count, ROOM_JOURNAL_MAX);
    room_state_begin(&room);
    assert_true(room_state_rebase(&room, NULL, 0));
    assert_int_equal(room.count, 0);
    room_state_fini(&room);
}

static void test_a_set_is_bounded(void **state)
{
    struct room_state room = {0};
    bool fits;
    (void)state;
    for (uint64_t id = 1; id <= PUBLISHERS_MAX; id++) {
        set(&room, id, true);
    }
    assert_false(room_state_set(&room, PUBLISHERS_MAX + 1, true, &fits));
    assert_false(fits);
    assert_false(set(&room, 5, true));
    assert_int_equal(room.count, PUBLISHERS_MAX);
    room_state_fini(&room);
}

static void test_a_difference_is_one_that_no_event_explains(void **state)
{
    struct room_state room = {0};
    (void)state;
    set(&room, 1, true);
    set(&room, 2, true);
    assert_false(room_state_differs(&room, (const uint64_t[]){2, 1}, 2));
    assert_true(room_state_differs(&room, (const uint64_t[]){1}, 1));
    assert_true(room_state_differs(&room, (const uint64_t[]){1, 2, 3}, 3));
    room_state_begin(&room);
    set(&room, 3, true);
    set(&room, 2, false);
    assert_false(room_state_differs(&room, (const uint64_t[]){1, 2}, 2));
    assert_false(room_state_differs(&room, (const uint64_t[]){1, 3}, 2));
    assert_true(room_state_differs(&room, (const uint64_t[]){3}, 1));
    room_state_abandon(&room);
    room_state_fini(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set_of_feeds),
        cmocka_unit_test(test_a_full_room),
        cmocka_unit_test(test_the_journal_counts_more_than_the_base),
        cmocka_unit_test(test_two_bases_at_once),
        cmocka_unit_test(test_a_torn_journal_makes_the_base_useless),
        cmocka_unit_test(test_a_set_is_bounded),
        cmocka_unit_test(test_a_difference_is_one_that_no_event_explains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
