/* Leases and pages of rooms as the bridge is told them, with the store played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "roomsvc/node/nodes.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct node_fence *fence;
    struct nodes nodes;
    struct mock_call call;
    enum err refuse;
    struct node_claim claim;
    uint64_t after;
    node_store_lease_fn *lease_fn;
    node_store_rooms_fn *rooms_fn;
    void *arg;
};

static enum err store_claim(void *self, const struct node_claim *claim, uint64_t deadline_ms,
                            node_store_lease_fn *fn, void *arg)
{
    struct fixture *f = self;
    (void)deadline_ms;
    f->claim = *claim;
    f->lease_fn = fn;
    f->arg = arg;
    return f->refuse;
}

static enum err store_rooms(void *self, struct str node, uint64_t after, uint64_t deadline_ms,
                            node_store_rooms_fn *fn, void *arg)
{
    struct fixture *f = self;
    (void)deadline_ms;
    assert_true(str_eq(node, STR_LIT("node-1")));
    f->after = after;
    f->rooms_fn = fn;
    f->arg = arg;
    return f->refuse;
}

static const struct node_store_ops store_ops = {store_claim, store_rooms};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    const struct node_fence_parts fence = {.clock = fake_clock_clock(f->clock),
                                           .metrics = f->metrics};
    f->fence = node_fence_new(&fence);
    f->nodes = (struct nodes){.clock = fake_clock_clock(f->clock),
                              .store = {.ops = &store_ops, .self = f},
                              .fence = f->fence};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mock_call_fini(&f->call);
    node_fence_free(&f->fence);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return log_capture_teardown(NULL);
}

static const char me[] = "0123456789abcdef";

static void renew(struct fixture *f)
{
    const struct msg request = {.id = MSG_node_renew,
                                .node_renew = {.node = STR_LIT("node-1"),
                                               .holder = {me, 16},
                                               .janus_session = 11,
                                               .janus_handle = 22}};
    mock_call_init(&f->call, fake_clock_clock(f->clock), &request);
    nodes_renew(&f->nodes, &f->call.call);
}

static void claim_carries_what_the_bridge_has(void **state)
{
    struct fixture *f = *state;
    renew(f);
    assert_string_equal(f->claim.node, "node-1");
    assert_memory_equal(f->claim.holder, me, 16);
    assert_int_equal(f->claim.janus_session, 11);
    assert_int_equal(f->claim.janus_handle, 22);
    assert_int_equal(f->claim.lease_ms, NODE_LEASE_MS);
    f->lease_fn(f->arg, ERR_UNAVAILABLE, NULL);
    log_capture_expect("lease could not be judged");
    assert_int_equal(f->call.err, ERR_UNAVAILABLE);
}

static void only_its_live_holder_holds_it(void **state)
{
    static const struct {
        const char *holder;
        uint64_t remaining_ms;
        bool held;
    } rows[] = {{me, 2000, true}, {"fedcba9876543210", 1500, false}, {me, 0, false}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        mock_call_fini(&f->call);
        renew(f);
        struct node_lease lease = {.epoch = 7,
                                   .remaining_ms = rows[i].remaining_ms,
                                   .janus_session = 33,
                                   .janus_handle = 44};
        memcpy(lease.holder, rows[i].holder, 16);
        f->lease_fn(f->arg, ERR_OK, &lease);
        const struct msg_node_renew_reply *reply = &f->call.reply.node_renew_reply;
        assert_int_equal(reply->held, rows[i].held);
        assert_int_equal(reply->epoch, 7);
        assert_int_equal(reply->remaining_ms, rows[i].remaining_ms);
        assert_int_equal(reply->janus_session, 33);
        assert_int_equal(reply->janus_handle, 44);
    }
}

static void a_judged_claim_sets_the_epoch_of_its_node(void **state)
{
    static const uint64_t epochs[] = {7, 3, 4}; /* a dump was restored after the first */
    struct fixture *f = *state;
    log_capture_expect("the database has gone back to an older lease");
    for (size_t i = 0; i < ARRAY_LEN(epochs); i++) {
        mock_call_fini(&f->call);
        renew(f);
        const struct node_lease lease = {.epoch = epochs[i], .remaining_ms = 2000};
        f->lease_fn(f->arg, ERR_OK, &lease);
        assert_true(node_fence_is_current(f->fence, STR_LIT("node-1"), epochs[i]));
        assert_false(node_fence_is_current(f->fence, STR_LIT("node-1"), epochs[i] - 1));
        assert_true(node_fence_is_current(f->fence, STR_LIT("node-2"), 1));
    }
}

/* It was asked before the lease changed hands; the news came by another way. */
static void a_judgement_that_was_overtaken_does_not_count(void **state)
{
    struct fixture *f = *state;
    renew(f);
    node_fence_hear(f->fence, STR_LIT("node-1"), 8);
    const struct node_lease lease = {.epoch = 7, .remaining_ms = 2000};
    f->lease_fn(f->arg, ERR_OK, &lease);
    assert_false(node_fence_is_current(f->fence, STR_LIT("node-1"), 7));
}

static void silent_database_is_told_as_away_while_the_bridge_waits(void **state)
{
    struct fixture *f = *state;
    renew(f);
    fake_clock_advance(f->clock, NODE_ANSWER_MS - 1);
    assert_int_equal(f->call.answers, 0);
    log_capture_expect("lease could not be judged");
    fake_clock_advance(f->clock, 1);
    assert_int_equal(f->call.answers, 1);
    assert_int_equal(f->call.err, ERR_UNAVAILABLE);
    const struct node_lease late = {.epoch = 7, .remaining_ms = 2000};
    f->lease_fn(f->arg, ERR_OK, &late);
    assert_int_equal(f->call.answers, 1);
}

static void a_full_page_fits_into_one_frame(void **state)
{
    static struct room rooms[ROOMS_PAGE];
    struct fixture *f = *state;
    for (size_t i = 0; i < ROOMS_PAGE; i++) {
        rooms[i] = (struct room){.id = ROOM_ID_MAX - ROOMS_PAGE + i, .publishers_max = 20};
        (void)snprintf(rooms[i].secret, sizeof(rooms[i].secret), "%032zu", i);
        (void)snprintf(rooms[i].janus_pin, sizeof(rooms[i].janus_pin), "%064zu", i);
    }
    const struct msg request = {.id = MSG_node_rooms,
                                .node_rooms = {.node = STR_LIT("node-1"), .after_room_id = 5}};
    mock_call_init(&f->call, fake_clock_clock(f->clock), &request);
    nodes_rooms(&f->nodes, &f->call.call);
    assert_int_equal(f->after, 5);
    f->rooms_fn(f->arg, ERR_OK, rooms, ROOMS_PAGE);
    assert_int_equal(f->call.err, ERR_OK);
    const struct msg_node_room_list *page = &f->call.reply.node_rooms_reply.rooms;
    assert_int_equal(page->count, ROOMS_PAGE);
    const struct msg_node_room *last = &page->items[ROOMS_PAGE - 1];
    assert_int_equal(last->room_id, ROOM_ID_MAX - 1);
    assert_int_equal(last->publishers_max, 20);
    assert_true(str_eq(last->secret, STR_LIT("00000000000000000000000000000499")));
    assert_true(str_eq(last->pin, str_of(rooms[ROOMS_PAGE - 1].janus_pin)));
}

static void store_that_refuses_is_told_on(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("lease could not be judged");
    f->refuse = ERR_OVERLOADED;
    renew(f);
    assert_int_equal(f->call.answers, 1);
    assert_int_equal(f->call.err, ERR_OVERLOADED);
    assert_int_equal(log_capture_count("lease could not be judged"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(claim_carries_what_the_bridge_has, setup, teardown),
        cmocka_unit_test_setup_teardown(only_its_live_holder_holds_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_judged_claim_sets_the_epoch_of_its_node, setup, teardown),
        cmocka_unit_test_setup_teardown(a_judgement_that_was_overtaken_does_not_count, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(silent_database_is_told_as_away_while_the_bridge_waits,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_page_fits_into_one_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(store_that_refuses_is_told_on, setup, teardown),
    };
    return cmocka_run_group_tests_name("roomsvc nodes", tests, NULL, NULL);
}
