/* A bridge that takes over from another one: what was up goes on, all else is made again. */
#include "tests/unit/janusbridge/rtc_fixture.h"

static void take_over(struct rtc_fixture *r, const struct msg_rtc_row *rows, size_t count)
{
    rtc_roomsvc(r, MSG_rtc_page, ERR_OK,
                (struct msg){.id = MSG_rtc_page_reply, .rtc_page_reply = {.rows = {rows, count}}});
}

/* The session is the one of the bridge before. */
static void resume_session(struct rtc_fixture *r)
{
    janus_session_suspend(r->f.session);
    janus_session_resume(r->f.session, 11, 22);
    fixture_resume(&r->f);
    assert_true(janus_session_is_ready(r->f.session));
}

static void what_is_up_goes_on(void **state)
{
    struct rtc_fixture *r = *state;
    resume_session(r);
    struct msg_rtc_row rows[] = {rtc_row(ANN, RTC_PUBLISH, true), rtc_row(BEN, RTC_WATCH, true)};
    rows[0].bitrate = 300000;
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_SESSION_COMING);
    take_over(r, rows, 2);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->reply.rtc_get_reply.state, RTC_UP);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->published, MEDIA_AUDIO);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->bitrate, 300000);
    /* else roomsvc takes it for what it has heard already */
    assert_true(rtc_level(r, ANN, RTC_PUBLISH)->version > rows[0].version);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"detach\""), 0);
    /* and can be asked for other things: nothing is subscribed twice */
    (void)rtc_ask_watch(r, BEN, ANN);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"subscribe\""), 0);
    rtc_janus(r, "\"send\":true", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"event\",\"room\":1234,\"configured\":\"ok\"}", NULL, NULL);
    rtc_janus_tells(r, SENDING_HANDLE(ANN), "hangup");
    (void)mock_transport_get(&r->f.janus, "\"unsubscribe\":[{\"sub_mid\":\"0\"}]");
}

/* Its answer is not known any more: whoever asks for it again is told so, and makes another one. */
static void an_answer_of_the_bridge_before_is_not_waited_for(void **state)
{
    struct rtc_fixture *r = *state;
    resume_session(r);
    const struct msg_rtc_row row = rtc_row(ANN, RTC_PUBLISH, true);
    take_over(r, &row, 1);
    const struct mock_call *again = rtc_ask_publish(r, ANN);
    assert_int_equal(again->answers, 1);
    assert_int_equal(again->err, ERR_CONFLICT);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->reply.rtc_get_reply.state, RTC_UP);
}

static void starts(struct rtc_fixture *r, unsigned who)
{
    rtc_janus(r, "\"start\"", WATCHING_HANDLE(who),
              "{\"videoroom\":\"event\",\"room\":1234,\"started\":\"ok\"}", NULL, NULL);
}

/* The bridge before died between Janus' offer and its client's answer. */
static void an_offer_of_the_bridge_before_is_answered_here(void **state)
{
    struct rtc_fixture *r = *state;
    resume_session(r);
    struct msg_rtc_row rows[] = {rtc_row(ANN, RTC_PUBLISH, true), rtc_row(BEN, RTC_WATCH, true)};
    rows[1].is_offered = true;
    take_over(r, rows, 2);
    assert_true(rtc_level(r, BEN, RTC_WATCH)->is_offered);
    assert_int_equal(rtc_ask_answer(r, BEN, 2)->err, ERR_STALE_OFFER);
    const struct mock_call *answer = rtc_ask_answer(r, BEN, 1);
    assert_int_equal(answer->answers, 0); /* not before Janus has it */
    starts(r, BEN);
    assert_int_equal(answer->err, ERR_OK);
    assert_false(rtc_level(r, BEN, RTC_WATCH)->is_offered);
    /* nothing is taken from one who has not said yet what he wants */
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"update\""), 0);
    rtc_janus_tells(r, SENDING_HANDLE(ANN), "hangup");
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"update\""), 0);
}

/* Its text is gone, and Janus makes no other one while it waits for the answer. */
static void an_offer_that_nobody_fetched_ends_its_connection(void **state)
{
    struct rtc_fixture *r = *state;
    resume_session(r);
    struct msg_rtc_row row = rtc_row(BEN, RTC_WATCH, true);
    row.is_offered = true;
    take_over(r, &row, 1);
    const struct mock_call *offer =
        rtc_call(r, (struct msg){.id = MSG_rtc_ask_offer,
                                 .rtc_ask_offer = {.room = STR_LIT("abcdefghij"),
                                                   .asker = {.token_hash = rtc_token(BEN)}}});
    assert_int_equal(offer->err, ERR_NOT_FOUND);
    assert_int_equal(r->hints[RTC_HINT_CLOSED], 1);
    assert_int_equal(r->last_hint.reason, RTC_INTERRUPTED);
}

static void what_was_being_made_ends(void **state)
{
    struct rtc_fixture *r = *state;
    resume_session(r);
    const struct msg_rtc_row row = rtc_row(ANN, RTC_PUBLISH, false);
    take_over(r, &row, 1);
    assert_int_equal(mock_transport_open(&r->f.janus, "\"detach\""), 1);
    /* the gateway that asked the bridge before asks again: not found would be told who may not */
    assert_int_equal(rtc_ask_publish(r, ANN)->err, ERR_CONFLICT);
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 1);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
}

/* Gateways come back to a bridge that has just begun a moment after it: what it told them at once
 * is lost. Who has said meanwhile what he wants has heard it. */
static void what_becomes_of_them_is_told_again(void **state)
{
    struct rtc_fixture *r = *state;
    resume_session(r);
    const struct msg_rtc_row rows[] = {rtc_row(ANN, RTC_PUBLISH, false),
                                       rtc_row(BEN, RTC_WATCH, true),
                                       rtc_row(CAT, RTC_WATCH, true)};
    take_over(r, rows, 3);
    assert_int_equal(r->hints[RTC_HINT_CLOSED], 1);
    assert_int_equal(r->hints[RTC_HINT_RESUMED], 2);
    rtc_settle(r);
    (void)rtc_ask_watch(r, CAT, 0);
    fixture_live(&r->f, 600);
    assert_int_equal(r->hints[RTC_HINT_CLOSED], 2);
    assert_int_equal(r->hints[RTC_HINT_RESUMED], 3);
    fixture_live(&r->f, 5000);
    assert_int_equal(r->hints[RTC_HINT_CLOSED], 3);
    assert_int_equal(r->hints[RTC_HINT_RESUMED], 4);
}

/* Janus was restarted: it knows none of their handles. */
static void of_another_session_all_ends(void **state)
{
    struct rtc_fixture *r = *state;
    fixture_bring_up(&r->f);
    struct msg_rtc_row rows[] = {rtc_row(ANN, RTC_PUBLISH, true), rtc_row(BEN, RTC_WATCH, true)};
    rows[0].janus_session = rows[1].janus_session = 10;
    take_over(r, rows, 2);
    assert_int_equal(mock_transport_open(&r->f.janus, "\"detach\""), 0); /* of what? */
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 2);
    assert_int_equal(rtc_ask_state(r, BEN, RTC_WATCH)->err, ERR_NOT_FOUND);
}

/* Its end comes between the resumed session and its row. */
static void what_is_told_before_the_rows_counts(void **state)
{
    struct rtc_fixture *r = *state;
    resume_session(r);
    rtc_janus_tells(r, SENDING_HANDLE(ANN), "hangup");
    fixture_event(&r->f, "[{\"janus\":\"event\",\"session_id\":11,\"sender\":202,\"plugindata\":{"
                         "\"plugin\":\"janus.plugin.videoroom\",\"data\":{\"videoroom\":\"event\","
                         "\"room\":1234}}}]");
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"detach\""), 0); /* it may be one of ours */
    const struct msg_rtc_row rows[] = {rtc_row(ANN, RTC_PUBLISH, true),
                                       rtc_row(BEN, RTC_WATCH, true)};
    take_over(r, rows, 2);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
    assert_int_equal(rtc_ask_state(r, BEN, RTC_WATCH)->reply.rtc_get_reply.state, RTC_UP);
}

static void rows_that_cannot_be_had_are_asked_for_again(void **state)
{
    struct rtc_fixture *r = *state;
    fixture_bring_up(&r->f);
    rtc_roomsvc(r, MSG_rtc_page, ERR_UNAVAILABLE, (struct msg){0});
    assert_null(mock_bus_pending(&r->bus, MSG_rtc_page));
    fixture_live(&r->f, 200);
    take_over(r, NULL, 0);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rtc_setup_not_ready, rtc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_up_goes_on),
        TEST(an_answer_of_the_bridge_before_is_not_waited_for),
        TEST(an_offer_of_the_bridge_before_is_answered_here),
        TEST(an_offer_that_nobody_fetched_ends_its_connection),
        TEST(what_was_being_made_ends),
        TEST(what_becomes_of_them_is_told_again),
        TEST(of_another_session_all_ends),
        TEST(what_is_told_before_the_rows_counts),
        TEST(rows_that_cannot_be_had_are_asked_for_again),
    };
    return cmocka_run_group_tests_name("takeover", tests, NULL, NULL);
}
