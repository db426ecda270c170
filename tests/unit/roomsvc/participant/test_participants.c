/* The handlers of who is in rooms: who may ask, what is answered and when; the store is played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/participant/participants.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

#define HASH STR_LIT("0123456789abcdef0123456789abcdef")
#define KEY STR_LIT("0123456789abcdef")

static struct {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct room_news *news;
    struct participants *participants;
    struct mock_call call;
    /* What the store was asked, and will say. */
    enum msg_id asked;
    struct room_asker asker;
    enum err err, refuse;
    struct participant_outcome outcome;
    struct participant_page page;
    /* Who waits for the room to be in Janus. */
    uint64_t entered;
    void (*done)(void *arg);
    void *done_arg;
} t;

static enum err run(void *self, const struct msg *request, const struct room_asker *asker,
                    uint64_t deadline_ms, participant_store_fn *fn, void *arg)
{
    (void)self;
    assert_true(deadline_ms > 0);
    t.asked = request->id;
    t.asker = *asker;
    if (t.refuse == ERR_OK) {
        fn(arg, t.err, t.err == ERR_OK ? &t.outcome : NULL);
    }
    return t.refuse;
}

static enum err find_page(void *self, const struct msg_participant_page *request,
                          const struct room_asker *asker, uint64_t deadline_ms,
                          participant_store_page_fn *fn, void *arg)
{
    (void)self;
    (void)request;
    assert_true(deadline_ms > 0);
    t.asked = MSG_participant_page;
    t.asker = *asker;
    if (t.refuse == ERR_OK) {
        fn(arg, t.err, t.err == ERR_OK ? &t.page : NULL);
    }
    return t.refuse;
}

static const struct participant_store_ops ops = {run, find_page};

static void enter(void *arg, uint64_t room_id, const struct call_context *context,
                  void (*done)(void *done_arg), void *done_arg)
{
    (void)arg;
    assert_true(context->deadline_ms > 0);
    t.entered = room_id;
    t.done = done;
    t.done_arg = done_arg;
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_capture_setup(NULL);
    t.clock = fake_clock_new();
    t.metrics = metrics_new();
    t.news = room_news_new(fake_clock_clock(t.clock), t.metrics, NULL);
    const struct participants_parts parts = {.clock = fake_clock_clock(t.clock),
                                             .store = {.ops = &ops},
                                             .news = t.news,
                                             .metrics = t.metrics,
                                             .enter = enter};
    t.participants = participants_new(&parts);
    t.outcome = (struct participant_outcome){
        .room_id = 7,
        .participant = {
            .id = 5, .user_id = 3, .role = ROOM_MODERATOR, .state = PARTICIPANT_JOINED}};
    (void)str_copy(t.outcome.participant.name, LABEL_BYTES, STR_LIT("Carol"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mock_call_fini(&t.call);
    participants_free(&t.participants);
    room_news_free(&t.news);
    metrics_free(&t.metrics);
    fake_clock_free(&t.clock);
    return log_capture_teardown(NULL);
}

static void ask(const struct msg *request, struct principal principal)
{
    mock_call_fini(&t.call);
    mock_call_init(&t.call, fake_clock_clock(t.clock), request);
    t.call.call.context.principal = principal;
    if (request->id == MSG_participant_page) {
        participants_page(t.participants, &t.call.call);
    } else {
        participants_run(t.participants, &t.call.call);
    }
}

static struct msg joining(void)
{
    return (struct msg){.id = MSG_participant_join,
                        .participant_join = {.idempotency_key = KEY,
                                             .room = STR_LIT("abcdefghij"),
                                             .token_hash = HASH}};
}

static const struct principal nobody = {.kind = PRINCIPAL_NONE};
static const struct principal carol = {
    .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = 3, .session_id = 1};

/* Whoever has a participant's token is that participant, and nothing of what else he may be. */
static void who_asks_is_read(void **state)
{
    struct msg join = joining();
    (void)state;
    ask(&join, carol);
    assert_int_equal(t.asker.user_id, 3);
    assert_false(t.asker.is_admin);
    assert_int_equal(t.asker.token_hash.bytes, 0);
    ask(&join, nobody);
    assert_int_equal(t.asker.user_id, 0);
    join.participant_join.has_asker = true;
    join.participant_join.asker.token_hash = HASH;
    struct principal admin = carol;
    admin.role = ROLE_ADMIN;
    ask(&join, admin);
    assert_int_equal(t.asker.user_id, 0);
    assert_false(t.asker.is_admin);
    assert_int_equal(t.asker.token_hash.bytes, 32);
}

static void all_but_coming_in_needs_somebody_who_is_known(void **state)
{
    const struct msg requests[] = {
        {.id = MSG_participant_change,
         .participant_change = {.idempotency_key = KEY, .room = STR_LIT("1"), .participant = 5}},
        {.id = MSG_participant_remove,
         .participant_remove = {.idempotency_key = KEY, .room = STR_LIT("1"), .participant = 5}},
        {.id = MSG_meeting_end, .meeting_end = {.idempotency_key = KEY, .room = STR_LIT("1")}},
        {.id = MSG_participant_page, .participant_page = {.room = STR_LIT("1"), .limit = 10}}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        ask(&requests[i], nobody);
        assert_int_equal(t.call.err, ERR_FORBIDDEN);
        assert_int_equal(t.asked, MSG_NONE);
    }
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        ask(&requests[i], carol);
        assert_int_equal(t.call.err, ERR_OK);
        assert_int_equal(t.call.reply.id, msg_type_find(requests[i].id)->reply);
        assert_int_equal(t.asked, requests[i].id);
    }
}

static void who_is_in_is_told_what_he_can(void **state)
{
    const struct msg join = joining();
    (void)state;
    t.outcome.is_made = true;
    ask(&join, carol);
    const struct msg_participant_join_reply *reply = &t.call.reply.participant_join_reply;
    assert_int_equal(reply->room_id, 7);
    assert_int_equal(reply->participant.id, 5);
    assert_int_equal(reply->can.items[0], ROOM_SEE);
    assert_true(!reply->resumed && reply->made);
}

/* The first in a room is answered when Janus has it. */
static void the_first_waits_for_janus(void **state)
{
    const struct msg join = joining();
    (void)state;
    t.outcome.is_entered = true;
    ask(&join, carol);
    assert_int_equal(t.entered, 7);
    assert_int_equal(t.call.answers, 0);
    t.done(t.done_arg);
    assert_int_equal(t.call.answers, 1);
    assert_int_equal(t.call.reply.participant_join_reply.participant.id, 5);
}

static void failures_are_told_and_counted(void **state)
{
    const struct msg join = joining();
    (void)state;
    t.err = ERR_ROOM_FULL;
    ask(&join, carol);
    assert_int_equal(t.call.err, ERR_ROOM_FULL);
    log_capture_expect("a command on who is in a room has failed");
    t.err = ERR_UNAVAILABLE;
    ask(&join, carol);
    assert_int_equal(t.call.err, ERR_UNAVAILABLE);
    t.refuse = ERR_OVERLOADED;
    ask(&join, carol);
    assert_int_equal(t.call.err, ERR_OVERLOADED);
    size_t bytes = 0;
    AUTO(mem_free) char *text = metrics_write(t.metrics, &bytes);
    assert_non_null(strstr(text, "lynks_participant_commands_total{result=\"refused\"} 1"));
    assert_non_null(strstr(text, "lynks_participant_commands_total{result=\"failed\"} 2"));
}

static void a_page_has_who_is_in(void **state)
{
    const struct msg page = {.id = MSG_participant_page,
                             .participant_page = {.room = STR_LIT("1"), .limit = 10}};
    (void)state;
    t.page.items[0] = t.outcome.participant;
    t.page.count = 1;
    t.page.open_room_id = 7;
    t.page.feeds[0].id = 9001;
    t.page.feed_count = 1;
    ask(&page, carol);
    assert_int_equal(t.call.reply.participant_page_reply.participants.count, 1);
    assert_int_equal(t.call.reply.participant_page_reply.participants.items[0].id, 5);
    assert_int_equal(t.call.reply.participant_page_reply.open_room_id, 7);
    assert_int_equal(t.call.reply.participant_page_reply.feeds.count, 1);
    assert_int_equal(t.call.reply.participant_page_reply.feeds.items[0], 9001);
    t.err = ERR_NOT_FOUND;
    ask(&page, carol);
    assert_int_equal(t.call.err, ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_asks_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_but_coming_in_needs_somebody_who_is_known, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_is_in_is_told_what_he_can, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_waits_for_janus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_told_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_has_who_is_in, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
