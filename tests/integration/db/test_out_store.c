/* Who is to be out of his room, found and taken out, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/store/out_store_mysql.h"
#include "roomsvc/store/participant_sql.h"
#include "tests/integration/db/registry.h"
#include "tests/integration/db/store_fixture.h"

#define WAIT_MS 15000
#define AWAY_MS 30000
#define NOW "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"

struct asked {
    bool is_there;
    enum err err;
    struct out_found found;
    size_t taken;
    size_t entries; /* of the journal */
    enum room_news_kind hint;
};

static bool is_answered(void *arg)
{
    const struct asked *asked = arg;
    return asked->is_there;
}

static void on_found(void *arg, enum err err, const struct out_found *found)
{
    struct asked *asked = arg;
    *asked = (struct asked){.is_there = true, .err = err};
    if (found != NULL) {
        asked->found = *found;
    }
}

static void on_taken(void *arg, enum err err, const struct out_taken *taken)
{
    struct asked *asked = arg;
    *asked = (struct asked){.is_there = true, .err = err};
    if (taken != NULL) {
        asked->taken = taken->count;
        asked->entries = taken->journal->count;
        asked->hint = taken->journal->hint;
    }
}

static struct out_found find(struct registry *r, const struct out_look *look)
{
    struct out_db db = {.pool = r->pool, .commands = r->pool};
    const struct out_store store = out_store_mysql(&db);
    struct asked asked = {0};
    assert_int_equal(store.ops->find(store.self, look, on_found, &asked), ERR_OK);
    assert_true(loop_run_until(r->loop, is_answered, &asked, WAIT_MS));
    assert_int_equal(asked.err, ERR_OK);
    return asked.found;
}

static struct asked take(struct registry *r, const struct out_look *look, uint64_t room_id)
{
    struct out_db db = {.pool = r->pool, .commands = r->pool};
    const struct out_store store = out_store_mysql(&db);
    struct asked asked = {0};
    assert_int_equal(store.ops->take(store.self, look, room_id, on_taken, &asked), ERR_OK);
    assert_true(loop_run_until(r->loop, is_answered, &asked, WAIT_MS));
    assert_int_equal(asked.err, ERR_OK);
    return asked;
}

static const struct out_look absent = {
    .why = OUT_ABSENT, .away_ms = AWAY_MS, .until_unix_ms = INT64_MAX};

static void make_room(unsigned id)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO rooms (room_id, code, secret, publishers_max, owner_id, created_unix_ms,"
        " used_unix_ms, look_unix_ms) VALUES (%u, 'abcdefgh%02u', 'secret', 20, 5, 1, 1,"
        " 99999999999999)",
        id, id);
    must_run(fixture.db, insert);
}

/* Who came in so long ago; session: SQL. */
static void make_participant(unsigned id, unsigned room_id, unsigned ago_ms, const char *session)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "INSERT INTO participants (participant_id, room_id, user_id, name, role, state, token_hash,"
        " session_hash, address, joined_unix_ms, changed_unix_ms) VALUES (%u, %u, 0, 'Ann', 2, 2,"
        " UNHEX(SHA2('%u', 256)), %s, UNHEX(MD5('')), " NOW " - %u, " NOW " - %u)",
        id, room_id, id, session, ago_ms, ago_ms);
    must_run(fixture.db, insert);
}

/* participant_id 0: the gateway's lease. */
static void make_presence(unsigned id, char gateway, unsigned is_open, unsigned ago_ms)
{
    AUTO(mem_free)
    char *insert = mem_printf("REPLACE INTO presence VALUES (%u, UNHEX(MD5('%c')), %u, 1,"
                              " " NOW " - %u)",
                              id, gateway, is_open, ago_ms);
    must_run(fixture.db, insert);
}

static void is_absent(struct registry *r, bool expected)
{
    assert_int_equal(find(r, &absent).count, expected ? 1 : 0);
    assert_int_equal(take(r, &absent, 1).taken, expected ? 1 : 0);
    must_run(fixture.db, "UPDATE participants SET state = 2");
}

static void who_was_with_no_gateway_for_the_while_is_absent(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    make_participant(10, 1, 60000, "NULL");
    is_absent(&r, true); /* never had a stream */
    make_presence(0, 'a', 1, 100);
    is_absent(&r, true);
    make_presence(10, 'a', 1, 50000);
    is_absent(&r, false);
    make_presence(0, 'a', 1, AWAY_MS + 1); /* the gateway's lease has lasted longer */
    is_absent(&r, false);
    make_presence(0, 'a', 1, 36000);
    is_absent(&r, true);
    make_presence(10, 'a', 0, 10000); /* whoever has said so, whatever became of him */
    is_absent(&r, false);
    make_presence(10, 'a', 0, 31000);
    is_absent(&r, true);
    make_presence(0, 'b', 1, 100);
    make_presence(10, 'b', 1, 100); /* he is somewhere else */
    is_absent(&r, false);
    make_presence(10, 'b', 0, 31000);
    is_absent(&r, true);
    make_presence(10, 'c', 1, 100); /* of a gateway that has no lease */
    is_absent(&r, true);
    must_run(fixture.db, "UPDATE participants SET joined_unix_ms = " NOW " - 30001");
    is_absent(&r, false); /* he has come back, and if he has a stream, that is told soon */
    must_run(fixture.db, "UPDATE participants SET joined_unix_ms = " NOW " - 32500");
    is_absent(&r, true);
    assert_int_equal(participant_note_seen(fixture.db, 10), ERR_OK);
    is_absent(&r, false);
    registry_free(&r);
}

static void a_stream_without_a_connection_is_absent_sooner(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    make_participant(10, 1, 8000, "NULL");
    is_absent(&r, false);
    must_run(fixture.db, "UPDATE participants SET stream_use = 1");
    is_absent(&r, true);
    assert_int_equal(participant_note_seen(fixture.db, 10), ERR_OK); /* it comes again */
    is_absent(&r, false);
    must_run(fixture.db, "UPDATE presence SET changed_unix_ms = " NOW " - 5500");
    is_absent(&r, true);
    must_run(fixture.db, "UPDATE participants SET joined_unix_ms = " NOW " - 6500");
    is_absent(&r, false);
    registry_free(&r);
}

/* Of participant 10. quiet: SQL: since when it shows nobody; 0: it does. */
static void make_connection(enum rtc_kind kind, const char *quiet)
{
    AUTO(mem_free)
    char *insert = mem_printf(
        "REPLACE INTO rtc_connections (connection, kind, room_id, participant_id, joined_unix_ms,"
        " node, epoch, version, janus_session, janus_handle, feed, media, quiet_unix_ms, "
        "created_unix_ms) SELECT"
        " REPEAT('%u', 16), %u, room_id, participant_id, joined_unix_ms, 'default', 3, 1, 6, 7, 8, "
        "'',"
        " %s, 1 FROM participants",
        (unsigned)kind, (unsigned)kind, quiet);
    must_run(fixture.db, insert);
}

/* How long ago the bridge that has the node was heard. */
static void make_node(unsigned ago_ms)
{
    AUTO(mem_free)
    char *insert = mem_printf("REPLACE INTO nodes (node, holder, epoch, expires_unix_ms,"
                              " janus_session, janus_handle, seen_unix_ms) VALUES ('default',"
                              " UNHEX(MD5('')), 3, 0, 1, 2, " NOW " - %u)",
                              ago_ms);
    must_run(fixture.db, insert);
}

static void a_stream_that_sends_is_there_as_people_are(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    make_participant(10, 1, 60000, "NULL");
    must_run(fixture.db, "UPDATE participants SET stream_use = 1");
    make_node(100);
    make_connection(RTC_PUBLISH, NOW " - 29000");
    is_absent(&r, false);
    make_connection(RTC_PUBLISH, NOW " - 31000");
    is_absent(&r, true);
    make_connection(RTC_WATCH, "0");
    is_absent(&r, false);
    registry_free(&r);
}

static void who_sends_is_there(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    make_participant(10, 1, 60000, "NULL");
    make_connection(RTC_PUBLISH, "0");
    is_absent(&r, true); /* by whom? */
    make_node(100);
    is_absent(&r, false);
    make_presence(0, 'a', 1, 100);
    make_presence(10, 'a', 0, 31000); /* he had a stream, too */
    is_absent(&r, false);
    make_node(34000); /* a bridge may be away for a while: media goes on */
    is_absent(&r, false);
    make_node(36000);
    is_absent(&r, true);
    make_node(100);
    make_connection(RTC_PUBLISH, NOW " - 29000"); /* it counts from when nothing came any more */
    is_absent(&r, false);
    make_connection(RTC_PUBLISH, NOW " - 31000");
    is_absent(&r, true);
    make_presence(10, 'a', 1, 100);
    is_absent(&r, false);
    make_presence(10, 'a', 0, 31000);
    make_connection(RTC_PUBLISH, "0");
    must_run(fixture.db, "UPDATE rtc_connections SET joined_unix_ms = joined_unix_ms - 1");
    is_absent(&r, true); /* he had it before he came back */
    must_run(fixture.db, "DELETE FROM rtc_connections");
    registry_free(&r);
}

/* Janus does not notice for long that a watcher is dead. So it counts only where nothing else tells
 * whether he is there. */
static void who_only_watches_is_there_by_that(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    make_node(100);
    make_participant(10, 1, 60000, "NULL");
    make_connection(RTC_WATCH, "0");
    is_absent(&r, false);
    assert_int_equal(participant_note_seen(fixture.db, 10), ERR_OK);
    must_run(fixture.db, "UPDATE presence SET changed_unix_ms = 1");
    is_absent(&r, false);
    make_connection(RTC_WATCH, NOW " - 31000");
    is_absent(&r, true);
    make_connection(RTC_WATCH, "0");
    make_presence(0, 'a', 1, 100);
    make_presence(10, 'a', 0, 31000); /* he has had a stream */
    is_absent(&r, true);
    must_run(fixture.db, "DELETE FROM rtc_connections");
    registry_free(&r);
}

/* This process has slept since it was sure. */
static void what_is_done_too_late_takes_nobody_out(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    make_participant(10, 1, 60000, "NULL");
    struct out_look look = absent;
    look.until_unix_ms = find(&r, &absent).now_unix_ms - 1;
    assert_int_equal(take(&r, &look, 1).taken, 0);
    look.until_unix_ms += 60000;
    assert_int_equal(take(&r, &look, 1).taken, 1);
    registry_free(&r);
}

static void who_is_absent_has_left_and_the_journal_says_so(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    make_room(2);
    make_participant(10, 1, 60000, "NULL");
    make_participant(11, 1, 60000, "NULL");
    make_participant(12, 1, 1000, "NULL");
    make_participant(20, 2, 60000, "NULL");
    must_run(fixture.db, "UPDATE rooms SET seq = 7, empty_unix_ms = 0");
    const struct out_found found = find(&r, &absent);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.rooms[0].id + found.rooms[1].id, 3);
    struct asked taken = take(&r, &absent, 1);
    assert_int_equal(taken.taken, 2);
    assert_int_equal(taken.entries, 2);
    assert_int_equal(taken.hint, 0);
    value_is("SELECT GROUP_CONCAT(CONCAT(participant_id, ' ', state) ORDER BY participant_id)"
             " FROM participants",
             "10 3,11 3,12 2,20 2");
    value_is("SELECT CONCAT(seq, ' ', empty_unix_ms) FROM rooms WHERE room_id = 1", "9 0");
    value_is("SELECT GROUP_CONCAT(seq ORDER BY seq) FROM room_events WHERE room_id = 1", "8,9");
    assert_int_equal(take(&r, &absent, 1).entries, 0); /* another replica was as fast */
    value_is("SELECT seq FROM rooms WHERE room_id = 1", "9");
    taken = take(&r, &absent, 2);
    assert_int_equal(taken.hint, ROOM_NEWS_ENDED); /* nobody is in it any more */
    value_is("SELECT CONCAT(seq, ' ', empty_unix_ms > 0) FROM rooms WHERE room_id = 2", "8 1");
    assert_int_equal(take(&r, &absent, 3).taken, 0); /* no such room */
    registry_free(&r);
}

static void many_of_one_room_leave_in_parts(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    must_run(fixture.db,
             "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
             " token_hash, address, joined_unix_ms, changed_unix_ms) SELECT seq, 1, 0, 'Ann', 2, 2,"
             " UNHEX(SHA2(seq, 256)), UNHEX(MD5('')), 1, 1 FROM seq_1_to_120");
    assert_int_equal(take(&r, &absent, 1).taken, OUT_PEOPLE_MAX);
    assert_int_equal(take(&r, &absent, 1).taken, OUT_PEOPLE_MAX);
    struct asked last = take(&r, &absent, 1);
    assert_int_equal(last.taken, 20);
    assert_int_equal(last.hint, ROOM_NEWS_ENDED);
    value_is("SELECT seq FROM rooms", "120");
    registry_free(&r);
}

static void whose_session_was_ended_is_out(void **state)
{
    (void)state;
    struct registry r = registry_new();
    struct out_look recent = {.why = OUT_SESSION_ENDED};
    const struct out_look all = {.why = OUT_ANY_SESSION_ENDED};
    make_room(1);
    make_room(2);
    make_participant(10, 1, 1000, "UNHEX(SHA2('ended', 256))");
    make_participant(11, 1, 1000, "UNHEX(SHA2('changed', 256))");
    make_participant(12, 1, 1000, "UNHEX(SHA2('ran out', 256))");
    make_participant(13, 1, 1000, "NULL");
    make_participant(20, 2, 1000, "UNHEX(SHA2('ended', 256))");
    assert_int_equal(find(&r, &all).count, 0);
    must_run(fixture.db,
             "INSERT INTO session_revocations (seq, token_hash, created_unix_ms, user_id, news)"
             " VALUES (70, UNHEX(SHA2('ended', 256)), 1, 0, 1),"
             " (71, UNHEX(SHA2('changed', 256)), 1, 0, 0),"
             " (72, UNHEX(SHA2('changed', 256)), 1, 5, 1)"); /* that one is about a user */
    recent.after_seq = 70;
    assert_int_equal(find(&r, &recent).count, 0);
    recent.after_seq = 69;
    const struct out_found found = find(&r, &recent);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.last_seq, 72);
    assert_int_equal(find(&r, &all).count, 2);
    struct asked taken = take(&r, &recent, 1);
    assert_int_equal(taken.taken, 1);
    assert_int_equal(taken.entries, 1);
    assert_int_equal(take(&r, &all, 2).hint, ROOM_NEWS_ENDED);
    value_is("SELECT GROUP_CONCAT(CONCAT(participant_id, ' ', state) ORDER BY participant_id)"
             " FROM participants",
             "10 6,11 2,12 2,13 2,20 6");
    assert_int_equal(find(&r, &all).count, 0);
    registry_free(&r);
}

static void set_state(unsigned id, enum participant_state state)
{
    AUTO(mem_free)
    char *update = mem_printf("UPDATE participants SET state = %u, since_seq = %u"
                              " WHERE participant_id = %u",
                              (unsigned)state, state == PARTICIPANT_WAITING ? 0u : 1u, id);
    must_run(fixture.db, update);
}

/* He was never in: that he goes empties no room, and ends no meeting. */
static void who_waits_and_is_absent_waits_no_more(void **state)
{
    (void)state;
    struct registry r = registry_new();
    make_room(1);
    must_run(fixture.db, "UPDATE rooms SET seq = 7, empty_unix_ms = 5");
    make_participant(10, 1, 60000, "NULL");
    make_participant(11, 1, 60000, "NULL");
    set_state(10, PARTICIPANT_WAITING);
    set_state(11, PARTICIPANT_WAITING);
    make_presence(0, 'a', 1, 100);
    make_presence(11, 'a', 1, 100);
    assert_int_equal(find(&r, &absent).count, 1);
    const struct asked taken = take(&r, &absent, 1);
    assert_int_equal(taken.taken, 1);
    assert_int_equal(taken.entries, 1);
    assert_int_equal(taken.hint, 0);
    value_is("SELECT GROUP_CONCAT(state ORDER BY participant_id) FROM participants", "3,1");
    value_is("SELECT CONCAT(seq, ' ', empty_unix_ms) FROM rooms", "8 5");
    value_is("SELECT audience FROM room_events", "2");
    registry_free(&r);
}

static void who_has_waited_for_ten_minutes_is_denied(void **state)
{
    (void)state;
    struct registry r = registry_new();
    const struct out_look waited = {.why = OUT_WAITED};
    make_room(1);
    make_room(2);
    must_run(fixture.db, "UPDATE rooms SET seq = 7, empty_unix_ms = 5");
    make_participant(10, 1, 590000, "NULL");
    make_participant(11, 1, 600000, "NULL");
    make_participant(12, 1, 600000, "NULL"); /* he is in */
    make_participant(20, 2, 590000, "NULL");
    set_state(10, PARTICIPANT_WAITING);
    set_state(11, PARTICIPANT_WAITING);
    set_state(20, PARTICIPANT_WAITING);
    const struct out_found found = find(&r, &waited);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.rooms[0].id, 1);
    const struct asked taken = take(&r, &waited, 1);
    assert_int_equal(taken.taken, 1);
    assert_int_equal(taken.entries, 1);
    assert_int_equal(taken.hint, 0);
    value_is("SELECT GROUP_CONCAT(state ORDER BY participant_id) FROM participants", "1,5,2,1");
    value_is("SELECT CONCAT(seq, ' ', empty_unix_ms) FROM rooms WHERE room_id = 1", "8 5");
    value_is("SELECT audience FROM room_events", "2");
    assert_int_equal(take(&r, &waited, 1).taken, 0);
    assert_int_equal(take(&r, &waited, 2).taken, 0);
    registry_free(&r);
}

/* Who waits is told; who has left is out for good, of which nobody hears. */
static void whose_session_was_ended_does_not_come_in_or_back(void **state)
{
    (void)state;
    struct registry r = registry_new();
    const struct out_look recent = {.why = OUT_SESSION_ENDED};
    const struct out_look all = {.why = OUT_ANY_SESSION_ENDED};
    make_room(1);
    must_run(fixture.db, "UPDATE rooms SET seq = 7, empty_unix_ms = 5");
    make_participant(10, 1, 1000, "UNHEX(SHA2('ended', 256))");
    make_participant(11, 1, 1000, "UNHEX(SHA2('ended', 256))");
    make_participant(12, 1, 1000, "UNHEX(SHA2('another', 256))");
    make_participant(13, 1, 601000, "UNHEX(SHA2('ended', 256))"); /* his time to come back is up */
    set_state(10, PARTICIPANT_WAITING);
    set_state(11, PARTICIPANT_LEFT);
    set_state(12, PARTICIPANT_LEFT);
    set_state(13, PARTICIPANT_LEFT);
    must_run(fixture.db,
             "INSERT INTO session_revocations (seq, token_hash, created_unix_ms, user_id, news)"
             " VALUES (70, UNHEX(SHA2('ended', 256)), 1, 0, 1)");
    assert_int_equal(find(&r, &recent).count, 1);
    assert_int_equal(find(&r, &all).count, 1);
    const struct asked taken = take(&r, &recent, 1);
    assert_int_equal(taken.taken, 2);
    assert_int_equal(taken.entries, 1);
    assert_int_equal(taken.hint, 0);
    value_is("SELECT GROUP_CONCAT(state ORDER BY participant_id) FROM participants", "6,6,3,3");
    value_is("SELECT CONCAT(seq, ' ', empty_unix_ms) FROM rooms", "8 5");
    assert_int_equal(find(&r, &all).count, 0);
    registry_free(&r);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_was_with_no_gateway_for_the_while_is_absent),
        TEST(who_sends_is_there),
        TEST(a_stream_without_a_connection_is_absent_sooner),
        TEST(a_stream_that_sends_is_there_as_people_are),
        TEST(who_only_watches_is_there_by_that),
        TEST(what_is_done_too_late_takes_nobody_out),
        TEST(who_is_absent_has_left_and_the_journal_says_so),
        TEST(many_of_one_room_leave_in_parts),
        TEST(whose_session_was_ended_is_out),
        TEST(who_waits_and_is_absent_waits_no_more),
        TEST(who_has_waited_for_ten_minutes_is_denied),
        TEST(whose_session_was_ended_does_not_come_in_or_back),
    };
    return cmocka_run_group_tests_name("out store", tests, server_setup, server_teardown);
}
