/* A Janus that misbehaves in everything: from the start, and after all was well. */
#include "tests/hostile/janusbridge/hostile.h"

/* The answer twice is a right answer and something that is thrown away. */
static bool is_harmless(enum peer_fault fault)
{
    return fault == PEER_TWICE;
}

static int set_up_with_faults(void **state)
{
    hostile_setup_in_doubt(state);
    struct rig *rig = *state;
    scripted_janus_set_fault(rig->janus, SCRIPTED_ALL, PEER_SILENT);
    return 0;
}

static void test_never_well_from_the_start(void **state)
{
    struct rig *rig = *state;
    rig_run(rig, 100);
    for (enum peer_fault fault = PEER_SILENT; fault < PEER_FAULT_COUNT; fault++) {
        if (is_harmless(fault)) {
            continue;
        }
        print_message("from the start: %s\n", fault_name(fault));
        scripted_janus_set_fault(rig->janus, SCRIPTED_ALL, fault);
        rig_run(rig, 600); /* longer than the time-out of one attempt */
        assert_false(janus_session_is_ready(rig->session));
        assert_int_equal(rig_exists(rig, RIG_ROOM)->err, ERR_UNAVAILABLE); /* at once */
    }
    expect_recovery(rig);
}

static void test_all_goes_wrong_and_well_again(void **state)
{
    struct rig *rig = *state;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    for (enum peer_fault fault = PEER_SILENT; fault < PEER_FAULT_COUNT; fault++) {
        print_message("all of a sudden: %s\n", fault_name(fault));
        scripted_janus_set_fault(rig->janus, SCRIPTED_ALL, fault);
        struct mock_call *call = rig_exists(rig, RIG_ROOM);
        const enum err err = answer_in_time(rig, call);
        assert_true(err != ERR_OK || is_harmless(fault));
        assert_true(is_harmless(fault) || rig_wait_not_ready(rig, RIG_PATIENCE_MS));
        const uint64_t back_ms = rig_now_ms(rig);
        expect_recovery(rig);
        print_message("    back after %llu ms\n", (unsigned long long)(rig_now_ms(rig) - back_ms));
    }
    assert_int_equal(scripted_janus_counts(rig->janus).polls_at_once, 1);
}

static void test_it_dies_in_the_middle_of_many_calls(void **state)
{
    struct rig *rig = *state;
    rig->call_ms = FAR_MS;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    for (int round = 0; round < 3; round++) {
        scripted_janus_set_delay(rig->janus, 20);
        for (uint64_t i = 0; i < 200; i++) {
            rig_list(rig, RIG_ROOM + i);
        }
        rig_run(rig, 100);
        scripted_janus_stop(rig->janus);
        assert_true(rig_wait_all(rig, FAR_MS / 2)); /* not at their deadlines */
        assert_true(rig_wait_not_ready(rig, RIG_PATIENCE_MS));
        scripted_janus_set_delay(rig->janus, 0);
        scripted_janus_start(rig->janus);
        expect_recovery(rig);
    }
}

/* More than it will take: refused at once, and nothing that was taken is lost. */
static void test_more_calls_than_it_takes(void **state)
{
    struct rig *rig = *state;
    rig->call_ms = FAR_MS;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    const size_t live = live_bytes();
    scripted_janus_set_delay(rig->janus, 1);
    for (uint64_t i = 0; i < 1000; i++) {
        struct mock_call *call = rig_list(rig, RIG_ROOM + i);
        assert_int_equal(call->answers, i >= RIG_CALLERS_MAX);
    }
    assert_true(rig_wait_all(rig, FAR_MS - 1));
    for (size_t i = 0; i < rig->call_count; i++) {
        assert_int_equal(rig->calls[i].err,
                         i < RIG_CALLERS_MAX ? ERR_NO_SUCH_ROOM : ERR_OVERLOADED);
    }
    assert_true(scripted_janus_counts(rig->janus).calls_at_once <= RIG_CONNECTIONS);
    assert_true(live_bytes() < live + 16 * 1024 * 1024);
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_never_well_from_the_start, set_up_with_faults),
        TEST(test_all_goes_wrong_and_well_again, hostile_setup_in_doubt),
        TEST(test_it_dies_in_the_middle_of_many_calls, hostile_setup),
        TEST(test_more_calls_than_it_takes, hostile_setup),
    };
    return cmocka_run_group_tests_name("hostile_janus", tests, NULL, NULL);
}
