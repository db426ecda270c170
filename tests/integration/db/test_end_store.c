/* How rooms with a code end by themselves, or leave Janus, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/store/end_store_mysql.h"
#include "tests/integration/db/registry.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define STANDARD_ROOM 9
#define NOW "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"
#define YEAR "31536000000"

struct asked {
    bool is_there;
    enum err err;
    struct end_step step;
    size_t entries;
    enum room_news_kind hint;
    size_t concerned; /* users */
    enum end_gone gone;
};

static bool is_answered(void *arg)
{
    const struct asked *asked = arg;
    return asked->is_there;
}

static void on_looked(void *arg, enum err err, const struct end_step *step)
{
    struct asked *asked = arg;
    *asked = (struct asked){.is_there = true, .err = err};
    if (step != NULL) {
        asked->step = *step;
        asked->entries = step->journal->count;
        asked->hint = step->journal->hint;
        asked->concerned = step->journal->user_count;
    }
}

static void on_gone(void *arg, enum err err, enum end_gone gone)
{
    struct asked *asked = arg;
    *asked = (struct asked){.is_there = true, .err = err, .gone = gone};
}

static struct asked look(struct registry *r)
{
    struct managed_db db = {.pool = r->pool, .limits = {.standard_room = STANDARD_ROOM}};
    const struct end_store store = end_store_mysql(&db);
    struct asked asked = {0};
    assert_int_equal(store.ops->look(store.self, on_looked, &asked), ERR_OK);
    assert_true(loop_run_until(r->loop, is_answered, &asked, WAIT_MS));
    assert_int_equal(asked.err, ERR_OK);
    return asked;
}

static enum end_gone gone(struct registry *r, uint64_t room_id)
{
    struct managed_db db = {.pool = r->pool};
    const struct end_store store = end_store_mysql(&db);
    struct asked asked = {0};
    assert_int_equal(store.ops->gone(store.self, room_id, on_gone, &asked), ERR_OK);
    assert_true(loop_run_until(r->loop, is_answered, &asked, WAIT_MS));
    assert_int_equal(asked.err, ERR_OK);
    return asked.gone;
}

/* A room that is due, with what is set of it as SQL. */
static void make_room(unsigned id, const char *set)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO rooms (room_id, code, secret, publishers_max, owner_id, created_unix_ms,"
        " used_unix_ms, look_unix_ms, in_janus, due_unix_ms) VALUES (%u, 'abcdefgh%02u', 'secret',"
        " 20, 5, 1, " NOW ", 99999999999999, 0, 1)",
        id, id);
    AUTO(mem_free) char *update = mem_printf("UPDATE rooms SET %s WHERE room_id = %u", set, id);
    must_run(fixture.db, insert);
    must_run(fixture.db, update);
}

static void make_participant(unsigned id, unsigned room_id)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO participants (participant_id, room_id, user_id, name, role, state, token_hash,"
        " address, joined_unix_ms, changed_unix_ms) VALUES (%u, %u, 0, 'Ann', 2, 2,"
        " UNHEX(SHA2('%u', 256)), UNHEX(MD5('')), 1, 1)",
        id, room_id, id);
    must_run(fixture.db, insert);
}

static void a_room_whose_time_is_up_ends_and_tells(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1, "expires_unix_ms = " NOW " - 10, seq = 4, in_janus = 1");
    make_participant(10, 1);
    make_participant(11, 1);
    const struct asked asked = look(&r);
    assert_int_equal(asked.step.outcome, END_CLOSED);
    assert_int_equal(asked.step.reason, REASON_ROOM_EXPIRED);
    assert_int_equal(asked.step.room.id, 1);
    assert_int_equal(asked.concerned, 1); /* its owner */
    assert_int_equal(asked.entries, 1);
    assert_int_equal(asked.hint, ROOM_NEWS_ENDED);
    value_is("SELECT GROUP_CONCAT(state) FROM participants", "6,6");
    value_is("SELECT CONCAT(room_id, ' ', seq) FROM room_events", "1 5");
    value_is("SELECT CONCAT(seq, ' ', closed_unix_ms > 1, ' ', look_unix_ms <= " NOW
             ", ' ', due_unix_ms IS NULL, ' ', in_janus) FROM rooms",
             "5 1 1 1 1");
    assert_int_equal(look(&r).step.outcome, END_NONE_IS_DUE);
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

static void a_room_unused_for_a_year_ends_unless_somebody_is_in(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1, "used_unix_ms = " NOW " - " YEAR " - 10, due_unix_ms = 1");
    make_room(2, "used_unix_ms = " NOW " - " YEAR " - 10, due_unix_ms = 2");
    make_room(3, "used_unix_ms = " NOW " - " YEAR " + 60000, due_unix_ms = 3");
    make_participant(20, 2);
    struct asked asked = look(&r);
    assert_int_equal(asked.step.outcome, END_CLOSED);
    assert_int_equal(asked.step.reason, REASON_ROOM_UNUSED);
    assert_int_equal(asked.step.room.id, 1);
    assert_int_equal(look(&r).step.outcome, END_LATER);
    assert_int_equal(look(&r).step.outcome, END_LATER);
    assert_int_equal(look(&r).step.outcome, END_NONE_IS_DUE);
    value_is("SELECT GROUP_CONCAT(room_id ORDER BY room_id) FROM rooms WHERE closed_unix_ms IS NULL"
             " AND due_unix_ms > " NOW,
             "2,3");
    value_is("SELECT ROUND((due_unix_ms - " NOW ") / 10000) FROM rooms WHERE room_id = 3", "6");
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

static void a_room_whose_owner_was_removed_ends(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1, "owner_id = 50");
    make_room(2, "owner_id = 51, due_unix_ms = 2");
    must_run(fixture.db, "INSERT INTO user_removals (user_id, heir_id, created_unix_ms)"
                         " VALUES (50, NULL, 1), (51, 5, 1)");
    const struct asked asked = look(&r);
    assert_int_equal(asked.step.outcome, END_CLOSED);
    assert_int_equal(asked.step.reason, REASON_OWNER_REMOVED);
    assert_int_equal(asked.step.room.id, 1);
    assert_int_equal(look(&r).step.outcome, END_LATER); /* the heir gets it */
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

static void a_room_that_nobody_is_in_leaves_janus(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1, "in_janus = 1, empty_timeout_s = 10, empty_unix_ms = " NOW " - 5000");
    assert_int_equal(look(&r).step.outcome, END_LATER);
    value_is("SELECT due_unix_ms = empty_unix_ms + 10000 FROM rooms", "1");
    must_run(fixture.db, "UPDATE rooms SET empty_unix_ms = " NOW " - 10001, due_unix_ms = 1");
    const struct asked asked = look(&r);
    assert_int_equal(asked.step.outcome, END_LEAVES);
    assert_int_equal(asked.step.room.id, 1);
    assert_int_equal(asked.step.room.publishers_max, 20);
    assert_string_equal(asked.step.room.secret, "secret");
    assert_string_equal(asked.step.room.node, "default");
    assert_int_equal(look(&r).step.outcome, END_NONE_IS_DUE);
    value_is("SELECT CONCAT(in_janus, ' ', due_unix_ms > " NOW ") FROM rooms", "2 1");
    must_run(fixture.db, "UPDATE rooms SET due_unix_ms = 1"); /* who saw to it has died */
    assert_int_equal(look(&r).step.outcome, END_LEAVES);
    assert_int_equal(gone(&r, 1), END_GONE_NOTED);
    assert_int_equal(look(&r).step.outcome, END_LATER);
    value_is("SELECT CONCAT(in_janus, ' ', due_unix_ms > " NOW " + 1000000000) FROM rooms", "0 1");
    registry_free(&r);
}

/* As a join leaves it. */
static void one_that_somebody_came_into_is_not_gone(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1, "in_janus = 1, empty_timeout_s = 10, empty_unix_ms = 1");
    assert_int_equal(look(&r).step.outcome, END_LEAVES);
    must_run(fixture.db, "UPDATE rooms SET in_janus = 1, empty_unix_ms = 0");
    assert_int_equal(gone(&r, 1), END_GONE_ENTERED);
    value_is("SELECT in_janus FROM rooms", "1");
    must_run(fixture.db, "UPDATE rooms SET due_unix_ms = 1");
    assert_int_equal(look(&r).step.outcome, END_LATER);
    registry_free(&r);
}

static void one_that_somebody_else_has_seen_to_is_told_as_that(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1, "in_janus = 2, closed_unix_ms = 5, due_unix_ms = NULL");
    make_room(2, "in_janus = 0");
    assert_int_equal(gone(&r, 1), END_GONE_CLOSED);
    assert_int_equal(gone(&r, 2), END_GONE_BEFORE);
    assert_int_equal(gone(&r, 3), END_GONE_BEFORE); /* there is none */
    value_is("SELECT GROUP_CONCAT(in_janus ORDER BY room_id) FROM rooms", "2,0");
    registry_free(&r);
}

/* Rooms of /create end here only with their owner, and the standard room never. */
static void what_is_no_open_room_with_a_code_is_not_due_again(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1, "code = NULL, used_unix_ms = 1, in_janus = 1, empty_unix_ms = 1,"
                 " expires_unix_ms = 1");
    make_room(2, "closed_unix_ms = 5, expires_unix_ms = 1, due_unix_ms = 2");
    make_room(STANDARD_ROOM, "code = NULL, owner_id = 50, due_unix_ms = 3");
    make_room(4, "code = NULL, owner_id = 50, due_unix_ms = 4");
    must_run(fixture.db, "INSERT INTO user_removals (user_id, created_unix_ms) VALUES (50, 1)");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(look(&r).step.outcome, END_LATER);
    }
    const struct asked asked = look(&r);
    assert_int_equal(asked.step.outcome, END_CLOSED);
    assert_int_equal(asked.step.room.id, 4);
    assert_int_equal(asked.concerned, 0); /* nobody owns one without a code */
    value_is("SELECT CONCAT(COUNT(*), ' ', COUNT(due_unix_ms), ' ', COUNT(closed_unix_ms))"
             " FROM rooms",
             "4 0 2");
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_room_whose_time_is_up_ends_and_tells),
        TEST(a_room_unused_for_a_year_ends_unless_somebody_is_in),
        TEST(a_room_whose_owner_was_removed_ends),
        TEST(a_room_that_nobody_is_in_leaves_janus),
        TEST(one_that_somebody_came_into_is_not_gone),
        TEST(one_that_somebody_else_has_seen_to_is_told_as_that),
        TEST(what_is_no_open_room_with_a_code_is_not_due_again),
    };
    return cmocka_run_group_tests_name("end store", tests, server_setup, server_teardown);
}
