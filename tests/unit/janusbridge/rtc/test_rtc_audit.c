/* What is compared: connections, their rows, and what Janus says of who sends. */
#include "janusbridge/rtc/rtc_audit.h"
#include "tests/unit/janusbridge/rtc_fixture.h"

#define LISTED(feed)                                                                               \
    PLUGIN("{\"videoroom\":\"participants\",\"room\":1234,\"participants\":[{\"id\":" #feed        \
           ",\"publisher\":true}]}")

static void assert_metric(struct rtc_fixture *r, const char *name, unsigned value)
{
    size_t bytes = 0;
    AUTO(mem_free) char *text = metrics_write(r->f.metrics, &bytes);
    AUTO(mem_free) char *line = mem_printf("\nlynks_janusbridge_connection_%s %u\n", name, value);
    assert_non_null(strstr(text, line));
}

/* What the takeover has begun comes to its end: there is nothing yet. */
static int audit_setup(void **state)
{
    (void)rtc_setup(state);
    struct rtc_fixture *r = *state;
    fixture_live(&r->f, 100);
    rtc_roomsvc(r, MSG_rtc_page, ERR_OK, (struct msg){.id = MSG_rtc_page_reply});
    assert_metric(r, "audits_total", 1);
    return 0;
}

static void next_round(struct rtc_fixture *r)
{
    rtc_settle(r);
    fixture_live(&r->f, RTC_AUDIT_PAUSE_MS + 100);
    rtc_settle(r);
}

static void tell_rows(struct rtc_fixture *r, const struct msg_rtc_row *rows, size_t count)
{
    rtc_roomsvc(r, MSG_rtc_page, ERR_OK,
                (struct msg){.id = MSG_rtc_page_reply, .rtc_page_reply = {.rows = {rows, count}}});
}

static void what_is_as_it_should_be_goes_on(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_watches(r, BEN, ANN);
    next_round(r);
    const struct msg_rtc_row rows[] = {rtc_row(ANN, RTC_PUBLISH, true),
                                       rtc_row(BEN, RTC_WATCH, true)};
    tell_rows(r, rows, 2);
    fixture_answer(&r->f, "listparticipants", LISTED(9001));
    assert_metric(r, "audits_total", 2);
    assert_metric(r, "differences_total", 0);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_OK);
    assert_int_equal(rtc_ask_state(r, BEN, RTC_WATCH)->err, ERR_OK);
}

static void a_row_without_a_connection_ends(void **state)
{
    struct rtc_fixture *r = *state;
    next_round(r);
    const struct msg_rtc_row row = rtc_row(ANN, RTC_WATCH, true);
    log_capture_expect("a connection of a client is not what it was taken for");
    tell_rows(r, &row, 1);
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 1);
    assert_metric(r, "differences_total", 1);
}

/* roomsvc has found it before it was ended. */
static void one_that_ends_meanwhile_explains_its_row(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    next_round(r);
    (void)rtc_ask_close(r, ANN, RTC_PUBLISH);
    rtc_settle(r);
    const struct msg_rtc_row row = rtc_row(ANN, RTC_PUBLISH, true);
    tell_rows(r, &row, 1);
    assert_metric(r, "differences_total", 0);
    assert_int_equal(rtc_ends(r), 1); /* its own */
}

static void a_connection_without_a_row_ends(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_watches(r, BEN, ANN);
    next_round(r);
    const struct msg_rtc_row row = rtc_row(ANN, RTC_PUBLISH, true);
    log_capture_expect("a connection of a client is not what it was taken for");
    tell_rows(r, &row, 1);
    assert_int_equal(rtc_ask_state(r, BEN, RTC_WATCH)->err, ERR_NOT_FOUND);
    assert_int_equal(r->last_hint.reason, RTC_NOT_ALLOWED);
    assert_metric(r, "differences_total", 1);
}

/* Its row may be younger than the answer. */
static void one_that_comes_meanwhile_needs_no_row(void **state)
{
    struct rtc_fixture *r = *state;
    next_round(r);
    rtc_publishes(r, ANN);
    tell_rows(r, NULL, 0);
    assert_metric(r, "differences_total", 0);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_OK);
}

/* That it has ended was told to nobody. Once is not enough: the news may be on its way. */
static void one_that_janus_does_not_have_ends(void **state)
{
    struct rtc_fixture *r = *state;
    const struct msg_rtc_row row = rtc_row(ANN, RTC_PUBLISH, true);
    rtc_publishes(r, ANN);
    next_round(r);
    tell_rows(r, &row, 1);
    for (int look = 1; look <= RTC_AUDIT_LOOKS; look++) {
        assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_OK);
        if (look == RTC_AUDIT_LOOKS) {
            log_capture_expect("a connection of a client is not what it was taken for");
        }
        fixture_answer(&r->f, "listparticipants", LISTED(4711));
        fixture_live(&r->f, RTC_AUDIT_LOOK_MS);
    }
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
    assert_int_equal(r->last_hint.reason, RTC_LOST);
    assert_metric(r, "differences_total", 1);
}

static void one_that_janus_has_after_all_goes_on(void **state)
{
    struct rtc_fixture *r = *state;
    const struct msg_rtc_row row = rtc_row(ANN, RTC_PUBLISH, true);
    rtc_publishes(r, ANN);
    for (int round = 1; round <= 2; round++) {
        next_round(r);
        tell_rows(r, &row, 1);
        for (int look = 1; look < RTC_AUDIT_LOOKS; look++) {
            fixture_answer(&r->f, "listparticipants", LISTED(4711));
            fixture_live(&r->f, RTC_AUDIT_LOOK_MS);
        }
        fixture_answer(&r->f, "listparticipants", LISTED(9001));
    }
    assert_metric(r, "differences_total", 0);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_OK);
}

static void what_may_have_been_missed_is_looked_for_at_once(void **state)
{
    struct rtc_fixture *r = *state;
    janus_session_poll_anew(r->f.session);
    fixture_live(&r->f, 100);
    tell_rows(r, NULL, 0);
    assert_metric(r, "audits_total", 2);
}

static void rows_that_cannot_be_had_say_nothing(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    next_round(r);
    rtc_roomsvc(r, MSG_rtc_page, ERR_UNAVAILABLE, (struct msg){0});
    assert_metric(r, "audits_total", 1);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, audit_setup, rtc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_as_it_should_be_goes_on),
        TEST(a_row_without_a_connection_ends),
        TEST(one_that_ends_meanwhile_explains_its_row),
        TEST(a_connection_without_a_row_ends),
        TEST(one_that_comes_meanwhile_needs_no_row),
        TEST(one_that_janus_does_not_have_ends),
        TEST(one_that_janus_has_after_all_goes_on),
        TEST(what_may_have_been_missed_is_looked_for_at_once),
        TEST(rows_that_cannot_be_had_say_nothing),
    };
    return cmocka_run_group_tests_name("rtc_audit", tests, NULL, NULL);
}
