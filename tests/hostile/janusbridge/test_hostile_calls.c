/* A Janus whose session works, but which misbehaves when it is asked about rooms, or on the long
 * poll. */
#include "tests/hostile/janusbridge/hostile.h"

#define ROUNDS 3
#define GROWTH_BYTES (512 * 1024)
#define POLL_EVERY_MS 20 /* on average at most */

static bool may_succeed(enum peer_fault fault)
{
    return fault == PEER_TWICE; /* the first of the two is right */
}

static void fail_calls(struct rig *rig, enum peer_fault fault)
{
    print_message("calls: %s\n", fault_name(fault));
    scripted_janus_set_fault(rig->janus, SCRIPTED_CALLS, fault);
    for (int i = 0; i < ROUNDS; i++) {
        struct mock_call *calls[] = {rig_exists(rig, RIG_ROOM), rig_list(rig, RIG_ROOM),
                                     rig_create(rig, RIG_ROOM + 1)};
        for (size_t j = 0; j < ARRAY_LEN(calls); j++) {
            const enum err err = answer_in_time(rig, calls[j]);
            assert_true(err == ERR_UNAVAILABLE || err == ERR_DEADLINE || err == ERR_PROTOCOL ||
                        (may_succeed(fault) && (err == ERR_OK || err == ERR_NO_SUCH_ROOM)));
        }
    }
    expect_recovery(rig);
}

static void test_every_fault_of_calls(void **state)
{
    struct rig *rig = *state;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    for (enum peer_fault fault = PEER_WELL + 1; fault < PEER_FAULT_COUNT; fault++) {
        fail_calls(rig, fault);
    }
    /* The session itself was never at fault. */
    assert_int_equal(janus_session_made(rig->session), 1);
    assert_int_equal(scripted_janus_counts(rig->janus).polls_at_once, 1);
}

/* There is a bound on the size of an answer: nothing of these is waited for until the deadline,
 * which is far away. */
static void test_answers_that_are_too_large(void **state)
{
    static const enum peer_fault faults[] = {PEER_LENGTH_HUGE, PEER_HUGE, PEER_ENDLESS_CHUNKS,
                                             PEER_ENDLESS_HEADERS};
    struct rig *rig = *state;
    rig->call_ms = FAR_MS;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        print_message("too large: %s\n", fault_name(faults[i]));
        scripted_janus_set_fault(rig->janus, SCRIPTED_CALLS, faults[i]);
        struct mock_call *calls[] = {rig_exists(rig, RIG_ROOM), rig_list(rig, RIG_ROOM),
                                     rig_create(rig, RIG_ROOM + 1)};
        for (size_t j = 0; j < ARRAY_LEN(calls); j++) {
            assert_int_equal(answer_in_time(rig, calls[j]), ERR_PROTOCOL);
        }
    }
    assert_int_equal(rig_counter(rig, "lynks_janus_requests_total", "result=\"protocol\""),
                     3 * ARRAY_LEN(faults));
    expect_recovery(rig);
    assert_int_equal(janus_session_made(rig->session), 1);
}

static void test_a_wrong_transaction(void **state)
{
    struct rig *rig = *state;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    rig->call_ms = FAR_MS;
    scripted_janus_set_wrong_transaction(rig->janus, true);
    assert_int_equal(answer_in_time(rig, rig_exists(rig, RIG_ROOM)), ERR_PROTOCOL);
    scripted_janus_set_wrong_transaction(rig->janus, false);
    expect_recovery(rig);
}

static bool has_come_late(void *arg)
{
    struct rig *rig = arg;
    return rig_counter(rig, "lynks_janus_late_answers_total", NULL) == rig->call_count;
}

static void test_a_slow_janus_and_its_late_answers(void **state)
{
    struct rig *rig = *state;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    scripted_janus_set_delay(rig->janus, CALL_MS + 100);
    for (int i = 0; i < 3; i++) {
        struct mock_call *call = rig_exists(rig, RIG_ROOM);
        assert_int_equal(answer_in_time(rig, call), ERR_DEADLINE);
        assert_true(loop_run_until(rig->loop, has_come_late, rig, RIG_PATIENCE_MS));
        assert_int_equal(call->answers, 1);
    }
    assert_true(janus_session_is_ready(rig->session));
    scripted_janus_set_delay(rig->janus, 0);
    expect_recovery(rig);
    assert_int_equal(janus_session_made(rig->session), 1);
}

/* The test's own record of a call is part of it. */
static bool is_flat(void *arg)
{
    const size_t *before = arg;
    return live_bytes() < *before + GROWTH_BYTES;
}

/* Nothing of these may stay behind: neither memory nor connections. */
static void test_memory_stays_flat(void **state)
{
    static const enum peer_fault faults[] = {
        PEER_HUGE, PEER_ENDLESS_CHUNKS, PEER_ENDLESS_HEADERS, PEER_LENGTH_HUGE,
        PEER_DEEP, PEER_TWICE,          PEER_HALF_SILENT};
    struct rig *rig = *state;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    size_t before = 0;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
            scripted_janus_set_fault(rig->janus, SCRIPTED_CALLS, faults[i]);
            for (uint64_t j = 0; j < 4; j++) {
                rig_list(rig, RIG_ROOM + j);
            }
            assert_true(rig_wait_all(rig, RIG_PATIENCE_MS));
        }
        expect_recovery(rig);
        before = round == 0 ? live_bytes() : before;
    }
    /* What nobody waits for any more ends soon after its deadline. */
    assert_true(is_flat(&before) || loop_run_until(rig->loop, is_flat, &before, RIG_PATIENCE_MS));
    assert_true(scripted_janus_counts(rig->janus).connections <= RIG_CONNECTIONS + 4);
}

static void test_every_fault_of_the_poll(void **state)
{
    struct rig *rig = *state;
    const uint64_t began_ms = rig_now_ms(rig);
    rig->call_ms = FAR_MS;
    assert_true(rig_wait_ready(rig, RIG_PATIENCE_MS));
    for (enum peer_fault fault = PEER_WELL + 1; fault < PEER_FAULT_COUNT; fault++) {
        print_message("poll: %s\n", fault_name(fault));
        scripted_janus_set_fault(rig->janus, SCRIPTED_POLL, fault);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(answer_in_time(rig, rig_exists(rig, RIG_ROOM)), ERR_OK);
            rig_run(rig, 30);
        }
        assert_true(janus_session_is_ready(rig->session));
        scripted_janus_set_fault(rig->janus, SCRIPTED_POLL, PEER_WELL);
    }
    assert_int_equal(janus_session_made(rig->session), 1);
    /* Faults that come at once must not make it spin. */
    assert_true(scripted_janus_counts(rig->janus).polls <
                (rig_now_ms(rig) - began_ms) / POLL_EVERY_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hostile_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_fault_of_calls), TEST(test_answers_that_are_too_large),
        TEST(test_a_wrong_transaction),  TEST(test_a_slow_janus_and_its_late_answers),
        TEST(test_memory_stays_flat),    TEST(test_every_fault_of_the_poll),
    };
    return cmocka_run_group_tests_name("hostile_calls", tests, NULL, NULL);
}
