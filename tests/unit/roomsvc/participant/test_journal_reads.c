/* What gateways read of rooms: who may ask, and what of the journal is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/participant/journal_reads.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

static struct {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct journal_reads *reads;
    struct mock_call call;
    struct journal_event events[3];
    struct journal_answer answer;
    enum err err;
    unsigned asked;
} t;

static enum err ask_store(void *self, const struct msg *request, uint64_t deadline_ms,
                          journal_store_fn *fn, void *arg)
{
    (void)self;
    (void)request;
    assert_true(deadline_ms > 0);
    t.asked++;
    fn(arg, t.err, t.err == ERR_OK ? &t.answer : NULL);
    return ERR_OK;
}

static const struct journal_store_ops ops = {ask_store};

static void keep_event(size_t i, uint64_t seq)
{
    struct frame *frame = frame_new();
    const struct envelope envelope = {.status = ERR_OK};
    const struct msg news = {.id = MSG_room_news,
                             .room_news = {.what = ROOM_NEWS_EVENT,
                                           .has_room_id = true,
                                           .room_id = 7,
                                           .has_event = true,
                                           .event = {.seq = seq,
                                                     .type = EVENT_MEETING_ENDED,
                                                     .audience = AUDIENCE_ALL,
                                                     .has_reason = true,
                                                     .reason = REASON_MEETING_ENDED}}};
    assert_int_equal(codec_encode(frame, &envelope, &news), ERR_OK);
    const struct str bytes = frame_bytes(frame);
    t.events[i].seq = seq;
    t.events[i].data.bytes = bytes.bytes;
    memcpy(t.events[i].data.data, bytes.data, bytes.bytes);
    frame_free(&frame);
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_capture_setup(NULL);
    t.clock = fake_clock_new();
    t.metrics = metrics_new();
    t.reads = journal_reads_new(fake_clock_clock(t.clock), t.metrics,
                                (struct journal_store){.ops = &ops});
    t.answer.generation = 9;
    t.answer.events = t.events;
    for (size_t i = 0; i < ARRAY_LEN(t.events); i++) {
        keep_event(i, 41 + i);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mock_call_fini(&t.call);
    journal_reads_free(&t.reads);
    metrics_free(&t.metrics);
    fake_clock_free(&t.clock);
    return log_capture_teardown(NULL);
}

static void ask(const struct msg *request, const char *role, struct principal principal)
{
    mock_call_fini(&t.call);
    mock_call_init(&t.call, fake_clock_clock(t.clock), request);
    t.call.call.context.principal = principal;
    t.call.call.peer_role = role;
    journal_reads_answer(t.reads, &t.call.call);
}

static const struct principal nobody = {.kind = PRINCIPAL_NONE};
static const struct msg read_events = {.id = MSG_journal_read,
                                       .journal_read = {.room_id = 7, .after_seq = 40, .limit = 9}};

static void only_gateways_follow(void **state)
{
    (void)state;
    ask(&read_events, "janusbridge", nobody);
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    ask(&read_events, "admin", (struct principal){.kind = PRINCIPAL_ADMIN_TOOL});
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    assert_int_equal(t.asked, 0);
    ask(&read_events, "gateway", nobody);
    assert_int_equal(t.call.err, ERR_OK);
}

static void a_users_meetings_are_his(void **state)
{
    const struct msg his = {.id = MSG_meeting_page, .meeting_page = {.user_id = 3, .limit = 9}};
    const struct msg all = {.id = MSG_meeting_page, .meeting_page = {.limit = 9}};
    struct principal user = {
        .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = 3, .session_id = 1};
    (void)state;
    t.answer.heads[0] = (struct journal_head){.room_id = 7, .seq = 43};
    t.answer.head_count = 1;
    ask(&his, "gateway", user);
    assert_int_equal(t.call.reply.meeting_page_reply.rooms.items[0].room_id, 7);
    ask(&all, "gateway", user);
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    user.user_id = 4;
    ask(&his, "gateway", user);
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    user.role = ROLE_ADMIN;
    ask(&all, "gateway", user);
    assert_int_equal(t.call.err, ERR_OK);
}

static void events_are_told_as_they_were_kept(void **state)
{
    (void)state;
    t.answer.event_count = 3;
    t.answer.seq = 43;
    ask(&read_events, "gateway", nobody);
    const struct msg_journal_read_reply *reply = &t.call.reply.journal_read_reply;
    assert_int_equal(reply->generation, 9);
    assert_int_equal(reply->head, 43);
    assert_int_equal(reply->events.count, 3);
    assert_int_equal(reply->events.items[2].seq, 43);
    assert_int_equal(reply->events.items[2].reason, REASON_MEETING_ENDED);
}

/* Of what comes after it nothing is told either: there is no silent gap. */
static void an_event_that_cannot_be_read_is_the_end(void **state)
{
    (void)state;
    t.answer.event_count = 3;
    t.events[1].data.data[0] = 0xc1;
    log_capture_expect("an event of a room cannot be read");
    ask(&read_events, "gateway", nobody);
    assert_int_equal(t.call.reply.journal_read_reply.events.count, 1);
}

static void failures_are_told_and_counted(void **state)
{
    (void)state;
    t.err = ERR_UNAVAILABLE;
    log_capture_expect("what is in rooms could not be read");
    ask(&read_events, "gateway", nobody);
    assert_int_equal(t.call.err, ERR_UNAVAILABLE);
    t.err = ERR_GONE;
    ask(&read_events, "gateway", nobody);
    assert_int_equal(t.call.err, ERR_GONE);
    size_t bytes = 0;
    AUTO(mem_free) char *text = metrics_write(t.metrics, &bytes);
    assert_non_null(strstr(text, "lynks_journal_reads_total{result=\"refused\"} 1"));
    assert_non_null(strstr(text, "lynks_journal_reads_total{result=\"failed\"} 1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_gateways_follow),
        TEST(a_users_meetings_are_his),
        TEST(events_are_told_as_they_were_kept),
        TEST(an_event_that_cannot_be_read_is_the_end),
        TEST(failures_are_told_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
