/* A gateway follows rooms: what it asks and when, and that nothing is lost or told twice whatever
 * becomes of what is published. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/gateway/follow/played_rooms.h"

#define ROOMS_MAX 1050
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

/* ---- what is published ---- */

static void what_happens_is_told_in_order_without_a_question(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    const size_t asked = f->asked_events;
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_HAND_RAISED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_LEFT, 8);
    assert_read(reader, "2 joined 8;3 up 8;4 left 8;");
    assert_int_equal(f->asked_events, asked);
    assert_int_equal(f->out, 0);
}

static void a_room_is_asked_for_once_whoever_reads_it(void **state)
{
    struct fixture *f = *state;
    struct played_reader *first = open_reader(f, "");
    struct played_reader *second = open_reader(f, "");
    answer_all(f);
    struct played_reader *third = open_reader(f, "");
    assert_read(first, "=1 7;me 7;");
    assert_read(second, "=1 7;me 7;");
    assert_read(third, "=1 7;me 7;");
    assert_int_equal(f->asked_states, 1);
    assert_int_equal(f->asked_events, 1);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    assert_read(first, "2 joined 8;");
    assert_read(second, "2 joined 8;");
    assert_read(third, "2 joined 8;");
}

static void one_that_comes_twice_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_LEFT, 8);
    tell(f, ONE, ROOM, 2, true);
    tell(f, ONE, ROOM, 3, true);
    tell(f, ONE, ROOM, 1, true);
    assert_read(reader, "2 joined 8;3 left 8;");
    assert_int_equal(f->out, 0);
}

static void one_that_is_lost_is_read_when_the_next_comes(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    assert_read(reader, "");
    assert_int_equal(f->out, 1);
    assert_int_equal(count_of(f, "lynks_room_follow_gaps_total", NULL), 1);
    answer(f, ERR_OK);
    assert_read(reader, "2 joined 8;3 joined 9;");
    assert_int_equal(f->out, 0);
}

/* Two replicas publish, and what one does is here sooner. */
static void ones_that_come_in_another_order_are_told_in_theirs(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    hear_life(f, TWO, false);
    answer_all(f);
    for (uint64_t id = 8; id < 12; id++) {
        play(f, ROOM, EVENT_PARTICIPANT_JOINED, id);
    }
    tell(f, TWO, ROOM, 3, true);
    tell(f, ONE, ROOM, 2, true);
    tell(f, TWO, ROOM, 5, true);
    tell(f, ONE, ROOM, 4, true);
    answer_all(f);
    assert_read(reader, "2 joined 8;3 joined 9;4 joined 10;5 joined 11;");
}

/* The answer that is out may have been given before it. */
static void one_that_is_heard_while_the_journal_is_read_is_not_lost(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    const struct played_room before = f->rooms[ROOM];
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 10);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 11);
    const uint64_t head = f->rooms[ROOM].head;
    f->rooms[ROOM].head = before.head;
    answer(f, ERR_OK);
    f->rooms[ROOM].head = head;
    assert_read(reader, "2 joined 8;3 joined 9;");
    answer_all(f);
    assert_read(reader, "4 joined 10;5 joined 11;");
}

/* ---- the state ---- */

/* It was read while things happened: what the state had already is told no second time to who has
 * seen it, and nobody sees half of it. */
static void what_happens_while_it_is_loaded_is_there_at_its_end(void **state)
{
    struct fixture *f = *state;
    for (uint64_t id = 8; id < 300; id++) {
        play(f, ROOM, EVENT_PARTICIPANT_JOINED, id);
    }
    struct played_reader *reader = open_reader(f, "");
    answer(f, ERR_OK); /* the first page, up to 206 */
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_LEFT, 100);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_LEFT, 290);
    assert_read(reader, "");
    answer_all(f);
    struct strbuf expected = {0};
    strbuf_add_z(&expected, "=295 7");
    for (uint64_t id = 8; id < 300; id++) {
        if (id != 100 && id != 290) {
            strbuf_add_z(&expected, ",");
            strbuf_add_u64(&expected, id);
        }
    }
    strbuf_add_z(&expected, ";me 7;");
    strbuf_add(&expected, (struct str){.data = "", .bytes = 1});
    assert_read(reader, expected.data);
    strbuf_fini(&expected);
    assert_int_equal(f->asked_states, 2);
}

/* What was before the state is not how it is: the journal is read from there for who comes again.
 * Here it is pruned meanwhile. */
static void what_was_before_the_state_changes_it_no_more(void **state)
{
    struct fixture *f = *state;
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play(f, ROOM, EVENT_PARTICIPANT_LEFT, 8);
    while (f->rooms[ROOM].head < 199) {
        play(f, ROOM, EVENT_HAND_RAISED, ME);
    }
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    struct played_reader *reader = open_reader(f, "1");
    struct played_reader *anew = open_reader(f, "");
    answer(f, ERR_OK);
    answer(f, ERR_OK); /* he has left in this page */
    f->rooms[ROOM].kept_after = 150;
    answer_all(f);
    assert_read(anew, "=200 7,8;me 7;");
    assert_read(reader, "reset;=200 7,8;me 7;");
}

static void a_restore_between_two_pages_begins_anew(void **state)
{
    struct fixture *f = *state;
    for (uint64_t id = 8; id < 300; id++) {
        play(f, ROOM, EVENT_PARTICIPANT_JOINED, id);
    }
    struct played_reader *reader = open_reader(f, "");
    answer(f, ERR_OK);
    f->generation++;
    f->rooms[ROOM].head = 2;
    answer_all(f);
    assert_read(reader, "=2 7,8;me 7;");
}

static void a_room_that_has_ended_meanwhile_ends_who_reads(void **state)
{
    struct fixture *f = *state;
    f->rooms[ROOM].is_gone = true;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "");
    assert_true(reader->is_ended);
    assert_int_equal(reader->cursor.end, ROOM_END_ROOM_ENDED);
    f->rooms[ROOM].is_gone = false; /* a back-up is restored */
    reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
}

/* ---- another database ---- */

static void another_generation_resets_whoever_reads(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    assert_read(reader, "2 joined 8;");
    f->generation++;
    f->rooms[ROOM].head = 1; /* the back-up knows nothing of 8 */
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    answer_all(f);
    assert_read(reader, "reset;=2 7,9;me 7;");
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 10);
    assert_read(reader, "3 joined 10;");
    assert_int_equal(count_of(f, "lynks_room_follow_resets_total", NULL), 1);
}

/* Its answer is about what was before. */
static void a_question_that_is_out_when_all_begins_anew_counts_no_more(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    hear_life(f, ONE, false);
    assert_int_equal(f->out, 2);
    assert_int_equal(f->questions[0].request.id, MSG_journal_read);
    const struct played_question before = f->questions[0];
    f->questions[0] = f->questions[1];
    f->questions[1] = before;
    f->generation++;
    answer(f, ERR_OK); /* the heads */
    assert_int_equal(f->out, 1);
    answer(f, ERR_OK);
    assert_int_equal(f->out, 1);
    assert_int_equal(f->questions[0].request.id, MSG_room_state);
    answer_all(f);
    assert_read(reader, "reset;=3 7,8,9;me 7;");
    assert_int_equal(count_of(f, "lynks_room_follow_resets_total", NULL), 1);
}

/* What was published before is heard after it. */
static void an_event_of_the_generation_before_resets_nothing(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    f->generation--;
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    tell(f, ONE, ROOM, 2, true);
    f->rooms[ROOM].head = 1;
    f->generation++;
    answer_all(f);
    assert_read(reader, "");
    assert_int_equal(count_of(f, "lynks_room_follow_resets_total", NULL), 0);
}

static void a_quiet_room_is_reset_by_the_net(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    f->generation++;
    live(f, 1000);
    answer_all(f);
    assert_read(reader, "reset;=1 7;me 7;");
}

/* A back-up without a generation of its own. roomsvc is told what was seen, and draws one. */
static void a_journal_that_ends_before_what_was_seen_resets(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    assert_read(reader, "2 joined 8;3 joined 9;");
    f->rooms[ROOM].head = 2;
    live(f, 1000);
    assert_int_equal(f->out, 1);
    assert_int_equal(f->questions[0].request.id, MSG_journal_heads);
    assert_int_equal(f->questions[0].heads[0].seq, 3);
    answer_all(f);
    assert_read(reader, "reset;=2 7,8;me 7;");
}

/* Of another generation, a number would say that this one has become shorter. */
static void roomsvc_is_told_in_which_generation_numbers_were_seen(void **state)
{
    struct fixture *f = *state;
    read_one(f);
    f->generation++;
    play(f, 2, EVENT_PARTICIPANT_JOINED, ME);
    open_reader_in(f, 2, "");
    answer_all(f);
    hear_life(f, ONE, false);
    uint64_t seen[3] = {0};
    for (size_t i = 0; i < f->out; i++) {
        const struct played_question *question = &f->questions[i];
        if (question->request.id == MSG_journal_heads) {
            assert_int_equal(question->request.journal_heads.seen.count, 1);
            seen[question->heads[0].room_id] = question->request.journal_heads.generation;
        }
    }
    assert_int_equal(seen[ROOM], f->generation - 1);
    assert_int_equal(seen[2], f->generation);
}

static void roomsvc_hears_of_a_journal_that_has_become_shorter(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    assert_read(reader, "2 joined 8;3 joined 9;");
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 10);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 11); /* the journal is asked */
    f->rooms[ROOM].head = 1;
    answer(f, ERR_OK);
    bool is_told = false;
    for (size_t i = 0; i < f->out; i++) {
        is_told = is_told || (f->questions[i].request.id == MSG_journal_heads &&
                              f->questions[i].request.journal_heads.generation == f->generation &&
                              f->questions[i].heads[0].seq == 3);
    }
    assert_true(is_told);
    f->generation++;
    answer_all(f);
    assert_read(reader, "reset;=1 7;me 7;");
}

static void events_that_are_not_kept_any_more_reset(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    for (uint64_t id = 8; id < 20; id++) {
        play(f, ROOM, EVENT_PARTICIPANT_JOINED, id);
    }
    f->rooms[ROOM].kept_after = 5;
    play_and_tell(f, ROOM, EVENT_MEETING_ENDED, 0);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, ME);
    answer_all(f);
    assert_read(reader, "reset;=15 7;me 7;");
}

/* ---- when roomsvc is away ---- */

static void who_comes_while_roomsvc_is_away_waits(void **state)
{
    struct fixture *f = *state;
    f->refuse = ERR_UNAVAILABLE;
    struct played_reader *reader = open_reader(f, "");
    fake_clock_advance(f->clock, 60000);
    assert_read(reader, "");
    assert_true(f->asked_states >= 30);
    assert_true(f->asked_states <= 80); /* later and later, every two seconds at last */
    f->refuse = ERR_OK;
    fake_clock_advance(f->clock, 2100);
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
}

static void a_question_that_fails_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer(f, ERR_DEADLINE);
    assert_int_equal(f->out, 0);
    live(f, 200);
    answer(f, ERR_OK);
    answer(f, ERR_UNAVAILABLE);
    live(f, 200);
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    assert_int_equal(
        count_of(f, "lynks_room_follow_failed_questions_total", "message=\"room_state\""), 1);
    assert_int_equal(
        count_of(f, "lynks_room_follow_failed_questions_total", "message=\"journal_read\""), 1);
}

/* Two databases behind one address, say. */
static void answers_that_contradict_each_other_do_not_storm(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    for (int i = 0; i < 100; i++) {
        while (f->out > 0) {
            f->generation += f->questions[0].request.id == MSG_journal_read;
            answer(f, ERR_OK);
        }
        live(f, 100);
    }
    assert_in_range(f->asked_states, 3, 20); /* in ten seconds */
    live(f, 2100);
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    f->generation++; /* a good while later: at once */
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    answer_all(f);
    assert_read(reader, "reset;=2 7,8;me 7;");
}

static bool is_noted(struct fixture *f)
{
    AUTO(mem_free) char *json = health_json(f->health);
    return strstr(json, "told late") != NULL;
}

static void who_is_not_told_says_so(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    assert_true(room_follow_keeps_up(f->follow));
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    f->refuse = ERR_UNAVAILABLE;
    answer(f, ERR_UNAVAILABLE);
    live(f, ROOM_FOLLOW_BEHIND_MS - 500);
    assert_true(room_follow_keeps_up(f->follow));
    assert_false(is_noted(f));
    live(f, 1500);
    assert_false(room_follow_keeps_up(f->follow));
    assert_true(is_noted(f));
    f->refuse = ERR_OK;
    live(f, 2100);
    answer_all(f);
    assert_read(reader, "2 joined 8;3 joined 9;");
    assert_true(room_follow_keeps_up(f->follow));
    live(f, 1000);
    answer_all(f);
    assert_false(is_noted(f));
}

static void who_knows_more_than_the_gateway_waits_until_it_knows_it_too(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    struct played_reader *second = open_reader(f, "2"); /* he has heard of it elsewhere */
    assert_read(second, "");
    assert_int_equal(f->out, 1);
    answer_all(f);
    assert_read(second, "");
    assert_read(reader, "2 joined 8;");
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    assert_read(second, "3 joined 9;");
}

/* ---- bounds ---- */

static void many_rooms_are_asked_for_a_bounded_number_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct room_cursor *cursors = mem_alloc(1000 * sizeof(*cursors));
    struct played_reader *reader = open_reader(f, "");
    for (uint64_t room = 2; room < 1002; room++) {
        play(f, room, EVENT_PARTICIPANT_JOINED, ME);
        const struct cursor_open open = {
            .room_id = room, .participant_id = ME, .generation = f->generation, .seq = 1};
        cursors[room - 2].reader = reader->cursor.reader;
        assert_true(room_follow_open(f->follow, &open, &cursors[room - 2]));
    }
    assert_int_equal(f->out, ROOM_FOLLOW_OUT_MAX);
    answer_all(f);
    assert_int_equal(f->asked_states, 1001);
    assert_int_equal(f->asked_events, 1001);
    f->most_out = f->asked_heads = 0;
    hear_life(f, ONE, false);
    assert_int_equal(f->out, 2); /* 512 rooms in one question */
    for (uint64_t room = 1; room < 1002; room++) {
        play(f, room, EVENT_PARTICIPANT_JOINED, 8);
    }
    answer_all(f);
    assert_true(f->most_out <= ROOM_FOLLOW_OUT_MAX + 2);
    assert_int_equal(f->asked_events, 2002);
    assert_int_equal(f->asked_heads, 2);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(cursors[i].room->seq, 2);
        room_follow_close(f->follow, &cursors[i]);
    }
    free(cursors);
}

static void a_room_that_nobody_reads_is_kept_for_a_while(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    close_reader(reader);
    close_reader(reader);
    live(f, ROOM_FOLLOW_IDLE_MS - 2000);
    answer_all(f);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    struct played_reader *again = open_reader(f, "1");
    assert_read(again, "2 joined 8;");
    assert_int_equal(f->asked_states, 1);
    close_reader(again);
    live(f, ROOM_FOLLOW_IDLE_MS - 2000);
    answer_all(f);
    assert_int_equal(room_follow_count(f->follow), 1);
    live(f, 4000);
    answer_all(f);
    live(f, 1000);
    assert_int_equal(room_follow_count(f->follow), 0);
}

static int setup_two(void **state)
{
    *state = played_setup(2, TAIL_BYTES);
    return 0;
}

static void one_that_nobody_reads_makes_room_for_another(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = read_one(f);
    play(f, 2, EVENT_PARTICIPANT_JOINED, ME);
    play(f, 3, EVENT_PARTICIPANT_JOINED, ME);
    struct played_reader *second = open_reader_in(f, 2, "");
    answer_all(f);
    struct room_cursor third = {.reader = reader->cursor.reader};
    const struct cursor_open open = {
        .room_id = 3, .participant_id = ME, .generation = f->generation, .seq = 1};
    assert_false(room_follow_open(f->follow, &open, &third));
    close_reader(second);
    assert_true(room_follow_open(f->follow, &open, &third));
    answer_all(f);
    room_follow_close(f->follow, &third);
    assert_int_equal(room_follow_count(f->follow), 2);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_happens_is_told_in_order_without_a_question),
        T(a_room_is_asked_for_once_whoever_reads_it),
        T(one_that_comes_twice_is_told_once),
        T(one_that_is_lost_is_read_when_the_next_comes),
        T(ones_that_come_in_another_order_are_told_in_theirs),
        T(one_that_is_heard_while_the_journal_is_read_is_not_lost),
        T(what_happens_while_it_is_loaded_is_there_at_its_end),
        T(what_was_before_the_state_changes_it_no_more),
        T(a_restore_between_two_pages_begins_anew),
        T(a_room_that_has_ended_meanwhile_ends_who_reads),
        T(another_generation_resets_whoever_reads),
        T(a_question_that_is_out_when_all_begins_anew_counts_no_more),
        T(an_event_of_the_generation_before_resets_nothing),
        T(a_quiet_room_is_reset_by_the_net),
        T(a_journal_that_ends_before_what_was_seen_resets),
        T(roomsvc_is_told_in_which_generation_numbers_were_seen),
        T(roomsvc_hears_of_a_journal_that_has_become_shorter),
        T(events_that_are_not_kept_any_more_reset),
        T(who_comes_while_roomsvc_is_away_waits),
        T(a_question_that_fails_is_asked_again),
        T(answers_that_contradict_each_other_do_not_storm),
        T(who_is_not_told_says_so),
        T(who_knows_more_than_the_gateway_waits_until_it_knows_it_too),
        T(many_rooms_are_asked_for_a_bounded_number_at_a_time),
        T(a_room_that_nobody_reads_is_kept_for_a_while),
        cmocka_unit_test_setup_teardown(one_that_nobody_reads_makes_room_for_another, setup_two,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
