/* Several callers at once: sharing, order, deadlines, and Janus going away under them. */
#include "tests/unit/janusbridge/bridge_fixture.h"

/* ---- several callers ---- */

static void test_callers_of_one_room_share_a_request(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    for (int i = 0; i < 3; i++) {
        bridge_list(b);
    }
    bridge_list_of(b, ROOM + 1);
    assert_int_equal(bridge_sent(b, "listparticipants"), 2);
    fixture_answer(&b->f, "listparticipants", LIST("{\"id\":7,\"publisher\":true}"));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b->calls[i].answers, 1);
        assert_int_equal(b->calls[i].err, ERR_OK);
        assert_int_equal(b->calls[i].reply.bridge_participants_reply.publishers.items[0], 7);
    }
    assert_int_equal(b->calls[3].answers, 0);
    assert_int_equal(fixture_counter(&b->f, "lynks_janusbridge_shared_calls_total", NULL), 2);
    /* No answer is kept for later. */
    bridge_list(b);
    assert_int_equal(bridge_sent(b, "listparticipants"), 3);
}

static void test_create_and_destroy_of_a_room_go_in_order(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    bridge_create(b);
    bridge_destroy(b);
    bridge_create(b);
    bridge_exists(b); /* needs no order */
    assert_int_equal(bridge_sent(b, "\"message\""), 2);
    fixture_answer(&b->f, "\"request\":\"create\"",
                   PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_int_equal(bridge_sent(b, "\"request\":\"destroy\""), 1);
    assert_int_equal(bridge_sent(b, "\"request\":\"create\""), 1);
    fixture_answer(&b->f, "\"request\":\"destroy\"",
                   PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    fixture_answer(&b->f, "\"request\":\"create\"", PLUGIN_ERROR(427));
    fixture_answer(&b->f, "\"request\":\"edit\"", EDITED(1234));
    assert_true(b->calls[2].err == ERR_OK && b->calls[2].reply.bridge_create_reply.existed);
}

/* Who is in it and whether it is there are two questions. */
static void test_only_the_same_question_is_shared(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *list = bridge_list(b);
    struct mock_call *exists = bridge_exists(b);
    assert_int_equal(bridge_sent(b, "listparticipants"), 1);
    assert_int_equal(bridge_sent(b, "\"request\":\"exists\""), 1);
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1234,\"exists\":true}"));
    assert_true(exists->err == ERR_OK && exists->reply.bridge_exists_reply.exists);
    assert_int_equal(list->answers, 0);
    fixture_answer(&b->f, "listparticipants", LIST("{\"id\":7,\"publisher\":true}"));
    assert_int_equal(list->reply.bridge_participants_reply.publishers.count, 1);
}

static void test_too_many_callers_are_refused(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=overloaded");
    fixture_bring_up(&b->f);
    for (int i = 0; i < CALLERS_MAX; i++) {
        assert_int_equal(bridge_list(b)->answers, 0);
    }
    assert_int_equal(bridge_list(b)->err, ERR_OVERLOADED);
}

/* ---- deadlines ---- */

static void test_callers_are_answered_at_their_deadline(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    struct mock_call *first = bridge_list(b);
    fake_clock_advance(b->f.clock, 1000);
    struct mock_call *second = bridge_list(b);
    assert_int_equal(bridge_sent(b, "listparticipants"), 1);
    fake_clock_advance(b->f.clock, 2999);
    assert_int_equal(first->answers, 0);
    fake_clock_advance(b->f.clock, 1);
    assert_int_equal(first->err, ERR_DEADLINE);
    assert_int_equal(second->answers, 0);
    /* Janus is asked whether it is there; the old request is not joined any more. */
    assert_int_equal(bridge_sent(b, "\"keepalive\""), 1);
    struct mock_call *third = bridge_list(b);
    assert_int_equal(bridge_sent(b, "listparticipants"), 2);
    fixture_answer(&b->f, "listparticipants", LIST("{\"id\":7,\"publisher\":true}"));
    assert_int_equal(second->err, ERR_OK);
    assert_int_equal(third->answers, 0);
}

static void test_a_late_answer_is_counted_and_dropped(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    struct mock_call *call = bridge_list(b);
    fake_clock_advance(b->f.clock, 4000);
    assert_int_equal(call->err, ERR_DEADLINE);
    fixture_answer(&b->f, "listparticipants", LIST(""));
    assert_int_equal(call->answers, 1);
    assert_int_equal(fixture_counter(&b->f, "lynks_janus_late_answers_total", NULL), 1);
}

static void test_an_order_outlives_its_caller(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    struct mock_call *first = bridge_create(b);
    fake_clock_advance(b->f.clock, 3900);
    struct mock_call *second = bridge_destroy(b);
    fake_clock_advance(b->f.clock, 100);
    assert_int_equal(first->err, ERR_DEADLINE);
    /* Janus may still make the room: to destroy it now could come too early. */
    assert_int_equal(bridge_sent(b, "\"request\":\"destroy\""), 0);
    fixture_answer(&b->f, "\"request\":\"create\"",
                   PLUGIN("{\"videoroom\":\"created\",\"room\":1234}"));
    assert_int_equal(bridge_sent(b, "\"request\":\"destroy\""), 1);
    fixture_answer(&b->f, "\"request\":\"destroy\"",
                   PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    assert_int_equal(second->err, ERR_OK);
}

static void test_an_order_that_was_not_sent_dies_with_its_caller(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    bridge_create(b);
    bridge_destroy(b);
    bridge_create(b);
    fake_clock_advance(b->f.clock, 4000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b->calls[i].err, ERR_DEADLINE);
    }
    fixture_answer(&b->f, "\"request\":\"create\"", PLUGIN_ERROR(427));
    assert_int_equal(bridge_sent(b, "\"message\""), 1);
}

static void test_a_call_that_comes_too_late_is_not_sent(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    struct mock_call *call = &b->calls[b->count++];
    const struct msg request = {.id = MSG_bridge_exists, .bridge_exists = {.room_id = ROOM}};
    mock_call_init(call, fake_clock_clock(b->f.clock), &request);
    fake_clock_advance(b->f.clock, 4000);
    bridge_handlers[1].fn(b->bridge, &call->call);
    assert_int_equal(call->err, ERR_DEADLINE);
    assert_int_equal(bridge_sent(b, "\"message\""), 0);
}

static void test_what_waits_for_a_connection_is_taken_back(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=deadline");
    fixture_bring_up(&b->f);
    for (uint64_t i = 0; i < PARALLEL_MAX + 2; i++) {
        bridge_list_of(b, ROOM + i);
    }
    assert_int_equal(bridge_sent(b, "listparticipants"), PARALLEL_MAX);
    fake_clock_advance(b->f.clock, 4000);
    while (mock_transport_open(&b->f.janus, "listparticipants") > 0) {
        fixture_answer(&b->f, "listparticipants", PLUGIN_ERROR(426));
    }
    assert_int_equal(bridge_sent(b, "listparticipants"), PARALLEL_MAX);
}

/* ---- connections that break ---- */

static void break_one(struct bridge_fixture *b, const char *request)
{
    mock_transport_break(mock_transport_get(&b->f.janus, request), ERR_UNAVAILABLE);
}

static void test_a_question_whose_connection_broke_is_asked_again(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    struct mock_call *lists[] = {bridge_list(b), bridge_list(b)};
    for (int i = 1; i < JANUS_TRIES_MAX; i++) {
        break_one(b, "listparticipants");
    }
    fixture_answer(&b->f, "listparticipants", LIST(""));
    assert_int_equal(lists[0]->err, ERR_OK);
    assert_int_equal(lists[1]->err, ERR_OK);
    struct mock_call *exists = bridge_exists(b);
    break_one(b, "exists");
    fixture_answer(&b->f, "exists",
                   PLUGIN("{\"videoroom\":\"success\",\"room\":1234,\"exists\":true}"));
    assert_int_equal(exists->err, ERR_OK);
    assert_int_equal(fixture_counter(&b->f, "lynks_janusbridge_repeated_questions_total", NULL),
                     JANUS_TRIES_MAX);
}

static void test_but_not_for_ever_and_orders_are_not(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("error=unavailable");
    fixture_bring_up(&b->f);
    struct mock_call *list = bridge_list(b);
    for (int i = 0; i < JANUS_TRIES_MAX; i++) {
        assert_int_equal(list->answers, 0);
        break_one(b, "listparticipants");
    }
    assert_int_equal(list->err, ERR_UNAVAILABLE);
    struct mock_call *create = bridge_create(b);
    break_one(b, "\"request\":\"create\"");
    assert_int_equal(create->err, ERR_UNAVAILABLE);
    assert_int_equal(bridge_sent(b, "\"request\":\"create\""), 1);
}

/* ---- Janus goes ---- */

static void test_all_who_wait_are_told_when_janus_goes(void **state)
{
    struct bridge_fixture *b = *state;
    log_capture_expect("janus cannot be reached");
    fixture_bring_up(&b->f);
    bridge_create(b);
    bridge_destroy(b);
    bridge_list(b);
    bridge_list(b);
    bridge_exists(b);
    mock_transport_break(mock_transport_get(&b->f.janus, "maxev"), ERR_UNAVAILABLE);
    fixture_lose_link(&b->f);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(b->calls[i].answers, 1);
        assert_int_equal(b->calls[i].err, ERR_UNAVAILABLE);
    }
    assert_int_equal(log_capture_count("call failed"), 1);
}

static void test_the_end_of_the_session_answers_all_who_wait(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    bridge_create(b);
    bridge_destroy(b);
    bridge_list(b);
    janus_session_free(&b->f.session);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b->calls[i].err, ERR_UNAVAILABLE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bridge_setup, bridge_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_callers_of_one_room_share_a_request),
        TEST(test_create_and_destroy_of_a_room_go_in_order),
        TEST(test_only_the_same_question_is_shared),
        TEST(test_too_many_callers_are_refused),
        TEST(test_callers_are_answered_at_their_deadline),
        TEST(test_a_late_answer_is_counted_and_dropped),
        TEST(test_an_order_outlives_its_caller),
        TEST(test_an_order_that_was_not_sent_dies_with_its_caller),
        TEST(test_a_call_that_comes_too_late_is_not_sent),
        TEST(test_what_waits_for_a_connection_is_taken_back),
        TEST(test_a_question_whose_connection_broke_is_asked_again),
        TEST(test_but_not_for_ever_and_orders_are_not),
        TEST(test_all_who_wait_are_told_when_janus_goes),
        TEST(test_the_end_of_the_session_answers_all_who_wait),
    };
    return cmocka_run_group_tests_name("room_calls", tests, NULL, NULL);
}
