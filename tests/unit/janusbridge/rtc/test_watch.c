/* Connections by which people get what others send. */
#include "tests/unit/janusbridge/rtc_fixture.h"

#define STREAM(mid, feed)                                                                          \
    "{\"mid\":\"" mid "\",\"type\":\"audio\",\"active\":true,\"feed_id\":" #feed                   \
    ",\"feed_mid\":\"0\"}"
#define UPDATED(streams) "{\"videoroom\":\"updated\",\"room\":1234,\"streams\":[" streams "]}"

static struct mock_call *ask_offer(struct rtc_fixture *r, unsigned who)
{
    return rtc_call(r, (struct msg){.id = MSG_rtc_ask_offer,
                                    .rtc_ask_offer = {.room = STR_LIT("abcdefghij"),
                                                      .asker = {.token_hash = rtc_token(who)}}});
}

static void what_is_there_is_offered(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    const struct mock_call *wish = rtc_ask_watch(r, BEN, ANN);
    rtc_attach(r, WATCHING_HANDLE(BEN));
    rtc_let_in(r, BEN);
    assert_int_equal(wish->err, ERR_OK);
    assert_int_equal(wish->reply.rtc_watch_reply.seq, 0);
    rtc_janus(r, "\"feed\":9001", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"attached\",\"room\":1234,\"streams\":[" STREAM("0", 9001) "]}",
              "offer", rtc_janus_offer_sdp);
    const struct mock_call *offer = ask_offer(r, BEN);
    assert_int_equal(offer->err, ERR_OK);
    assert_int_equal(offer->reply.rtc_ask_offer_reply.seq, 1);
    assert_int_equal(offer->reply.rtc_ask_offer_reply.streams.items[0].participant, ANN);
    assert_int_equal(offer->reply.rtc_ask_offer_reply.streams.items[0].source, MEDIA_AUDIO);
}

/* Nobody sends yet: Janus is not asked before somebody does. */
static void what_is_not_there_comes_when_it_is(void **state)
{
    struct rtc_fixture *r = *state;
    (void)rtc_ask_watch(r, BEN, ANN);
    rtc_attach(r, WATCHING_HANDLE(BEN));
    rtc_let_in(r, BEN);
    assert_int_equal(mock_transport_sent(&r->f.janus, "subscriber"), 0);
    rtc_publishes(r, ANN);
    assert_int_equal(mock_transport_sent(&r->f.janus, "subscriber"), 1);
}

/* Before anything has arrived, so that it takes one offer. */
static void sound_and_picture_of_somebody_new_are_asked_for_at_once(void **state)
{
    struct rtc_fixture *r = *state;
    const struct msg_rtc_wish wishes[] = {{.participant = ANN, .source = MEDIA_AUDIO},
                                          {.participant = ANN, .source = MEDIA_VIDEO}};
    (void)rtc_call(r, (struct msg){.id = MSG_rtc_watch,
                                   .rtc_watch = {.connection = rtc_id(BEN, RTC_WATCH),
                                                 .room = STR_LIT("abcdefghij"),
                                                 .asker = {.token_hash = rtc_token(BEN)},
                                                 .wanted = {wishes, ARRAY_LEN(wishes)}}});
    rtc_attach(r, WATCHING_HANDLE(BEN));
    rtc_let_in(r, BEN);
    rtc_agrees(r, ANN);
    assert_int_equal(mock_transport_sent(&r->f.janus, "subscriber"), 0);
    rtc_janus_tells(r, SENDING_HANDLE(ANN), "webrtcup");
    (void)mock_transport_get(&r->f.janus,
                             "[{\"feed\":9001,\"mid\":\"0\"},{\"feed\":9001,\"mid\":\"1\"}]");
    rtc_janus_media(r, SENDING_HANDLE(ANN), "0", true);
    assert_int_equal(mock_transport_sent(&r->f.janus, "subscriber"), 1);
}

static void an_answer_to_an_older_offer_is_refused(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_watches(r, BEN, ANN);
    assert_int_equal(rtc_ask_answer(r, BEN, 2)->err, ERR_STALE_OFFER);
    assert_int_equal(rtc_ask_answer(r, BEN, 1)->err, ERR_OK); /* it has it */
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"start\""), 1);
    assert_int_equal(ask_offer(r, BEN)->err, ERR_NOT_FOUND);
}

/* While an answer is pending Janus would never answer another request. */
static void nothing_is_asked_while_an_offer_is_open(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_watches(r, BEN, ANN);
    (void)rtc_ask_watch(r, BEN, 0); /* wants nobody any more */
    rtc_janus(r, "\"unsubscribe\"", WATCHING_HANDLE(BEN),
              UPDATED("{\"mid\":\"0\",\"type\":\"audio\",\"active\":false}"), "offer",
              rtc_janus_offer_sdp);
    assert_true(rtc_level(r, BEN, RTC_WATCH)->is_offered);
    (void)rtc_ask_watch(r, BEN, ANN);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"update\""), 1);
    (void)rtc_ask_answer(r, BEN, 2);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"update\""), 1);
    rtc_janus(r, "\"start\"", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"event\",\"room\":1234,\"started\":\"ok\"}", NULL, NULL);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"update\""), 2);
    assert_int_equal(rtc_ask_state(r, BEN, RTC_WATCH)->reply.rtc_get_reply.state, RTC_UP);
}

static void who_goes_is_not_watched_any_more(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_watches(r, BEN, ANN);
    (void)rtc_ask_close(r, ANN, RTC_PUBLISH);
    (void)mock_transport_get(&r->f.janus, "\"unsubscribe\":[{\"sub_mid\":\"0\"}]");
}

/* It went between two events: the wish stays, and is tried again. */
/* code: of an error of Janus. */
static void is_asked_for_again_after(struct rtc_fixture *r, int code)
{
    rtc_publishes(r, ANN);
    (void)rtc_ask_watch(r, BEN, ANN);
    rtc_attach(r, WATCHING_HANDLE(BEN));
    rtc_let_in(r, BEN);
    AUTO(mem_free)
    char *data = mem_printf("{\"videoroom\":\"event\",\"error_code\":%d,\"error\":\"?\"}", code);
    rtc_janus(r, "subscriber", WATCHING_HANDLE(BEN), data, NULL, NULL);
    assert_int_equal(mock_transport_sent(&r->f.janus, "subscriber"), 1);
    fixture_live(&r->f, 200);
    assert_int_equal(mock_transport_sent(&r->f.janus, "subscriber"), 2);
    assert_int_equal(rtc_ask_state(r, BEN, RTC_WATCH)->reply.rtc_get_reply.state, RTC_JOINING);
}

static void a_feed_that_is_gone_keeps_nothing_away(void **state)
{
    is_asked_for_again_after(*state, 428);
}

static void a_room_that_is_not_there_yet_keeps_nothing_away(void **state)
{
    is_asked_for_again_after(*state, 426);
}

static void a_pause_needs_no_offer(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_watches(r, BEN, ANN);
    const struct msg_rtc_wish wish = {.participant = ANN, .source = MEDIA_AUDIO, .paused = true};
    (void)rtc_call(r, (struct msg){.id = MSG_rtc_watch,
                                   .rtc_watch = {.connection = rtc_id(BEN, RTC_WATCH),
                                                 .room = STR_LIT("abcdefghij"),
                                                 .asker = {.token_hash = rtc_token(BEN)},
                                                 .wanted = {&wish, 1}}});
    rtc_janus(r, "\"send\":false", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"event\",\"room\":1234,\"configured\":\"ok\"}", NULL, NULL);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"update\""), 0);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"send\""), 1);
}

static void want_smallest_video(struct rtc_fixture *r, unsigned who, unsigned whom)
{
    const struct msg_rtc_wish wish = {
        .participant = whom, .source = MEDIA_VIDEO, .has_layer = true, .layer = 0};
    (void)rtc_call(r, (struct msg){.id = MSG_rtc_watch,
                                   .rtc_watch = {.connection = rtc_id(who, RTC_WATCH),
                                                 .room = STR_LIT("abcdefghij"),
                                                 .asker = {.token_hash = rtc_token(who)},
                                                 .wanted = {&wish, 1}}});
    rtc_janus(r, "\"update\"", WATCHING_HANDLE(who),
              UPDATED("{\"mid\":\"1\",\"type\":\"video\",\"active\":true,\"feed_id\":9001,"
                      "\"feed_mid\":\"1\"}"),
              "offer", rtc_janus_offer_sdp);
    (void)rtc_ask_answer(r, who, 2);
    rtc_janus(r, "\"start\"", WATCHING_HANDLE(who),
              "{\"videoroom\":\"event\",\"room\":1234,\"started\":\"ok\"}", NULL, NULL);
}

static void janus_is_asked(struct rtc_fixture *r, unsigned who, size_t times)
{
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"substream\":0"), times);
    rtc_janus(r, "\"substream\":0", WATCHING_HANDLE(who),
              "{\"videoroom\":\"event\",\"room\":1234,\"configured\":\"ok\"}", NULL, NULL);
}

/* Browsers make no key frame shortly after another, and Janus asks for one once. */
static void a_layer_is_asked_for_until_it_comes(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_watches(r, BEN, ANN);
    want_smallest_video(r, BEN, ANN);
    janus_is_asked(r, BEN, 1);
    fixture_live(&r->f, 1000);
    janus_is_asked(r, BEN, 2);
    rtc_janus_event(r, WATCHING_HANDLE(BEN),
                    "{\"videoroom\":\"event\",\"room\":1234,\"mid\":\"1\",\"substream\":0}");
    fixture_live(&r->f, 2000);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"substream\":0"), 2);
}

/* Its publisher does not send it. */
static void a_layer_that_does_not_come_is_not_asked_for_for_ever(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_watches(r, BEN, ANN);
    want_smallest_video(r, BEN, ANN);
    for (size_t i = 1; i <= 4; i++) {
        janus_is_asked(r, BEN, i);
        fixture_live(&r->f, 1000);
    }
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"substream\":0"), 4);
}

static void is_offered(struct rtc_fixture *r, unsigned who)
{
    rtc_publishes(r, ANN);
    (void)rtc_ask_watch(r, who, ANN);
    rtc_attach(r, WATCHING_HANDLE(who));
    rtc_let_in(r, who);
    rtc_janus(r, "subscriber", WATCHING_HANDLE(who),
              "{\"videoroom\":\"attached\",\"room\":1234,\"streams\":[" STREAM("0", 9001) "]}",
              "offer", rtc_janus_offer_sdp);
}

/* The bridge may die as soon as he knows: the next one takes answers only to what rows say. */
static void an_offer_is_told_of_once_its_row_says_so(void **state)
{
    struct rtc_fixture *r = *state;
    is_offered(r, BEN);
    assert_int_equal(r->hints[RTC_HINT_OFFER], 0);
    rtc_settle(r);
    assert_int_equal(r->hints[RTC_HINT_OFFER], 1);
    assert_int_equal(r->last_hint.seq, 1);
    assert_true(rtc_level(r, BEN, RTC_WATCH)->is_offered);
}

/* He does not wait for what is not answered. */
static void an_offer_is_told_of_though_roomsvc_is_away(void **state)
{
    struct rtc_fixture *r = *state;
    is_offered(r, BEN);
    fixture_live(&r->f, 900);
    assert_int_equal(r->hints[RTC_HINT_OFFER], 0);
    fixture_live(&r->f, 1100);
    assert_int_equal(r->hints[RTC_HINT_OFFER], 1);
}

static void time_goes_on(struct rtc_fixture *r, uint64_t ms)
{
    while (ms > 0) {
        const uint64_t step_ms = ms < 1000 ? ms : 1000;
        fixture_live(&r->f, step_ms);
        rtc_settle(r);
        ms -= step_ms;
    }
}

static void an_offer_that_nobody_answers_ends_it(void **state)
{
    struct rtc_fixture *r = *state;
    is_offered(r, BEN);
    time_goes_on(r, 31000);
    assert_int_equal(rtc_ask_state(r, BEN, RTC_WATCH)->err, ERR_NOT_FOUND);
    assert_int_equal(r->hints[RTC_HINT_CLOSED], 1);
    assert_int_equal(r->last_hint.reason, RTC_LOST);
    assert_int_equal(r->last_hint.participant, BEN);
}

/* Hints are not kept: one may have been lost on its way. */
static void an_offer_that_waits_is_told_of_again(void **state)
{
    struct rtc_fixture *r = *state;
    static const size_t hints[] = {1, 2, 2, 3, 3, 3, 3, 4}; /* after so many seconds */
    is_offered(r, BEN);
    rtc_settle(r);
    for (size_t s = 0; s < ARRAY_LEN(hints); s++) {
        assert_int_equal(r->hints[RTC_HINT_OFFER], hints[s]);
        assert_int_equal(r->last_hint.seq, 1);
        time_goes_on(r, s == 0 ? 1500 : 1000);
    }
    time_goes_on(r, 22000);
    assert_int_equal(r->hints[RTC_HINT_OFFER], 5);
}

static void an_offer_that_has_its_answer_is_not_told_of_any_more(void **state)
{
    struct rtc_fixture *r = *state;
    is_offered(r, BEN);
    const struct mock_call *answer = rtc_ask_answer(r, BEN, 1);
    time_goes_on(r, 1500); /* Janus has it not yet */
    rtc_janus(r, "\"start\"", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"event\",\"room\":1234,\"started\":\"ok\"}", NULL, NULL);
    assert_int_equal(answer->err, ERR_OK);
    time_goes_on(r, 5000);
    assert_int_equal(r->hints[RTC_HINT_OFFER], 1);
}

/* ---- WHEP ---- */

static struct str whep_id(void)
{
    return STR_LIT("WHEP\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02");
}

static struct mock_call *ask_whep(struct rtc_fixture *r)
{
    const struct msg_rtc_wish wish = {.participant = ANN, .source = MEDIA_AUDIO};
    return rtc_call(r, (struct msg){.id = MSG_rtc_watch,
                                    .rtc_watch = {.connection = whep_id(),
                                                  .room = STR_LIT("abcdefghij"),
                                                  .asker = {.token_hash = rtc_token(BEN)},
                                                  .wanted = {&wish, 1}}});
}

static struct mock_call *whep_state(struct rtc_fixture *r)
{
    return rtc_call(r, (struct msg){.id = MSG_rtc_get,
                                    .rtc_get = {.connection = whep_id(),
                                                .asker = {.token_hash = rtc_token(BEN)}}});
}

static void watches_by_whep(struct rtc_fixture *r)
{
    const struct mock_call *wish = ask_whep(r);
    rtc_attach(r, WATCHING_HANDLE(BEN));
    rtc_let_in(r, BEN);
    assert_int_equal(wish->answers, 0);
    rtc_janus(r, "\"feed\":9001", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"attached\",\"room\":1234,\"streams\":[" STREAM("0", 9001) "]}",
              "offer", rtc_janus_offer_sdp);
    assert_int_equal(wish->err, ERR_OK);
    assert_int_equal(wish->reply.rtc_watch_reply.seq, 1);
    assert_int_equal(r->hints[RTC_HINT_OFFER], 0);
    assert_int_equal(ask_whep(r)->err, ERR_OK); /* the same again */
    const struct mock_call *answer = rtc_ask_answer(r, BEN, 1);
    rtc_janus(r, "\"start\"", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"event\",\"room\":1234,\"started\":\"ok\"}", NULL, NULL);
    assert_int_equal(answer->err, ERR_OK);
    rtc_janus_tells(r, WATCHING_HANDLE(BEN), "webrtcup");
    rtc_settle(r);
    assert_int_equal(whep_state(r)->reply.rtc_get_reply.state, RTC_UP);
}

static struct mock_call *ask_whep_with(struct rtc_fixture *r, const char *offer)
{
    const struct msg_rtc_wish wish = {.participant = ANN, .source = MEDIA_AUDIO};
    return rtc_call(r, (struct msg){.id = MSG_rtc_watch,
                                    .rtc_watch = {.connection = whep_id(),
                                                  .room = STR_LIT("abcdefghij"),
                                                  .asker = {.token_hash = rtc_token(BEN)},
                                                  .wanted = {&wish, 1},
                                                  .offer = str_of(offer)}});
}

/* Janus is given an answer at once, and the client one when Janus has it. */
static void an_offer_that_fits_is_answered(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    const struct mock_call *wish = ask_whep_with(r, rtc_answer_sdp); /* it may offer that, too */
    rtc_attach(r, WATCHING_HANDLE(BEN));
    rtc_let_in(r, BEN);
    rtc_janus(r, "\"feed\":9001", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"attached\",\"room\":1234,\"streams\":[" STREAM("0", 9001) "]}",
              "offer", rtc_janus_offer_sdp);
    assert_int_equal(wish->answers, 0);
    const struct mock_call *again = ask_whep_with(r, rtc_answer_sdp);
    assert_int_equal(wish->err, ERR_CONFLICT); /* its caller has given up */
    rtc_janus(r, "\"start\"", WATCHING_HANDLE(BEN),
              "{\"videoroom\":\"event\",\"room\":1234,\"started\":\"ok\"}", NULL, NULL);
    assert_int_equal(again->err, ERR_OK);
    assert_int_equal(again->reply.rtc_watch_reply.seq, 1);
    assert_non_null(memmem(again->reply.rtc_watch_reply.answer.data,
                           again->reply.rtc_watch_reply.answer.bytes, "a=sendonly", 10));
    assert_int_equal(rtc_ask_answer(r, BEN, 1)->err, ERR_OK); /* Janus has one */
    assert_int_equal(ask_offer(r, BEN)->err, ERR_NOT_FOUND);
    rtc_janus_tells(r, WATCHING_HANDLE(BEN), "webrtcup");
    rtc_settle(r);
    assert_int_equal(whep_state(r)->reply.rtc_get_reply.state, RTC_UP);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"start\""), 1);
}

/* He waits for his offer, and is offered nothing else, whatever is sent then. */
static void who_speaks_whep_has_one_offer(void **state)
{
    static const char restart[] = "a=ice-ufrag:Neww\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n";
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    watches_by_whep(r);
    rtc_publishes(r, CAT);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"update\""), 0);
    const struct msg fragment = {.id = MSG_rtc_trickle,
                                 .rtc_trickle = {.connection = whep_id(),
                                                 .asker = {.token_hash = rtc_token(BEN)},
                                                 .fragment = str_of(restart)}};
    assert_int_equal(rtc_call(r, fragment)->err, ERR_CONFLICT);
    assert_int_equal(whep_state(r)->reply.rtc_get_reply.state, RTC_UP);
}

static void who_speaks_whep_ends_with_whom_he_watches(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    watches_by_whep(r);
    assert_int_equal(rtc_ask_close(r, ANN, RTC_PUBLISH)->err, ERR_OK);
    assert_int_equal(whep_state(r)->err, ERR_NOT_FOUND);
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 2);
}

static void who_speaks_whep_does_not_wait_for_anybody(void **state)
{
    struct rtc_fixture *r = *state;
    const struct mock_call *wish = ask_whep(r);
    rtc_attach(r, WATCHING_HANDLE(BEN));
    rtc_let_in(r, BEN);
    assert_int_equal(wish->err, ERR_CONFLICT);
    assert_int_equal(mock_transport_sent(&r->f.janus, "subscriber"), 0);
    assert_int_equal(mock_transport_open(&r->f.janus, "\"detach\""), 1);
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rtc_setup, rtc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_is_offered),
        TEST(what_is_not_there_comes_when_it_is),
        TEST(sound_and_picture_of_somebody_new_are_asked_for_at_once),
        TEST(an_answer_to_an_older_offer_is_refused),
        TEST(nothing_is_asked_while_an_offer_is_open),
        TEST(who_goes_is_not_watched_any_more),
        TEST(a_feed_that_is_gone_keeps_nothing_away),
        TEST(a_room_that_is_not_there_yet_keeps_nothing_away),
        TEST(a_pause_needs_no_offer),
        TEST(a_layer_is_asked_for_until_it_comes),
        TEST(a_layer_that_does_not_come_is_not_asked_for_for_ever),
        TEST(an_offer_that_nobody_answers_ends_it),
        TEST(an_offer_is_told_of_once_its_row_says_so),
        TEST(an_offer_is_told_of_though_roomsvc_is_away),
        TEST(an_offer_that_waits_is_told_of_again),
        TEST(an_offer_that_has_its_answer_is_not_told_of_any_more),
        TEST(an_offer_that_fits_is_answered),
        TEST(who_speaks_whep_has_one_offer),
        TEST(who_speaks_whep_ends_with_whom_he_watches),
        TEST(who_speaks_whep_does_not_wait_for_anybody),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
