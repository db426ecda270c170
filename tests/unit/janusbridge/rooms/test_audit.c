/* Memory against Janus. */
#include "tests/unit/janusbridge/observing.h"

#define EVENT(members) "{\"videoroom\":\"event\",\"room\":1234," members "}"

static uint64_t comparisons(struct bridge_fixture *b)
{
    return observing_counter(b, "lynks_janusbridge_audit_comparisons_total");
}

static uint64_t differences(struct bridge_fixture *b)
{
    return observing_counter(b, "lynks_janusbridge_audit_differences_total");
}

/* Time passes until the audit asks. */
static void until_it_asks(struct bridge_fixture *b)
{
    for (int i = 0; i < 50 && mock_transport_open(&b->f.janus, PARTICIPANTS) == 0; i++) {
        fixture_live(&b->f, 100);
        while (mock_transport_open(&b->f.janus, PULSE) > 0) {
            observing_pulse(b);
        }
    }
    assert_int_equal(mock_transport_open(&b->f.janus, PARTICIPANTS), 1);
}

static void test_the_same_is_counted(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    for (uint64_t i = 1; i <= 3; i++) {
        until_it_asks(b);
        fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true) "," MEMBER(6, false)));
        assert_int_equal(comparisons(b), i);
    }
    assert_int_equal(differences(b), 0);
}

static void test_an_event_on_its_way_is_no_difference(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    until_it_asks(b);
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true) "," MEMBER(6, true)));
    observing_event(b, OBSERVER, EVENT("\"publishers\":[{\"id\":6}]"));
    until_it_asks(b);
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true) "," MEMBER(6, true)));
    assert_int_equal(comparisons(b), 1);
    assert_int_equal(differences(b), 0);
}

static void test_an_event_that_overtook_the_answer_is_none_either(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    until_it_asks(b);
    observing_event(b, OBSERVER, EVENT("\"publishers\":[{\"id\":6}]"));
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(5, true)));
    assert_int_equal(comparisons(b), 1);
    assert_int_equal(differences(b), 0);
}

static void test_a_room_in_motion_is_left_alone(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "");
    until_it_asks(b);
    fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(6, true)));
    for (int i = 0; i < 10; i++) {
        until_it_asks(b);
        observing_event(b, OBSERVER, EVENT("\"leaving\":77"));
        fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(6, true)));
    }
    assert_int_equal(differences(b), 0);
}

static void test_a_difference_that_stays_is_mended(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    log_capture_expect("memory and janus differ");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(differences(b), 0);
        until_it_asks(b);
        fixture_answer(&b->f, PARTICIPANTS, SEEN("," MEMBER(6, true)));
    }
    assert_int_equal(differences(b), 1);
    assert_int_equal(log_capture_count("memory and janus differ"), 1);
    assert_false(observing_is_known(b));
    fixture_answer(&b->f, PARTICIPANTS, LIST(""));
    assert_int_equal(mock_transport_open(&b->f.janus, "\"attach\""), 1);
}

static void test_no_answer_is_no_comparison(void **state)
{
    struct bridge_fixture *b = *state;
    observing_begin(b, "{\"id\":5}");
    until_it_asks(b);
    mock_transport_break(mock_transport_get(&b->f.janus, PARTICIPANTS), ERR_DEADLINE);
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    assert_int_equal(comparisons(b), 0);
    until_it_asks(b);
    fixture_answer(&b->f, PARTICIPANTS, "nonsense");
    fixture_answer(&b->f, "\"keepalive\"", ACK);
    assert_int_equal(comparisons(b) + differences(b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, bridge_setup_observing, bridge_teardown)
        T(test_the_same_is_counted),
        T(test_an_event_on_its_way_is_no_difference),
        T(test_an_event_that_overtook_the_answer_is_none_either),
        T(test_a_room_in_motion_is_left_alone),
        T(test_a_difference_that_stays_is_mended),
        T(test_no_answer_is_no_comparison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
