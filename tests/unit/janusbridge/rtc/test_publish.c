/* Connections by which people send. */
#include "tests/unit/janusbridge/rtc_fixture.h"

static void an_offer_gets_janus_answer(void **state)
{
    struct rtc_fixture *r = *state;
    const struct mock_call *call = rtc_ask_publish(r, ANN);
    rtc_attach(r, SENDING_HANDLE(ANN));
    const struct mock_bus_call *open = mock_bus_pending(&r->bus, MSG_rtc_open);
    assert_non_null(open);
    assert_int_equal(open->request.rtc_open.janus_handle, SENDING_HANDLE(ANN));
    assert_int_equal(open->request.rtc_open.tracks.count, 2);
    rtc_let_in(r, ANN);
    /* into the room under its feed, with its pin and the offer */
    (void)mock_transport_get(&r->f.janus, "\"id\":9001");
    (void)mock_transport_get(&r->f.janus, "\"pin\":\"p1n\"");
    (void)mock_transport_get(&r->f.janus, "\"type\":\"offer\"");
    (void)mock_transport_get(&r->f.janus, "\"bitrate\":1500000");
    rtc_janus(r, "joinandconfigure", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,\"publishers\":[]}", "answer",
              rtc_janus_answer_sdp);
    assert_int_equal(call->err, ERR_OK);
    assert_true(str_eq(call->reply.rtc_publish_reply.sdp, str_of(rtc_janus_answer_sdp)));
    assert_int_equal(call->reply.rtc_publish_reply.seq, 1);
    assert_false(rtc_level(r, ANN, RTC_PUBLISH)->is_up);
}

/* published only when it arrives, lost when it does not any more. */
static void what_arrives_is_told(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    assert_true(rtc_level(r, ANN, RTC_PUBLISH)->is_up);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->published, MEDIA_AUDIO | MEDIA_VIDEO);
    rtc_janus_media(r, SENDING_HANDLE(ANN), "1", false);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->lost, MEDIA_VIDEO);
    rtc_janus_media(r, SENDING_HANDLE(ANN), "1", true);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->lost, 0);
}

static void who_may_not_is_told_why_and_leaves_nothing(void **state)
{
    struct rtc_fixture *r = *state;
    const struct mock_call *call = rtc_ask_publish(r, ANN);
    rtc_attach(r, SENDING_HANDLE(ANN));
    rtc_roomsvc(r, MSG_rtc_open, ERR_FORBIDDEN, (struct msg){0});
    assert_int_equal(call->err, ERR_FORBIDDEN);
    assert_int_equal(mock_transport_open(&r->f.janus, "\"detach\""), 1);
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 1); /* it may have a row all the same */
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
}

static void an_offer_that_is_none_never_reaches_janus(void **state)
{
    struct rtc_fixture *r = *state;
    const struct msg_rtc_track track = {.mid = STR_LIT("7"), .source = MEDIA_AUDIO};
    const struct mock_call *call =
        rtc_call(r, (struct msg){.id = MSG_rtc_publish,
                                 .rtc_publish = {.connection = rtc_id(ANN, RTC_PUBLISH),
                                                 .room = STR_LIT("abcdefghij"),
                                                 .asker = {.token_hash = rtc_token(ANN)},
                                                 .sdp = str_of(rtc_offer_sdp),
                                                 .tracks = {&track, 1}}});
    assert_int_equal(call->err, ERR_BAD_SDP);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"attach\""), 1); /* the session's own */
}

static void what_janus_refuses_is_detached(void **state)
{
    struct rtc_fixture *r = *state;
    const struct mock_call *call = rtc_ask_publish(r, ANN);
    rtc_attach(r, SENDING_HANDLE(ANN));
    rtc_let_in(r, ANN);
    rtc_janus(r, "joinandconfigure", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"event\",\"error_code\":432,\"error\":\"full\"}", NULL, NULL);
    assert_int_equal(call->err, ERR_ROOM_FULL);
    assert_int_equal(mock_transport_open(&r->f.janus, "\"detach\""), 1);
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 1);
}

/* The bus sends it to the same bridge again when an answer is late. */
/* Janus was restarted, and does not have all its rooms again: who asks tries again. */
static void a_room_that_janus_does_not_have_yet_is_a_reason_to_wait(void **state)
{
    struct rtc_fixture *r = *state;
    const struct mock_call *call = rtc_ask_publish(r, ANN);
    rtc_attach(r, SENDING_HANDLE(ANN));
    rtc_let_in(r, ANN);
    rtc_janus(r, "joinandconfigure", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"event\",\"error_code\":426,\"error\":\"no room\"}", NULL, NULL);
    assert_int_equal(call->err, ERR_UNAVAILABLE);
    assert_int_equal(mock_transport_open(&r->f.janus, "\"detach\""), 1);
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 1);
}

static void the_same_call_again_makes_nothing_else(void **state)
{
    struct rtc_fixture *r = *state;
    const struct mock_call *first = rtc_ask_publish(r, ANN);
    rtc_attach(r, SENDING_HANDLE(ANN));
    rtc_let_in(r, ANN);
    const struct mock_call *second = rtc_ask_publish(r, ANN);
    assert_int_equal(first->err, ERR_CONFLICT);
    rtc_janus(r, "joinandconfigure", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,\"publishers\":[]}", "answer",
              rtc_janus_answer_sdp);
    assert_int_equal(second->err, ERR_OK);
    const struct mock_call *third = rtc_ask_publish(r, ANN);
    assert_int_equal(third->err, ERR_OK);
    assert_int_equal(third->reply.rtc_publish_reply.seq, 1);
    assert_int_equal(mock_transport_sent(&r->f.janus, "joinandconfigure"), 1);
}

/* Another request with a client's key is a mistake of his: it is not taken for the first one. */
static void a_key_that_comes_again_with_something_else_is_refused(void **state)
{
    struct rtc_fixture *r = *state;
    const struct str one = STR_LIT("0123456789abcdef"), other = STR_LIT("0123456789abcdeX");
    const struct mock_call *first = rtc_ask_publish_keyed(r, ANN, one);
    assert_int_equal(rtc_ask_publish_keyed(r, ANN, other)->err, ERR_KEY_REUSED);
    assert_int_equal(first->answers, 0); /* it goes on */
    rtc_attach(r, SENDING_HANDLE(ANN));
    rtc_let_in(r, ANN);
    rtc_janus(r, "joinandconfigure", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,\"publishers\":[]}", "answer",
              rtc_janus_answer_sdp);
    assert_int_equal(first->err, ERR_OK);
    assert_int_equal(rtc_ask_publish_keyed(r, ANN, other)->err, ERR_KEY_REUSED);
    assert_int_equal(rtc_ask_publish_keyed(r, ANN, one)->err, ERR_OK);
    /* a proxy's id is no key of a client's */
    assert_int_equal(rtc_ask_publish(r, ANN)->err, ERR_OK);
}

/* Both would wait for the one answer of Janus. */
static void the_first_offer_again_does_not_take_the_place_of_a_later_one(void **state)
{
    struct rtc_fixture *r = *state;
    const struct msg_rtc_track track = {.mid = STR_LIT("0"), .source = MEDIA_AUDIO};
    rtc_publishes(r, ANN);
    const struct mock_call *later =
        rtc_call(r, (struct msg){.id = MSG_rtc_offer,
                                 .rtc_offer = {.connection = rtc_id(ANN, RTC_PUBLISH),
                                               .asker = {.token_hash = rtc_token(ANN)},
                                               .sdp = str_of(rtc_later_offer_sdp),
                                               .tracks = {&track, 1}}});
    assert_int_equal(rtc_ask_publish(r, ANN)->err, ERR_CONFLICT);
    rtc_janus(r, "\"configure\"", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"event\",\"room\":1234,\"configured\":\"ok\"}", "answer",
              rtc_janus_answer_sdp);
    assert_int_equal(later->err, ERR_OK);
    assert_int_equal(later->reply.rtc_offer_reply.seq, 2);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->published, MEDIA_AUDIO);
}

static void only_who_made_it_may_ask_for_it(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    const struct msg by_ben = {.id = MSG_rtc_close,
                               .rtc_close = {.connection = rtc_id(ANN, RTC_PUBLISH),
                                             .asker = {.token_hash = rtc_token(BEN)}}};
    assert_int_equal(rtc_call(r, by_ben)->err, ERR_NOT_FOUND);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->reply.rtc_get_reply.state, RTC_UP);
    assert_int_equal(rtc_ask_close(r, ANN, RTC_PUBLISH)->err, ERR_OK);
    assert_int_equal(rtc_ask_close(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
}

/* Who has asked tries the next bridge then. */
static void what_another_node_has_is_not_mine(void **state)
{
    struct rtc_fixture *r = *state;
    const struct msg_asker asker = {.token_hash = rtc_token(ANN)};
    const struct str id = rtc_id(ANN, RTC_PUBLISH);
    const struct msg_rtc_track track = {.mid = STR_LIT("0"), .source = MEDIA_AUDIO};
    const struct msg requests[] = {
        {.id = MSG_rtc_get, .rtc_get = {.connection = id, .asker = asker}},
        {.id = MSG_rtc_close, .rtc_close = {.connection = id, .asker = asker}},
        {.id = MSG_rtc_offer,
         .rtc_offer =
             {.connection = id, .asker = asker, .sdp = STR_LIT("v=0"), .tracks = {&track, 1}}},
        {.id = MSG_rtc_trickle,
         .rtc_trickle = {.connection = id, .asker = asker, .fragment = STR_LIT("a=x")}},
        {.id = MSG_rtc_restart, .rtc_restart = {.connection = id, .asker = asker}},
        {.id = MSG_rtc_ask_offer, .rtc_ask_offer = {.room = STR_LIT("7"), .asker = asker}},
        {.id = MSG_rtc_answer,
         .rtc_answer = {.room = STR_LIT("7"), .asker = asker, .seq = 1, .sdp = STR_LIT("v=0")}}};
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        r->where = STR_LIT("node2");
        assert_int_equal(rtc_call(r, requests[i])->err, ERR_NOT_MINE);
        r->where = STR_LIT("node1"); /* which has forgotten it meanwhile */
        assert_int_equal(rtc_call(r, requests[i])->err, ERR_NOT_FOUND);
        r->where = STR_NONE;
        assert_int_equal(rtc_call(r, requests[i])->err, ERR_NOT_FOUND);
    }
}

static void a_room_of_another_node_is_not_mine(void **state)
{
    struct rtc_fixture *r = *state;
    const struct mock_call *call = rtc_ask_publish(r, ANN);
    rtc_attach(r, SENDING_HANDLE(ANN));
    rtc_roomsvc(r, MSG_rtc_open, ERR_NOT_MINE, (struct msg){0});
    assert_int_equal(call->err, ERR_NOT_MINE);
    assert_int_equal(mock_transport_open(&r->f.janus, "\"detach\""), 1);
}

static void who_is_out_is_cut_off(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    fixture_live(&r->f, 300);
    const struct msg_rtc_due_row row = {.connection = rtc_id(ANN, RTC_PUBLISH), .ends = true};
    rtc_roomsvc(r, MSG_rtc_due, ERR_OK,
                (struct msg){.id = MSG_rtc_due_reply, .rtc_due_reply = {.rows = {&row, 1}}});
    assert_int_equal(mock_transport_open(&r->f.janus, "\"detach\""), 1);
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
}

/* Janus stops passing it on, and only then roomsvc is told so. */
static void who_is_mute_is_not_passed_on(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    fixture_live(&r->f, 300);
    const struct msg_rtc_due_row row = {.connection = rtc_id(ANN, RTC_PUBLISH),
                                        .muted = MEDIA_AUDIO};
    rtc_roomsvc(r, MSG_rtc_due, ERR_OK,
                (struct msg){.id = MSG_rtc_due_reply, .rtc_due_reply = {.rows = {&row, 1}}});
    (void)mock_transport_get(&r->f.janus, "\"mid\":\"0\",\"mute\":true");
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->muted, 0);
    fixture_answer(&r->f, "moderate", PLUGIN("{\"videoroom\":\"success\"}"));
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->muted, MEDIA_AUDIO);
    assert_int_equal(mock_transport_sent(&r->f.janus, "moderate"), 1);
}

static void limit_room(struct rtc_fixture *r, uint64_t bitrate)
{
    const struct msg_rtc_due_row row = {.connection = rtc_id(ANN, RTC_PUBLISH), .bitrate = bitrate};
    fixture_live(&r->f, 300);
    rtc_roomsvc(r, MSG_rtc_due, ERR_OK,
                (struct msg){.id = MSG_rtc_due_reply, .rtc_due_reply = {.rows = {&row, 1}}});
}

/* Janus is told how much he may send when the room has another bound, and only then roomsvc. */
static void a_room_has_a_bound_of_its_own(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    limit_room(r, 300000);
    (void)mock_transport_get(&r->f.janus, "\"bitrate\":300000");
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->bitrate, 0);
    rtc_janus(r, "\"bitrate\":300000", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"event\",\"configured\":\"ok\"}", NULL, NULL);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->bitrate, 300000);
    limit_room(r, 300000); /* it was under way meanwhile */
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"bitrate\":300000"), 1);
    limit_room(r, 0); /* as the service says again */
    rtc_janus(r, "\"configure\",\"bitrate\":1500000", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"event\",\"configured\":\"ok\"}", NULL, NULL);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->bitrate, 0);
}

static void a_bound_that_janus_does_not_take_is_told_again(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    limit_room(r, 300000);
    rtc_janus(r, "\"bitrate\":300000", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"event\",\"error_code\":499,\"error\":\"?\"}", NULL, NULL);
    assert_int_equal(rtc_level(r, ANN, RTC_PUBLISH)->bitrate, 0);
    limit_room(r, 300000);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"bitrate\":300000"), 2);
}

/* Without a bound of the room's it is the service's, which an_offer_gets_janus_answer has. */
static void who_comes_in_is_told_the_rooms_bound(void **state)
{
    struct rtc_fixture *r = *state;
    (void)rtc_ask_publish(r, ANN);
    rtc_attach(r, SENDING_HANDLE(ANN));
    r->bitrate = 64000;
    rtc_let_in(r, ANN);
    (void)mock_transport_get(&r->f.janus, "\"bitrate\":64000");
}

static void a_hangup_ends_it(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_janus_tells(r, SENDING_HANDLE(ANN), "hangup");
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
    rtc_settle(r);
    assert_int_equal(rtc_ends(r), 1);
}

static void one_that_never_gets_through_ends(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_agrees(r, ANN);
    for (int s = 0; s < 26; s++) {
        fixture_live(&r->f, 1000);
        rtc_settle(r);
    }
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
}

static void a_row_that_is_gone_ends_it(void **state)
{
    struct rtc_fixture *r = *state;
    rtc_publishes(r, ANN);
    rtc_janus_media(r, SENDING_HANDLE(ANN), "1", false);
    rtc_roomsvc(r, MSG_rtc_update, ERR_NOT_FOUND, (struct msg){0});
    assert_int_equal(rtc_ask_state(r, ANN, RTC_PUBLISH)->err, ERR_NOT_FOUND);
}

static void there_is_a_bound(void **state)
{
    struct rtc_fixture *r = *state;
    (void)rtc_ask_publish(r, ANN);
    (void)rtc_ask_watch(r, ANN, 0);
    (void)rtc_ask_publish(r, BEN);
    log_capture_expect("connections of clients are nearly all taken");
    (void)rtc_ask_watch(r, BEN, 0);
    assert_int_equal(rtc_ask_publish(r, CAT)->err, ERR_MEDIA_FULL);
    AUTO(mem_free) char *health = health_json(r->f.health);
    assert_non_null(strstr(health, "\"note\":\"4 of 4 connections\""));
}

/* ---- WHIP ---- */

static struct str whip_id(void)
{
    return STR_LIT("WHIP\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01");
}

static struct mock_call *whip_offers(struct rtc_fixture *r, const char *sdp)
{
    return rtc_call(r, (struct msg){.id = MSG_rtc_publish,
                                    .rtc_publish = {.connection = whip_id(),
                                                    .room = STR_LIT("abcdefghij"),
                                                    .asker = {.token_hash = rtc_token(ANN)},
                                                    .sdp = str_of(sdp)}});
}

static void begin_whip(struct rtc_fixture *r)
{
    const struct mock_call *call = whip_offers(r, rtc_offer_sdp);
    rtc_attach(r, SENDING_HANDLE(ANN));
    const struct msg_rtc_track_list *tracks =
        &mock_bus_pending(&r->bus, MSG_rtc_open)->request.rtc_open.tracks;
    assert_int_equal(tracks->count, 2);
    assert_int_equal(tracks->items[0].source, MEDIA_AUDIO);
    assert_int_equal(tracks->items[1].source, MEDIA_VIDEO);
    rtc_let_in(r, ANN);
    rtc_janus(r, "joinandconfigure", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"joined\",\"room\":1234,\"id\":9001,\"publishers\":[]}", "answer",
              rtc_janus_answer_sdp);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.rtc_publish_reply.seq, 1);
    rtc_janus_tells(r, SENDING_HANDLE(ANN), "webrtcup");
    rtc_settle(r);
}

/* It does not say what it sends, and is what a browser is from then on. */
static void who_speaks_whip_sends_what_is_found(void **state)
{
    begin_whip(*state);
}

static void who_speaks_whip_and_sends_nothing_is_refused(void **state)
{
    AUTO(mem_free) char *nothing = str_dup(str_of(rtc_offer_sdp));
    for (char *at; (at = strstr(nothing, "sendonly")) != NULL;) {
        memcpy(at, "inactive", 8);
    }
    assert_int_equal(whip_offers(*state, nothing)->err, ERR_BAD_SDP);
    assert_int_equal(whip_offers(*state, "v=0")->err, ERR_BAD_SDP);
}

static struct mock_call *tell_fragment(struct rtc_fixture *r, const char *fragment, uint64_t if_seq)
{
    return rtc_call(r, (struct msg){.id = MSG_rtc_trickle,
                                    .rtc_trickle = {.connection = whip_id(),
                                                    .asker = {.token_hash = rtc_token(ANN)},
                                                    .fragment = str_of(fragment),
                                                    .has_if_seq = if_seq != 0,
                                                    .if_seq = if_seq}});
}

/* What is for another session of ICE changes nothing; a restart is another session. */
static void a_fragment_is_for_one_session_of_ice(void **state)
{
    static const char candidate[] = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
                                    "a=candidate:1 1 udp 1 192.0.2.7 4000 typ host\r\n";
    static const char restart[] = "a=ice-ufrag:Neww\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n";
    struct rtc_fixture *r = *state;
    begin_whip(r);
    const struct mock_call *call = tell_fragment(r, candidate, 1);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.rtc_trickle_reply.seq, 1);
    assert_int_equal(call->reply.rtc_trickle_reply.fragment.bytes, 0);
    assert_int_equal(tell_fragment(r, candidate, 2)->err, ERR_STALE);
    assert_int_equal(tell_fragment(r, restart, 2)->err, ERR_STALE);
    const struct msg for_any = {.id = MSG_rtc_trickle,
                                .rtc_trickle = {.connection = whip_id(),
                                                .asker = {.token_hash = rtc_token(ANN)},
                                                .fragment = str_of(restart),
                                                .lacks_match = true}};
    assert_int_equal(rtc_call(r, for_any)->err, ERR_MATCH_REQUIRED);
    assert_int_equal(mock_transport_sent(&r->f.janus, "\"configure\""), 0);
    call = tell_fragment(r, restart, 0);
    (void)mock_transport_get(&r->f.janus, "ice-ufrag:Neww");
    rtc_janus(r, "\"configure\"", SENDING_HANDLE(ANN),
              "{\"videoroom\":\"event\",\"room\":1234,\"configured\":\"ok\"}", "answer",
              rtc_janus_answer_sdp);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.rtc_trickle_reply.seq, 2);
    assert_true(call->reply.rtc_trickle_reply.fragment.bytes > 0);
    assert_int_equal(tell_fragment(r, candidate, 1)->err, ERR_STALE);
    assert_int_equal(tell_fragment(r, candidate, 2)->err, ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rtc_setup, rtc_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_offer_gets_janus_answer),
        TEST(what_arrives_is_told),
        TEST(who_may_not_is_told_why_and_leaves_nothing),
        TEST(an_offer_that_is_none_never_reaches_janus),
        TEST(what_janus_refuses_is_detached),
        TEST(a_room_that_janus_does_not_have_yet_is_a_reason_to_wait),
        TEST(the_same_call_again_makes_nothing_else),
        TEST(a_key_that_comes_again_with_something_else_is_refused),
        TEST(the_first_offer_again_does_not_take_the_place_of_a_later_one),
        TEST(only_who_made_it_may_ask_for_it),
        TEST(what_another_node_has_is_not_mine),
        TEST(a_room_of_another_node_is_not_mine),
        TEST(who_is_out_is_cut_off),
        TEST(who_is_mute_is_not_passed_on),
        TEST(a_room_has_a_bound_of_its_own),
        TEST(a_bound_that_janus_does_not_take_is_told_again),
        TEST(who_comes_in_is_told_the_rooms_bound),
        TEST(a_hangup_ends_it),
        TEST(one_that_never_gets_through_ends),
        TEST(a_row_that_is_gone_ends_it),
        TEST(there_is_a_bound),
        TEST(who_speaks_whip_sends_what_is_found),
        TEST(who_speaks_whip_and_sends_nothing_is_refused),
        TEST(a_fragment_is_for_one_session_of_ice),
    };
    return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
