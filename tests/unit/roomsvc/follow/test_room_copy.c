/* The copy of what a bridge tells: which lists it gives, and when it gives none. */
#include "roomsvc/follow/room_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Our clock, and the bridge's, which shows something else altogether. */
#define NOW_MS 1000000
#define BRIDGE_MS 77000
#define ROOM 5
#define OTHER_ROOM 6
#define ROOMS_MAX 3

static struct msg_bridge_event event(enum bridge_news what, uint64_t room_id, uint64_t publisher)
{
    return (struct msg_bridge_event){.node = STR_LIT("default"),
                                     .epoch = 7,
                                     .what = what,
                                     .room_id = room_id,
                                     .has_room_id = room_id != 0,
                                     .publisher = publisher,
                                     .has_publisher = publisher != 0,
                                     .clock_ms = BRIDGE_MS,
                                     .has_age_ms = true};
}

static void tell(struct room_copy *copy, uint64_t number, enum bridge_news what, uint64_t room_id,
                 uint64_t publisher)
{
    const struct msg_bridge_event news = event(what, room_id, publisher);
    room_copy_hear(copy, &news, number, /* is_next= */ true);
}

static void take(struct room_copy *copy, uint64_t room_id, uint64_t number)
{
    static const uint64_t feeds[] = {11, 22};
    const struct u64_list list = {.items = feeds, .count = ARRAY_LEN(feeds)};
    room_copy_take(copy, room_id, number, &list);
}

/* A copy that knows the clock, has heard event 100, and has the list of ROOM as of it. */
static int setup(void **state)
{
    struct room_copy *copy = room_copy_new(ROOMS_MAX);
    const struct msg_bridge_event first = event(BRIDGE_LIVES, 0, 0);
    room_copy_hear(copy, &first, 100, /* is_next= */ false);
    room_copy_anchor(copy, NOW_MS, BRIDGE_MS);
    take(copy, ROOM, 100);
    *state = copy;
    return 0;
}

static int teardown(void **state)
{
    struct room_copy *copy = *state;
    room_copy_free(&copy);
    return 0;
}

static void assert_list(struct room_copy *copy, uint64_t room_id, size_t count, const uint64_t *ids)
{
    struct u64_list list;
    assert_true(room_copy_answer(copy, room_id, NOW_MS, &list));
    assert_int_equal(list.count, count);
    assert_memory_equal(list.items, ids, count * sizeof(*ids));
}

static void assert_none(struct room_copy *copy, uint64_t room_id)
{
    struct u64_list list;
    assert_false(room_copy_answer(copy, room_id, NOW_MS, &list));
}

static void a_list_is_kept_up_by_events(void **state)
{
    struct room_copy *copy = *state;
    assert_list(copy, ROOM, 2, (const uint64_t[]){11, 22});
    tell(copy, 101, BRIDGE_PUBLISHES, ROOM, 33);
    tell(copy, 102, BRIDGE_UNPUBLISHES, ROOM, 11);
    tell(copy, 103, BRIDGE_PUBLISHES, ROOM, 33); /* known already */
    tell(copy, 104, BRIDGE_UNPUBLISHES, ROOM, 44);
    assert_list(copy, ROOM, 2, (const uint64_t[]){22, 33});
    assert_none(copy, OTHER_ROOM);
}

static void what_ends_a_list(void **state)
{
    struct room_copy *copy = *state;
    static const enum bridge_news ends[] = {BRIDGE_FOLLOWS, BRIDGE_UNFOLLOWS, BRIDGE_UNFOLLOWS_ALL};
    for (uint64_t i = 0; i < ARRAY_LEN(ends); i++) {
        take(copy, ROOM, 100 + i);
        assert_list(copy, ROOM, 2, (const uint64_t[]){11, 22});
        tell(copy, 101 + i, ends[i], ends[i] == BRIDGE_UNFOLLOWS_ALL ? 0 : ROOM, 0);
        assert_none(copy, ROOM);
        take(copy, ROOM, 100 + i); /* from before it */
        assert_none(copy, ROOM);
    }
}

static void a_gap_ends_all_lists(void **state)
{
    struct room_copy *copy = *state;
    const struct msg_bridge_event late = event(BRIDGE_LIVES, 0, 0);
    room_copy_hear(copy, &late, 103, /* is_next= */ false);
    assert_none(copy, ROOM);
    take(copy, ROOM, 102); /* what 103 told of before may be missing in it */
    assert_none(copy, ROOM);
    take(copy, ROOM, 103);
    assert_list(copy, ROOM, 2, (const uint64_t[]){11, 22});
}

/* The first number is drawn from the publisher's clock, which may have been set back. */
static void numbers_that_begin_lower_are_a_new_beginning(void **state)
{
    struct room_copy *copy = *state;
    for (uint64_t room_id = 10; room_id < 10 + ROOMS_MAX; room_id++) { /* pushes ROOM out */
        tell(copy, 91 + room_id, BRIDGE_PUBLISHES, room_id, 33);
    }
    const struct msg_bridge_event first = event(BRIDGE_LIVES, 0, 0);
    room_copy_hear(copy, &first, 5, /* is_next= */ false);
    take(copy, 10, 5);
    take(copy, ROOM, 5);
    assert_list(copy, 10, 2, (const uint64_t[]){11, 22});
    assert_list(copy, ROOM, 2, (const uint64_t[]){11, 22});
}

static void another_epoch_ends_all_lists_and_the_clock(void **state)
{
    struct room_copy *copy = *state;
    struct msg_bridge_event other = event(BRIDGE_LIVES, 0, 0);
    other.epoch = 8;
    room_copy_hear(copy, &other, 101, /* is_next= */ true);
    assert_int_equal(room_copy_epoch(copy), 8);
    assert_none(copy, ROOM);
    take(copy, ROOM, 101);
    assert_none(copy, ROOM);
    room_copy_anchor(copy, NOW_MS, BRIDGE_MS);
    assert_list(copy, ROOM, 2, (const uint64_t[]){11, 22});
}

/* The two come on different connections. */
static void an_answer_may_come_before_the_events_in_it(void **state)
{
    struct room_copy *copy = *state;
    take(copy, OTHER_ROOM, 102);
    assert_none(copy, OTHER_ROOM);
    tell(copy, 101, BRIDGE_PUBLISHES, OTHER_ROOM, 33); /* taken back by 102 */
    assert_none(copy, OTHER_ROOM);
    tell(copy, 102, BRIDGE_UNPUBLISHES, OTHER_ROOM, 33);
    assert_list(copy, OTHER_ROOM, 2, (const uint64_t[]){11, 22});
}

static void an_answer_from_before_an_event_is_of_no_use(void **state)
{
    struct room_copy *copy = *state;
    tell(copy, 101, BRIDGE_PUBLISHES, OTHER_ROOM, 33);
    take(copy, OTHER_ROOM, 100);
    assert_none(copy, OTHER_ROOM);
    tell(copy, 102, BRIDGE_PUBLISHES, ROOM, 33);
    take(copy, ROOM, 101);
    assert_list(copy, ROOM, 3, (const uint64_t[]){11, 22, 33});
}

static void what_makes_place_is_not_believed_from_before(void **state)
{
    struct room_copy *copy = *state;
    tell(copy, 101, BRIDGE_PUBLISHES, OTHER_ROOM, 33);
    for (uint64_t i = 0; i < ROOMS_MAX; i++) {
        take(copy, 50 + i, 101);
    }
    take(copy, OTHER_ROOM, 100);
    assert_none(copy, OTHER_ROOM);
    take(copy, OTHER_ROOM, 101);
    assert_list(copy, OTHER_ROOM, 2, (const uint64_t[]){11, 22});
}

static bool answers_at(struct room_copy *copy, uint64_t now_ms)
{
    struct u64_list list;
    return room_copy_answer(copy, ROOM, now_ms, &list);
}

static void it_answers_only_while_it_is_fresh(void **state)
{
    struct room_copy *copy = *state;
    assert_true(answers_at(copy, NOW_MS + ROOM_COPY_FRESH_MS));
    assert_false(answers_at(copy, NOW_MS + ROOM_COPY_FRESH_MS + 1));
    /* What an event says of its bridge's own delay counts. */
    struct msg_bridge_event news = event(BRIDGE_LIVES, 0, 0);
    news.clock_ms = BRIDGE_MS + 1000;
    news.age_ms = 60;
    room_copy_hear(copy, &news, 101, true);
    assert_true(answers_at(copy, NOW_MS + 1000 - 60 + ROOM_COPY_FRESH_MS));
    assert_false(answers_at(copy, NOW_MS + 1000 - 60 + ROOM_COPY_FRESH_MS + 1));
    news.has_age_ms = false;
    room_copy_hear(copy, &news, 102, true);
    assert_false(answers_at(copy, NOW_MS + 1000));
}

/* It was sent at NOW_MS + 10 and heard at NOW_MS + 400: time on the way is time. */
static void an_event_that_was_held_up_is_old(void **state)
{
    struct room_copy *copy = *state;
    struct msg_bridge_event news = event(BRIDGE_LIVES, 0, 0);
    news.clock_ms = BRIDGE_MS + 10;
    room_copy_hear(copy, &news, 101, true);
    assert_false(answers_at(copy, NOW_MS + 400));
}

static void without_a_clock_it_vouches_for_nothing(void **state)
{
    struct room_copy *copy = *state;
    /* The bridge's clock seems to be ahead of what is possible: ours stood still. */
    struct msg_bridge_event news = event(BRIDGE_LIVES, 0, 0);
    news.clock_ms = BRIDGE_MS + 3000;
    room_copy_hear(copy, &news, 101, true);
    assert_false(answers_at(copy, NOW_MS + 2000));
    assert_true(answers_at(copy, NOW_MS + 3000));
    /* An old anchor is none. */
    news.clock_ms = BRIDGE_MS + ROOM_COPY_ANCHOR_MS + 1;
    room_copy_hear(copy, &news, 102, true);
    assert_false(answers_at(copy, NOW_MS + ROOM_COPY_ANCHOR_MS + 1));
    room_copy_anchor(copy, NOW_MS + ROOM_COPY_ANCHOR_MS, BRIDGE_MS + ROOM_COPY_ANCHOR_MS);
    assert_true(answers_at(copy, NOW_MS + ROOM_COPY_ANCHOR_MS + 1));
    /* A bridge that does not tell its clock. */
    news.clock_ms = 0;
    room_copy_hear(copy, &news, 103, true);
    assert_false(answers_at(copy, NOW_MS + ROOM_COPY_ANCHOR_MS + 1));
}

static void a_full_room_takes_no_more(void **state)
{
    struct room_copy *copy = *state;
    uint64_t number = 100;
    for (uint64_t id = 1000; id < 1000 + PUBLISHERS_MAX - 2; id++) {
        tell(copy, ++number, BRIDGE_PUBLISHES, ROOM, id);
    }
    struct u64_list list;
    assert_true(room_copy_answer(copy, ROOM, NOW_MS, &list));
    assert_int_equal(list.count, PUBLISHERS_MAX);
    tell(copy, ++number, BRIDGE_PUBLISHES, ROOM, 1);
    assert_none(copy, ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_list_is_kept_up_by_events, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_a_list, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gap_ends_all_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_that_begin_lower_are_a_new_beginning, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_epoch_ends_all_lists_and_the_clock, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_answer_may_come_before_the_events_in_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_answer_from_before_an_event_is_of_no_use, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_makes_place_is_not_believed_from_before, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_answers_only_while_it_is_fresh, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_that_was_held_up_is_old, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_clock_it_vouches_for_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_room_takes_no_more, setup, teardown),
    };
    return cmocka_run_group_tests_name("room copy", tests, NULL, NULL);
}
