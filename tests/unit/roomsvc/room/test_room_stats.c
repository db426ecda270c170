/* How much there is of rooms: who may ask, and what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/room/room_stats.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

static struct {
    struct fake_clock *clock;
    struct room_stats *stats;
    struct mock_call call;
    struct stats_counted counted;
    enum err refusal, err;
    unsigned asked;
} t;

static enum err count_at_once(void *self, uint64_t deadline_ms, stats_store_fn *fn, void *arg)
{
    (void)self;
    assert_true(deadline_ms > 0);
    t.asked++;
    if (t.refusal == ERR_OK) {
        fn(arg, t.err, t.err == ERR_OK ? &t.counted : NULL);
    }
    return t.refusal;
}

static const struct stats_store_ops ops = {count_at_once};

static int set_up(void **state)
{
    memset(&t, 0, sizeof(t));
    t.clock = fake_clock_new();
    t.stats = room_stats_new(fake_clock_clock(t.clock), (struct stats_store){.ops = &ops});
    return log_capture_setup(state);
}

static int tear_down(void **state)
{
    mock_call_fini(&t.call);
    room_stats_free(&t.stats);
    fake_clock_free(&t.clock);
    return log_capture_teardown(state);
}

static void ask_as(enum principal_kind kind, enum role role)
{
    static const struct msg request = {.id = MSG_room_stats};
    mock_call_fini(&t.call);
    mock_call_init(&t.call, fake_clock_clock(t.clock), &request);
    t.call.call.context.principal = (struct principal){
        .kind = kind, .role = role, .user_id = kind == PRINCIPAL_USER ? 7 : 0, .session_id = 1};
    room_stats_tell(t.stats, &t.call.call);
}

static void only_admins_are_told_of_rooms(void **state)
{
    (void)state;
    ask_as(PRINCIPAL_NONE, ROLE_MEMBER);
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    ask_as(PRINCIPAL_USER, ROLE_MEMBER);
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    assert_int_equal(t.asked, 0);
}

static void what_is_counted_of_rooms_is_told(void **state)
{
    (void)state;
    t.counted = (struct stats_counted){
        .rooms = 9,
        .meetings = 2,
        .joined = 5,
        .waiting = 1,
        .publishing = 4,
        .watching = 3,
        .gateways = {{.gateway = {0xab}, .participants = 5, .seen_unix_ms = 77}},
        .gateway_count = 1,
        .nodes = {{.node = "a", .is_held = 1, .connections = 7, .seen_unix_ms = 78}, {.node = "b"}},
        .node_count = 2};
    ask_as(PRINCIPAL_USER, ROLE_ADMIN);
    assert_int_equal(t.call.err, ERR_OK);
    const struct msg_room_stats_reply *reply = &t.call.reply.room_stats_reply;
    assert_int_equal(reply->rooms, 9);
    assert_int_equal(reply->meetings, 2);
    assert_int_equal(reply->joined, 5);
    assert_int_equal(reply->waiting, 1);
    assert_int_equal(reply->publishing, 4);
    assert_int_equal(reply->watching, 3);
    assert_int_equal(reply->gateways.count, 1);
    assert_int_equal((uint8_t)reply->gateways.items[0].gateway.data[0], 0xab);
    assert_int_equal(reply->gateways.items[0].participants, 5);
    assert_int_equal(reply->nodes.count, 2);
    assert_true(reply->nodes.items[0].held);
    assert_int_equal(reply->nodes.items[0].connections, 7);
    assert_true(str_eq(reply->nodes.items[1].node, STR_LIT("b")));
    assert_false(reply->nodes.items[1].held);
}

static void what_fails_of_rooms_is_told_and_logged_once(void **state)
{
    (void)state;
    log_capture_expect("rooms not counted");
    t.err = ERR_UNAVAILABLE;
    ask_as(PRINCIPAL_USER, ROLE_ADMIN);
    assert_int_equal(t.call.err, ERR_UNAVAILABLE);
    t.refusal = ERR_OVERLOADED;
    ask_as(PRINCIPAL_USER, ROLE_ADMIN);
    assert_int_equal(t.call.err, ERR_OVERLOADED);
    assert_int_equal(log_capture_count("rooms not counted"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_admins_are_told_of_rooms),
        TEST(what_is_counted_of_rooms_is_told),
        TEST(what_fails_of_rooms_is_told_and_logged_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
