/* Stream keys, and who comes in by them, against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/store/moderation_store_mysql.h"
#include "roomsvc/store/out_store_mysql.h"
#include "roomsvc/store/participant_sql.h"
#include "tests/integration/db/rtc_fixture.h"

#define NOW "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"
#define OF_DOOR " WHERE name = 'Door'"

static const char door_hash[] = "the hash of the key of the door..";

static struct str hash_of(const char *thirty_two)
{
    return (struct str){.data = thirty_two, .bytes = 32};
}

static struct msg adding(enum stream_use use, const char *label, const char *hash)
{
    return (struct msg){.id = MSG_stream_key_add,
                        .stream_key_add = {.idempotency_key = fresh_key(),
                                           .room = str_of(meeting.room),
                                           .secret_hash = hash_of(hash),
                                           .label = str_of(label),
                                           .use = use}};
}

static uint64_t made_key(enum stream_use use)
{
    struct outcome outcome;
    const struct msg add = adding(use, "Door", door_hash);
    assert_int_equal(meeting_run(&add, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.outcome.stream_key.use, use);
    return outcome.outcome.stream_key.id;
}

static struct msg removing_key(uint64_t id)
{
    return (struct msg){.id = MSG_stream_key_remove,
                        .stream_key_remove = {.idempotency_key = fresh_key(),
                                              .room = str_of(meeting.room),
                                              .stream_key = id}};
}

static enum err enter_for(enum stream_use use, struct outcome *ret)
{
    const struct msg enter = {
        .id = MSG_stream_enter,
        .stream_enter = {.room = str_of(meeting.room), .key_hash = hash_of(door_hash), .use = use}};
    return meeting_run(&enter, &meeting.nobody, ret);
}

static uint64_t enters(void)
{
    struct outcome outcome;
    assert_int_equal(enter_for(STREAM_PUBLISH, &outcome), ERR_OK);
    assert_int_equal(outcome.outcome.participant.state, PARTICIPANT_JOINED);
    return outcome.outcome.participant.id;
}

static enum err entering(void)
{
    struct outcome outcome;
    return enter_for(STREAM_PUBLISH, &outcome);
}

/* As if it had happened so long ago. */
static void leaves(unsigned ago_ms)
{
    AUTO(mem_free)
    char *update = mem_printf(
        "UPDATE participants SET state = 3, changed_unix_ms = " NOW " - %u" OF_DOOR, ago_ms);
    must_run(fixture.db, update);
}

/* ---- the key ---- */

static void who_leads_makes_keys_and_removes_them(void **state)
{
    struct outcome outcome;
    const struct room_asker dave = {.user_id = fixture.user_id + 1};
    const struct msg add = adding(STREAM_WATCH, "Wall", "the hash of the key of the wall...");
    (void)state;
    assert_int_equal(meeting_run(&add, &dave, &outcome), ERR_NO_SUCH_ROOM);
    assert_int_equal(meeting_run(&add, &meeting.carol, &outcome), ERR_OK);
    const struct stream_key key = outcome.outcome.stream_key;
    assert_string_equal(key.label, "Wall");
    assert_string_equal(key.user_name, "testuser");
    assert_int_equal(meeting_run(&add, &meeting.carol, &outcome), ERR_OK); /* for its key */
    assert_int_equal(outcome.outcome.stream_key.id, key.id);
    value_is("SELECT COUNT(*) FROM stream_keys", "1");
    const struct msg remove = removing_key(key.id);
    assert_int_equal(meeting_run(&remove, &dave, &outcome), ERR_NO_SUCH_ROOM);
    assert_int_equal(meeting_run(&remove, &meeting.carol, &outcome), ERR_OK);
    value_is("SELECT COUNT(*) FROM stream_keys", "0");
    const struct msg again = removing_key(key.id);
    assert_int_equal(meeting_run(&again, &meeting.carol, &outcome), ERR_NOT_FOUND);
}

static void members_below_moderators_make_none(void **state)
{
    struct outcome outcome;
    const struct room_asker dave = {.user_id = fixture.user_id + 1};
    (void)state;
    for (enum room_role role = ROOM_VIEWER; role <= ROOM_MODERATOR; role++) {
        AUTO(mem_free)
        char *member = mem_printf("REPLACE INTO room_members (room_id, user_id, role,"
                                  " added_unix_ms) VALUES (%s, %" PRIu64 ", %d, 1)",
                                  meeting.room, dave.user_id, (int)role);
        must_run(fixture.db, member);
        const struct msg add = adding(STREAM_PUBLISH, "Door", door_hash);
        assert_int_equal(meeting_run(&add, &dave, &outcome),
                         role < ROOM_MODERATOR ? ERR_FORBIDDEN : ERR_OK);
    }
}

static void a_key_has_a_name_and_ends_in_the_future(void **state)
{
    struct outcome outcome;
    struct msg add = adding(STREAM_PUBLISH, "\t", door_hash);
    (void)state;
    assert_int_equal(meeting_run(&add, &meeting.carol, &outcome), ERR_WRONG_MEMBER);
    add = adding(STREAM_PUBLISH, "Door", door_hash);
    add.stream_key_add.expires_at = 1;
    assert_int_equal(meeting_run(&add, &meeting.carol, &outcome), ERR_WRONG_MEMBER);
}

static void a_room_has_so_many_keys(void **state)
{
    struct outcome outcome;
    AUTO(mem_free)
    char *insert = mem_printf("INSERT INTO stream_keys SELECT seq, %s, RPAD(seq, 32, 'x'), 1, 'x',"
                              " 1, 0, 1 FROM seq_1_to_%d",
                              meeting.room, STREAM_KEYS_MAX - 1);
    (void)state;
    must_run(fixture.db, insert);
    (void)made_key(STREAM_PUBLISH);
    const struct msg add = adding(STREAM_WATCH, "Wall", "the hash of the key of the wall...");
    assert_int_equal(meeting_run(&add, &meeting.carol, &outcome), ERR_CONFLICT);
}

/* ---- the list ---- */

struct listed {
    bool is_there;
    enum err err;
    size_t count;
    struct stream_key first;
};

static bool is_listed(void *arg)
{
    return ((const struct listed *)arg)->is_there;
}

static void on_listed(void *arg, enum err err, const struct moderation_answer *answer)
{
    struct listed *listed = arg;
    *listed = (struct listed){.is_there = true, .err = err};
    if (answer != NULL) {
        listed->count = answer->stream_key_count;
        listed->first = answer->stream_keys[0];
    }
}

static struct listed list(void)
{
    const struct moderation_store store = moderation_store_mysql(meeting.db.pool);
    const struct msg page = {.id = MSG_stream_key_page,
                             .stream_key_page = {.room = str_of(meeting.room), .limit = 10}};
    struct listed listed = {.is_there = false};
    assert_int_equal(store.ops->ask(store.self, &page, &meeting.carol, 0, on_listed, &listed),
                     ERR_OK);
    assert_true(loop_run_until(meeting.loop, is_listed, &listed, WAIT_MS));
    return listed;
}

static void the_list_says_who_is_in_and_whether_it_arrives(void **state)
{
    (void)state;
    (void)made_key(STREAM_PUBLISH);
    assert_int_equal(list().first.participant_id, 0);
    const uint64_t id = enters();
    struct listed listed = list();
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.first.participant_id, id);
    assert_int_equal(listed.first.receives, 0);
    (void)rtc_do(rtc_opening('a', RTC_PUBLISH, hash_of(door_hash)));
    (void)rtc_do(rtc_updating('a', 1, MEDIA_AUDIO | MEDIA_VIDEO, MEDIA_AUDIO));
    assert_int_equal(list().first.receives, 1);
    (void)rtc_do(rtc_updating('a', 2, MEDIA_VIDEO, MEDIA_VIDEO));
    assert_int_equal(list().first.receives, 0);
    leaves(0);
    assert_int_equal(list().first.participant_id, 0);
}

/* ---- coming in ---- */

static void a_key_is_one_participant_who_never_waits(void **state)
{
    struct outcome outcome;
    (void)state;
    set_options((struct msg_room_options){.has_lobby = true,
                                          .lobby = true,
                                          .has_guests_wait = true,
                                          .guests_wait = true,
                                          .has_mute_on_entry = true,
                                          .mute_on_entry = true});
    (void)made_key(STREAM_PUBLISH);
    assert_int_equal(enter_for(STREAM_PUBLISH, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_JOINED);
    assert_int_equal(outcome.hint, ROOM_NEWS_BEGAN);
    assert_true(participant_record(&outcome.outcome.participant).stream);
    const uint64_t id = outcome.outcome.participant.id;
    assert_int_equal(enters(), id);
    value_is("SELECT CONCAT(COUNT(*), ' ', MAX(role), ' ', MAX(muted), ' ', MAX(user_id))"
             " FROM participants" OF_DOOR,
             "1 2 0 0");
    const struct msg guest = joining("Gus"); /* a stream is no host */
    (void)come(&guest, &meeting.nobody, PARTICIPANT_WAITING);
}

static void a_key_is_for_its_room_and_its_use(void **state)
{
    struct outcome outcome;
    const struct msg nowhere = {.id = MSG_stream_enter,
                                .stream_enter = {.room = STR_LIT("4711"),
                                                 .key_hash = hash_of(door_hash),
                                                 .use = STREAM_PUBLISH}};
    (void)state;
    assert_int_equal(entering(), ERR_UNAUTHORIZED);
    assert_int_equal(meeting_run(&nowhere, &meeting.nobody, &outcome), ERR_UNAUTHORIZED);
    (void)made_key(STREAM_WATCH);
    assert_int_equal(meeting_run(&nowhere, &meeting.nobody, &outcome), ERR_NO_SUCH_ROOM);
    assert_int_equal(entering(), ERR_FORBIDDEN);
    must_run(fixture.db, "INSERT INTO rooms (room_id, code, secret, publishers_max, owner_id,"
                         " created_unix_ms, used_unix_ms, look_unix_ms) VALUES (4711,"
                         " 'abcdefghij', 'secret', 20, 5, 1, 1, 99999999999999)");
    assert_int_equal(meeting_run(&nowhere, &meeting.nobody, &outcome), ERR_NO_SUCH_ROOM);
    must_run(fixture.db, "UPDATE stream_keys SET expires_unix_ms = 1");
    assert_int_equal(enter_for(STREAM_WATCH, &outcome), ERR_UNAUTHORIZED);
    value_is("SELECT COUNT(*) FROM participants", "0");
}

static void a_lock_holds_but_for_who_was_in_of_late(void **state)
{
    (void)state;
    (void)made_key(STREAM_PUBLISH);
    set_options((struct msg_room_options){.has_locked = true, .locked = true});
    assert_int_equal(entering(), ERR_ROOM_LOCKED);
    set_options((struct msg_room_options){.has_locked = true, .locked = false});
    const uint64_t id = enters();
    set_options((struct msg_room_options){.has_locked = true, .locked = true});
    leaves(1000);
    assert_int_equal(enters(), id);
    leaves(PARTICIPANT_BACK_MS + 1000);
    assert_int_equal(entering(), ERR_ROOM_LOCKED);
    set_options((struct msg_room_options){.has_locked = true, .locked = false});
    assert_int_equal(enters(), id);
}

static void a_room_that_is_full_is_full(void **state)
{
    (void)state;
    set_options((struct msg_room_options){.has_participants_max = true, .participants_max = 1});
    (void)made_key(STREAM_PUBLISH);
    (void)carol_comes();
    assert_int_equal(entering(), ERR_ROOM_FULL);
}

static void who_was_taken_out_stays_out_until_the_meeting_is_over(void **state)
{
    struct outcome outcome;
    (void)state;
    (void)made_key(STREAM_PUBLISH);
    (void)carol_comes();
    const uint64_t id = enters();
    const struct msg remove = removing(id);
    assert_int_equal(meeting_run(&remove, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(entering(), ERR_REMOVED);
    const struct msg end = {
        .id = MSG_meeting_end,
        .meeting_end = {.idempotency_key = fresh_key(), .room = str_of(meeting.room)}};
    assert_int_equal(meeting_run(&end, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(enters(), id);
}

static void bans_of_who_has_made_it_hold(void **state)
{
    struct outcome outcome;
    const struct room_asker dave = {.user_id = fixture.user_id + 1};
    const struct msg join = joining("");
    (void)state;
    (void)carol_comes();
    const uint64_t dave_id = come(&join, &dave, PARTICIPANT_JOINED);
    const struct msg add = adding(STREAM_PUBLISH, "Door", door_hash);
    assert_int_equal(meeting_run(&add, &meeting.carol, &outcome), ERR_OK);
    AUTO(mem_free)
    char *by_dave = mem_printf("UPDATE stream_keys SET user_id = %" PRIu64, dave.user_id);
    must_run(fixture.db, by_dave);
    (void)enters();
    const struct msg ban = banning(dave_id, true, false, false);
    assert_int_equal(meeting_run(&ban, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 2);
    value_is("SELECT state FROM participants" OF_DOOR, "4");
    leaves(1000);
    assert_int_equal(entering(), ERR_BANNED);
}

static void a_room_that_has_ended_takes_no_stream(void **state)
{
    (void)state;
    (void)made_key(STREAM_PUBLISH);
    must_run(fixture.db, "UPDATE rooms SET closed_unix_ms = 1");
    assert_int_equal(entering(), ERR_GONE);
    must_run(fixture.db, "DELETE FROM rooms");
    value_is("SELECT COUNT(*) FROM stream_keys", "0");
    assert_int_equal(entering(), ERR_UNAUTHORIZED);
}

/* ---- what it may ---- */

static enum err open_for(char letter, enum rtc_kind kind)
{
    struct rtc_outcome_told told;
    const struct msg open = rtc_opening(letter, kind, hash_of(door_hash));
    return rtc_run(&open, &told);
}

static void a_key_for_sending_sends_and_does_nothing_else(void **state)
{
    struct outcome outcome;
    const struct room_asker self = {.token_hash = hash_of(door_hash)};
    (void)state;
    (void)made_key(STREAM_PUBLISH);
    const uint64_t carol = carol_comes();
    const uint64_t id = enters();
    assert_int_equal(open_for('w', RTC_WATCH), ERR_FORBIDDEN);
    assert_int_equal(open_for('a', RTC_PUBLISH), ERR_OK);
    struct rtc_outcome_told second = rtc_do(rtc_opening('b', RTC_PUBLISH, hash_of(door_hash)));
    assert_true(second.outcome.has_replaced);
    must_run(fixture.db, "UPDATE participants SET role = 3" OF_DOOR);
    struct msg chat = writing("hello", 0);
    chat.message_send.asker = (struct msg_asker){.token_hash = self.token_hash};
    struct msg change = changing(id);
    change.participant_change.has_name = true;
    change.participant_change.name = STR_LIT("Me");
    const struct msg remove = removing(carol);
    struct msg back = joining("Me");
    const struct msg *const all[] = {&chat, &change, &remove, &back};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_int_equal(meeting_run(all[i], &self, &outcome), ERR_FORBIDDEN);
    }
    assert_int_equal(open_for('w', RTC_WATCH), ERR_FORBIDDEN);
}

static void a_key_for_watching_does_not_send_whatever_its_role(void **state)
{
    struct outcome outcome;
    (void)state;
    (void)made_key(STREAM_WATCH);
    assert_int_equal(enter_for(STREAM_WATCH, &outcome), ERR_OK);
    value_is("SELECT role FROM participants" OF_DOOR, "1");
    assert_int_equal(open_for('w', RTC_WATCH), ERR_OK);
    must_run(fixture.db, "UPDATE participants SET role = 3" OF_DOOR);
    assert_int_equal(open_for('a', RTC_PUBLISH), ERR_FORBIDDEN);
}

/* ---- its end ---- */

static void removing_a_key_takes_out_who_is_in_by_it(void **state)
{
    struct outcome outcome;
    (void)state;
    const uint64_t key = made_key(STREAM_PUBLISH);
    (void)enters();
    const struct msg remove = removing_key(key);
    assert_int_equal(meeting_run(&remove, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_REMOVED);
    assert_int_equal(outcome.hint, ROOM_NEWS_ENDED);
    assert_int_equal(entering(), ERR_UNAUTHORIZED);
    assert_int_equal(open_for('a', RTC_PUBLISH), ERR_REMOVED);
}

struct looked {
    bool is_there;
    size_t found, taken;
};

static bool has_looked(void *arg)
{
    return ((const struct looked *)arg)->is_there;
}

static void on_looked(void *arg, enum err err, const struct out_found *found)
{
    assert_int_equal(err, ERR_OK);
    *(struct looked *)arg = (struct looked){.is_there = true, .found = found->count};
}

static void on_taken(void *arg, enum err err, const struct out_taken *taken)
{
    assert_int_equal(err, ERR_OK);
    *(struct looked *)arg = (struct looked){.is_there = true, .taken = taken->count};
}

static void a_key_whose_time_is_up_takes_out_who_is_in_by_it(void **state)
{
    static const struct out_look look = {.why = OUT_STREAM_KEY_ENDED};
    struct out_db db = {.pool = meeting.db.pool, .commands = meeting.db.pool};
    const struct out_store store = out_store_mysql(&db);
    struct looked looked = {.found = 0};
    uint64_t room_id = 0;
    (void)state;
    (void)made_key(STREAM_PUBLISH);
    (void)enters();
    must_run(fixture.db, "UPDATE stream_keys SET expires_unix_ms = " NOW " + 3600000");
    assert_int_equal(store.ops->find(store.self, &look, on_looked, &looked), ERR_OK);
    assert_true(loop_run_until(meeting.loop, has_looked, &looked, WAIT_MS));
    assert_int_equal(looked.found, 0);
    must_run(fixture.db, "UPDATE stream_keys SET expires_unix_ms = " NOW);
    looked.is_there = false;
    assert_int_equal(store.ops->find(store.self, &look, on_looked, &looked), ERR_OK);
    assert_true(loop_run_until(meeting.loop, has_looked, &looked, WAIT_MS));
    assert_int_equal(looked.found, 1);
    assert_true(str_id(str_of(meeting.room), &room_id));
    looked.is_there = false;
    assert_int_equal(store.ops->take(store.self, &look, room_id, on_taken, &looked), ERR_OK);
    assert_true(loop_run_until(meeting.loop, has_looked, &looked, WAIT_MS));
    assert_int_equal(looked.taken, 1);
    value_is("SELECT state FROM participants" OF_DOOR, "4");
    assert_int_equal(entering(), ERR_UNAUTHORIZED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rtc_set_up, rtc_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(who_leads_makes_keys_and_removes_them),
        TEST(members_below_moderators_make_none),
        TEST(a_key_has_a_name_and_ends_in_the_future),
        TEST(a_room_has_so_many_keys),
        TEST(the_list_says_who_is_in_and_whether_it_arrives),
        TEST(a_key_is_one_participant_who_never_waits),
        TEST(a_key_is_for_its_room_and_its_use),
        TEST(a_lock_holds_but_for_who_was_in_of_late),
        TEST(a_room_that_is_full_is_full),
        TEST(who_was_taken_out_stays_out_until_the_meeting_is_over),
        TEST(bans_of_who_has_made_it_hold),
        TEST(a_room_that_has_ended_takes_no_stream),
        TEST(a_key_for_sending_sends_and_does_nothing_else),
        TEST(a_key_for_watching_does_not_send_whatever_its_role),
        TEST(removing_a_key_takes_out_who_is_in_by_it),
        TEST(a_key_whose_time_is_up_takes_out_who_is_in_by_it),
    };
    return cmocka_run_group_tests_name("stream_keys", tests, server_setup, server_teardown);
}
