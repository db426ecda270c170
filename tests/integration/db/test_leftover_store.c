/* Old rows that go, and those that stay, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/store/leftover_store_mysql.h"
#include "tests/integration/db/registry.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define NOW "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"

struct asked {
    bool is_there;
    enum err err;
    struct leftover_swept swept;
};

static bool is_answered(void *arg)
{
    const struct asked *asked = arg;
    return asked->is_there;
}

static void on_swept(void *arg, enum err err, const struct leftover_swept *swept)
{
    struct asked *asked = arg;
    *asked = (struct asked){.is_there = true, .err = err};
    if (swept != NULL) {
        asked->swept = *swept;
    }
}

/* All steps of one kind; gives how many. */
static size_t sweep(struct registry *r, enum leftover what, struct leftover_swept *ret_all)
{
    const struct leftover_store store = leftover_store_mysql(r->pool);
    struct leftover_step step = {.what = what};
    size_t steps = 0;
    *ret_all = (struct leftover_swept){0};
    for (bool is_over = false; !is_over; steps++) {
        struct asked asked = {0};
        assert_int_equal(store.ops->sweep(store.self, &step, on_swept, &asked), ERR_OK);
        assert_true(loop_run_until(r->loop, is_answered, &asked, WAIT_MS));
        assert_int_equal(asked.err, ERR_OK);
        assert_in_range(asked.swept.removed, 0, LEFTOVER_ROWS_MAX);
        ret_all->removed += asked.swept.removed;
        ret_all->kept += asked.swept.kept;
        step.after = asked.swept.after;
        is_over = asked.swept.is_over;
    }
    return steps;
}

static void make_room(unsigned id, const char *closed)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO rooms (room_id, secret, publishers_max, owner_id, created_unix_ms,"
        " used_unix_ms, look_unix_ms, closed_unix_ms) VALUES (%u, 'secret', 20, 5, 1, 1, 1, %s)",
        id, closed);
    must_run(fixture.db, insert);
}

static void participants_go_after_a_day(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct leftover_swept swept;
    make_room(1, "NULL");
    /* The states 1 to 6, in turn; the first 1,200 are old. */
    must_run(fixture.db,
             "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
             " token_hash, address, joined_unix_ms, changed_unix_ms) SELECT seq, 1, 0, 'Ann', 2,"
             " 1 + seq % 6, UNHEX(SHA2(seq, 256)), UNHEX(MD5('')), 1,"
             " IF(seq <= 1200, " NOW " - 86401000, " NOW " - 86000000) FROM seq_1_to_1300");
    assert_int_equal(sweep(&r, LEFTOVER_PARTICIPANTS, &swept), 2);
    assert_int_equal(swept.removed, 800);
    value_is(
        "SELECT CONCAT(COUNT(*), ' ', COUNT(IF(state > 2 AND participant_id <= 1200, 1, NULL)))"
        " FROM participants",
        "500 0");
    registry_free(&r);
}

static void streams_go_that_are_over(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct leftover_swept swept;
    /* Half of them are open; of 1,000 it was said long ago. */
    must_run(fixture.db, "INSERT INTO presence SELECT seq, UNHEX(MD5('a')), seq % 2, 1, " NOW
                         " - IF(seq <= 1000, 601000, 590000) FROM seq_1_to_1100");
    must_run(fixture.db, "INSERT INTO presence VALUES (0, UNHEX(MD5('a')), 0, 1, 1)");
    assert_int_equal(sweep(&r, LEFTOVER_STREAMS, &swept), 4);
    assert_int_equal(swept.removed, 500);
    value_is("SELECT CONCAT(COUNT(*), ' ', SUM(is_open)) FROM presence", "601 550");
    registry_free(&r);
}

static void gateways_go_that_are_not_heard(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct leftover_swept swept;
    must_run(fixture.db, "INSERT INTO presence SELECT seq, UNHEX(MD5(seq % 3)), 1, 1, 1"
                         " FROM seq_1_to_2400");
    must_run(fixture.db, "INSERT INTO presence VALUES (0, UNHEX(MD5('0')), 1, 1, " NOW " - 1000),"
                         " (0, UNHEX(MD5('1')), 1, 1, " NOW " - 590000),"
                         " (0, UNHEX(MD5('2')), 1, 1, " NOW " - 601000)");
    assert_int_equal(sweep(&r, LEFTOVER_GATEWAYS, &swept), 3);
    assert_int_equal(swept.removed, 801); /* with its own row */
    value_is("SELECT CONCAT(COUNT(*), ' ', COUNT(IF(gateway = UNHEX(MD5('2')), 1, NULL)))"
             " FROM presence",
             "1602 0");
    registry_free(&r);
}

static void make_events(unsigned room_id, unsigned first, unsigned last, unsigned ago_ms)
{
    AUTO(mem_free)
    char *insert =
        mem_printf("INSERT INTO room_events SELECT %u, seq, 1, " NOW " - %u, '' FROM seq_%u_to_%u",
                   room_id, ago_ms, first, last);
    must_run(fixture.db, insert);
}

/* The last 1,000 stay, and those of ten minutes; of a room that is over only the latter. */
static void events_go_that_are_old_and_many(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct leftover_swept swept;
    make_room(1, "NULL");
    make_events(1, 1, 2700, 700000); /* 1,700 too many */
    make_room(2, "NULL");
    make_events(2, 5, 1004, 700000); /* 1,000 */
    make_room(3, "NULL");
    make_events(3, 1, 10, 700000);
    make_events(3, 11, 2000, 500000); /* many, but not old */
    make_room(4, NOW " - 650000");
    make_events(4, 1, 20, 700000);
    make_events(4, 21, 22, 500000);
    make_room(5, NOW " - 550000"); /* somebody may still want to know how it ended */
    make_events(5, 1, 20, 700000);
    make_events(6, 1, 7, 700000); /* there is no such room any more */
    for (unsigned id = 100; id < 160; id++) {
        make_events(id, 1, 1, 1000);
    }
    const size_t steps = sweep(&r, LEFTOVER_EVENTS, &swept);
    assert_in_range(steps, 5, 7);
    assert_int_equal(swept.removed, 1700 + 10 + 20 + 7);
    value_is("SELECT GROUP_CONCAT(x ORDER BY x SEPARATOR ',') FROM (SELECT CONCAT_WS(' ', room_id,"
             " MIN(seq), MAX(seq)) AS x FROM room_events WHERE room_id < 100 GROUP BY room_id) t",
             "1 1701 2700,2 5 1004,3 11 2000,4 21 22,5 1 20");
    assert_int_equal(sweep(&r, LEFTOVER_EVENTS, &swept), 2);
    assert_int_equal(swept.removed, 0);
    assert_int_equal(swept.kept, 1000 + 1000 + 1990 + 2 + 20 + 60);
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

/* However many rooms they are of. */
static void a_step_removes_no_more_events_than_it_may(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct leftover_swept swept;
    for (unsigned id = 1; id <= 3; id++) { /* of none there is a room any more */
        make_events(id, 1, 450, 700000);
    }
    assert_int_equal(sweep(&r, LEFTOVER_EVENTS, &swept), 3);
    assert_int_equal(swept.removed, 1350);
    assert_int_equal(swept.kept, 0);
    value_is("SELECT COUNT(*) FROM room_events", "0");
    registry_free(&r);
}

static void make_for_staff(unsigned room_id, unsigned first, unsigned last)
{
    AUTO(mem_free)
    char *update = mem_printf("UPDATE room_events SET audience = 2 WHERE room_id = %u"
                              " AND seq BETWEEN %u AND %u",
                              room_id, first, last);
    must_run(fixture.db, update);
}

/* Who waits, and comes again and again, does not push out what others may miss. */
static void events_for_staff_push_no_others_out(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct leftover_swept swept;
    make_room(1, "NULL");
    make_events(1, 1, 2500, 700000);
    make_for_staff(1, 1001, 2000); /* of the others there are 1,500 */
    make_room(2, "NULL");
    make_events(2, 1, 3000, 700000);
    make_for_staff(2, 901, 3000);
    make_room(3, "NULL");
    make_events(3, 1, 10700, 700000);
    make_for_staff(3, 1, 10700); /* there is an end to it */
    (void)sweep(&r, LEFTOVER_EVENTS, &swept);
    assert_int_equal(swept.removed, 500 + 700);
    value_is("SELECT GROUP_CONCAT(x ORDER BY x SEPARATOR ',') FROM (SELECT CONCAT_WS(' ', room_id,"
             " MIN(seq), MAX(seq)) AS x FROM room_events GROUP BY room_id) t",
             "1 501 2500,2 1 3000,3 701 10700");
    must_run(fixture.db, "DELETE FROM room_events");
    registry_free(&r);
}

static void make_messages(unsigned room_id, unsigned first, unsigned last)
{
    AUTO(mem_free)
    char *insert = mem_printf("INSERT INTO room_messages SELECT %u, seq, seq, seq, 7, 'Eve', 0,"
                              " 'Hello', 1 FROM seq_%u_to_%u",
                              room_id, first, last);
    must_run(fixture.db, insert);
}

static void messages_go_with_their_meeting(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct leftover_swept swept;
    for (unsigned id = 1; id <= 60; id++) {
        make_room(id, "NULL");
        make_messages(id, 100, 119);
    }
    /* Somebody is in them, since before the first one, or since the tenth. */
    must_run(fixture.db, "UPDATE rooms SET seq = 200, empty_unix_ms = 0, meeting_seq = IF(room_id"
                         " % 2 = 0, 99, 109)");
    make_messages(60, 1000, 2199);
    must_run(fixture.db, "UPDATE rooms SET seq = 2200, empty_unix_ms = 5 WHERE room_id = 60");
    assert_in_range(sweep(&r, LEFTOVER_MESSAGES, &swept), 4, 6);
    assert_int_equal(swept.removed, 30 * 10 + 20 + 1200);
    value_is("SELECT CONCAT_WS(' ', COUNT(*), MIN(IF(room_id % 2 = 0, seq, NULL)),"
             " MIN(IF(room_id % 2 = 1, seq, NULL)), MAX(room_id)) FROM room_messages",
             "880 100 110 59");
    (void)sweep(&r, LEFTOVER_MESSAGES, &swept);
    assert_int_equal(swept.removed, 0);
    registry_free(&r);
}

static void invitations_and_bans_go_after_thirty_days(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct leftover_swept swept;
    make_room(1, "NULL");
    must_run(
        fixture.db,
        "INSERT INTO invitations (invitation_id, room_id, secret_hash, role, label, max_uses,"
        " not_before_unix_ms, expires_unix_ms, created_unix_ms, revoked_unix_ms) SELECT seq, 1,"
        " UNHEX(SHA2(seq, 256)), 2, '', 0, 0, 1, 1, IF(seq <= 600, " NOW " - 2592000000,"
        " IF(seq <= 700, " NOW " - 2591000000, NULL)) FROM seq_1_to_800");
    must_run(fixture.db, "INSERT INTO bans (ban_id, room_id, name, user_id, note, expires_unix_ms,"
                         " created_unix_ms) SELECT seq, 1, 'Eve', 9, '', IF(seq <= 600, " NOW
                         " - 2592000000, IF(seq <= 700, " NOW " - 2591000000, 0)), 1"
                         " FROM seq_1_to_800");
    assert_int_equal(sweep(&r, LEFTOVER_INVITATIONS, &swept), 2);
    assert_int_equal(swept.removed, 600);
    value_is("SELECT MIN(invitation_id) FROM invitations", "601");
    assert_int_equal(sweep(&r, LEFTOVER_BANS, &swept), 2);
    assert_int_equal(swept.removed, 600);
    value_is("SELECT MIN(ban_id) FROM bans", "601");
    registry_free(&r);
}

/* A bridge that there is has ended it long before. */
static void connections_go_with_their_participants(void **state)
{
    struct leftover_swept swept;
    (void)state;
    struct registry r = registry_new();
    must_run(fixture.db, "INSERT INTO rooms (room_id, secret, publishers_max, owner_id,"
                         " created_unix_ms) VALUES (1, 'secret', 20, 5, 1)");
    must_run(fixture.db,
             "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
             " token_hash, address, joined_unix_ms, changed_unix_ms) SELECT seq, 1, 0, 'Ann', 2, 3,"
             " UNHEX(SHA2(seq, 256)), UNHEX(MD5('')), 1, 1 FROM seq_1_to_10");
    must_run(
        fixture.db,
        "INSERT INTO rtc_connections (connection, kind, room_id, participant_id,"
        " joined_unix_ms, node, epoch, version, janus_session, janus_handle, feed, media, "
        "quiet_unix_ms,"
        " created_unix_ms) SELECT UNHEX(MD5(seq)), 1, 1, seq, 1, 'old', 3, 0, 6, 7, 8, '', 1, 1"
        " FROM seq_1_to_610");
    assert_int_equal(sweep(&r, LEFTOVER_CONNECTIONS, &swept), 2);
    assert_int_equal(swept.removed, 600);
    value_is("SELECT MAX(participant_id) FROM rtc_connections", "10");
    must_run(fixture.db, "DELETE FROM rtc_connections");
    registry_free(&r);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(participants_go_after_a_day),
        TEST(streams_go_that_are_over),
        TEST(gateways_go_that_are_not_heard),
        TEST(events_go_that_are_old_and_many),
        TEST(events_for_staff_push_no_others_out),
        TEST(messages_go_with_their_meeting),
        TEST(invitations_and_bans_go_after_thirty_days),
        TEST(connections_go_with_their_participants),
        TEST(a_step_removes_no_more_events_than_it_may),
    };
    return cmocka_run_group_tests_name("leftover store", tests, server_setup, server_teardown);
}
