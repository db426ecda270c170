/* What bridges are told of the connections of their node: all of them, and those that are to be
 * other ones than they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "roomsvc/store/rtc_media.h"
#include "tests/integration/db/rtc_fixture.h"

struct told {
    bool is_there;
    enum err err;
    struct rtc_page page;
    struct rtc_due_page due;
};

static bool is_told(void *arg)
{
    return ((const struct told *)arg)->is_there;
}

static void on_page(void *arg, enum err err, const struct rtc_page *page)
{
    struct told *told = arg;
    told->is_there = true;
    told->err = err;
    if (page != NULL) {
        told->page = *page;
    }
}

static void on_due(void *arg, enum err err, const struct rtc_due_page *due)
{
    struct told *told = arg;
    told->is_there = true;
    told->err = err;
    if (due != NULL) {
        told->due = *due;
    }
}

static void read_page(struct told *told, uint64_t epoch, struct str after)
{
    const struct msg_rtc_page request = {
        .node = STR_LIT("default"), .epoch = epoch, .after_connection = after};
    *told = (struct told){.is_there = false};
    assert_int_equal(rtc.store.ops->page(rtc.store.self, &request, 0, on_page, told), ERR_OK);
    assert_true(loop_run_until(meeting.loop, is_told, told, WAIT_MS));
}

static void read_due(struct told *told, const char *node, uint64_t epoch)
{
    const struct msg_rtc_due request = {.node = str_of(node), .epoch = epoch};
    *told = (struct told){.is_there = false};
    assert_int_equal(rtc.store.ops->due(rtc.store.self, &request, 0, on_due, told), ERR_OK);
    assert_true(loop_run_until(meeting.loop, is_told, told, WAIT_MS));
}

/* The letter of each, and "ends" or what is to be mute: "a ends,b 3". */
static void is_due(const char *expected)
{
    static struct told told;
    char text[256] = "";
    read_due(&told, "default", RTC_EPOCH);
    assert_int_equal(told.err, ERR_OK);
    for (size_t i = 0; i < told.due.count; i++) {
        const struct rtc_due *row = &told.due.rows[i];
        const size_t at = strlen(text);
        (void)snprintf(text + at, sizeof(text) - at, "%s%c ", i > 0 ? "," : "", row->connection[0]);
        const size_t end = strlen(text);
        if (row->ends != 0) {
            (void)snprintf(text + end, sizeof(text) - end, "ends");
        } else {
            (void)snprintf(text + end, sizeof(text) - end, "%" PRIu64, row->muted);
        }
    }
    assert_string_equal(text, expected);
}

/* ---- all ---- */

static void all_that_the_next_bridge_needs_is_told(void **state)
{
    static const struct msg_rtc_track tracks[] = {{.mid = STR_LIT("0"), .source = MEDIA_AUDIO}};
    static const struct msg_rtc_stream streams[] = {{.mid = STR_LIT("5"), .participant = 4711}};
    static struct told told;
    struct rtc_media media;
    uint64_t id = 0;
    (void)state;
    const struct str token = rtc_comes("Eve", &id);
    struct msg publish = rtc_opening('p', RTC_PUBLISH, token);
    publish.rtc_open.tracks = (struct msg_rtc_track_list){.items = tracks, .count = 1};
    const struct rtc_outcome_told opened = rtc_do(publish);
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    struct msg update = rtc_updating('w', 1, 0, 0);
    update.rtc_update.streams = (struct msg_rtc_stream_list){.items = streams, .count = 1};
    update.rtc_update.is_offered = true;
    update.rtc_update.seq = 9;
    (void)rtc_do(update);
    read_page(&told, RTC_EPOCH, STR_NONE);
    assert_int_equal(told.err, ERR_OK);
    assert_int_equal(told.page.count, 2);
    const struct rtc_kept *row = &told.page.rows[0];
    assert_memory_equal(row->connection, rtc_id('p').data, 16);
    assert_int_equal(row->kind, RTC_PUBLISH);
    assert_int_equal(row->room_id, opened.outcome.room_id);
    assert_int_equal(row->participant_id, id);
    assert_memory_equal(row->token_hash, token.data, 32);
    assert_int_equal(row->janus_handle, 7);
    assert_int_equal(row->feed, opened.outcome.feed);
    assert_string_equal(row->secret, opened.outcome.secret);
    assert_int_equal(row->is_up, 0);
    assert_true(rtc_media_decode(meeting.arena, &row->media, &media));
    assert_int_equal(media.tracks.items[0].source, MEDIA_AUDIO);
    row = &told.page.rows[1];
    assert_int_equal(row->version, update.rtc_update.version);
    assert_int_equal(row->is_up, 1);
    assert_int_equal(row->seq, 9);
    assert_true(rtc_media_decode(meeting.arena, &row->media, &media));
    assert_int_equal(media.streams.items[0].participant, 4711);
    assert_true(media.is_offered);
}

/* Also of who is gone: in Janus it is still. */
static void all_come_in_pages(void **state)
{
    static struct told told;
    (void)state;
    must_run(fixture.db,
             "INSERT INTO rtc_connections (connection, kind, room_id, participant_id,"
             " joined_unix_ms, node, epoch, version, janus_session, janus_handle, feed, media,"
             " quiet_unix_ms, created_unix_ms) SELECT REPEAT(CHAR(64 + seq), 16), 2, 1,"
             " seq, 1, IF(seq = 3, 'another', 'default'), 3, 0, 4, 5, 6, '', 1, 1"
             " FROM seq_1_to_19");
    read_page(&told, RTC_EPOCH, STR_NONE);
    assert_int_equal(told.page.count, RTC_PAGE);
    assert_int_equal(told.page.rows[2].connection[0], 'D');
    assert_int_equal(told.page.rows[0].token_hash[31], 0);
    assert_int_equal(strlen(told.page.rows[0].secret), ROOM_SECRET_BYTES);
    read_page(&told, RTC_EPOCH, rtc_id('I'));
    assert_int_equal(told.page.count, RTC_PAGE);
    assert_int_equal(told.page.rows[0].connection[0], 'J');
    read_page(&told, RTC_EPOCH, rtc_id('Q'));
    assert_int_equal(told.page.count, 2);
}

static void who_has_lost_the_node_is_told_nothing(void **state)
{
    static struct told told;
    (void)state;
    read_page(&told, RTC_EPOCH - 1, STR_NONE);
    assert_int_equal(told.err, ERR_STALE);
    read_due(&told, "default", RTC_EPOCH - 1);
    assert_int_equal(told.err, ERR_STALE);
    read_due(&told, "default", RTC_EPOCH + 1);
    assert_int_equal(told.err, ERR_OK);
    read_due(&told, "another", 0); /* nobody has had that one yet */
    assert_int_equal(told.err, ERR_OK);
}

/* ---- what is due ---- */

static void say_muted(char letter, uint64_t version, uint64_t muted)
{
    struct msg update = rtc_updating(letter, version, 3, 0);
    update.rtc_update.has_muted = true;
    update.rtc_update.muted = muted;
    (void)rtc_do(update);
}

static void who_is_mute_is_until_the_bridge_says_so(void **state)
{
    struct outcome outcome;
    uint64_t id = 0;
    (void)state;
    const struct str token = rtc_comes("Eve", &id);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    is_due("");
    const struct msg mute = {.id = MSG_participant_mute,
                             .participant_mute = {.idempotency_key = fresh_key(),
                                                  .room = str_of(meeting.room),
                                                  .participant = id,
                                                  .sources = 3}};
    assert_int_equal(meeting_run(&mute, &meeting.carol, &outcome), ERR_OK);
    is_due("p 3");
    is_due("p 3");
    say_muted('p', 1, 3);
    is_due("");
    struct msg unmute = changing(id);
    const struct room_asker self = {.token_hash = token};
    unmute.participant_change.has_muted = true;
    assert_int_equal(meeting_run(&unmute, &self, &outcome), ERR_OK);
    is_due("p 0");
    say_muted('p', 2, 0);
    is_due("");
    set_options((struct msg_room_options){.has_screen_share = true, .screen_share = false});
    is_due("p 4");
    say_muted('p', 3, 4);
    is_due("");
    struct msg lead = changing(id);
    lead.participant_change.has_role = true;
    lead.participant_change.role = ROOM_MODERATOR;
    assert_int_equal(meeting_run(&lead, &meeting.carol, &outcome), ERR_OK);
    is_due("p 0");
}

/* Of one that sends; who comes in then is told at once. */
static void the_rooms_bound_is_due_until_the_bridge_says_so(void **state)
{
    (void)state;
    static struct told told;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    set_options((struct msg_room_options){.has_bitrate = true, .bitrate = 300000});
    read_due(&told, "default", RTC_EPOCH);
    assert_int_equal(told.due.count, 1);
    assert_int_equal(told.due.rows[0].connection[0], 'p');
    assert_int_equal(told.due.rows[0].bitrate, 300000);
    struct msg update = rtc_updating('p', 1, 3, 0);
    update.rtc_update.bitrate = 300000;
    (void)rtc_do(update);
    is_due("");
    read_page(&told, RTC_EPOCH, STR_NONE);
    assert_int_equal(told.page.rows[0].bitrate, 300000);
    assert_int_equal(rtc_do(rtc_opening('q', RTC_PUBLISH, token)).outcome.bitrate, 300000);
    is_due("");
}

static bool was_where_told(void *arg)
{
    return *(const char *const *)arg != NULL;
}

static void on_where_told(void *arg, enum err err, const char *node)
{
    const char **ret_text = arg;
    assert_int_equal(err, ERR_OK);
    *ret_text = strcmp(node, "default") == 0 ? "default" : node[0] == '\0' ? "nowhere" : "?";
}

static void where_is(struct str token, struct str connection, const char *expected)
{
    const char *text = NULL;
    const struct msg_rtc_where request = {.connection = connection, .asker = {.token_hash = token}};
    assert_int_equal(rtc.store.ops->where(rtc.store.self, &request, 0, on_where_told, &text),
                     ERR_OK);
    assert_true(loop_run_until(meeting.loop, was_where_told, &text, WAIT_MS));
    assert_string_equal(text, expected);
}

/* His own alone. */
static void where_a_connection_is_is_told(void **state)
{
    (void)state;
    const struct str eve = rtc_comes("Eve", NULL);
    const struct msg open = rtc_opening('p', RTC_PUBLISH, eve);
    const struct str id = open.rtc_open.connection;
    where_is(eve, id, "nowhere");
    (void)rtc_do(open);
    where_is(eve, id, "default");
    where_is(eve, STR_NONE, "nowhere"); /* she does not watch */
    (void)rtc_do(rtc_opening('w', RTC_WATCH, eve));
    where_is(eve, STR_NONE, "default");
    where_is(rtc_comes("Bob", NULL), id, "nowhere");
}

static void who_may_not_send_any_more_does_not(void **state)
{
    struct outcome outcome;
    uint64_t id = 0;
    (void)state;
    const struct str token = rtc_comes("Eve", &id);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    struct msg view = changing(id);
    view.participant_change.has_role = true;
    view.participant_change.role = ROOM_VIEWER;
    assert_int_equal(meeting_run(&view, &meeting.carol, &outcome), ERR_OK);
    is_due("p ends");
    (void)rtc_do(rtc_ending('p'));
    is_due("");
}

static void of_who_is_out_all_end(void **state)
{
    struct outcome outcome;
    uint64_t id = 0;
    (void)state;
    const struct str token = rtc_comes("Eve", &id);
    const struct room_asker self = {.token_hash = token};
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    (void)rtc_do(rtc_opening('o', RTC_WATCH, rtc_comes("Other", NULL)));
    const struct msg leave = removing(id);
    const struct msg back = joining("Eve");
    assert_int_equal(meeting_run(&leave, &self, &outcome), ERR_OK);
    is_due("p ends,w ends");
    (void)come(&back, &self, PARTICIPANT_JOINED); /* sooner than the bridge has looked */
    is_due("p ends,w ends");
    (void)rtc_do(rtc_opening('q', RTC_PUBLISH, token));
    is_due("w ends");
    (void)rtc_do(rtc_ending('w'));
    const struct msg remove = removing(id);
    assert_int_equal(meeting_run(&remove, &meeting.carol, &outcome), ERR_OK);
    is_due("q ends");
    const struct msg end = {
        .id = MSG_meeting_end,
        .meeting_end = {.idempotency_key = fresh_key(), .room = str_of(meeting.room)}};
    assert_int_equal(meeting_run(&end, &meeting.carol, &outcome), ERR_OK);
    is_due("o ends,q ends");
}

static void of_a_room_that_is_over_all_end(void **state)
{
    (void)state;
    const struct str token = rtc_comes("Eve", NULL);
    (void)rtc_do(rtc_opening('p', RTC_PUBLISH, token));
    (void)rtc_do(rtc_opening('w', RTC_WATCH, token));
    must_run(fixture.db, "UPDATE rooms SET closed_unix_ms = 1");
    is_due("p ends,w ends");
    must_run(fixture.db, "DELETE FROM rooms"); /* and its participants with it */
    is_due("p ends,w ends");
    (void)rtc_do(rtc_ending('p'));
    (void)rtc_do(rtc_ending('w'));
    is_due("");
}

/* What ends is told before what is mute. */
static void as_many_are_told_as_one_page_has(void **state)
{
    static struct told told;
    (void)state;
    (void)rtc_comes("Eve", NULL);
    must_run(fixture.db, "UPDATE participants SET muted = 1");
    must_run(fixture.db,
             "INSERT INTO rtc_connections (connection, kind, room_id, participant_id,"
             " joined_unix_ms, node, epoch, version, janus_session, janus_handle, feed, media,"
             " quiet_unix_ms, created_unix_ms) SELECT REPEAT('a', 16), 1, room_id,"
             " participant_id, joined_unix_ms, 'default', 3, 0, 4, 5, 6, '', 1, 1"
             " FROM participants");
    is_due("a 1");
    must_run(fixture.db,
             "INSERT INTO rtc_connections (connection, kind, room_id, participant_id,"
             " joined_unix_ms, node, epoch, version, janus_session, janus_handle, feed, media,"
             " quiet_unix_ms, created_unix_ms) SELECT LPAD(seq, 16, 'b'), 2, 1, seq, 1,"
             " 'default', 3, 0, 4, 5, 6, '', 1, 1 FROM seq_1_to_200");
    read_due(&told, "default", RTC_EPOCH);
    assert_int_equal(told.due.count, RTC_DUE_PAGE);
    for (size_t i = 0; i < told.due.count; i++) {
        assert_int_equal(told.due.rows[i].ends, 1);
    }
    read_due(&told, "another", 0);
    assert_int_equal(told.due.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rtc_set_up, rtc_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_that_the_next_bridge_needs_is_told),
        TEST(all_come_in_pages),
        TEST(who_has_lost_the_node_is_told_nothing),
        TEST(who_is_mute_is_until_the_bridge_says_so),
        TEST(the_rooms_bound_is_due_until_the_bridge_says_so),
        TEST(where_a_connection_is_is_told),
        TEST(who_may_not_send_any_more_does_not),
        TEST(of_who_is_out_all_end),
        TEST(of_a_room_that_is_over_all_end),
        TEST(as_many_are_told_as_one_page_has),
    };
    return cmocka_run_group_tests_name("rtc reads", tests, server_setup, server_teardown);
}
