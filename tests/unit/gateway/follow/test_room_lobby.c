/* One reader of a room who waits to be let in, or becomes one who sees those who wait: what he is
 * shown before and afterwards, wherever he is cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/gateway/follow/played_rooms.h"

static int setup(void **state)
{
    *state = played_setup(4, 10000000);
    return 0;
}

static int teardown(void **state)
{
    return played_teardown(*state);
}

static void who_waits_hears_of_himself_and_gets_the_room_when_he_is_in(void **state)
{
    static const uint64_t me[] = {ME};
    static const uint64_t eight[] = {8};
    struct fixture *f = *state;
    f->since_seq = 0;
    const uint64_t seq = play(f, ROOM, EVENT_PARTICIPANT_WAITING, ME) - 1;
    f->rooms[ROOM].events[seq].audience = AUDIENCE_STAFF;
    f->rooms[ROOM].events[seq].named = (struct u64_list){.items = me, .count = 1};
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "waits 7=2;");
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 9);
    (void)play_and_tell(f, ROOM, EVENT_HAND_RAISED, 9);
    (void)play_and_tell(f, ROOM, EVENT_ROOM_UPDATED, 0);
    const uint64_t other = play(f, ROOM, EVENT_PARTICIPANT_WAITING, 8);
    f->rooms[ROOM].events[other - 1].audience = AUDIENCE_STAFF;
    f->rooms[ROOM].events[other - 1].named = (struct u64_list){.items = eight, .count = 1};
    tell(f, ONE, ROOM, other, true);
    assert_read(reader, "");
    f->role = ROOM_PARTICIPANT;
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_ADMITTED, ME);
    answer_all(f);
    assert_read(reader, "admitted 7;=7 7,8,9;me 7 4;");
    (void)play_and_tell(f, ROOM, EVENT_HAND_LOWERED, 9);
    assert_read(reader, "8 down 9;");
    close_reader(reader);
}

/* He waits, as the event 2 says. */
static void play_waiting(struct fixture *f, uint64_t id)
{
    static const uint64_t people[] = {ME, 8};
    const uint64_t *named = id == ME ? &people[0] : &people[1];
    const uint64_t seq = play(f, ROOM, EVENT_PARTICIPANT_WAITING, id);
    f->rooms[ROOM].events[seq - 1].audience = AUDIENCE_STAFF;
    f->rooms[ROOM].events[seq - 1].named = (struct u64_list){.items = named, .count = 1};
    tell(f, ONE, ROOM, seq, true);
}

static void who_is_let_in_while_he_is_cut_off_gets_the_room(void **state)
{
    struct fixture *f = *state;
    f->since_seq = 0;
    play_waiting(f, ME);
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "waits 7=2;");
    close_reader(reader);
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_ADMITTED, ME);
    f->since_seq = 3;
    reader = open_reader(f, "2");
    answer_all(f);
    assert_read(reader, "reset;=3 7;me 7;");
    close_reader(reader);
}

/* By what he has seen nobody can tell whether he has the snapshot, too: so the event has no id. */
static void who_is_cut_off_before_the_snapshot_has_no_id_that_skips_it(void **state)
{
    struct fixture *f = *state;
    f->since_seq = 0;
    play_waiting(f, ME);
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "waits 7=2;");
    reader->is_slow = true;
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_ADMITTED, ME);
    read_chunks(reader, 1);
    assert_read(reader, "admitted 7;");
    close_reader(reader);
    f->since_seq = 3;
    reader = open_reader(f, "3"); /* the snapshot's */
    answer_all(f);
    assert_read(reader, "");
    close_reader(reader);
}

/* He is out again before roomsvc could say what he may: what was before that is for him all the
 * same, and he may come back. */
static void who_is_let_in_and_leaves_at_once_hears_of_all_until_then(void **state)
{
    struct fixture *f = *state;
    f->since_seq = 0;
    play_waiting(f, ME);
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_ADMITTED, ME);
    answer(f, ERR_NOT_JOINED);
    assert_read(reader, "waits 7=2;admitted 7;=3 7;me 7;");
    reader->is_slow = true;
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_JOINED, 8);
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_LEFT, ME);
    reader->is_slow = false;
    assert_read(reader, "4 joined 8;5 left 7;");
    assert_true(reader->is_ended);
    close_reader(reader);
}

static void who_is_of_staff_since_he_was_cut_off_gets_those_who_wait(void **state)
{
    struct fixture *f = *state;
    play_waiting(f, 8);
    struct played_reader *reader = open_reader(f, "");
    answer_all(f);
    assert_read(reader, "=2 7,8;me 7;");
    close_reader(reader);
    play_role(f, ROOM_MODERATOR);
    f->role = ROOM_MODERATOR;
    reader = open_reader(f, "2");
    answer_all(f);
    assert_read(reader, "may 8;is 7;staff=3 7,8;me 7 8;");
    (void)play_and_tell(f, ROOM, EVENT_PARTICIPANT_UPDATED, ME); /* once is enough */
    answer_all(f);
    assert_read(reader, "may 8;4 is 7;");
    close_reader(reader);
}

static void who_is_denied_or_banned_is_told_that_last(void **state)
{
    static const struct {
        enum room_event_type type;
        enum room_reason reason;
        enum room_end end;
        bool waits;
    } rows[] = {{EVENT_PARTICIPANT_DENIED, 0, ROOM_END_DENIED, true},
                {EVENT_PARTICIPANT_DENIED, REASON_BANNED, ROOM_END_BANNED, true},
                {EVENT_PARTICIPANT_DENIED, REASON_WAITED_TOO_LONG, ROOM_END_WAITED_TOO_LONG, true},
                {EVENT_PARTICIPANT_BANNED, REASON_BANNED, ROOM_END_BANNED, false}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->since_seq = rows[i].waits ? 0 : 1;
        (void)play_and_tell(
            f, ROOM, rows[i].waits ? EVENT_PARTICIPANT_WAITING : EVENT_PARTICIPANT_JOINED, ME);
        struct played_reader *reader = open_reader(f, "");
        answer_all(f);
        reader->bytes = 0;
        const uint64_t seq = play(f, ROOM, rows[i].type, ME);
        f->rooms[ROOM].events[seq - 1].has_reason = rows[i].reason != 0;
        f->rooms[ROOM].events[seq - 1].reason = rows[i].reason;
        tell(f, ONE, ROOM, seq, true);
        assert_true(reader->is_ended);
        assert_int_equal(reader->cursor.end, rows[i].end);
        close_reader(reader);
    }
}

/* An id from before he was let in does not tell him what was said then; nor had he the room. */
static void what_was_before_him_is_not_told_again(void **state)
{
    struct fixture *f = *state;
    play_hands(f, 10);
    f->since_seq = 8;
    struct played_reader *reader = open_reader(f, "3");
    answer_all(f);
    assert_read(reader, "reset;=10 7;me 7;");
    close_reader(reader);
    reader = open_reader(f, "7");
    answer_all(f);
    assert_read(reader, "reset;=10 7;me 7;");
    close_reader(reader);
    reader = open_reader(f, "8");
    answer_all(f);
    assert_read(reader, "9 down 7;10 up 7;");
    close_reader(reader);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_waits_hears_of_himself_and_gets_the_room_when_he_is_in),
        T(who_is_let_in_while_he_is_cut_off_gets_the_room),
        T(who_is_cut_off_before_the_snapshot_has_no_id_that_skips_it),
        T(who_is_let_in_and_leaves_at_once_hears_of_all_until_then),
        T(who_is_of_staff_since_he_was_cut_off_gets_those_who_wait),
        T(who_is_denied_or_banned_is_told_that_last),
        T(what_was_before_him_is_not_told_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
