/* What the session finds out when something was lost, and how it comes back. */
#include "tests/unit/janusbridge/fixture.h"

#define LOSSES "lynks_janus_losses_total"

static uint64_t losses(struct fixture *f, const char *cause)
{
    AUTO(mem_free) char *labels = mem_printf("cause=\"%s\"", cause);
    return fixture_counter(f, LOSSES, labels);
}

/* ---- the session is lost ---- */

static void expect_new_session(struct fixture *f)
{
    assert_false(janus_session_is_ready(f->session));
    assert_false(health_is_ready(f->health));
    assert_int_equal(mock_transport_open(&f->janus, "maxev"), 0);
    fake_clock_advance(f->clock, 0); /* it had lived: no wait */
    fixture_answer(f, "\"create\"", CREATED(33));
    fixture_answer(f, "attach", CREATED(44));
    assert_true(janus_session_is_ready(f->session));
    assert_int_equal(mock_transport_open(&f->janus, "maxev"), 1);
    assert_non_null(strstr(mock_transport_get(&f->janus, "maxev")->path, "/33?"));
    assert_int_equal(janus_session_made(f->session), 2);
}

static void test_a_keepalive_finds_the_session_lost(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("the janus session was lost");
    fixture_bring_up(f);
    fixture_live(f, 20000);
    fake_clock_advance(f->clock, KEEPALIVE_MS);
    fixture_answer(f, "\"keepalive\"", CORE_ERROR(458));
    expect_new_session(f);
    assert_int_equal(losses(f, "session"), 1);
    assert_int_equal(losses(f, "restart"), 0);
}

static void test_a_timeout_event_says_the_session_is_lost(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("the janus session was lost");
    fixture_bring_up(f);
    fixture_live(f, 2000);
    fixture_event(f, "[{\"janus\":\"timeout\",\"session_id\":12}]");
    assert_true(janus_session_is_ready(f->session));
    fixture_event(f, "{\"janus\":\"timeout\",\"session_id\":11}");
    expect_new_session(f);
}

static void test_a_missing_session_in_the_poll_is_confirmed(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("the janus session was lost");
    fixture_bring_up(f);
    fixture_live(f, 2000);
    /* 404 can mean another thing: the session is still there */
    mock_transport_answer_status(mock_transport_get(&f->janus, "maxev"), 404, "");
    fixture_answer(f, "\"keepalive\"", ACK);
    assert_true(janus_session_is_ready(f->session));
    fake_clock_advance(f->clock, 1000);
    assert_int_equal(mock_transport_open(&f->janus, "maxev"), 1);
    mock_transport_answer_status(mock_transport_get(&f->janus, "maxev"), 404, "");
    fixture_answer(f, "\"keepalive\"", CORE_ERROR(458));
    expect_new_session(f);
    assert_int_equal(fixture_counter(f, "lynks_janus_poll_gaps_total", NULL), 2);
}

static void test_a_session_that_is_lost_again_and_again_is_made_ever_slower(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("the janus session was lost");
    for (int i = 0; i < 10000; i += 10) {
        if (mock_transport_open(&f->janus, "\"create\"") > 0) {
            fixture_answer(f, "\"create\"", CREATED(11));
            fixture_answer(f, "attach", CREATED(22));
            fixture_event(f, "{\"janus\":\"timeout\",\"session_id\":11}");
        }
        fake_clock_advance(f->clock, 10);
    }
    assert_in_range(janus_session_made(f->session), 10, 30);
}

static void test_old_trouble_does_not_slow_a_new_session(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus is not ready");
    fixture_refuse(f, 10000);
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    fixture_bring_up(f);
    fixture_live(f, 2000);
    fixture_event(f, "{\"janus\":\"timeout\",\"session_id\":11}");
    expect_new_session(f);
}

/* ---- the link is down ---- */

static void test_a_session_that_outlives_the_link_is_resumed(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus cannot be reached");
    fixture_bring_up(f);
    fixture_live(f, 2000);
    mock_transport_break(mock_transport_get(&f->janus, "maxev"), ERR_UNAVAILABLE);
    fixture_lose_link(f); /* one broken connection proves nothing */
    assert_false(health_is_ready(f->health));
    assert_string_equal(janus_session_version(f->session), "");
    fixture_refuse(f, 5000);
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    assert_int_equal(mock_transport_open(&f->janus, ""), 1);
    fixture_resume(f);
    assert_true(janus_session_is_ready(f->session));
    assert_int_equal(mock_transport_open(&f->janus, "maxev"), 1);
    assert_int_equal(janus_session_made(f->session), 1);
    assert_int_equal(losses(f, "link"), 1);
    assert_int_equal(losses(f, "restart"), 0);
}

static void test_a_restarted_janus_gets_a_new_session(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus cannot be reached");
    fixture_bring_up(f);
    fixture_live(f, 2000);
    mock_transport_break(mock_transport_get(&f->janus, "maxev"), ERR_UNAVAILABLE);
    fixture_refuse(f, 5000);
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    fixture_answer(f, "\"keepalive\"", CORE_ERROR(458));
    fixture_answer(f, "\"create\"", CREATED(33));
    fixture_answer(f, "attach", CREATED(44));
    assert_true(janus_session_is_ready(f->session));
    assert_int_equal(losses(f, "restart"), 1);
    assert_int_equal(losses(f, "session"), 0);
}

static void test_a_silent_keepalive_means_away(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus does not answer");
    fixture_bring_up(f);
    fixture_live(f, 2000);
    janus_session_doubt(f->session);
    janus_session_doubt(f->session);
    assert_int_equal(mock_transport_open(&f->janus, "\"keepalive\""), 1);
    mock_transport_break(mock_transport_get(&f->janus, "\"keepalive\""), ERR_DEADLINE);
    assert_false(janus_session_is_ready(f->session));
    fake_clock_advance(f->clock, 0);
    fixture_resume(f);
    assert_true(janus_session_is_ready(f->session));
}

static void test_a_keepalive_answered_with_nonsense_means_away(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("make no sense");
    fixture_bring_up(f);
    fixture_live(f, 2000);
    janus_session_doubt(f->session);
    fixture_answer(f, "\"keepalive\"", CREATED(5));
    assert_false(janus_session_is_ready(f->session));
}

static void test_garbage_in_the_poll_is_a_gap(void **state)
{
    static const char *const answers[] = {"", "[", "<html>", "[{\"janus\":7}]", "[[]]", "null"};
    struct fixture *f = *state;
    fixture_bring_up(f);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        fixture_event(f, answers[i]);
        fixture_live(f, 2000);
        assert_true(janus_session_is_ready(f->session));
        assert_int_equal(mock_transport_open(&f->janus, "maxev"), 1);
    }
    assert_int_equal(fixture_counter(f, "lynks_janus_poll_gaps_total", NULL), ARRAY_LEN(answers));
}

/* ---- the handle is lost ---- */

static void test_a_lost_handle_is_remade_on_the_same_session(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("the janus handle was lost");
    fixture_bring_up(f);
    fixture_live(f, 2000);
    fixture_event(f, "[{\"janus\":\"detached\",\"session_id\":11,\"sender\":99}]");
    assert_true(janus_session_is_ready(f->session));
    fixture_event(f, "[{\"janus\":\"detached\",\"session_id\":11,\"sender\":22}]");
    assert_false(janus_session_is_ready(f->session));
    fake_clock_advance(f->clock, 0);
    fixture_answer(f, "\"keepalive\"", ACK);
    fixture_answer(f, "attach", CREATED(23));
    fixture_answer(f, JANUS_JSON_PULSE, ACK);
    assert_true(janus_session_is_ready(f->session));
    assert_int_equal(mock_transport_open(&f->janus, "maxev"), 1);
    assert_int_equal(janus_session_made(f->session), 1);
    assert_int_equal(losses(f, "handle"), 1);
}

/* Nobody has told of it: the poll was another bridge's. */
static void test_a_handle_that_went_before_is_remade(void **state)
{
    struct fixture *f = *state;
    janus_session_suspend(f->session);
    janus_session_resume(f->session, 11, 22);
    fixture_answer(f, "\"keepalive\"", ACK);
    fixture_answer(f, JANUS_JSON_PULSE, CORE_ERROR(459));
    fixture_answer(f, "attach", CREATED(23));
    fixture_answer(f, JANUS_JSON_PULSE, ACK);
    assert_true(janus_session_is_ready(f->session));
    assert_int_equal(janus_session_handle(f->session), 23);
}

/* Janus gives the next event to the poll from before, which nobody reads. */
static void test_a_resumed_session_has_its_decoy_before_anything_else(void **state)
{
    struct fixture *f = *state;
    janus_session_suspend(f->session);
    janus_session_resume(f->session, 11, 22);
    fixture_answer(f, "\"keepalive\"", ACK);
    assert_int_equal(mock_transport_open(&f->janus, ""), 1);
    assert_string_equal(mock_transport_get(&f->janus, JANUS_JSON_PULSE)->path, "/11/22");
    assert_false(janus_session_is_ready(f->session));
    fixture_answer(f, JANUS_JSON_PULSE, ACK);
    assert_true(janus_session_is_ready(f->session));
}

static void test_a_decoy_that_fails_is_sent_again(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus does not answer");
    janus_session_suspend(f->session);
    janus_session_resume(f->session, 11, 22);
    fixture_answer(f, "\"keepalive\"", ACK);
    mock_transport_break(mock_transport_get(&f->janus, JANUS_JSON_PULSE), ERR_DEADLINE);
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    fixture_resume(f);
    assert_true(janus_session_is_ready(f->session));
}

static void test_a_lost_handle_that_was_a_lost_session(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("the janus handle was lost");
    fixture_bring_up(f);
    fixture_live(f, 2000);
    fixture_event(f, "[{\"janus\":\"detached\",\"session_id\":11,\"sender\":22},"
                     "{\"janus\":\"timeout\",\"session_id\":11}]");
    fake_clock_advance(f->clock, 0);
    fixture_answer(f, "\"keepalive\"", CORE_ERROR(458));
    fixture_answer(f, "\"create\"", CREATED(33));
    fixture_answer(f, "attach", CREATED(44));
    assert_true(janus_session_is_ready(f->session));
    assert_int_equal(losses(f, "session"), 1);
    assert_int_equal(losses(f, "restart"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_keepalive_finds_the_session_lost),
        TEST(test_a_timeout_event_says_the_session_is_lost),
        TEST(test_a_missing_session_in_the_poll_is_confirmed),
        TEST(test_a_session_that_is_lost_again_and_again_is_made_ever_slower),
        TEST(test_old_trouble_does_not_slow_a_new_session),
        TEST(test_a_session_that_outlives_the_link_is_resumed),
        TEST(test_a_restarted_janus_gets_a_new_session),
        TEST(test_a_silent_keepalive_means_away),
        TEST(test_a_keepalive_answered_with_nonsense_means_away),
        TEST(test_garbage_in_the_poll_is_a_gap),
        TEST(test_a_lost_handle_is_remade_on_the_same_session),
        TEST(test_a_handle_that_went_before_is_remade),
        TEST(test_a_resumed_session_has_its_decoy_before_anything_else),
        TEST(test_a_decoy_that_fails_is_sent_again),
        TEST(test_a_lost_handle_that_was_a_lost_session),
    };
    return cmocka_run_group_tests_name("janus_recovery", tests, NULL, NULL);
}
