/* How observers come and go. */
#include "tests/unit/janusbridge/observing.h"

#define EVENT(members) "{\"videoroom\":\"event\",\"room\":1234," members "}"

static size_t open_requests(struct bridge_fixture *b, const char *text)
{
    return mock_transport_open(&b->f.janus, text);
}

static uint64_t observer_count(struct bridge_fixture *b)
{
    return metric_value(metrics_gauge(b->f.metrics, "lynks_janusbridge_observers", "", NULL));
}

/* Asks for a room and answers it, from Janus: that makes its observer. */
static void ask_for(struct bridge_fixture *b, uint64_t room_id)
{
    (void)bridge_list_of(b, room_id);
    AUTO(mem_free)
    char *answer = mem_printf("{\"janus\":\"success\",\"transaction\":\"$T\",\"plugindata\":{"
                              "\"plugin\":\"janus.plugin.videoroom\",\"data\":{\"videoroom\":"
                              "\"participants\",\"room\":%" PRIu64 ",\"participants\":[]}}}",
                              room_id);
    fixture_answer(&b->f, PARTICIPANTS, answer);
}

static void test_one_that_is_out_of_its_room_is_made_anew(void **state)
{
    struct bridge_fixture *b = *state;
    static const char *const ends[] = {EVENT("\"leaving\":\"ok\",\"reason\":\"kicked\""),
                                       "{\"videoroom\":\"destroyed\",\"room\":1234}"};
    observing_begin(b, "");
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        observing_event(b, OBSERVER, ends[i]);
        fixture_answer(&b->f, "detach", "{\"janus\":\"success\",\"transaction\":\"$T\"}");
        assert_int_equal(observer_count(b), 0);
        assert_false(observing_is_known(b));
        fixture_answer(&b->f, PARTICIPANTS, LIST(""));
        observing_attach(b, OBSERVER);
        observing_answer(b, "\"join\"", OBSERVER,
                         "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,\"publishers\":[]}");
        if (open_requests(b, PULSE) == 0) {
            fake_clock_advance(b->f.clock, 60);
        }
        observing_pulse(b);
        EXPECT(b);
    }
}

static void test_a_handle_that_janus_ended_is_not_detached(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "");
    fixture_event(&b->f, "[{\"janus\":\"detached\",\"session_id\":11,\"sender\":33}]");
    assert_int_equal(bridge_sent(b, "detach\""), 0);
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, LIST(""));
    assert_int_equal(open_requests(b, "\"attach\""), 1);
}

/* Its end was told in a gap: the next answer of Janus shows that it is not there. */
static void test_one_that_is_not_in_the_answer_is_made_anew(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    fixture_event(&b->f, KEEPALIVES);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, LIST(MEMBER(5, true)));
    assert_int_equal(observer_count(b), 0);
    assert_int_equal(observing_counter(b, "lynks_janusbridge_observers_lost_total"), 1);
}

static void test_a_pulse_finds_a_dead_handle(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    fake_clock_advance(b->f.clock, 60);
    fixture_answer(&b->f, PULSE, CORE_ERROR(459));
    assert_true(janus_session_is_ready(b->f.session)); /* it is not the session's own */
    assert_int_equal(observer_count(b), 0);
}

static void test_a_room_that_is_gone_has_none(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    struct mock_call *destroy = bridge_destroy(b);
    fixture_answer(&b->f, "\"destroy\"", PLUGIN("{\"videoroom\":\"destroyed\",\"room\":1234}"));
    assert_int_equal(destroy->err, ERR_OK);
    assert_int_equal(observer_count(b), 0);
    struct mock_call *list = bridge_list(b);
    fixture_answer(&b->f, PARTICIPANTS, PLUGIN_ERROR(426));
    assert_int_equal(list->err, ERR_NO_SUCH_ROOM);
    assert_int_equal(open_requests(b, "\"attach\""), 0);
}

static void test_few_are_made_at_a_time(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    for (uint64_t room_id = 1; room_id <= OBSERVERS_MAX; room_id++) {
        ask_for(b, room_id);
    }
    assert_int_equal(open_requests(b, "\"attach\""), 2);
    assert_int_equal(observer_count(b), OBSERVERS_MAX);
    observing_attach(b, 101);
    observing_attach(b, 102);
    assert_int_equal(open_requests(b, "\"attach\""), 0);
    observing_answer(b, "\"room\":1}", 101,
                     "{\"videoroom\":\"joined\",\"room\":1,\"id\":1,\"publishers\":[]}");
    assert_int_equal(open_requests(b, "\"attach\""), 1);
    fixture_answer(&b->f, "\"room\":2}", CORE_ERROR(459));
    assert_int_equal(open_requests(b, "\"attach\""), 2);
}

static void test_a_full_table_gives_place_to_what_is_asked_for(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    for (uint64_t room_id = 1; room_id <= OBSERVERS_MAX; room_id++) {
        ask_for(b, room_id);
    }
    ask_for(b, 77); /* the others were asked for a moment ago */
    assert_int_equal(observer_count(b), OBSERVERS_MAX);
    const size_t attaches = bridge_sent(b, "\"attach\"");
    for (int i = 0; i < 10; i++) {
        fixture_live(&b->f, 100);
        ask_for(b, 2); /* keeps its place */
    }
    assert_int_equal(bridge_sent(b, "\"attach\""), attaches);
}

static void test_one_that_nobody_asks_for_goes(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "");
    for (uint64_t ms = 0; ms < OBSERVER_IDLE_MS + 1000; ms += 100) {
        fixture_live(&b->f, 100);
        while (open_requests(b, PULSE) > 0) {
            observing_pulse(b);
        }
        while (open_requests(b, PARTICIPANTS) > 0) {
            fixture_answer(&b->f, PARTICIPANTS, SEEN(""));
        }
        assert_int_equal(observer_count(b), ms < OBSERVER_IDLE_MS - 1000 ? 1 : observer_count(b));
    }
    assert_int_equal(observer_count(b), 0);
    fixture_answer(&b->f, "detach", "{\"janus\":\"success\",\"transaction\":\"$T\"}");
}

static void test_an_attach_that_fails_is_tried_again_by_the_next(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    ask_for(b, 5);
    mock_transport_break(mock_transport_get(&b->f.janus, "\"attach\""), ERR_DEADLINE);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    assert_int_equal(observer_count(b), 0);
    ask_for(b, 5);
    assert_int_equal(open_requests(b, "\"attach\""), 1);
}

/* It may have joined all the same. */
static void test_a_join_without_an_answer_is_taken_back(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    ask_for(b, 5);
    observing_attach(b, 101);
    fixture_answer(&b->f, "\"join\"", ACK);
    fake_clock_advance(b->f.clock, CONTROL_TIMEOUT_MS);
    assert_int_equal(observer_count(b), 0);
    assert_int_equal(open_requests(b, "detach"), 1);
}

static void test_handles_of_an_earlier_bridge_are_ended(void **state)
{
    struct bridge_fixture *b = *state;
    fixture_bring_up(&b->f);
    observing_event(b, 666, EVENT("\"leaving\":5"));
    assert_int_equal(open_requests(b, "/11/666"), 1);
    assert_int_equal(open_requests(b, "detach"), 1);
    observing_event(b, 22, EVENT("\"leaving\":5")); /* our own handle */
    assert_int_equal(open_requests(b, "detach"), 1);
    for (uint64_t handle = 1000; handle < 1100; handle++) {
        observing_event(b, handle, EVENT("\"leaving\":5"));
    }
    assert_true(observing_counter(b, "lynks_janusbridge_stray_handles_total") <= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bridge_setup_observing, bridge_teardown)
        T(test_one_that_is_out_of_its_room_is_made_anew),
        T(test_a_handle_that_janus_ended_is_not_detached),
        T(test_one_that_is_not_in_the_answer_is_made_anew),
        T(test_a_pulse_finds_a_dead_handle),
        T(test_a_room_that_is_gone_has_none),
        T(test_few_are_made_at_a_time),
        T(test_a_full_table_gives_place_to_what_is_asked_for),
        T(test_one_that_nobody_asks_for_goes),
        T(test_an_attach_that_fails_is_tried_again_by_the_next),
        T(test_a_join_without_an_answer_is_taken_back),
        T(test_handles_of_an_earlier_bridge_are_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
