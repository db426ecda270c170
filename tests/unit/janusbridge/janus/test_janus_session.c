/* The session's states: coming up, staying up, and the end. */
#include "tests/unit/janusbridge/fixture.h"

/* ---- coming up ---- */

static bool is_shown_as_ready(struct fixture *f)
{
    return metric_value(metrics_gauge(f->metrics, "lynks_janus_ready", "", NULL)) == 1;
}

static void test_comes_up_step_by_step(void **state)
{
    struct fixture *f = *state;
    assert_false(is_shown_as_ready(f));
    assert_int_equal(mock_transport_open(&f->janus, ""), 1);
    assert_false(health_is_ready(f->health));
    fixture_answer(f, "\"create\"", CREATED(11));
    assert_int_equal(mock_transport_open(&f->janus, ""), 1);
    assert_false(janus_session_is_ready(f->session));
    struct janus_transfer *attach = mock_transport_get(&f->janus, "attach");
    assert_string_equal(attach->path, "/11");
    assert_non_null(strstr(attach->body, "janus.plugin.videoroom"));
    mock_transport_answer(attach, CREATED(22));
    assert_true(janus_session_is_ready(f->session));
    assert_true(health_is_ready(f->health));
    assert_true(is_shown_as_ready(f));
    assert_int_equal(mock_transport_open(&f->janus, "maxev"), 1);
    assert_int_equal(mock_transport_open(&f->janus, "info"), 1);
    assert_string_equal(janus_session_version(f->session), "");
    fixture_answer(f, "\"info\"", INFO(60));
    assert_string_equal(janus_session_version(f->session), "1.1.2");
    assert_int_equal(janus_session_made(f->session), 1);
}

static void test_the_poll_waits_longer_than_janus(void **state)
{
    struct fixture *f = *state;
    fixture_bring_up(f);
    const struct janus_transfer *poll = mock_transport_get(&f->janus, "maxev");
    assert_true(poll->is_poll);
    assert_true(poll->timeout_ms > 30000);
    assert_string_equal(poll->body, "");
    assert_null(strstr(poll->path, "maxev=1&"));
    assert_non_null(strstr(poll->path, "/11?maxev="));
}

static void test_transactions_are_random(void **state)
{
    struct fixture *f = *state;
    fixture_bring_up(f);
    fixture_live(f, 20000);
    for (size_t i = 0; i < f->janus.count; i++) {
        for (size_t j = i + 1; j < f->janus.count; j++) {
            const char *a = strstr(f->janus.sent[i].body, "transaction");
            const char *b = strstr(f->janus.sent[j].body, "transaction");
            assert_true(a == NULL || b == NULL || strncmp(a, b, 30) != 0);
        }
    }
}

static void test_sends_the_secret(void **state)
{
    struct fixture *f = *state;
    const struct janus_transfer *create = mock_transport_get(&f->janus, "\"create\"");
    assert_non_null(strstr(create->body, "\"apisecret\":\"s\\\"e&c\""));
    fixture_bring_up(f);
    assert_non_null(strstr(mock_transport_get(&f->janus, "maxev")->path, "&apisecret=s%22e%26c"));
    for (size_t i = 0; i < f->janus.count; i++) {
        assert_true(f->janus.sent[i].is_poll || strstr(f->janus.sent[i].body, "apisecret") != NULL);
    }
}

static void test_waits_for_janus_to_appear(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus is not ready");
    const size_t attempts = fixture_refuse(f, 30000);
    assert_in_range(attempts, 30, 70); /* half a second to a second apart */
    assert_int_equal(log_capture_count("janus cannot be reached"), 1);
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    fixture_bring_up(f);
    assert_true(health_is_ready(f->health));
}

static void test_reminds_of_a_lasting_trouble(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus is not ready");
    fixture_refuse(f, 150000);
    assert_int_equal(log_capture_count("janus cannot be reached"), 3);
}

static void test_a_wrong_secret_is_an_error_and_tried_again(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("LYNKS_JANUS_API_SECRET");
    for (int i = 0; i < 5; i++) {
        fixture_answer(f, "\"create\"", CORE_ERROR(403));
        fixture_answer(f, "\"info\"", GUARDED(true, false));
        fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    }
    assert_int_equal(log_capture_count("level=error"), 1);
    AUTO(mem_free) char *health = health_json(f->health);
    assert_non_null(strstr(health, "refuses the api secret (LYNKS_JANUS_API_SECRET)"));
    fixture_bring_up(f);
}

static void expect_refusal(struct fixture *f, const char *info, const char *reason)
{
    log_capture_expect(reason);
    fixture_answer(f, "\"create\"", CORE_ERROR(403));
    fixture_answer(f, "\"info\"", info);
    assert_int_equal(log_capture_count(reason), 1);
    AUTO(mem_free) char *health = health_json(f->health);
    assert_non_null(strstr(health, reason));
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
}

/* Janus answers all of these with the same code. */
static void test_what_a_refusal_means_is_asked(void **state)
{
    struct fixture *f = *state;
    expect_refusal(f, GUARDED(true, false),
                   "janus has an api secret: LYNKS_JANUS_API_SECRET is not set");
    expect_refusal(f, GUARDED(false, true), "janus wants tokens (token_auth)");
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    expect_refusal(f, INFO(60), "janus refuses the api secret");
    /* The question may fail as well: then it is as it seems. */
    fixture_answer(f, "\"create\"", CORE_ERROR(403));
    mock_transport_break(mock_transport_get(&f->janus, "\"info\""), ERR_UNAVAILABLE);
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    fixture_bring_up(f);
    assert_true(health_is_ready(f->health));
}

static void test_suspended_while_it_asks_what_a_refusal_means(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, "\"create\"", CORE_ERROR(403));
    janus_session_suspend(f->session);
    assert_int_equal(mock_transport_open(&f->janus, ""), 0);
    janus_session_resume(f->session, 0, 0);
    fixture_bring_up(f);
}

static void test_a_forbidden_status_is_a_wrong_secret(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("LYNKS_JANUS_API_SECRET");
    mock_transport_answer_status(mock_transport_get(&f->janus, "\"create\""), 403, "");
    mock_transport_answer_status(mock_transport_get(&f->janus, "\"info\""), 403, "");
    assert_int_equal(log_capture_count("LYNKS_JANUS_API_SECRET"), 1);
}

static void test_a_missing_plugin_leaks_no_sessions(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("no videoroom plugin");
    fixture_answer(f, "\"create\"", CREATED(11));
    for (int i = 0; i < 10; i++) {
        fixture_answer(f, "attach", CORE_ERROR(460));
        fake_clock_advance(f->clock, BACKOFF_MAX_MS);
        fixture_answer(f, "\"keepalive\"", ACK);
    }
    assert_int_equal(janus_session_made(f->session), 1);
    fixture_answer(f, "attach", CREATED(22));
    fixture_answer(f, JANUS_JSON_PULSE, ACK);
    assert_true(janus_session_is_ready(f->session));
}

static void test_a_session_that_dies_before_attach_is_replaced(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("the janus session was lost");
    fixture_answer(f, "\"create\"", CREATED(11));
    fixture_answer(f, "attach", CORE_ERROR(458));
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    fixture_bring_up(f);
    assert_int_equal(janus_session_made(f->session), 2);
}

static void test_senseless_answers_do_not_make_it_ready(void **state)
{
    static const char *const answers[] = {
        "",
        "{",
        "null",
        "[]",
        "{}",
        "<html>",
        "{\"janus\":\"success\",\"transaction\":\"$T\"}",
        "{\"janus\":\"success\",\"transaction\":\"other\",\"data\":{\"id\":1}}",
        "{\"janus\":\"success\",\"transaction\":\"$T\",\"data\":{\"id\":-1}}",
        "{\"janus\":\"success\",\"transaction\":\"$T\",\"data\":{\"id\":\"1\"}}",
        "{\"janus\":\"error\",\"transaction\":\"$T\"}",
        "[{\"janus\":\"success\",\"transaction\":\"$T\",\"data\":{\"id\":1}},{}]"};
    struct fixture *f = *state;
    log_capture_expect("make no sense");
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        fixture_answer(f, "\"create\"", answers[i]);
        assert_int_equal(mock_transport_open(&f->janus, ""), 0);
        fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    }
    mock_transport_answer_status(mock_transport_get(&f->janus, "\"create\""), 500, CREATED(11));
    assert_false(janus_session_is_ready(f->session));
    fake_clock_advance(f->clock, BACKOFF_MAX_MS);
    fixture_bring_up(f);
}

static void test_a_silent_janus_is_asked_again_soon(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("janus does not answer");
    for (int i = 0; i < 10; i++) {
        struct janus_transfer *create = mock_transport_get(&f->janus, "\"create\"");
        assert_int_equal(create->timeout_ms, CONTROL_TIMEOUT_MS);
        mock_transport_break(create, ERR_DEADLINE);
        fake_clock_advance(f->clock, 50);
    }
    fixture_bring_up(f);
}

/* ---- staying up ---- */

static void test_keepalives_come_in_time_and_polls_one_by_one(void **state)
{
    struct fixture *f = *state;
    fixture_bring_up(f);
    for (int i = 0; i < 60; i++) {
        fixture_live(f, 5000);
        assert_int_equal(mock_transport_open(&f->janus, "maxev"), 1);
    }
    assert_in_range(fixture_counter(f, "lynks_janus_keepalives_total", NULL), 58, 60);
    assert_int_equal(mock_transport_sent(&f->janus, "maxev"), 11);
    assert_int_equal(janus_session_made(f->session), 1);
}

static void test_a_short_session_timeout_quickens_keepalives(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, "\"create\"", CREATED(11));
    fixture_answer(f, "attach", CREATED(22));
    fixture_answer(f, "\"info\"", INFO(10));
    fixture_live(f, 10000);
    assert_in_range(mock_transport_sent(&f->janus, "\"keepalive\""), 3, 4);
}

static void test_works_with_a_janus_that_tells_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_answer(f, "\"create\"", CREATED(11));
    fixture_answer(f, "attach", CREATED(22));
    fixture_answer(f, "\"info\"", CORE_ERROR(453));
    fixture_live(f, 20000);
    assert_true(janus_session_is_ready(f->session));
}

static void test_polls_with_nothing_in_them_do_not_spin(void **state)
{
    struct fixture *f = *state;
    fixture_bring_up(f);
    for (int i = 0; i < 2000; i++) {
        if (mock_transport_open(&f->janus, "maxev") > 0) {
            fixture_event(f, KEEPALIVES);
        }
        if (mock_transport_open(&f->janus, "\"keepalive\"") > 0) {
            fixture_answer(f, "\"keepalive\"", ACK);
        }
        fake_clock_advance(f->clock, 10);
    }
    assert_true(mock_transport_sent(&f->janus, "maxev") < 30); /* in 20 s */
    assert_true(janus_session_is_ready(f->session));
}

static void test_polls_with_events_go_on_at_once(void **state)
{
    struct fixture *f = *state;
    fixture_bring_up(f);
    for (int i = 0; i < 100; i++) {
        fixture_event(f, "[{\"janus\":\"media\",\"session_id\":11,\"sender\":5}]");
        assert_int_equal(mock_transport_open(&f->janus, "maxev"), 1);
    }
    assert_int_equal(fixture_counter(f, "lynks_janus_events_total", NULL), 100);
}

/* ---- another bridge's ---- */

static void test_suspending_leaves_the_session_in_janus(void **state)
{
    struct fixture *f = *state;
    fixture_bring_up(f);
    janus_session_suspend(f->session);
    assert_int_equal(janus_session_refusal(f->session), ERR_STANDBY);
    fake_clock_advance(f->clock, 60000);
    assert_int_equal(mock_transport_open(&f->janus, ""), 0);
    assert_int_equal(mock_transport_sent(&f->janus, "\"destroy\""), 0);
}

static void test_suspending_ends_the_way_to_a_session(void **state)
{
    struct fixture *f = *state;
    janus_session_suspend(f->session);
    fake_clock_advance(f->clock, 60000);
    assert_int_equal(mock_transport_open(&f->janus, ""), 0);
    assert_int_equal(mock_transport_sent(&f->janus, ""), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_comes_up_step_by_step),
        TEST(test_the_poll_waits_longer_than_janus),
        TEST(test_transactions_are_random),
        cmocka_unit_test_setup_teardown(test_sends_the_secret, fixture_setup_with_secret,
                                        fixture_teardown),
        TEST(test_waits_for_janus_to_appear),
        TEST(test_reminds_of_a_lasting_trouble),
        cmocka_unit_test_setup_teardown(test_a_wrong_secret_is_an_error_and_tried_again,
                                        fixture_setup_with_secret, fixture_teardown),
        TEST(test_a_forbidden_status_is_a_wrong_secret),
        TEST(test_what_a_refusal_means_is_asked),
        TEST(test_suspended_while_it_asks_what_a_refusal_means),
        TEST(test_a_missing_plugin_leaks_no_sessions),
        TEST(test_a_session_that_dies_before_attach_is_replaced),
        TEST(test_senseless_answers_do_not_make_it_ready),
        TEST(test_a_silent_janus_is_asked_again_soon),
        TEST(test_keepalives_come_in_time_and_polls_one_by_one),
        TEST(test_a_short_session_timeout_quickens_keepalives),
        TEST(test_works_with_a_janus_that_tells_nothing),
        TEST(test_polls_with_nothing_in_them_do_not_spin),
        TEST(test_polls_with_events_go_on_at_once),
        TEST(test_suspending_leaves_the_session_in_janus),
        TEST(test_suspending_ends_the_way_to_a_session),
    };
    return cmocka_run_group_tests_name("janus_session", tests, NULL, NULL);
}
