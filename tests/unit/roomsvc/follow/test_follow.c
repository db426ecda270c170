/* Lists that roomsvc answers itself, and what it asks of bridges for that. */
#include "tests/unit/roomsvc/rooms_fixture.h"

#define ONE "tcp://127.0.0.1:5713"
#define TWO "tcp://127.0.0.1:5723"
#define EPOCH 7
#define BRIDGE_MS 500

static uint64_t now_ms(struct fixture *f)
{
    return clock_mono_ms(fake_clock_clock(f->clock));
}

/* A sign of life; number 1 is the first that is heard of this bridge. */
static void live_as(struct fixture *f, struct str node, const char *endpoint, uint64_t epoch,
                    uint64_t number, uint64_t clock_ms)
{
    const struct msg_bridge_event event = {.node = node,
                                           .epoch = epoch,
                                           .what = BRIDGE_LIVES,
                                           .clock_ms = clock_ms,
                                           .has_age_ms = true};
    follow_hear(f->follow, endpoint, &event, number, number > 1);
}

static void live(struct fixture *f, const char *endpoint, uint64_t epoch, uint64_t number,
                 uint64_t clock_ms)
{
    live_as(f, STR_LIT("default"), endpoint, epoch, number, clock_ms);
}

static void answer_batch(struct fixture *f, uint64_t epoch, uint64_t clock_ms)
{
    const struct msg reply = {.id = MSG_bridge_follow_reply,
                              .bridge_follow_reply = {.clock_ms = clock_ms, .epoch = epoch}};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_bridge_follow);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, &reply);
}

static void take_list(struct fixture *f, uint64_t room_id, uint64_t epoch, uint64_t event)
{
    static const uint64_t feeds[] = {1111, 2222};
    const struct msg_bridge_participants_reply reply = {
        .publishers = {feeds, 2}, .event = event, .has_event = true, .epoch = epoch};
    follow_take(f->follow, STR_LIT("default"), room_id, &reply);
}

/* Bridge ONE is followed, its clock is known, and it has the list of room 77. */
static int setup_followed(void **state)
{
    setup(state);
    struct fixture *f = *state;
    set_up_rooms(f, 123456);
    live(f, ONE, EPOCH, 1, BRIDGE_MS);
    fake_clock_advance(f->clock, 1000);
    answer_batch(f, EPOCH, BRIDGE_MS + 1000);
    live(f, ONE, EPOCH, 2, BRIDGE_MS + 1000);
    take_list(f, 77, EPOCH, 2);
    return 0;
}

static bool answers(struct fixture *f, uint64_t room_id)
{
    struct u64_list list;
    const bool is_answered = follow_answer(f->follow, STR_LIT("default"), room_id, &list);
    assert_true(!is_answered || list.count == 2);
    return is_answered;
}

static uint64_t lists_from(struct fixture *f, const char *label)
{
    return metric_value(metrics_counter(f->metrics, "lynks_rooms_lists_total", "", label));
}

static void a_list_that_is_followed_is_answered_without_the_bridge(void **state)
{
    struct fixture *f = *state;
    list(f, 77);
    answer_store(next_store_call(f), ERR_OK, &stored);
    assert_listed(f);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
    fake_clock_advance(f->clock, 201);
    list(f, 77);
    assert_int_equal(f->call->answers, 0);
    answer_participants(f);
    assert_listed(f);
}

/* The bridge's answer makes the copy that the next is answered from. */
static void an_answer_of_the_bridge_is_kept(void **state)
{
    struct fixture *f = *state;
    static const uint64_t feeds[] = {1111, 2222};
    const struct msg reply = {
        .id = MSG_bridge_participants_reply,
        .bridge_participants_reply = {
            .publishers = {feeds, 2}, .event = 2, .has_event = true, .epoch = EPOCH}};
    list(f, 78);
    const struct room other = {.id = 78,
                               .secret = "00112233445566778899aabbccddeeff",
                               .publishers_max = 20,
                               .node = "default"};
    answer_store(next_store_call(f), ERR_OK, &other);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_bridge_participants), ERR_OK, &reply);
    assert_listed(f);
    list(f, 78);
    assert_listed(f);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_participants));
}

static void a_list_without_a_number_is_not_kept(void **state)
{
    struct fixture *f = *state;
    const struct msg_bridge_participants_reply reply = {.epoch = EPOCH};
    follow_take(f->follow, STR_LIT("default"), 78, &reply);
    assert_false(answers(f, 78));
}

/* Its answer is quicker than its first event. */
static void a_list_of_a_node_that_nothing_was_heard_of_is_not_kept(void **state)
{
    struct fixture *f = *state;
    static const uint64_t feeds[] = {3333};
    const struct msg_bridge_participants_reply reply = {
        .publishers = {feeds, 1}, .event = 1, .has_event = true, .epoch = 2};
    struct u64_list list;
    follow_take(f->follow, STR_LIT("other"), 78, &reply);
    assert_false(follow_answer(f->follow, STR_LIT("other"), 78, &list));
}

static void rooms_that_were_asked_for_are_named_once_a_second(void **state)
{
    struct fixture *f = *state;
    assert_true(answers(f, 77));
    assert_true(answers(f, 77));
    assert_false(answers(f, 78)); /* the bridge is asked, and knows */
    assert_int_equal(lists_from(f, "from=\"copy\""), 2);
    assert_int_equal(lists_from(f, "from=\"bridge\""), 1);
    fake_clock_advance(f->clock, 1000);
    struct mock_bus_call *batch = mock_bus_pending(&f->bus, MSG_bridge_follow);
    assert_non_null(batch);
    assert_int_equal(batch->request.bridge_follow.room_ids.count, 1);
    assert_int_equal(batch->request.bridge_follow.room_ids.items[0], 77);
    assert_int_equal(batch->context.deadline_ms, now_ms(f) + 500);
    mock_bus_answer(batch, ERR_UNAVAILABLE, NULL);
    fake_clock_advance(f->clock, 1000);
    batch = mock_bus_pending(&f->bus, MSG_bridge_follow);
    assert_non_null(batch);
    assert_int_equal(batch->request.bridge_follow.room_ids.count, 0);
    mock_bus_answer(batch, ERR_UNAVAILABLE, NULL);
}

static void a_bridge_that_was_followed_by_another_is_not_believed(void **state)
{
    struct fixture *f = *state;
    assert_true(answers(f, 77));
    live(f, TWO, EPOCH + 1, 1, 9);
    assert_false(answers(f, 77));
    take_list(f, 77, EPOCH + 1, 1);
    fake_clock_advance(f->clock, 1000);
    answer_batch(f, EPOCH + 1, 1009);
    live(f, TWO, EPOCH + 1, 2, 1009);
    assert_true(answers(f, 77));
}

static void a_bridge_that_is_gone_is_forgotten(void **state)
{
    struct fixture *f = *state;
    assert_true(answers(f, 77));
    follow_leave(f->follow, TWO); /* of which nothing was heard */
    assert_true(answers(f, 77));
    follow_leave(f->follow, ONE);
    assert_false(answers(f, 77));
}

static void another_nodes_events_are_not_ours(void **state)
{
    struct fixture *f = *state;
    const struct msg_bridge_event event = {
        .node = STR_LIT("other"), .epoch = EPOCH + 1, .what = BRIDGE_UNFOLLOWS_ALL};
    follow_hear(f->follow, TWO, &event, 1, false);
    assert_true(answers(f, 77));
}

static bool answers_of(struct fixture *f, struct str node, uint64_t room_id)
{
    struct u64_list list;
    return follow_answer(f->follow, node, room_id, &list);
}

/* Each node's bridge is named its own rooms, and its epochs and lists are its own. */
static void nodes_are_followed_side_by_side(void **state)
{
    struct fixture *f = *state;
    static const uint64_t feeds[] = {3333};
    const struct msg_bridge_participants_reply reply = {
        .publishers = {feeds, 1}, .event = 1, .has_event = true, .epoch = 2};
    live_as(f, STR_LIT("other"), TWO, 2, 1, 40);
    fake_clock_advance(f->clock, 1000);
    struct mock_bus_call *batch = mock_bus_pending(&f->bus, MSG_bridge_follow);
    assert_true(str_eq(batch->request.bridge_follow.node, STR_LIT("default")));
    answer_batch(f, EPOCH, BRIDGE_MS + 2000);
    batch = mock_bus_pending(&f->bus, MSG_bridge_follow);
    assert_true(str_eq(batch->request.bridge_follow.node, STR_LIT("other")));
    answer_batch(f, 2, 1040);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_follow));
    live(f, ONE, EPOCH, 3, BRIDGE_MS + 2000);
    live_as(f, STR_LIT("other"), TWO, 2, 2, 1040);
    follow_take(f->follow, STR_LIT("other"), 78, &reply);
    assert_true(answers_of(f, STR_LIT("other"), 78)); /* epoch 2 is none the worse for 7 */
    assert_true(answers_of(f, STR_LIT("default"), 77));
    assert_false(answers_of(f, STR_LIT("default"), 78));
    assert_false(answers_of(f, STR_LIT("other"), 77));
    fake_clock_advance(f->clock, 1000);
    batch = mock_bus_pending(&f->bus, MSG_bridge_follow);
    assert_int_equal(batch->request.bridge_follow.room_ids.count, 1);
    assert_int_equal(batch->request.bridge_follow.room_ids.items[0], 77);
    answer_batch(f, EPOCH, BRIDGE_MS + 3000);
    batch = mock_bus_pending(&f->bus, MSG_bridge_follow);
    assert_int_equal(batch->request.bridge_follow.room_ids.items[0], 78);
    mock_bus_answer(batch, ERR_UNAVAILABLE, NULL);
}

/* At the same address: what it told of the other node is forgotten. */
static void a_bridge_may_come_back_with_another_node(void **state)
{
    struct fixture *f = *state;
    assert_true(answers(f, 77));
    live_as(f, STR_LIT("other"), ONE, 1, 1, 40);
    assert_false(answers(f, 77));
    fake_clock_advance(f->clock, 1000);
    struct mock_bus_call *batch = mock_bus_pending(&f->bus, MSG_bridge_follow);
    assert_true(str_eq(batch->request.bridge_follow.node, STR_LIT("other")));
    mock_bus_answer(batch, ERR_UNAVAILABLE, NULL);
    assert_null(mock_bus_pending(&f->bus, MSG_bridge_follow));
}

/* Its last bridge goes while a batch is on its way. */
static void an_answer_to_a_node_that_is_gone_is_no_ones(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, 1000);
    follow_leave(f->follow, ONE);
    answer_batch(f, EPOCH, BRIDGE_MS + 2000);
    assert_false(answers(f, 77));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_list_that_is_followed_is_answered_without_the_bridge,
                                        setup_followed, teardown),
        cmocka_unit_test_setup_teardown(an_answer_of_the_bridge_is_kept, setup_followed, teardown),
        cmocka_unit_test_setup_teardown(a_list_without_a_number_is_not_kept, setup_followed,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_list_of_a_node_that_nothing_was_heard_of_is_not_kept,
                                        setup_followed, teardown),
        cmocka_unit_test_setup_teardown(rooms_that_were_asked_for_are_named_once_a_second,
                                        setup_followed, teardown),
        cmocka_unit_test_setup_teardown(a_bridge_that_was_followed_by_another_is_not_believed,
                                        setup_followed, teardown),
        cmocka_unit_test_setup_teardown(a_bridge_that_is_gone_is_forgotten, setup_followed,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_nodes_events_are_not_ours, setup_followed,
                                        teardown),
        cmocka_unit_test_setup_teardown(nodes_are_followed_side_by_side, setup_followed, teardown),
        cmocka_unit_test_setup_teardown(a_bridge_may_come_back_with_another_node, setup_followed,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_answer_to_a_node_that_is_gone_is_no_ones, setup_followed,
                                        teardown),
    };
    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
