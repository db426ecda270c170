/* Who is in rooms, and the journal, in the database: what a command writes there is whole, in one
 * order, and once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/integration/db/meeting_fixture.h"

static void who_comes_in_is_written_once(void **state)
{
    struct outcome first;
    struct outcome again;
    const struct msg join = joining("");
    (void)state;
    assert_int_equal(meeting_run(&join, &meeting.carol, &first), ERR_OK);
    assert_int_equal(first.outcome.participant.role, ROOM_OWNER);
    assert_string_equal(first.outcome.participant.name, "testuser");
    assert_true(first.outcome.is_entered);
    assert_int_equal(first.written, 1);
    assert_int_equal(first.types[0], EVENT_PARTICIPANT_JOINED);
    assert_int_equal(first.hint, ROOM_NEWS_BEGAN);
    assert_int_equal(first.users, 1);
    assert_true(first.outcome.is_made);
    assert_int_equal(meeting_run(&join, &meeting.carol, &again), ERR_OK);
    assert_false(again.outcome.is_made);
    assert_int_equal(again.outcome.participant.id, first.outcome.participant.id);
    assert_int_equal(again.types[0], EVENT_PARTICIPANT_JOINED); /* is told again */
    value_is("SELECT CONCAT(COUNT(*), ' ', MAX(seq)) FROM room_events", "1 1");
    AUTO(mem_free)
    char *joined = mem_printf("%" PRIu64, first.outcome.participant.joined_unix_ms);
    value_is("SELECT joined_unix_ms FROM participants", joined); /* as all were told */
    value_is("SELECT CONCAT(seq, ' ', in_janus, ' ', empty_unix_ms) FROM rooms", "1 1 0");
}

static void a_guest_comes_by_the_code_only(void **state)
{
    struct outcome outcome;
    struct msg join = joining("Eve");
    const struct msg carols = joining("");
    (void)state;
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_OK);
    assert_int_equal(meeting_run(&carols, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_OK);
    assert_int_equal(outcome.outcome.participant.user_id, 0);
    assert_int_equal(outcome.outcome.participant.role, ROOM_PARTICIPANT);
    join = joining("Eve");
    join.participant_join.room = str_of(meeting.room);
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_NO_SUCH_ROOM);
    join = joining("");
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_WRONG_MEMBER);
    value_is("SELECT COUNT(*) FROM room_commands", "3"); /* the room's, and two that came in */
}

static void with_his_token_he_comes_back_as_whom_he_was(void **state)
{
    struct outcome outcome;
    struct msg join = joining("");
    struct msg back = joining("");
    (void)state;
    assert_int_equal(meeting_run(&join, &meeting.carol, &outcome), ERR_OK);
    const uint64_t id = outcome.outcome.participant.id;
    const struct room_asker self = asker_of(&join);
    assert_int_equal(meeting_run(&back, &self, &outcome), ERR_OK); /* is in: nothing happens */
    assert_int_equal(outcome.written, 0);
    assert_true(outcome.outcome.is_resumed);
    assert_false(outcome.outcome.is_entered);
    value_is("SELECT COUNT(*) FROM presence WHERE is_open = 0 AND changed_unix_ms >"
             " UNIX_TIMESTAMP(NOW(3)) * 1000",
             "1"); /* but that he is there */
    const struct msg leave = removing(id);
    assert_int_equal(meeting_run(&leave, &self, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_LEFT);
    assert_int_equal(outcome.hint, ROOM_NEWS_ENDED);
    value_is("SELECT empty_unix_ms > 0 FROM rooms", "1");
    struct msg change = changing(id);
    change.participant_change.has_hand = change.participant_change.hand = true;
    assert_int_equal(meeting_run(&change, &self, &outcome), ERR_NOT_JOINED);
    back = joining("");
    assert_int_equal(meeting_run(&back, &self, &outcome), ERR_OK);
    assert_false(outcome.outcome.is_made);
    assert_int_equal(outcome.outcome.participant.id, id);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_JOINED);
    assert_int_equal(outcome.hint, ROOM_NEWS_BEGAN);
    must_run(fixture.db, "UPDATE participants SET state = 3, changed_unix_ms = 1");
    back = joining("");
    assert_int_equal(meeting_run(&back, &self, &outcome), ERR_UNAUTHORIZED);
}

static void what_is_done_to_somebody_is_judged_and_told(void **state)
{
    struct outcome outcome;
    const struct msg carols = joining("");
    const struct msg eves = joining("Eve");
    (void)state;
    assert_int_equal(meeting_run(&carols, &meeting.carol, &outcome), ERR_OK);
    const uint64_t carol = outcome.outcome.participant.id;
    assert_int_equal(meeting_run(&eves, &meeting.nobody, &outcome), ERR_OK);
    const uint64_t eve = outcome.outcome.participant.id;
    const struct room_asker by_carol = asker_of(&carols);
    const struct room_asker by_eve = asker_of(&eves);

    struct msg change = changing(eve);
    change.participant_change.has_hand = change.participant_change.hand = true;
    change.participant_change.has_name = true;
    change.participant_change.name = STR_LIT("Eva");
    assert_int_equal(meeting_run(&change, &by_carol, &outcome), ERR_FORBIDDEN);
    assert_int_equal(meeting_run(&change, &by_eve, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 2);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_UPDATED);
    assert_int_equal(outcome.types[1], EVENT_HAND_RAISED);
    assert_string_equal(outcome.outcome.participant.name, "Eva");
    change.participant_change.idempotency_key = fresh_key();
    assert_int_equal(meeting_run(&change, &by_eve, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 0); /* it is so already */

    change = changing(eve);
    change.participant_change.has_role = true;
    change.participant_change.role = ROOM_MODERATOR;
    assert_int_equal(meeting_run(&change, &by_eve, &outcome), ERR_FORBIDDEN);
    assert_int_equal(meeting_run(&change, &by_carol, &outcome), ERR_OK);
    assert_int_equal(outcome.outcome.participant.role, ROOM_MODERATOR);

    struct msg removal = removing(carol);
    assert_int_equal(meeting_run(&removal, &by_eve, &outcome), ERR_FORBIDDEN);
    removal = removing(eve);
    assert_int_equal(meeting_run(&removal, &meeting.carol, &outcome), ERR_OK); /* by her session */
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_REMOVED);
    const struct msg back = joining("Eve");
    assert_int_equal(meeting_run(&back, &by_eve, &outcome), ERR_REMOVED);
    removal = removing(eve);
    assert_int_equal(meeting_run(&removal, &by_carol, &outcome), ERR_NOT_FOUND);
}

static void a_meeting_ends_for_everybody_and_the_link_stays(void **state)
{
    struct outcome outcome;
    const struct msg carols = joining("");
    const struct msg eves = joining("Eve");
    const struct msg end = {
        .id = MSG_meeting_end,
        .meeting_end = {.idempotency_key = fresh_key(), .room = str_of(meeting.room)}};
    (void)state;
    assert_int_equal(meeting_run(&carols, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(meeting_run(&eves, &meeting.nobody, &outcome), ERR_OK);
    const struct room_asker by_eve = asker_of(&eves);
    assert_int_equal(meeting_run(&end, &by_eve, &outcome), ERR_FORBIDDEN);
    assert_int_equal(meeting_run(&end, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 1);
    assert_int_equal(outcome.types[0], EVENT_MEETING_ENDED);
    value_is("SELECT COUNT(*) FROM participants WHERE state = 6", "2");
    const struct msg back = joining("Eve");
    assert_int_equal(meeting_run(&back, &by_eve, &outcome), ERR_UNAUTHORIZED);
    const struct msg anew = joining("");
    assert_int_equal(meeting_run(&anew, &meeting.carol, &outcome), ERR_OK);
}

static void what_happens_to_the_room_is_told_in_it(void **state)
{
    struct outcome outcome;
    const struct msg carols = joining("");
    struct room_asker dave = {.user_id = 0};
    (void)state;
    AUTO(mem_free)
    char *id = must_select(fixture.db, "SELECT id FROM users WHERE username ="
                                       " 'dave'");
    assert_true(str_id(str_of(id), &dave.user_id));
    assert_int_equal(meeting_run(&carols, &meeting.carol, &outcome), ERR_OK);
    const struct msg daves = joining("");
    assert_int_equal(meeting_run(&daves, &dave, &outcome), ERR_OK);
    struct msg change = {.id = MSG_room_change,
                         .room_change = {.idempotency_key = fresh_key(),
                                         .room = str_of(meeting.room),
                                         .options = {.has_locked = true, .locked = true}}};
    assert_int_equal(meeting_room_run(&change, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_ROOM_UPDATED);
    change.room_change.idempotency_key = fresh_key();
    assert_int_equal(meeting_room_run(&change, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 0);
    const struct msg set = {.id = MSG_member_set,
                            .member_set = {.idempotency_key = fresh_key(),
                                           .room = str_of(meeting.room),
                                           .user = STR_LIT("dave"),
                                           .role = ROOM_MODERATOR}};
    assert_int_equal(meeting_room_run(&set, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_UPDATED);
    change.room_change.idempotency_key = fresh_key();
    change.room_change.options =
        (struct msg_room_options){.has_access = true, .access = ROOM_INVITED};
    assert_int_equal(meeting_room_run(&change, &outcome), ERR_OK);
    const struct msg unset = {.id = MSG_member_remove,
                              .member_remove = {.idempotency_key = fresh_key(),
                                                .room = str_of(meeting.room),
                                                .user = STR_LIT("dave")}};
    assert_int_equal(meeting_room_run(&unset, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_REMOVED);
    const struct msg closing = {
        .id = MSG_room_close,
        .room_close = {.idempotency_key = fresh_key(), .room = str_of(meeting.room)}};
    assert_int_equal(meeting_room_run(&closing, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_ROOM_ENDED);
    value_is("SELECT COUNT(*) FROM participants WHERE state IN (1, 2)", "0");
    /* One order, without a gap. */
    value_is("SELECT CONCAT(COUNT(*), ' ', MIN(seq), ' ', MAX(seq)) FROM room_events", "7 1 7");
    value_is("SELECT seq FROM rooms", "7");
}

/* However many come at once. */
static void a_room_holds_as_many_as_it_may(void **state)
{
    struct msg joins[60];
    static struct outcome outcomes[ARRAY_LEN(joins)];
    struct outcome carols;
    size_t in = 0;
    const struct msg first = joining("");
    (void)state;
    assert_int_equal(meeting_run(&first, &meeting.carol, &carols), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
        joins[i] = joining("Eve");
        assert_int_equal(meeting_begin(&joins[i], &meeting.nobody, &outcomes[i]), ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
        meeting_wait(&outcomes[i]);
        assert_true(outcomes[i].err == ERR_OK || outcomes[i].err == ERR_ROOM_FULL);
        in += outcomes[i].err == ERR_OK;
    }
    assert_int_equal(in, 19);
    value_is("SELECT CONCAT(COUNT(*), ' ', MAX(seq)) FROM room_events", "20 20");
}

static void the_pin_opens(void **state)
{
    struct outcome outcome;
    struct msg join = joining("");
    struct room_asker dave = {.user_id = fixture.other_id};
    const struct msg change = {
        .id = MSG_room_change,
        .room_change = {.idempotency_key = fresh_key(),
                        .room = str_of(meeting.room),
                        .options = {.has_pin = true, .pin = STR_LIT("1234")}}};
    (void)state;
    assert_int_equal(meeting_room_run(&change, &outcome), ERR_OK);
    assert_int_equal(meeting_run(&join, &dave, &outcome), ERR_WRONG_PIN);
    join.participant_join.pin = STR_LIT("12345");
    assert_int_equal(meeting_run(&join, &dave, &outcome), ERR_WRONG_PIN);
    join.participant_join.pin = STR_LIT("1234");
    assert_int_equal(meeting_run(&join, &dave, &outcome), ERR_OK);
}

/* ---- what gateways read ---- */

struct reading {
    unsigned count;
    enum err err;
    struct journal_answer answer;
    enum room_event_type types[8];
};

static void on_read(void *arg, enum err err, const struct journal_answer *answer)
{
    struct reading *reading = arg;
    reading->count++;
    reading->err = err;
    if (err == ERR_OK) {
        reading->answer = *answer;
        for (size_t i = 0; i < answer->event_count && i < ARRAY_LEN(reading->types); i++) {
            reading->types[i] = event_type_of(&answer->events[i].data);
        }
        reading->answer.events = NULL;
    }
}

static bool was_read(void *arg)
{
    return ((const struct reading *)arg)->count > 0;
}

static enum err read_it(const struct msg *request, struct reading *ret)
{
    ret->count = 0;
    const enum err err = meeting.journal.ops->ask(meeting.journal.self, request, 0, on_read, ret);
    if (err == ERR_OK) {
        assert_true(loop_run_until(meeting.loop, was_read, ret, WAIT_MS));
    }
    return err == ERR_OK ? ret->err : err;
}

static void the_journal_is_read_without_a_gap(void **state)
{
    static struct reading reading;
    struct outcome outcome;
    struct msg join = joining("");
    uint64_t room_id = 0;
    (void)state;
    assert_true(str_id(str_of(meeting.room), &room_id));
    for (int i = 0; i < 3; i++) {
        join = joining("");
        assert_int_equal(meeting_run(&join, &meeting.carol, &outcome), ERR_OK);
    }
    must_run(fixture.db, "UPDATE participants SET published = 3, lost = 2");
    const struct msg open = {
        .id = MSG_stream_open,
        .stream_open = {.room = str_of(meeting.code),
                        .asker = {.token_hash = join.participant_join.token_hash}}};
    assert_int_equal(read_it(&open, &reading), ERR_OK);
    assert_int_equal(reading.answer.seq, 3);
    assert_int_equal(reading.answer.room_id, room_id);
    assert_int_equal(reading.answer.participant.id, outcome.outcome.participant.id);
    assert_int_equal(reading.answer.participant.published, 3);
    assert_int_equal(reading.answer.participant.lost, 2);
    const uint64_t generation = reading.answer.generation;
    assert_true(generation > 0);

    const struct msg question = {.id = MSG_room_state, .room_state = {.room_id = room_id}};
    assert_int_equal(read_it(&question, &reading), ERR_OK);
    assert_int_equal(reading.answer.seq, 3);
    assert_int_equal(reading.answer.participant_count, 3);
    assert_int_equal(reading.answer.participants[2].published, 3);
    assert_int_equal(reading.answer.participants[2].lost, 2);
    assert_string_equal(reading.answer.room.name, "Tea");

    struct msg events = {.id = MSG_journal_read,
                         .journal_read = {.room_id = room_id, .after_seq = 1, .limit = 10}};
    assert_int_equal(read_it(&events, &reading), ERR_OK);
    assert_int_equal(reading.answer.event_count, 2);
    assert_int_equal(reading.types[1], EVENT_PARTICIPANT_JOINED);
    must_run(fixture.db, "DELETE FROM room_events WHERE seq = 2");
    assert_int_equal(read_it(&events, &reading), ERR_OK);
    assert_int_equal(reading.answer.event_count, 0);
    assert_int_equal(reading.answer.seq, 3);
    events.journal_read.room_id = room_id + 1;
    assert_int_equal(read_it(&events, &reading), ERR_OK);
    assert_int_equal(reading.answer.seq, 0);
    assert_int_equal(reading.answer.generation, generation);
}

/* A head below one that somebody has seen is of another database. */
static void a_head_that_has_gone_back_begins_a_generation(void **state)
{
    static struct reading reading;
    struct outcome outcome;
    const struct msg join = joining("");
    uint64_t ids[2] = {0, 77};
    (void)state;
    assert_true(str_id(str_of(meeting.room), &ids[0]));
    assert_int_equal(meeting_run(&join, &meeting.carol, &outcome), ERR_OK);
    struct msg_room_head seen = {.room_id = ids[0], .seq = 1};
    struct msg heads = {.id = MSG_journal_heads,
                        .journal_heads = {.room_ids = {.items = ids, .count = 2},
                                          .seen = {.items = &seen, .count = 1}}};
    assert_int_equal(read_it(&heads, &reading), ERR_OK);
    assert_int_equal(reading.answer.head_count, 1);
    assert_int_equal(reading.answer.heads[0].seq, 1);
    const uint64_t generation = reading.answer.generation;
    seen.seq = 2;
    assert_int_equal(read_it(&heads, &reading), ERR_OK);
    assert_true(reading.answer.generation > generation);
    const uint64_t next = reading.answer.generation;
    seen.seq = 1;
    assert_int_equal(read_it(&heads, &reading), ERR_OK);
    assert_int_equal(reading.answer.generation, next);
    /* Who has not heard yet of the new one says what was in the one before. */
    seen.seq = 2;
    heads.journal_heads.generation = generation;
    assert_int_equal(read_it(&heads, &reading), ERR_OK);
    assert_int_equal(reading.answer.generation, next);
    heads.journal_heads.generation = next;
    assert_int_equal(read_it(&heads, &reading), ERR_OK);
    assert_true(reading.answer.generation > next);
}

static void meetings_of_a_user_are_where_somebody_is(void **state)
{
    static struct reading reading;
    struct outcome outcome;
    const struct msg join = joining("");
    struct msg meetings = {.id = MSG_meeting_page,
                           .meeting_page = {.user_id = fixture.user_id, .limit = 10}};
    (void)state;
    assert_int_equal(read_it(&meetings, &reading), ERR_OK);
    assert_int_equal(reading.answer.head_count, 0);
    assert_int_equal(meeting_run(&join, &meeting.carol, &outcome), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read_it(&meetings, &reading), ERR_OK);
        assert_int_equal(reading.answer.head_count, 1);
        assert_int_equal(reading.answer.heads[0].seq, 1);
        meetings.meeting_page.user_id = 0;
    }
    meetings.meeting_page.user_id = fixture.other_id;
    assert_int_equal(read_it(&meetings, &reading), ERR_OK);
    assert_int_equal(reading.answer.head_count, 0);
}

/* ---- set-up ---- */

#define HOSTILE_TEST(name)                                                                         \
    {                                                                                              \
#name " on a database with hostile defaults", name, meeting_set_up_on_hostile_defaults,    \
            meeting_tear_down, NULL                                                                \
    }
#define TEST(name) cmocka_unit_test_setup_teardown(name, meeting_set_up, meeting_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_comes_in_is_written_once),
        TEST(a_guest_comes_by_the_code_only),
        TEST(with_his_token_he_comes_back_as_whom_he_was),
        TEST(what_is_done_to_somebody_is_judged_and_told),
        TEST(a_meeting_ends_for_everybody_and_the_link_stays),
        TEST(what_happens_to_the_room_is_told_in_it),
        TEST(a_room_holds_as_many_as_it_may),
        TEST(the_pin_opens),
        TEST(the_journal_is_read_without_a_gap),
        TEST(a_head_that_has_gone_back_begins_a_generation),
        TEST(meetings_of_a_user_are_where_somebody_is),
        HOSTILE_TEST(who_comes_in_is_written_once),
        HOSTILE_TEST(what_happens_to_the_room_is_told_in_it),
        HOSTILE_TEST(a_room_holds_as_many_as_it_may),
        HOSTILE_TEST(the_journal_is_read_without_a_gap),
    };
    return cmocka_run_group_tests_name("store of participants and the journal", tests, server_setup,
                                       server_teardown);
}
