/* What bridges are told of connections, and what they say is told to gateways, with the store
 * played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "roomsvc/rtc/rtc_rows.h"
#include "roomsvc/store/rtc_media.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

static struct {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct room_news *news;
    struct rtc_rows *rows;
    struct mock_call call;
    struct journal journal;
    struct rtc_outcome outcome;
    struct rtc_page page;
    struct rtc_due_page due;
    enum err refuse, err;
    unsigned asked;
} t;

static enum err store_run(void *self, const struct msg *request, uint64_t deadline_ms,
                          rtc_store_fn *fn, void *arg)
{
    (void)self;
    (void)request;
    assert_true(deadline_ms > 0);
    t.asked++;
    if (t.refuse == ERR_OK) {
        fn(arg, t.err, t.err == ERR_OK ? &t.outcome : NULL);
    }
    return t.refuse;
}

static enum err store_page(void *self, const struct msg_rtc_page *request, uint64_t deadline_ms,
                           rtc_store_page_fn *fn, void *arg)
{
    (void)self;
    assert_true(str_eq(request->node, STR_LIT("node-1")));
    assert_true(deadline_ms > 0);
    t.asked++;
    fn(arg, t.err, t.err == ERR_OK ? &t.page : NULL);
    return ERR_OK;
}

static enum err store_due(void *self, const struct msg_rtc_due *request, uint64_t deadline_ms,
                          rtc_store_due_fn *fn, void *arg)
{
    (void)self;
    assert_true(str_eq(request->node, STR_LIT("node-1")));
    assert_true(deadline_ms > 0);
    t.asked++;
    fn(arg, t.err, t.err == ERR_OK ? &t.due : NULL);
    return ERR_OK;
}

static enum err store_where(void *self, const struct msg_rtc_where *request, uint64_t deadline_ms,
                            rtc_store_where_fn *fn, void *arg)
{
    (void)self;
    assert_int_equal(request->connection.bytes, 16);
    assert_true(deadline_ms > 0);
    t.asked++;
    fn(arg, t.err, t.err == ERR_OK ? "node-2" : NULL);
    return ERR_OK;
}

static const struct rtc_store_ops ops = {store_run, store_page, store_due, store_where};

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_capture_setup(NULL);
    t.clock = fake_clock_new();
    t.metrics = metrics_new();
    t.news = room_news_new(fake_clock_clock(t.clock), t.metrics, NULL);
    t.outcome.journal = &t.journal;
    const struct rtc_rows_parts parts = {.clock = fake_clock_clock(t.clock),
                                         .store = {.ops = &ops},
                                         .news = t.news,
                                         .metrics = t.metrics};
    t.rows = rtc_rows_new(&parts);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mock_call_fini(&t.call);
    rtc_rows_free(&t.rows);
    room_news_free(&t.news);
    metrics_free(&t.metrics);
    fake_clock_free(&t.clock);
    return log_capture_teardown(NULL);
}

static const char id[] = "0123456789abcdef";
static const char token_hash[32] = "the hash of a participant token";

static const struct msg requests[] = {
    {.id = MSG_rtc_open,
     .rtc_open = {.connection = {id, 16},
                  .kind = RTC_PUBLISH,
                  .node = STR_LIT("node-1"),
                  .epoch = 3,
                  .room = STR_LIT("7"),
                  .asker = {.token_hash = {token_hash, 32}},
                  .janus_handle = 11}},
    {.id = MSG_rtc_update,
     .rtc_update = {.connection = {id, 16}, .node = STR_LIT("node-1"), .epoch = 3, .version = 1}},
    {.id = MSG_rtc_end, .rtc_end = {.connection = {id, 16}, .node = STR_LIT("node-1")}},
    {.id = MSG_rtc_page, .rtc_page = {.node = STR_LIT("node-1"), .epoch = 3}},
    {.id = MSG_rtc_due, .rtc_due = {.node = STR_LIT("node-1"), .epoch = 3}},
    {.id = MSG_rtc_where,
     .rtc_where = {.connection = {id, 16}, .asker = {.token_hash = {token_hash, 32}}}},
};
enum { OPEN, UPDATE, END_IT, PAGE, DUE, WHERE };

static void ask_as(const char *role, const struct msg *request)
{
    mock_call_fini(&t.call);
    mock_call_init(&t.call, fake_clock_clock(t.clock), request);
    t.call.call.peer_role = role;
    rtc_rows_answer(t.rows, &t.call.call);
}

static void ask(const struct msg *request)
{
    ask_as("janusbridge", request);
}

static void note_opened(void)
{
    t.outcome.room_id = 7;
    t.outcome.participant_id = 5;
    t.outcome.feed = 4711;
    t.outcome.muted = MEDIA_VIDEO;
    t.outcome.bitrate = 300000;
    memset(t.outcome.secret, 's', ROOM_SECRET_BYTES);
    memset(t.outcome.janus_pin, 'p', ROOM_SECRET_BYTES);
}

/* Secrets of Janus are for who has to do with Janus. */
static void only_bridges_ask(void **state)
{
    static const char *const others[] = {"gateway", "admin", "authsvc", ""};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        for (size_t k = 0; k < ARRAY_LEN(others); k++) {
            ask_as(others[k], &requests[i]);
            assert_int_equal(t.call.err, ERR_FORBIDDEN);
        }
    }
    assert_int_equal(t.asked, 0);
}

static void an_open_one_is_told_all_that_janus_needs(void **state)
{
    (void)state;
    note_opened();
    ask(&requests[OPEN]);
    const struct msg_rtc_open_reply *reply = &t.call.reply.rtc_open_reply;
    assert_int_equal(t.call.err, ERR_OK);
    assert_int_equal(reply->room_id, 7);
    assert_int_equal(reply->participant, 5);
    assert_int_equal(reply->feed, 4711);
    assert_int_equal(reply->muted, MEDIA_VIDEO);
    assert_int_equal(reply->bitrate, 300000);
    assert_true(str_eq(reply->secret, str_of(t.outcome.secret)));
    assert_true(str_eq(reply->pin, str_of(t.outcome.janus_pin)));
    assert_int_equal(reply->replaced.bytes, 0);
    t.outcome.janus_pin[0] = '\0'; /* of a room without a code */
    t.outcome.has_replaced = true;
    memcpy(t.outcome.replaced, id, 16);
    ask(&requests[OPEN]);
    assert_int_equal(reply->pin.bytes, 0);
    assert_true(str_eq(reply->replaced, (struct str){.data = id, .bytes = 16}));
}

static void what_bridges_say_is_taken(void **state)
{
    (void)state;
    ask(&requests[UPDATE]);
    assert_int_equal(t.call.reply.id, MSG_rtc_update_reply);
    ask(&requests[END_IT]);
    assert_int_equal(t.call.reply.id, MSG_rtc_end_reply);
}

static void all_of_a_node_are_told(void **state)
{
    static const struct msg_rtc_stream streams[] = {{.mid = STR_LIT("0"), .participant = 9}};
    const struct rtc_media media = {.streams = {.items = streams, .count = 1}, .is_offered = true};
    (void)state;
    t.page.count = RTC_PAGE;
    for (size_t i = 0; i < RTC_PAGE; i++) {
        struct rtc_kept *row = &t.page.rows[i];
        *row = (struct rtc_kept){.kind = RTC_WATCH,
                                 .room_id = 7,
                                 .participant_id = 5 + i,
                                 .janus_handle = 11,
                                 .feed = 12,
                                 .version = 9,
                                 .is_up = 1,
                                 .seq = 3};
        memset(row->secret, 's', ROOM_SECRET_BYTES);
        assert_int_equal(rtc_media_encode(&media, &row->media), ERR_OK);
    }
    t.page.rows[1].media.data[0] = 0xc1; /* by another program */
    log_capture_expect("what a connection sends or gets cannot be read");
    ask(&requests[PAGE]);
    const struct msg_rtc_row_list *rows = &t.call.reply.rtc_page_reply.rows;
    assert_int_equal(rows->count, RTC_PAGE);
    for (size_t i = 0; i < RTC_PAGE; i++) {
        assert_int_equal(rows->items[i].participant, 5 + i);
        assert_true(rows->items[i].is_up);
        assert_int_equal(rows->items[i].seq, 3);
        assert_int_equal(rows->items[i].version, 9);
        assert_int_equal(rows->items[i].streams.count, i == 1 ? 0 : 1);
    }
    assert_int_equal(rows->items[7].streams.items[0].participant, 9);
    assert_true(rows->items[7].is_offered);
}

static void the_largest_page_fits_into_one_frame(void **state)
{
    static struct msg_rtc_track tracks[RTC_TRACKS_MAX];
    static struct msg_rtc_stream streams[RTC_STREAMS_MAX];
    static const char mid[RTC_MID_BYTES + 1] = "12345678901234567890123456789012";
    const struct rtc_media media = {.tracks = {.items = tracks, .count = RTC_TRACKS_MAX},
                                    .streams = {.items = streams, .count = RTC_STREAMS_MAX}};
    (void)state;
    for (size_t i = 0; i < RTC_TRACKS_MAX; i++) {
        tracks[i] = (struct msg_rtc_track){.mid = str_of(mid), .source = MEDIA_SCREEN};
    }
    for (size_t i = 0; i < RTC_STREAMS_MAX; i++) {
        streams[i] = (struct msg_rtc_stream){.mid = str_of(mid),
                                             .participant = PARTICIPANT_ID_MAX,
                                             .has_source = true,
                                             .source = MEDIA_SCREEN,
                                             .feed = ROOM_ID_MAX,
                                             .feed_mid = str_of(mid)};
    }
    t.page.count = RTC_PAGE;
    for (size_t i = 0; i < RTC_PAGE; i++) {
        struct rtc_kept *row = &t.page.rows[i];
        *row = (struct rtc_kept){.kind = RTC_PUBLISH,
                                 .room_id = ROOM_ID_MAX,
                                 .participant_id = PARTICIPANT_ID_MAX,
                                 .janus_handle = INT64_MAX,
                                 .feed = ROOM_ID_MAX,
                                 .version = INT64_MAX,
                                 .is_up = 1,
                                 .published = 7,
                                 .lost = 7,
                                 .muted = 7,
                                 .bitrate = MEDIA_BITRATE_MAX,
                                 .seq = INT64_MAX};
        memset(row->secret, 's', ROOM_SECRET_BYTES);
        assert_int_equal(rtc_media_encode(&media, &row->media), ERR_OK);
    }
    ask(&requests[PAGE]);
    assert_int_equal(t.call.err, ERR_OK);
    const struct msg_rtc_row *last = &t.call.reply.rtc_page_reply.rows.items[RTC_PAGE - 1];
    assert_int_equal(last->bitrate, MEDIA_BITRATE_MAX);
    assert_int_equal(last->tracks.count, RTC_TRACKS_MAX);
    assert_int_equal(last->streams.count, RTC_STREAMS_MAX);
}

static void what_is_due_is_told(void **state)
{
    (void)state;
    t.due.count = RTC_DUE_PAGE;
    t.due.rows[0].ends = 1;
    t.due.rows[1].muted = 5;
    t.due.rows[1].bitrate = 64000;
    memcpy(t.due.rows[1].connection, id, 16);
    ask(&requests[DUE]);
    const struct msg_rtc_due_row_list *rows = &t.call.reply.rtc_due_reply.rows;
    assert_int_equal(rows->count, RTC_DUE_PAGE);
    assert_true(rows->items[0].ends);
    assert_false(rows->items[1].ends);
    assert_int_equal(rows->items[1].muted, 5);
    assert_int_equal(rows->items[1].bitrate, 64000);
    assert_true(str_eq(rows->items[1].connection, (struct str){.data = id, .bytes = 16}));
}

static void where_one_is_is_told(void **state)
{
    (void)state;
    ask(&requests[WHERE]);
    assert_true(str_eq(t.call.reply.rtc_where_reply.node, STR_LIT("node-2")));
}

static void errors_are_told_and_counted(void **state)
{
    (void)state;
    t.err = ERR_STALE;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        ask(&requests[i]);
        assert_int_equal(t.call.err, ERR_STALE);
    }
    t.refuse = ERR_OVERLOADED;
    log_capture_expect("a bridge's call about connections has failed");
    ask(&requests[OPEN]);
    assert_int_equal(t.call.err, ERR_OVERLOADED);
    size_t bytes = 0;
    AUTO(mem_free) char *text = metrics_write(t.metrics, &bytes);
    assert_non_null(strstr(text, "lynks_rtc_row_calls_total{result=\"refused\"} 6"));
    assert_non_null(strstr(text, "lynks_rtc_row_calls_total{result=\"failed\"} 1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_bridges_ask),
        TEST(an_open_one_is_told_all_that_janus_needs),
        TEST(what_bridges_say_is_taken),
        TEST(all_of_a_node_are_told),
        TEST(the_largest_page_fits_into_one_frame),
        TEST(what_is_due_is_told),
        TEST(where_one_is_is_told),
        TEST(errors_are_told_and_counted),
    };
    return cmocka_run_group_tests_name("rtc rows", tests, NULL, NULL);
}
