/* Calls to the plugin: their answers in every order, and too many of them. */
#include "tests/unit/janusbridge/fixture.h"

#include <stdio.h>

#define BODY "{\"request\":\"configure\"}"
#define TIMEOUT_MS 3000
#define EVENT(data)                                                                                \
    "[{\"janus\":\"event\",\"transaction\":\"%s\",\"session_id\":11,\"sender\":22,"                \
    "\"plugindata\":{\"plugin\":\"janus.plugin.videoroom\",\"data\":" data "}}]"

struct outcome {
    int answers;
    enum err err;
    bool has_message;
    uint64_t code;
    uint64_t id;
};

static void on_answer(void *arg, enum err err, const struct janus_message *message)
{
    struct outcome *outcome = arg;
    outcome->answers++;
    outcome->err = err;
    outcome->has_message = message != NULL;
    outcome->code = message != NULL ? message->code : 0;
}

static enum err call(struct fixture *f, struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    return janus_session_call(f->session, BODY, TIMEOUT_MS, on_answer, outcome, &outcome->id);
}

static struct janus_transfer *get_call(struct fixture *f)
{
    return mock_transport_get(&f->janus, "configure");
}

static uint64_t late(struct fixture *f)
{
    return fixture_counter(f, "lynks_janus_late_answers_total", NULL);
}

/* Puts an event with the transaction of a call into the poll. */
static void send_event(struct fixture *f, const struct outcome *outcome, const char *format)
{
    char transaction[TRANSACTION_BYTES + 1];
    (void)snprintf(transaction, sizeof(transaction), "%016" PRIx64, outcome->id);
    AUTO(mem_free) char *text = mem_strdup(format);
    char *mark = strstr(text, "%s");
    AUTO(mem_free)
    char *event = mem_printf("%.*s%s%s", (int)(mark - text), text, transaction, mark + 2);
    fixture_event(f, event);
}

static void test_is_refused_while_not_ready(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    assert_int_equal(call(f, &outcome), ERR_SESSION_COMING); /* the first session is on its way */
    assert_int_equal(mock_transport_sent(&f->janus, "configure"), 0);
}

static void test_a_synchronous_answer(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    assert_string_equal(get_call(f)->path, "/11/22");
    mock_transport_answer(get_call(f), PLUGIN("{\"videoroom\":\"success\"}"));
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(outcome.err, ERR_OK);
    assert_true(outcome.has_message);
    assert_int_equal(late(f), 0);
}

static void test_an_error_inside_a_success(void **state)
{
    static const struct {
        const char *answer;
        enum err err;
        uint64_t code;
    } rows[] = {
        {PLUGIN_ERROR(426), ERR_NO_SUCH_ROOM, 426}, {PLUGIN_ERROR(427), ERR_CONFLICT, 427},
        {PLUGIN_ERROR(433), ERR_FORBIDDEN, 433},    {PLUGIN_ERROR(429), ERR_INTERNAL, 429},
        {PLUGIN_ERROR(499), ERR_INTERNAL, 499},     {CORE_ERROR(453), ERR_INTERNAL, 453},
        {CORE_ERROR(456), ERR_INTERNAL, 456},
    };
    struct fixture *f = *state;
    fixture_bring_up(f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct outcome outcome;
        assert_int_equal(call(f, &outcome), ERR_OK);
        mock_transport_answer(get_call(f), rows[i].answer);
        assert_int_equal(outcome.answers, 1);
        assert_int_equal(outcome.err, rows[i].err);
        assert_int_equal(outcome.code, rows[i].code);
    }
    assert_true(janus_session_is_ready(f->session));
}

static void test_the_ack_and_then_the_event(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    mock_transport_answer(get_call(f), ACK);
    assert_int_equal(outcome.answers, 0);
    send_event(f, &outcome, EVENT("{\"videoroom\":\"event\",\"configured\":\"ok\"}"));
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(outcome.err, ERR_OK);
    assert_int_equal(late(f), 0);
}

static void test_the_event_before_the_ack(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    send_event(f, &outcome, EVENT("{\"videoroom\":\"event\",\"configured\":\"ok\"}"));
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(outcome.err, ERR_OK);
    mock_transport_answer(get_call(f), ACK);
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(late(f), 0);
}

static void test_an_event_that_holds_an_error(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    mock_transport_answer(get_call(f), ACK);
    send_event(f, &outcome, EVENT("{\"videoroom\":\"event\",\"error_code\":426,\"error\":\"x\"}"));
    assert_int_equal(outcome.err, ERR_NO_SUCH_ROOM);
}

static void test_an_ack_without_an_event(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    fake_clock_advance(f->clock, 1000);
    mock_transport_answer(get_call(f), ACK);
    fake_clock_advance(f->clock, TIMEOUT_MS - 1001);
    assert_int_equal(outcome.answers, 0);
    fake_clock_advance(f->clock, 1);
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(outcome.err, ERR_DEADLINE);
    send_event(f, &outcome, EVENT("{\"videoroom\":\"event\"}"));
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(late(f), 1);
}

static void test_a_second_event_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    mock_transport_answer(get_call(f), ACK);
    send_event(f, &outcome, EVENT("{\"videoroom\":\"event\"}"));
    send_event(f, &outcome, EVENT("{\"videoroom\":\"event\"}"));
    assert_int_equal(outcome.answers, 1);
    assert_int_equal(late(f), 1);
}

static void test_events_of_strangers_are_no_answers(void **state)
{
    static const char *const transactions[] = {"0000000000010000", "ffffffffffffffff", "x",
                                               "0000000000000000", "00000000000100001"};
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(transactions); i++) {
        AUTO(mem_free)
        char *event = mem_printf("{\"janus\":\"event\",\"transaction\":\"%s\"}", transactions[i]);
        fixture_event(f, event);
    }
    assert_int_equal(outcome.answers, 0);
    assert_int_equal(late(f), ARRAY_LEN(transactions));
    janus_session_suspend(f->session); /* ends the call that is left */
}

static void test_an_answer_that_makes_no_sense(void **state)
{
    static const char *const answers[] = {
        "",
        "garbage",
        "[]",
        "{}",
        "{\"janus\":\"success\",\"transaction\":\"$T\"}",
        "{\"janus\":\"keepalive\"}",
        "{\"janus\":\"event\",\"transaction\":\"$T\"}",
        "{\"janus\":\"success\",\"transaction\":\"$T\",\"plugindata\":[]}",
        "{\"janus\":\"success\",\"transaction\":\"$T\",\"plugindata\":{\"plugin\":\"x\",\"data\":{}"
        "}}",
        PLUGIN("{\"error_code\":\"426\"}"),
        "[" ACK "," ACK "]"};
    struct fixture *f = *state;
    fixture_bring_up(f);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct outcome outcome;
        assert_int_equal(call(f, &outcome), ERR_OK);
        mock_transport_answer(get_call(f), answers[i]);
        assert_int_equal(outcome.answers, 1);
        assert_int_equal(outcome.err, ERR_PROTOCOL);
        fixture_live(f, 100); /* it may want to know whether that is Janus at all */
    }
    assert_true(janus_session_is_ready(f->session));
}

static void test_an_answer_with_another_transaction(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    mock_transport_answer(get_call(f), "{\"janus\":\"ack\",\"transaction\":\"0123456789abcdef\"}");
    assert_int_equal(outcome.err, ERR_PROTOCOL);
    assert_int_equal(fixture_counter(f, "lynks_janus_wrong_transactions_total", NULL), 1);
}

static void test_a_broken_connection_makes_it_ask(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcome), ERR_OK);
    mock_transport_break(get_call(f), ERR_UNAVAILABLE);
    assert_int_equal(outcome.err, ERR_UNAVAILABLE);
    assert_int_equal(mock_transport_open(&f->janus, "\"keepalive\""), 1);
    assert_true(janus_session_is_ready(f->session));
}

static void test_a_lost_session_ends_all_calls(void **state)
{
    struct fixture *f = *state;
    struct outcome outcomes[CALLS_MAX];
    log_capture_expect("the janus session was lost");
    fixture_bring_up(f);
    for (size_t i = 0; i < CALLS_MAX; i++) {
        assert_int_equal(call(f, &outcomes[i]), ERR_OK);
    }
    mock_transport_answer(get_call(f), CORE_ERROR(458));
    for (size_t i = 0; i < CALLS_MAX; i++) {
        assert_int_equal(outcomes[i].answers, 1);
        assert_int_equal(outcomes[i].err, ERR_UNAVAILABLE);
    }
    assert_false(janus_session_is_ready(f->session));
    assert_int_equal(mock_transport_open(&f->janus, "configure"), 0);
}

static void test_a_lost_handle_ends_all_calls(void **state)
{
    struct fixture *f = *state;
    struct outcome outcomes[2];
    log_capture_expect("the janus handle was lost");
    fixture_bring_up(f);
    assert_int_equal(call(f, &outcomes[0]), ERR_OK);
    assert_int_equal(call(f, &outcomes[1]), ERR_OK);
    mock_transport_answer(get_call(f), CORE_ERROR(459));
    assert_int_equal(outcomes[0].err, ERR_UNAVAILABLE);
    assert_int_equal(outcomes[1].err, ERR_UNAVAILABLE);
    fake_clock_advance(f->clock, 100);
    fixture_answer(f, "\"keepalive\"", ACK);
    fixture_answer(f, "attach", CREATED(23));
    fixture_answer(f, JANUS_JSON_PULSE, ACK);
    assert_int_equal(call(f, &outcomes[0]), ERR_OK);
    assert_string_equal(get_call(f)->path, "/11/23");
    janus_session_suspend(f->session); /* ends the call that is left */
}

static void test_so_many_are_sent_and_so_many_wait(void **state)
{
    struct fixture *f = *state;
    struct outcome outcomes[CALLS_MAX + 1];
    fixture_bring_up(f);
    for (size_t i = 0; i < CALLS_MAX; i++) {
        assert_int_equal(call(f, &outcomes[i]), ERR_OK);
    }
    assert_int_equal(call(f, &outcomes[CALLS_MAX]), ERR_OVERLOADED);
    assert_int_equal(mock_transport_open(&f->janus, "configure"), PARALLEL_MAX);
    for (size_t i = 0; i < CALLS_MAX; i++) {
        mock_transport_answer(get_call(f), PLUGIN("{}"));
        assert_int_equal(outcomes[i].answers, 1); /* in order */
        assert_true(mock_transport_open(&f->janus, "configure") <= PARALLEL_MAX);
    }
    assert_int_equal(call(f, &outcomes[CALLS_MAX]), ERR_OK);
    janus_session_suspend(f->session); /* ends the call that is left */
}

static void test_what_waits_can_be_taken_back(void **state)
{
    struct fixture *f = *state;
    struct outcome outcomes[CALLS_MAX];
    fixture_bring_up(f);
    for (size_t i = 0; i < CALLS_MAX; i++) {
        assert_int_equal(call(f, &outcomes[i]), ERR_OK);
    }
    assert_false(janus_session_withdraw(f->session, outcomes[0].id)); /* sent */
    assert_true(janus_session_withdraw(f->session, outcomes[PARALLEL_MAX + 1].id));
    assert_false(janus_session_withdraw(f->session, outcomes[PARALLEL_MAX + 1].id));
    for (size_t i = 0; i < CALLS_MAX - 1; i++) {
        mock_transport_answer(get_call(f), PLUGIN("{}"));
    }
    for (size_t i = 0; i < CALLS_MAX; i++) {
        assert_int_equal(outcomes[i].answers, i != PARALLEL_MAX + 1);
    }
}

static void test_what_waits_too_long_is_not_sent(void **state)
{
    struct fixture *f = *state;
    struct outcome outcomes[PARALLEL_MAX + 2];
    fixture_bring_up(f);
    for (size_t i = 0; i < PARALLEL_MAX + 2; i++) {
        assert_int_equal(call(f, &outcomes[i]), ERR_OK);
    }
    fake_clock_advance(f->clock, TIMEOUT_MS);
    mock_transport_answer(get_call(f), PLUGIN("{}"));
    assert_int_equal(outcomes[PARALLEL_MAX].err, ERR_DEADLINE);
    assert_int_equal(outcomes[PARALLEL_MAX + 1].err, ERR_DEADLINE);
    assert_int_equal(mock_transport_sent(&f->janus, "configure"), PARALLEL_MAX);
    janus_session_suspend(f->session); /* ends the calls that are left */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_is_refused_while_not_ready),
        TEST(test_a_synchronous_answer),
        TEST(test_an_error_inside_a_success),
        TEST(test_the_ack_and_then_the_event),
        TEST(test_the_event_before_the_ack),
        TEST(test_an_event_that_holds_an_error),
        TEST(test_an_ack_without_an_event),
        TEST(test_a_second_event_is_dropped),
        TEST(test_events_of_strangers_are_no_answers),
        TEST(test_an_answer_that_makes_no_sense),
        TEST(test_an_answer_with_another_transaction),
        TEST(test_a_broken_connection_makes_it_ask),
        TEST(test_a_lost_session_ends_all_calls),
        TEST(test_a_lost_handle_ends_all_calls),
        TEST(test_so_many_are_sent_and_so_many_wait),
        TEST(test_what_waits_can_be_taken_back),
        TEST(test_what_waits_too_long_is_not_sent),
    };
    return cmocka_run_group_tests_name("janus_calls", tests, NULL, NULL);
}
