/* What was published and did not come is found out: the ends of the journals are asked for, and the
 * rooms that are behind are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/gateway/follow/played_rooms.h"

#define ROOMS_MAX 10
#define TAIL_BYTES 1000000

static int setup(void **state)
{
    *state = played_setup(ROOMS_MAX, TAIL_BYTES);
    return 0;
}

static int teardown(void **state)
{
    return played_teardown(*state);
}

/* One reads, and has the snapshot. */
static struct played_reader *read_one(struct fixture *f)
{
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    return reader;
}

static void the_last_one_that_is_lost_is_found_by_the_net(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    live(f, 1000);
    answer_all(f);
    assert_read(reader, "2 joined 8;");
}

static void a_gap_in_the_numbers_of_a_publisher_asks_for_all(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    hear_life(f, ONE, true);
    assert_int_equal(f->out, 0);
    hear_life(f, ONE, false);
    answer_all(f);
    assert_read(reader, "2 joined 8;");
}

/* The answer that is out was given before it happened, and the room is not whole yet. */
static void a_gap_while_a_room_is_read_is_not_forgotten(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer(f, ERR_OK);
    assert_int_equal(f->questions[0].request.id, MSG_journal_read);
    hear_life(f, ONE, false); /* event 2 was lost */
    answer(f, ERR_OK);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    answer_all(f);
    assert_read(reader, "=1 7;me 7;2 joined 8;");
}

/* The room has begun anew since the heads were asked for. */
static void heads_that_are_told_while_a_room_is_read_are_not_forgotten(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    hear_life(f, ONE, false);
    f->generation++;
    answer(f, ERR_OK); /* the journal is another one */
    assert_int_equal(f->questions[0].request.id, MSG_journal_heads);
    const struct played_question heads = f->questions[0];
    f->questions[0] = f->questions[1];
    f->questions[1] = heads;
    answer(f, ERR_OK); /* the state */
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 10);
    answer(f, ERR_OK);
    assert_int_equal(f->questions[0].request.id, MSG_journal_read);
    f->rooms[ROOM].head--; /* it is answered as it was before */
    answer(f, ERR_OK);
    f->rooms[ROOM].head++;
    answer_all(f);
    assert_read(reader, "reset;=3 7,8,9;me 7;4 joined 10;");
}

static void a_round_without_an_answer_is_made_again(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    hear_life(f, ONE, false);
    answer(f, ERR_DEADLINE);
    assert_int_equal(f->out, 0);
    live(f, 300); /* sooner than by the net */
    answer_all(f);
    assert_read(reader, "2 joined 8;");
}

static void rounds_without_an_answer_are_made_later_and_later(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    f->refuse = ERR_UNAVAILABLE;
    const size_t asked = f->asked_heads;
    fake_clock_advance(f->clock, 60000);
    assert_in_range(f->asked_heads - asked, 30, 70); /* every two seconds at last */
    f->refuse = ERR_OK;
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    fake_clock_advance(f->clock, 2100);
    answer_all(f);
    assert_read(reader, "2 joined 8;");
}

static void silence_of_one_of_two_asks_again_and_again(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    hear_life(f, TWO, false);
    live(f, 400);
    answer_all(f);
    const size_t asked = f->asked_heads;
    for (int i = 0; i < 30; i++) {
        live(f, 100);
        answer_all(f);
    }
    assert_true(f->asked_heads >= asked + 3 + 5); /* three times by the net */
    assert_true(f->asked_heads <= asked + 3 + 7);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    live(f, 600);
    answer_all(f);
    assert_read(reader, "2 joined 8;");
    news_watch_leave(f->news, TWO);
    answer_all(f);
}

static void a_publisher_that_has_gone_asks_for_all_once(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    hear_life(f, TWO, false);
    answer_all(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    news_watch_leave(f->news, TWO);
    answer_all(f);
    assert_read(reader, "2 joined 8;");
    const size_t asked = f->asked_heads;
    live(f, 900);
    assert_int_equal(f->asked_heads, asked);
}

static void where_nobody_publishes_the_journals_are_asked(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    fake_clock_advance(f->clock, 700);
    answer_all(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    fake_clock_advance(f->clock, 600);
    answer_all(f);
    assert_read(reader, "2 joined 8;");
}

/* roomsvc is not set up to publish, say. */
static void where_nobody_publishes_for_long_they_are_asked_more_seldom(void **state)
{
    struct fixture *f = *state;
    read_one(f);
    news_watch_leave(f->news, ONE);
    for (int i = 0; i < 150; i++) {
        fake_clock_advance(f->clock, 100);
        answer_all(f);
    }
    f->asked_heads = 0;
    for (int i = 0; i < 300; i++) {
        fake_clock_advance(f->clock, 100);
        answer_all(f);
    }
    assert_in_range(f->asked_heads, 14 + 29, 16 + 31); /* in 30 s; besides, by the net */
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_last_one_that_is_lost_is_found_by_the_net),
        T(a_gap_in_the_numbers_of_a_publisher_asks_for_all),
        T(a_gap_while_a_room_is_read_is_not_forgotten),
        T(heads_that_are_told_while_a_room_is_read_are_not_forgotten),
        T(a_round_without_an_answer_is_made_again),
        T(rounds_without_an_answer_are_made_later_and_later),
        T(silence_of_one_of_two_asks_again_and_again),
        T(a_publisher_that_has_gone_asks_for_all_once),
        T(where_nobody_publishes_the_journals_are_asked),
        T(where_nobody_publishes_for_long_they_are_asked_more_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
