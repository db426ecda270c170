/* What becomes of the rooms of users who were removed, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/store/removal_store_mysql.h"
#include "tests/integration/db/registry.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define STANDARD_ROOM 9
#define HOUR_MS 3600000

struct settled {
    bool is_there;
    enum err err;
    struct removal_step step;
    size_t entries; /* of its journals */
    size_t closed;  /* of its rooms */
};

static bool is_settled(void *arg)
{
    const struct settled *settled = arg;
    return settled->is_there;
}

static void on_settled(void *arg, enum err err, const struct removal_step *step)
{
    struct settled *settled = arg;
    settled->is_there = true;
    settled->err = err;
    if (step != NULL) {
        settled->step = *step;
        for (size_t i = 0; i < step->journal_count; i++) {
            settled->entries += step->journals[i].count;
        }
        for (size_t i = 0; i < step->count; i++) {
            settled->closed += step->rooms[i].is_closed;
        }
    }
}

static void begin_to_settle(struct registry *r, uint64_t within_ms, struct settled *ret_settled)
{
    const struct removal_store store = removal_store_mysql(r->pool);
    const struct removal_look look = {.standard_room = STANDARD_ROOM, .within_ms = within_ms};
    *ret_settled = (struct settled){0};
    assert_int_equal(store.ops->settle(store.self, &look, on_settled, ret_settled), ERR_OK);
}

static struct settled settle(struct registry *r, uint64_t within_ms)
{
    struct settled settled;
    begin_to_settle(r, within_ms, &settled);
    assert_true(loop_run_until(r->loop, is_settled, &settled, WAIT_MS));
    return settled;
}

static void make_rooms(uint64_t owner_id, unsigned first, unsigned last)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO rooms (room_id, secret, publishers_max, owner_id, created_unix_ms,"
        " used_unix_ms, look_unix_ms, due_unix_ms, idempotency_key) SELECT seq, 'secret', 20,"
        " %" PRIu64 ", 1, 1, 99999999999999, NULL, UNHEX(MD5(seq)) FROM seq_%u_to_%u",
        owner_id, first, last);
    must_run(fixture.db, insert);
}

/* heir: SQL. */
static void remove_user(uint64_t user_id, const char *heir, uint64_t ago_ms)
{
    AUTO(mem_free)
    char *insert =
        mem_printf("INSERT INTO user_removals (user_id, heir_id, created_unix_ms) VALUES (%" PRIu64
                   ", %s, UNIX_TIMESTAMP(NOW(3)) * 1000 - %" PRIu64 ")",
                   user_id, heir, ago_ms);
    must_run(fixture.db, insert);
}

static void count_is(const char *where, const char *expected)
{
    AUTO(mem_free) char *query = mem_printf("SELECT COUNT(*) FROM rooms WHERE %s", where);
    AUTO(mem_free) char *count = must_select(fixture.db, query);
    assert_string_equal(count, expected);
}

static void his_rooms_end_in_parts(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_rooms(50, 1, 8);
    make_rooms(50, STANDARD_ROOM, STANDARD_ROOM);
    make_rooms(50, 100, 300);
    make_rooms(51, 301, 305);
    assert_int_equal(settle(&r, HOUR_MS).err, ERR_NO_SUCH_ROOM); /* he is still there */
    remove_user(50, "NULL", 5000);
    size_t ended = 0;
    struct settled settled = settle(&r, HOUR_MS);
    for (; settled.err == ERR_OK; settled = settle(&r, HOUR_MS)) {
        assert_int_equal(settled.step.user_id, 50);
        assert_int_equal(settled.step.heir_id, 0);
        assert_in_range(settled.step.count, 1, REMOVAL_ROOMS_MAX);
        assert_int_equal(settled.closed, settled.step.count);
        ended += settled.step.count;
    }
    assert_int_equal(settled.err, ERR_NO_SUCH_ROOM);
    assert_int_equal(ended, 209);
    count_is("closed_unix_ms IS NULL AND owner_id = 50", "1");
    count_is("closed_unix_ms IS NULL AND room_id = 9", "1");
    count_is("closed_unix_ms IS NULL AND owner_id = 51", "5");
    count_is("closed_unix_ms IS NOT NULL AND idempotency_key IS NULL"
             " AND look_unix_ms <= UNIX_TIMESTAMP(NOW(3)) * 1000",
             "209");
    /* One that a call of his made since. */
    make_rooms(50, 400, 400);
    assert_int_equal(settle(&r, HOUR_MS).step.rooms[0].id, 400);
    registry_free(&r);
}

static void his_rooms_get_the_heir(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_rooms(50, 1, 3);
    make_rooms(51, 4, 5);
    remove_user(50, "51", 5000);
    remove_user(51, "52", 1000); /* who gets them all, then */
    struct settled settled = settle(&r, HOUR_MS);
    assert_int_equal(settled.step.heir_id, 51);
    assert_int_equal(settled.step.count, 3);
    settled = settle(&r, HOUR_MS);
    assert_int_equal(settled.step.user_id, 51);
    assert_int_equal(settled.step.count, 5);
    assert_int_equal(settle(&r, HOUR_MS).err, ERR_NO_SUCH_ROOM);
    count_is("closed_unix_ms IS NULL AND owner_id = 52 AND idempotency_key IS NOT NULL", "5");
    registry_free(&r);
}

/* In so many rooms, from the first on. state: of each as SQL. */
static void make_people(const char *user_id, unsigned first, unsigned last, const char *state)
{
    AUTO(mem_free)
    char *people = mem_printf(
        "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
        " token_hash, address, joined_unix_ms, changed_unix_ms) SELECT seq, seq, %s, 'Ann', 2, %s,"
        " UNHEX(SHA2(seq, 256)), UNHEX(MD5('')), 1, 1 FROM seq_%u_to_%u",
        user_id, state, first, last);
    must_run(fixture.db, people);
}

/* Also of rooms that nobody is in: somebody may wait there, or come in meanwhile. */
static void the_journal_of_each_room_tells_of_its_heir(void **state)
{
    (void)state;
    struct registry r = registry_new();
    AUTO(mem_free) char *heir = mem_printf("%" PRIu64, fixture.user_id);
    make_rooms(50, 1, 3);
    make_people(heir, 1, 1, "2");
    make_people("0", 2, 3, "IF(seq = 3, 3, 2)");
    remove_user(50, heir, 1000);
    const struct settled settled = settle(&r, HOUR_MS);
    assert_int_equal(settled.step.count, 3);
    assert_int_equal(settled.step.journal_count, 3);
    assert_int_equal(settled.entries, 4); /* the heir is in room 1, and is its owner from now on */
    value_is("SELECT GROUP_CONCAT(CONCAT(room_id, ' ', seq) ORDER BY room_id) FROM rooms",
             "1 2,2 1,3 1");
    value_is("SELECT role FROM participants WHERE room_id = 1", "4");
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

/* It is over for everybody who asks, though it was not closed yet. */
static void a_room_whose_time_is_up_does_not_hold_up_the_others(void **state)
{
    (void)state;
    struct registry r = registry_new();
    AUTO(mem_free) char *heir = mem_printf("%" PRIu64, fixture.user_id);
    make_rooms(50, 1, 3);
    make_people("0", 1, 3, "2");
    must_run(fixture.db, "UPDATE rooms SET expires_unix_ms = 5 WHERE room_id = 2");
    remove_user(50, heir, 1000);
    const struct settled settled = settle(&r, HOUR_MS);
    assert_int_equal(settled.err, ERR_OK);
    assert_int_equal(settled.step.count, 3);
    assert_int_equal(settled.entries, 2);
    value_is("SELECT GROUP_CONCAT(CONCAT(room_id, ' ', seq) ORDER BY room_id) FROM rooms",
             "1 1,2 0,3 1");
    count_is("owner_id = 50", "0");
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

/* Of a room that a join has locked. */
static void who_came_in_meanwhile_counts(void **state)
{
    (void)state;
    struct registry r = registry_new();
    AUTO(mem_free) char *heir = mem_printf("%" PRIu64, fixture.user_id);
    struct settled settled;
    make_rooms(50, 1, 2);
    remove_user(50, heir, 1000);
    assert_int_equal(db_begin(fixture.db), ERR_OK);
    must_run(fixture.db, "UPDATE rooms SET seq = 7 WHERE room_id = 2");
    begin_to_settle(&r, HOUR_MS, &settled);
    const uint64_t until_ms = clock_mono_ms(loop_clock(r.loop)) + WAIT_MS;
    bool waits = false;
    while (!waits && clock_mono_ms(loop_clock(r.loop)) < until_ms) {
        AUTO(mem_free)
        char *waiting =
            must_select(fixture.db, "SELECT COUNT(*) FROM information_schema.processlist"
                                    " WHERE id <> CONNECTION_ID()"
                                    " AND info LIKE '%FOR UPDATE'");
        waits = strcmp(waiting, "1") == 0;
    }
    assert_true(waits);
    make_people(heir, 2, 2, "2");
    assert_int_equal(db_commit(fixture.db), ERR_OK);
    assert_true(loop_run_until(r.loop, is_settled, &settled, WAIT_MS));
    assert_int_equal(settled.err, ERR_OK);
    assert_int_equal(settled.entries, 3);
    value_is("SELECT GROUP_CONCAT(seq ORDER BY room_id) FROM rooms", "1,9");
    value_is("SELECT role FROM participants", "4");
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

/* room_ends.h closes them, each in a transaction of its own. */
static void rooms_in_which_somebody_may_be_are_due(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_rooms(50, 1, 150);
    must_run(fixture.db, "UPDATE rooms SET due_unix_ms = IF(room_id > 120, NULL, 99999999999999),"
                         " code = IF(room_id > 120, NULL, REPEAT(CHAR(97 + room_id % 26), 10))"
                         " WHERE room_id = 9 OR room_id > 120 OR room_id <= 20");
    must_run(fixture.db,
             "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
             " token_hash, address, joined_unix_ms, changed_unix_ms) VALUES"
             " (1, 150, 0, 'Ann', 2, 2, UNHEX(SHA2(1, 256)), UNHEX(MD5('')), 1, 1),"
             " (2, 149, 0, 'Ann', 2, 3, UNHEX(SHA2(2, 256)), UNHEX(MD5('')), 1, 1)");
    remove_user(50, "NULL", 5000);
    struct settled settled = settle(&r, HOUR_MS);
    assert_int_equal(settled.step.count, 100);
    assert_int_equal(settled.closed, 81);
    settled = settle(&r, HOUR_MS);
    assert_int_equal(settled.step.count, 49); /* the standard room is nobody's */
    assert_int_equal(settled.closed, 48);
    assert_int_equal(settle(&r, HOUR_MS).err, ERR_NO_SUCH_ROOM); /* though not all are closed */
    count_is("closed_unix_ms IS NULL AND due_unix_ms = 0", "20");
    count_is("closed_unix_ms IS NULL AND due_unix_ms = 0 AND code IS NULL AND room_id = 150", "1");
    count_is("closed_unix_ms IS NOT NULL AND due_unix_ms IS NULL", "129");
    registry_free(&r);
}

/* Somebody who was a member of a room that he gets. */
static void the_heir_is_the_owner_and_nothing_else(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_rooms(50, 1, 2);
    make_rooms(60, 3, 3);
    AUTO(mem_free)
    char *members =
        mem_printf("INSERT INTO room_members (room_id, user_id, role, added_unix_ms)"
                   " VALUES (1, %" PRIu64 ", 3, 1), (1, %" PRIu64 ", 3, 1), (3, %" PRIu64 ", 3, 1)",
                   fixture.user_id, fixture.other_id, fixture.user_id);
    AUTO(mem_free) char *heir = mem_printf("%" PRIu64, fixture.user_id);
    must_run(fixture.db, members);
    remove_user(50, heir, 1000);
    assert_int_equal(settle(&r, HOUR_MS).step.count, 2);
    assert_int_equal(settle(&r, HOUR_MS).err, ERR_NO_SUCH_ROOM);
    AUTO(mem_free)
    char *left = must_select(fixture.db, "SELECT GROUP_CONCAT(CONCAT(room_id, ' ', user_id)"
                                         " ORDER BY room_id) FROM room_members");
    AUTO(mem_free)
    char *expected = mem_printf("1 %" PRIu64 ",3 %" PRIu64, fixture.other_id, fixture.user_id);
    assert_string_equal(left, expected);
    registry_free(&r);
}

static void only_removals_of_a_while_are_looked_at(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_rooms(50, 1, 3);
    remove_user(50, "NULL", 2ULL * HOUR_MS);
    assert_int_equal(settle(&r, HOUR_MS).err, ERR_NO_SUCH_ROOM);
    assert_int_equal(settle(&r, 3ULL * HOUR_MS).step.count, 3);
    registry_free(&r);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(his_rooms_end_in_parts),
        TEST(his_rooms_get_the_heir),
        TEST(the_journal_of_each_room_tells_of_its_heir),
        TEST(a_room_whose_time_is_up_does_not_hold_up_the_others),
        TEST(who_came_in_meanwhile_counts),
        TEST(rooms_in_which_somebody_may_be_are_due),
        TEST(the_heir_is_the_owner_and_nothing_else),
        TEST(only_removals_of_a_while_are_looked_at),
    };
    return cmocka_run_group_tests_name("removal store", tests, server_setup, server_teardown);
}
