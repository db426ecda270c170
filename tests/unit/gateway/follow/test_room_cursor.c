/* One reader of a room: where he begins, whatever he says that he has seen; who gets what; how it
 * ends; and what becomes of one who is slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/gateway/follow/played_rooms.h"

#define ROOMS_MAX 4
#define TAIL_BYTES 10000000
#define SMALL_TAIL_BYTES 1000 /* for a few events */

static int setup(void **state)
{
    *state = played_setup(ROOMS_MAX, TAIL_BYTES);
    return 0;
}

static int setup_small(void **state)
{
    *state = played_setup(ROOMS_MAX, SMALL_TAIL_BYTES);
    return 0;
}

static int teardown(void **state)
{
    return played_teardown(*state);
}

/* What a reader gets of them, after from, up to its end. */
static char *hands(const char *before, uint64_t from, uint64_t to, const char *behind)
{
    struct strbuf text = {0};
    strbuf_add_z(&text, before);
    for (uint64_t seq = from + 1; seq <= to; seq++) {
        strbuf_add_u64(&text, seq);
        strbuf_add_z(&text, seq % 2 == 0 ? " up 7;" : " down 7;");
    }
    strbuf_add_z(&text, behind);
    char *z = str_dup(strbuf_str(&text));
    strbuf_fini(&text);
    return z;
}

/* ---- where one begins ---- */

static void who_comes_first_gets_a_snapshot_then_what_happens(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    assert_read(reader, "");
    answer_all(f);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    assert_read(reader, "=1 7;me 7;2 joined 8;");
    assert_int_equal(reader->cursor.seq, 2);
}

static void who_comes_again_goes_on_where_he_was(void **state)
{
    struct fixture *f = *state;
    play_hands(f, 6);
    struct played_reader *reader = open_reader(f, "3");
    answer_all(f);
    assert_read(reader, "4 up 7;5 down 7;6 up 7;");
    struct played_reader *from_first = open_reader(f, "1");
    AUTO(mem_free) char *all = hands("", 1, 6, "");
    assert_read(from_first, all);
    struct played_reader *at_head = open_reader(f, "6");
    assert_read(at_head, "");
    play_and_tell(f, ROOM, EVENT_HAND_LOWERED, ME);
    assert_read(at_head, "7 down 7;");
    assert_read(reader, "7 down 7;");
}

static void who_was_away_for_long_gets_it_from_the_journal(void **state)
{
    struct fixture *f = *state;
    play_hands(f, 2500);
    struct played_reader *first = open_reader(f, "");
    answer_all(f);
    assert_read(first, "=2500 7;me 7;");
    f->asked_events = 0;
    struct played_reader *reader = open_reader(f, "300");
    assert_read(reader, "");
    answer_all(f);
    AUTO(mem_free) char *all = hands("", 300, 2500, "");
    assert_read(reader, all);
    assert_in_range(f->asked_events, 34, 35); /* 64 at a time */
}

/* Whoever comes first. */
static void the_tail_begins_where_the_first_of_all_was(void **state)
{
    static const char *const afters[] = {"100", "20", "19", "20", "1", "?"};
    struct fixture *f = *state;
    struct played_reader *readers[ARRAY_LEN(afters)];
    play_hands(f, 1200);
    for (size_t i = 0; i < ARRAY_LEN(afters); i++) {
        AUTO(mem_free) char *after = mem_printf("%lu", 1100 + strtoul(afters[i], NULL, 10));
        readers[i] = open_reader(f, i < 4 ? after : afters[i]);
    }
    answer(f, ERR_OK);
    for (int i = 0; i < 2; i++) { /* from 1087 on, 64 at a time */
        assert_int_equal(f->questions[0].request.journal_read.after_seq, 1087 + (uint64_t)i * 64);
        answer(f, ERR_OK);
    }
    assert_int_equal(f->asked_events, 3); /* and a page for who was away for long */
    for (size_t i = 0; i < 4; i++) {
        AUTO(mem_free) char *text = hands("", 1100 + strtoul(afters[i], NULL, 10), 1200, "");
        assert_read(readers[i], text);
    }
}

/* However many were cut off by the gateway that was here before. */
static void those_who_come_again_together_cost_a_few_questions(void **state)
{
    static const char *const afters[] = {"100", "95", "98", "100", "99", "80"};
    struct fixture *f = *state;
    struct played_reader *readers[ARRAY_LEN(afters)];
    play_hands(f, 101);
    for (size_t i = 0; i < ARRAY_LEN(afters); i++) {
        readers[i] = open_reader(f, afters[i]);
    }
    answer_all(f);
    for (size_t i = 0; i < ARRAY_LEN(afters); i++) {
        AUTO(mem_free) char *text = hands("", strtoul(afters[i], NULL, 10), 101, "");
        assert_read(readers[i], text);
    }
    assert_int_equal(f->asked_states, 1);
    assert_int_equal(f->asked_events, 1);
}

static void what_is_not_kept_any_more_is_told_by_a_reset(void **state)
{
    struct fixture *f = *state;
    play_hands(f, 100);
    f->rooms[ROOM].kept_after = 50;
    struct played_reader *kept = open_reader(f, "50");
    struct played_reader *lost = open_reader(f, "49");
    answer_all(f);
    AUTO(mem_free) char *text = hands("", 50, 100, "");
    assert_read(kept, text);
    assert_read(lost, "reset;=100 7;me 7;");
}

static void what_no_event_of_this_journal_has_is_told_by_a_reset(void **state)
{
    static const char *const afters[] = {"8.3", "10.3", "?", "7", "9007199254740991"};
    struct fixture *f = *state;
    play_hands(f, 6);
    for (size_t i = 0; i < ARRAY_LEN(afters); i++) {
        struct played_reader *reader = open_reader(f, afters[i]);
        answer_all(f);
        assert_read(reader, "reset;=6 7;me 7;");
        close_reader(reader);
    }
}

/* ---- who gets what ---- */

static void an_event_for_others_is_left_out_and_no_gap(void **state)
{
    static const uint64_t named[] = {8, ME};
    struct fixture *f = *state;
    play_hands(f, 5);
    struct msg_room_event *events = f->rooms[ROOM].events;
    events[1].audience = AUDIENCE_STAFF;
    events[2].audience = AUDIENCE_NAMED;
    events[2].named = (struct u64_list){.items = named, .count = 1};
    events[3].audience = AUDIENCE_NAMED;
    events[3].named = (struct u64_list){.items = named, .count = 2};
    struct played_reader *reader = open_reader(f, "1");
    answer_all(f);
    assert_read(reader, "4 up 7;5 down 7;");
    play(f, ROOM, EVENT_PARTICIPANT_UPDATED, ME);
    f->rooms[ROOM].events[5].participant.role = ROOM_MODERATOR;
    f->role = ROOM_MODERATOR;
    tell(f, ONE, ROOM, 6, true);
    play(f, ROOM, EVENT_HAND_RAISED, 8);
    f->rooms[ROOM].events[6].audience = AUDIENCE_STAFF;
    tell(f, ONE, ROOM, 7, true);
    answer_all(f);
    assert_read(reader, "may 8;6 is 7;7 up 8;");
}

/* ---- what one may ---- */

static void who_has_another_role_is_told_what_he_may_before_that(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    play_role(f, ROOM_MODERATOR);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    assert_read(reader, "=1 7;me 7;");
    assert_int_equal(f->questions[0].request.id, MSG_stream_open);
    assert_int_equal(f->questions[0].request.stream_open.asker.token_hash.bytes, 32);
    answer(f, ERR_DEADLINE);
    live(f, 200);
    answer_all(f);
    assert_read(reader, "may 8;2 is 7;3 joined 8;");
    assert_int_equal(f->asked_opens, 2);
    play_role(f, ROOM_VIEWER);
    play_role(f, ROOM_MODERATOR); /* while roomsvc is asked */
    answer_all(f);
    assert_read(reader, "may 8;4 is 7;may 8;5 is 7;");
    play(f, ROOM, EVENT_PARTICIPANT_UPDATED, 8);
    tell(f, ONE, ROOM, 6, true);
    assert_read(reader, "6 is 8;");
    assert_int_equal(f->out, 0);
}

/* Another name, or that he is mute, is no other role. */
static void who_has_the_same_role_is_not_told_again_what_he_may(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_UPDATED, ME);
    assert_read(reader, "2 is 7;");
    play_role(f, ROOM_MODERATOR);
    play_role(f, ROOM_MODERATOR);
    answer_all(f);
    assert_read(reader, "may 8;3 is 7;4 is 7;");
    struct played_reader *again = open_reader(f, "4");
    answer_all(f);
    assert_read(again, "");
    play_role(f, ROOM_MODERATOR);
    assert_read(again, "5 is 7;");
    play_role(f, ROOM_VIEWER);
    answer_all(f);
    assert_read(again, "may 2;6 is 7;");
}

/* What he had been told when he was cut off nobody knows. */
static void who_comes_back_is_told_what_he_may_once(void **state)
{
    struct fixture *f = *state;
    struct played_reader *first = open_reader(f, "");
    answer_all(f);
    first->is_slow = true;
    play_role(f, ROOM_PARTICIPANT);
    play_role(f, ROOM_PARTICIPANT);
    struct played_reader *again = open_reader(f, "1");
    answer_all(f);
    assert_read(again, "may 4;2 is 7;3 is 7;");
}

/* Whatever of it he has got: what he may comes again with the event. */
static void who_was_cut_off_at_his_new_role_is_told_what_he_may(void **state)
{
    struct fixture *f = *state;
    struct played_reader *first = open_reader(f, "");
    answer_all(f);
    first->is_slow = true;
    play_role(f, ROOM_MODERATOR);
    struct played_reader *again = open_reader(f, "1");
    answer_all(f);
    assert_read(again, "may 8;2 is 7;");
}

static void a_snapshot_has_what_he_may_by_now(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    reader->is_slow = true;
    play_role(f, ROOM_MODERATOR);
    f->generation++; /* what he has not read yet counts no more */
    hear_life(f, ONE, false);
    reader->is_slow = false;
    answer_all(f);
    assert_read(reader, "reset;staff=2 7;me 7 8;");
    assert_int_equal(f->asked_opens, 1);
}

/* Events will say that he is out. */
static void who_may_not_come_any_more_waits_for_nothing(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    play_role(f, ROOM_MODERATOR);
    answer(f, ERR_REMOVED);
    assert_read(reader, "=1 7;me 7;may 0;2 is 7;");
    play_role(f, ROOM_VIEWER);
    close_reader(reader); /* while roomsvc is asked */
    answer_all(f);
}

/* ---- the end ---- */

static void who_is_put_out_hears_of_it_and_nothing_else(void **state)
{
    static const struct {
        enum room_event_type type;
        enum room_reason reason;
        const char *text;
        enum room_end end;
    } cases[] = {
        {EVENT_PARTICIPANT_LEFT, REASON_LEFT, "2 left 7;", ROOM_END_LEFT},
        {EVENT_PARTICIPANT_LEFT, REASON_ABSENT, "2 left 7;", ROOM_END_ABSENT},
        {EVENT_PARTICIPANT_LEFT, REASON_SESSION_ENDED, "2 left 7;", ROOM_END_SESSION_ENDED},
        {EVENT_PARTICIPANT_REMOVED, REASON_REMOVED, "2 taken 7;", ROOM_END_REMOVED},
        {EVENT_PARTICIPANT_REMOVED, REASON_NOT_A_MEMBER, "2 taken 7;", ROOM_END_NOT_A_MEMBER},
        {EVENT_MEETING_ENDED, REASON_MEETING_ENDED, "2 over 0;", ROOM_END_MEETING_ENDED},
        {EVENT_ROOM_ENDED, REASON_ROOM_EXPIRED, "2 closed 0;", ROOM_END_ROOM_ENDED},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const uint64_t room = i % 2 == 0 ? 2 : 3;
        f->rooms[room].head = 0;
        f->generation++;
        play(f, room, EVENT_PARTICIPANT_JOINED, ME);
        struct played_reader *reader = open_reader_in(f, room, "");
        answer_all(f);
        assert_read(reader, "=1 7;me 7;");
        play(f, room, cases[i].type, cases[i].text[2] == 'o' || cases[i].text[2] == 'c' ? 0 : ME);
        f->rooms[room].events[1].has_reason = true;
        f->rooms[room].events[1].reason = cases[i].reason;
        tell(f, ONE, room, 2, true);
        play_and_tell(f, room, EVENT_PARTICIPANT_JOINED, 8);
        assert_read(reader, cases[i].text);
        assert_true(reader->is_ended);
        assert_int_equal(reader->cursor.end, cases[i].end);
    }
}

static void another_one_who_leaves_ends_nothing(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_LEFT, 8);
    answer_all(f);
    assert_read(reader, "=3 7;me 7;");
    assert_false(reader->is_ended);
}

static void who_has_left_and_come_back_reads_on(void **state)
{
    struct fixture *f = *state;
    play(f, ROOM, EVENT_PARTICIPANT_LEFT, ME);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, ME);
    struct played_reader *reader = open_reader(f, "1");
    answer_all(f);
    assert_read(reader, "2 left 7;3 joined 7;");
    assert_false(reader->is_ended);
}

/* What roomsvc said of him was true when it said it. */
static void who_is_out_before_it_begins_is_told_why(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    struct played_reader *again = open_reader(f, "1");
    play(f, ROOM, EVENT_PARTICIPANT_REMOVED, ME);
    answer_all(f);
    assert_read(reader, "");
    assert_true(reader->is_ended);
    assert_int_equal(reader->cursor.end, ROOM_END_REMOVED);
    assert_read(again, "2 taken 7;");
    assert_true(again->is_ended);
    assert_int_equal(again->cursor.end, ROOM_END_REMOVED);
}

static void who_is_not_in_the_back_up_is_out(void **state)
{
    struct fixture *f = *state;
    play(f, ROOM, EVENT_PARTICIPANT_LEFT, ME);
    play(f, ROOM, EVENT_PARTICIPANT_JOINED, ME);
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=3 7;me 7;");
    f->generation++;
    f->rooms[ROOM].head = 2;
    live(f, 1000);
    answer_all(f);
    assert_read(reader, "");
    assert_true(reader->is_ended);
    assert_int_equal(reader->cursor.end, ROOM_END_LEFT);
}

/* ---- who is slow ---- */

static void a_slow_one_gets_all_in_its_time(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    reader->is_slow = true;
    answer_all(f);
    read_chunks(reader, 1);
    play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8); /* between the parts of the snapshot */
    assert_read(reader, "=1 7;");
    read_chunks(reader, 1);
    assert_read(reader, "me 7;");
    for (uint64_t id = 9; id < 12; id++) {
        play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, id);
    }
    assert_false(room_cursor_is_slow(&reader->cursor));
    read_chunks(reader, 2);
    assert_read(reader, "2 joined 8;3 joined 9;");
    read_chunks(reader, 9);
    assert_read(reader, "4 joined 10;5 joined 11;");
}

static void one_that_is_too_far_behind_is_too_slow(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    reader->is_slow = true;
    reader->cursor.behind_bytes = 100;
    unsigned seen = 0;
    while (!room_cursor_is_slow(&reader->cursor)) {
        play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 100 + seen++);
    }
    assert_int_equal(seen, 8); /* of 13 or 14 bytes each */
    read_chunks(reader, 9);
    assert_false(room_cursor_is_slow(&reader->cursor));
    assert_int_equal(reader->cursor.behind_bytes, ROOM_CURSOR_BEHIND_BYTES);
}

/* Who comes with much to be replayed is not behind by that. */
static void what_was_there_before_makes_nobody_slow(void **state)
{
    struct fixture *f = *state;
    play_hands(f, 900);
    struct played_reader *reader = open_reader(f, "1");
    reader->is_slow = true;
    answer_all(f);
    read_chunks(reader, 1);
    assert_true(reader->cursor.behind_bytes > ROOM_CURSOR_BEHIND_BYTES + 800 * 7);
    assert_false(room_cursor_is_slow(&reader->cursor));
}

/* The tail has moved on without him. */
static void what_has_left_the_tail_comes_from_the_journal(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    reader->is_slow = true;
    while (f->rooms[ROOM].head < 200) {
        play_and_tell(f, ROOM,
                      f->rooms[ROOM].head % 2 == 1 ? EVENT_HAND_RAISED : EVENT_HAND_LOWERED, ME);
    }
    assert_null(room_tail_find(&reader->cursor.room->tail, 2));
    assert_int_equal(f->out, 0);
    reader->is_slow = false;
    read_chunks(reader, 1);
    assert_int_equal(f->out, 1);
    answer(f, ERR_DEADLINE);
    live(f, 500);
    answer_all(f);
    AUTO(mem_free) char *all = hands("", 1, 200, "");
    assert_read(reader, all);
}

static void while_the_journal_does_not_answer_it_is_asked_later_and_later(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    reader->is_slow = true;
    answer_all(f);
    read_chunks(reader, 2);
    assert_read(reader, "=1 7;me 7;");
    while (f->rooms[ROOM].head < 50) {
        play_and_tell(f, ROOM,
                      f->rooms[ROOM].head % 2 == 1 ? EVENT_HAND_RAISED : EVENT_HAND_LOWERED, ME);
    }
    f->asked_events = 0;
    f->refuse = ERR_UNAVAILABLE;
    reader->is_slow = false;
    read_chunks(reader, 1);
    fake_clock_advance(f->clock, 60000);
    assert_in_range(f->asked_events, 30, 70);
    f->refuse = ERR_OK;
    fake_clock_advance(f->clock, 2100);
    answer_all(f);
    AUTO(mem_free) char *all = hands("", 1, 50, "");
    assert_read(reader, all);
}

/* The journal has more than the gateway has heard of: he gets that, too, once and in its turn. */
static void a_page_that_is_ahead_of_the_room_tells_nothing_twice(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    reader->is_slow = true;
    while (f->rooms[ROOM].head < 200) {
        play_and_tell(f, ROOM,
                      f->rooms[ROOM].head % 2 == 1 ? EVENT_HAND_RAISED : EVENT_HAND_LOWERED, ME);
    }
    play_hands(f, 210);
    assert_int_equal(reader->cursor.room->seq, 200);
    assert_null(room_tail_find(&reader->cursor.room->tail, 194)); /* where the fourth page begins */
    reader->is_slow = false;
    read_chunks(reader, 1);
    answer_all(f);
    AUTO(mem_free) char *all = hands("", 1, 210, "");
    assert_read(reader, all);
    play_and_tell(f, ROOM, EVENT_HAND_LOWERED, ME);
    assert_read(reader, "211 down 7;");
}

/* The journal is read for him when the room begins anew. */
static void a_page_of_another_generation_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=1 7;me 7;");
    reader->is_slow = true;
    while (f->rooms[ROOM].head < 200) {
        play_and_tell(f, ROOM, EVENT_HAND_RAISED, ME);
    }
    reader->is_slow = false;
    read_chunks(reader, 1);
    f->generation++;
    answer_all(f);
    assert_read(reader, "reset;=200 7;me 7;");
}

static void one_that_leaves_while_the_journal_is_read_is_forgotten(void **state)
{
    struct fixture *f = *state;
    play_hands(f, 1500);
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    struct played_reader *far = open_reader(f, "1");
    assert_int_equal(f->out, 0);
    read_chunks(far, 1);
    assert_int_equal(f->out, 1);
    close_reader(far);
    answer_all(f);
    assert_read(reader, "=1500 7;me 7;");
    assert_int_equal(far->bytes, 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define T_SMALL(test) cmocka_unit_test_setup_teardown(test, setup_small, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_comes_first_gets_a_snapshot_then_what_happens),
        T(who_comes_again_goes_on_where_he_was),
        T(who_was_away_for_long_gets_it_from_the_journal),
        T(the_tail_begins_where_the_first_of_all_was),
        T(those_who_come_again_together_cost_a_few_questions),
        T(what_is_not_kept_any_more_is_told_by_a_reset),
        T(what_no_event_of_this_journal_has_is_told_by_a_reset),
        T(an_event_for_others_is_left_out_and_no_gap),
        T(who_has_another_role_is_told_what_he_may_before_that),
        T(who_has_the_same_role_is_not_told_again_what_he_may),
        T(who_comes_back_is_told_what_he_may_once),
        T(who_was_cut_off_at_his_new_role_is_told_what_he_may),
        T(a_snapshot_has_what_he_may_by_now),
        T(who_may_not_come_any_more_waits_for_nothing),
        T(who_is_put_out_hears_of_it_and_nothing_else),
        T(another_one_who_leaves_ends_nothing),
        T(who_has_left_and_come_back_reads_on),
        T(who_is_out_before_it_begins_is_told_why),
        T(who_is_not_in_the_back_up_is_out),
        T(a_slow_one_gets_all_in_its_time),
        T(one_that_is_too_far_behind_is_too_slow),
        T(what_was_there_before_makes_nobody_slow),
        T_SMALL(what_has_left_the_tail_comes_from_the_journal),
        T_SMALL(while_the_journal_does_not_answer_it_is_asked_later_and_later),
        T_SMALL(a_page_that_is_ahead_of_the_room_tells_nothing_twice),
        T_SMALL(a_page_of_another_generation_is_not_told),
        T(one_that_leaves_while_the_journal_is_read_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
