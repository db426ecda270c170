/* WHIP: what is asked of bridges, and what its clients are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/api/rtc_json.h"
#include "tests/unit/gateway/api/api_fixture.h"

#define WHIP "/v1/rooms/abc-defg-hij/whip"
#define WHEP "/v1/rooms/abc-defg-hij/whep/9"
#define WHEP_RTC "/v1/rtc/57484550445566778899aabbccddeeff" /* begins with WHEP */
#define WHIP_HEX "57484950445566778899aabbccddeeff"         /* begins with WHIP */
#define RTC "/v1/rtc/" WHIP_HEX
#define OFFER "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"
#define FRAGMENT "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"

static struct ask *send_text(struct api_fixture *f, const char *method, const char *path,
                             const char *media_type, struct str body)
{
    struct ask *ask = ask_new(method, path, PARTICIPANT_TOKEN, body);
    if (media_type != NULL) {
        ask_set_header(ask, "Content-Type", media_type);
    }
    api_handle(f->api, &ask->request);
    return ask;
}

static struct ask *send_offer(struct api_fixture *f)
{
    return send_text(f, "POST", WHIP, RTC_SDP_TYPE, STR_LIT(OFFER));
}

static void reply_to(struct api_fixture *f, enum msg_id asked_id, const struct msg *reply)
{
    mock_bus_answer(asked(f, asked_id), ERR_OK, reply);
}

static void assert_header(struct ask *ask, const char *name, const char *expected)
{
    char value[160];
    const char *said = ask_header(ask, name, value, sizeof(value));
    if (expected == NULL) {
        assert_null(said);
    } else {
        assert_non_null(said);
        assert_string_equal(said, expected);
    }
}

/* ---- POST and GET of the endpoint ---- */

static void an_offer_is_answered_with_a_session(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_offer(f);
    const struct msg_rtc_publish *publish = &asked(f, MSG_rtc_publish)->request.rtc_publish;
    char hex[RTC_ID_HEX + 1];
    assert_true(str_eq(publish->room, STR_LIT("abc-defg-hij")));
    assert_true(str_eq(publish->sdp, STR_LIT(OFFER)));
    assert_int_equal(publish->tracks.count, 0); /* the bridge finds them */
    assert_hash_of(publish->asker.token_hash, PARTICIPANT_TOKEN);
    assert_int_equal(rtc_id_protocol(publish->connection.data), RTC_WHIP);
    hex_encode(hex, publish->connection.data, RTC_ID_BYTES);
    AUTO(mem_free) char *path = mem_printf("/v1/rtc/%s", hex);
    reply_to(f, MSG_rtc_publish,
             &(struct msg){.id = MSG_rtc_publish_reply,
                           .rtc_publish_reply = {.sdp = STR_LIT("v=0\r\n"), .seq = 1}});
    assert_int_equal(ask->status, 201);
    assert_string_equal(ask->body, "v=0\r\n");
    assert_header(ask, "Content-Type", "application/sdp");
    assert_header(ask, "Location", path);
    assert_header(ask, "ETag", "\"1\"");
    assert_header(ask, "Accept-Patch", "application/trickle-ice-sdpfrag");
    assert_header(ask, "Cache-Control", "no-store");
    ask_free(&ask);
}

static void two_sessions_have_two_names(void **state)
{
    struct api_fixture *f = *state;
    uint8_t ids[2][RTC_ID_BYTES];
    for (size_t i = 0; i < 2; i++) {
        struct ask *ask = send_offer(f);
        memcpy(ids[i], asked(f, MSG_rtc_publish)->request.rtc_publish.connection.data,
               RTC_ID_BYTES);
        fail_call(f, MSG_rtc_publish, ERR_ROOM_FULL);
        assert_problem(ask, 409, "room_full");
        ask_free(&ask);
    }
    assert_memory_not_equal(ids[0], ids[1], RTC_ID_BYTES);
}

static void what_is_no_offer_is_refused(void **state)
{
    struct api_fixture *f = *state;
    char large[RTC_SDP_BYTES + 1];
    memset(large, 'a', sizeof(large));
    const struct {
        const char *type;
        struct str body;
        int status;
        const char *code;
    } rows[] = {
        {"application/sdp", STR_NONE, 400, "bad_request"},
        {"application/sdp", STR_LIT("{}"), 400, "bad_request"},
        {"application/sdp", STR_LIT("v=0\r\n\x80"), 400, "bad_request"},
        {"application/sdp", {.data = large, .bytes = sizeof(large)}, 413, "too_large"},
        {"application/json", STR_LIT("{}"), 415, "media_type"},
        {"text/plain", STR_LIT(OFFER), 415, "media_type"},
        {NULL, STR_LIT(OFFER), 415, "media_type"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_text(f, "POST", WHIP, rows[i].type, rows[i].body);
        assert_problem(ask, rows[i].status, rows[i].code);
        ask_free(&ask);
    }
    struct ask *ask = send_offer(f);
    fail_call(f, MSG_rtc_publish, ERR_BAD_SDP);
    assert_problem(ask, 422, "bad_sdp");
    ask_free(&ask);
}

static void who_does_not_want_sdp_gets_none(void **state)
{
    static const struct {
        const char *accept;
        bool is_good;
    } rows[] = {{"text/html", false},
                {"application/json, text/*", false},
                {"*/*", true},
                {"application/*;q=0.5", true},
                {"Application/SDP", true},
                {"text/html,application/sdp;q=1", true},
                {"application/sd", false},
                {"application/sdpx", false},
                {"", true}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = ask_new("POST", WHIP, PARTICIPANT_TOKEN, STR_LIT(OFFER));
        ask_set_header(ask, "Content-Type", RTC_SDP_TYPE);
        ask_set_header(ask, "Accept", rows[i].accept);
        api_handle(f->api, &ask->request);
        if (rows[i].is_good) {
            fail_call(f, MSG_rtc_publish, ERR_CONFLICT);
            assert_problem(ask, 409, "conflict");
        } else {
            assert_problem(ask, 406, "not_acceptable");
        }
        ask_free(&ask);
    }
}

static void who_is_nobody_is_told_how_to_show_who_he_is(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_new("POST", WHIP, NULL, STR_LIT(OFFER));
    ask_set_header(ask, "Content-Type", RTC_SDP_TYPE);
    api_handle(f->api, &ask->request);
    assert_problem(ask, 401, "unauthorized");
    assert_header(ask, "WWW-Authenticate", "Bearer");
    ask_free(&ask);
    ask = send_text(f, "GET", WHIP, NULL, STR_NONE);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
}

/* ---- pages of others ---- */

static void all_pages_may_use_it(void **state)
{
    static const struct {
        const char *path, *methods, *post, *patch;
        bool is_for_all;
    } rows[] = {
        {WHIP, "GET, HEAD, POST, OPTIONS", "application/sdp", NULL, true},
        {WHEP, "GET, HEAD, POST, OPTIONS", "application/sdp", NULL, true},
        {RTC, "GET, HEAD, PATCH, DELETE, OPTIONS", NULL,
         "application/trickle-ice-sdpfrag, application/sdp", true},
        {"/v1/rooms/abc-defg-hij/watch", NULL, NULL, NULL, false},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = ask_new("OPTIONS", rows[i].path, NULL, STR_NONE);
        ask_set_header(ask, "Origin", "https://elsewhere.example");
        ask_set_header(ask, "Access-Control-Request-Method", "POST");
        api_handle(f->api, &ask->request);
        assert_int_equal(ask->status, 204);
        assert_header(ask, "Access-Control-Allow-Origin", rows[i].is_for_all ? "*" : NULL);
        assert_header(ask, "Access-Control-Allow-Methods", rows[i].methods);
        assert_header(ask, "Access-Control-Allow-Credentials", NULL);
        assert_header(ask, "Accept-Post", rows[i].post);
        assert_header(ask, "Accept-Patch", rows[i].patch);
        ask_free(&ask);
    }
    struct ask *ask = ask_new("POST", WHIP, NULL, STR_NONE);
    ask_set_header(ask, "Origin", "https://elsewhere.example");
    api_handle(f->api, &ask->request);
    assert_int_equal(ask->status, 401);
    assert_header(ask, "Access-Control-Allow-Origin", "*");
    assert_header(ask, "Access-Control-Expose-Headers",
                  "X-Request-Id, Retry-After, ETag, Allow, Location, Link, Accept-Patch, "
                  "Accept-Post");
    ask_free(&ask);
}

/* ---- the session ---- */

static void a_session_is_there_and_ends(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_text(f, "GET", RTC, NULL, STR_NONE);
    reply_to(f, MSG_rtc_get,
             &(struct msg){.id = MSG_rtc_get_reply,
                           .rtc_get_reply = {.kind = RTC_PUBLISH, .state = RTC_UP}});
    assert_int_equal(ask->status, 204);
    assert_string_equal(ask->body, "");
    ask_free(&ask);
    ask = send_text(f, "DELETE", RTC, NULL, STR_NONE);
    reply_to(f, MSG_rtc_close, &(struct msg){.id = MSG_rtc_close_reply});
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "");
    ask_free(&ask);
    ask = send_text(f, "DELETE", RTC, NULL, STR_NONE);
    fail_call(f, MSG_rtc_close, ERR_NOT_FOUND);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);
}

/* Which session of ICE a fragment is for. */
static void if_match_goes_with_a_fragment(void **state)
{
    static const struct {
        const char *if_match;
        uint64_t seq; /* 0: whichever it is */
        bool is_stale;
    } rows[] = {{NULL, 0, false},         {"*", 0, false},       {"\"*\"", 0, false},
                {"\"1\"", 1, false},      {"\"12\"", 12, false}, {"W/\"1\"", 0, true},
                {"\"another\"", 0, true}, {"1", 0, true},        {"", 0, true}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = ask_new("PATCH", RTC, PARTICIPANT_TOKEN, STR_LIT(FRAGMENT));
        ask_set_header(ask, "Content-Type", RTC_FRAGMENT_TYPE);
        if (rows[i].if_match != NULL) {
            ask_set_header(ask, "If-Match", rows[i].if_match);
        }
        api_handle(f->api, &ask->request);
        if (rows[i].is_stale) {
            assert_problem(ask, 412, "stale");
        } else {
            const struct msg_rtc_trickle *trickle = &asked(f, MSG_rtc_trickle)->request.rtc_trickle;
            assert_int_equal(trickle->has_if_seq, rows[i].seq != 0);
            assert_int_equal(trickle->if_seq, rows[i].seq);
            assert_int_equal(trickle->lacks_match, rows[i].if_match == NULL);
            fail_call(f, MSG_rtc_trickle, ERR_STALE);
            assert_problem(ask, 412, "stale");
        }
        ask_free(&ask);
    }
}

static void a_restart_has_another_etag(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_text(f, "PATCH", RTC, RTC_FRAGMENT_TYPE, STR_LIT(FRAGMENT));
    reply_to(f, MSG_rtc_trickle,
             &(struct msg){.id = MSG_rtc_trickle_reply, .rtc_trickle_reply = {.seq = 1}});
    assert_int_equal(ask->status, 204);
    assert_header(ask, "ETag", NULL);
    ask_free(&ask);
    ask = send_text(f, "PATCH", RTC, RTC_FRAGMENT_TYPE, STR_LIT(FRAGMENT));
    reply_to(f, MSG_rtc_trickle,
             &(struct msg){.id = MSG_rtc_trickle_reply,
                           .rtc_trickle_reply = {.fragment = STR_LIT(FRAGMENT), .seq = 2}});
    assert_int_equal(ask->status, 200);
    assert_header(ask, "ETag", "\"2\"");
    assert_header(ask, "Content-Type", "application/trickle-ice-sdpfrag");
    ask_free(&ask);
}

/* ---- limits ---- */

/* Each of its attempts counts, a good one as well as one that is refused; another one has his own.
 */
static void a_participant_makes_so_many_connections_and_no_more(void **state)
{
    struct api_fixture *f = *state;
    int status = 400;
    size_t count = 0;
    for (; status == 400; count++) {
        struct ask *ask = send_text(f, "POST", WHIP, RTC_SDP_TYPE, STR_LIT("{}"));
        status = ask->status;
        if (status != 400) {
            assert_problem(ask, 429, "rate_limited");
            assert_header(ask, "Retry-After", "1");
        }
        ask_free(&ask);
    }
    assert_int_equal(count, 31);
    struct ask *ask = send_text(f, "PATCH", RTC, RTC_FRAGMENT_TYPE, STR_LIT(FRAGMENT));
    fail_call(f, MSG_rtc_trickle, ERR_NOT_FOUND); /* of which it may do more */
    ask_free(&ask);
    fake_clock_advance(f->clock, 500);
    ask = send_text(f, "POST", WHEP, RTC_SDP_TYPE, STR_LIT("{}"));
    assert_problem(ask, 400, "bad_request");
    ask_free(&ask);
}

/* ---- WHEP ---- */

#define WHEP_OFFER OFFER "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"

static void watched(struct api_fixture *f, uint8_t ret_id[RTC_ID_BYTES])
{
    const struct msg_rtc_watch *watch = &asked(f, MSG_rtc_watch)->request.rtc_watch;
    memcpy(ret_id, watch->connection.data, RTC_ID_BYTES);
    reply_to(f, MSG_rtc_watch,
             &(struct msg){.id = MSG_rtc_watch_reply,
                           .rtc_watch_reply = {.connection = rtc_id_str(ret_id), .seq = 1}});
}

static void who_watches_is_given_another_offer(void **state)
{
    struct api_fixture *f = *state;
    uint8_t id[RTC_ID_BYTES];
    struct ask *ask = send_text(f, "POST", WHEP, RTC_SDP_TYPE, STR_LIT(WHEP_OFFER));
    const struct msg_rtc_watch *watch = &asked(f, MSG_rtc_watch)->request.rtc_watch;
    assert_true(str_eq(watch->room, STR_LIT("abc-defg-hij")));
    assert_hash_of(watch->asker.token_hash, PARTICIPANT_TOKEN);
    assert_int_equal(rtc_id_protocol(watch->connection.data), RTC_WHEP);
    assert_int_equal(watch->wanted.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(watch->wanted.items[i].participant, 9);
        assert_int_equal(watch->wanted.items[i].source, i == 0 ? MEDIA_AUDIO : MEDIA_VIDEO);
    }
    watched(f, id);
    assert_true(
        str_eq(asked(f, MSG_rtc_ask_offer)->request.rtc_ask_offer.room, STR_LIT("abc-defg-hij")));
    reply_to(f, MSG_rtc_ask_offer,
             &(struct msg){.id = MSG_rtc_ask_offer_reply,
                           .rtc_ask_offer_reply = {
                               .connection = rtc_id_str(id), .seq = 1, .sdp = STR_LIT("v=0\r\n")}});
    assert_int_equal(ask->status, 406);
    assert_string_equal(ask->body, "v=0\r\n");
    assert_header(ask, "Content-Type", "application/sdp");
    assert_header(ask, "ETag", "\"1\"");
    assert_header(ask, "Accept-Patch", "application/sdp, application/trickle-ice-sdpfrag");
    ask_free(&ask);
    ask = send_text(f, "GET", WHEP, NULL, STR_NONE);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
}

static void who_offers_what_fits_is_given_an_answer(void **state)
{
    struct api_fixture *f = *state;
    uint8_t id[RTC_ID_BYTES];
    char hex[RTC_ID_HEX + 1];
    struct ask *ask = send_text(f, "POST", WHEP, RTC_SDP_TYPE, STR_LIT(WHEP_OFFER));
    const struct msg_rtc_watch *watch = &asked(f, MSG_rtc_watch)->request.rtc_watch;
    assert_true(str_eq(watch->offer, STR_LIT(WHEP_OFFER)));
    memcpy(id, watch->connection.data, RTC_ID_BYTES);
    hex_encode(hex, id, RTC_ID_BYTES);
    AUTO(mem_free) char *path = mem_printf("/v1/rtc/%s", hex);
    reply_to(f, MSG_rtc_watch,
             &(struct msg){.id = MSG_rtc_watch_reply,
                           .rtc_watch_reply = {.connection = rtc_id_str(id),
                                               .seq = 1,
                                               .answer = STR_LIT("v=0\r\n")}});
    assert_int_equal(ask->status, 201);
    assert_string_equal(ask->body, "v=0\r\n");
    assert_header(ask, "Content-Type", "application/sdp");
    assert_header(ask, "Location", path);
    assert_header(ask, "ETag", "\"1\"");
    ask_free(&ask);
}

/* Whoever asks for two at a time has the later one. */
static void another_offer_is_not_taken_for_it(void **state)
{
    struct api_fixture *f = *state;
    uint8_t id[RTC_ID_BYTES];
    struct ask *ask = send_text(f, "POST", WHEP, RTC_SDP_TYPE, STR_LIT(WHEP_OFFER));
    watched(f, id);
    reply_to(f, MSG_rtc_ask_offer,
             &(struct msg){.id = MSG_rtc_ask_offer_reply,
                           .rtc_ask_offer_reply = {.connection = rtc_id_str(connection_bytes),
                                                   .seq = 1,
                                                   .sdp = STR_LIT("v=0\r\n")}});
    assert_problem(ask, 409, "conflict");
    ask_free(&ask);
}

static void nobody_is_there_to_be_watched(void **state)
{
    static const struct {
        const char *path, *offer;
        int status;
        const char *code;
    } rows[] = {{"/v1/rooms/abc-defg-hij/whep/nobody", WHEP_OFFER, 404, "not_found"},
                {WHEP, "no", 400, "bad_request"},
                {WHEP, OFFER, 422, "bad_sdp"},
                {WHEP, OFFER "m=text 9 RTP/AVP 1\r\n", 422, "bad_sdp"}};
    struct api_fixture *f = *state;
    struct ask *ask = send_text(f, "POST", WHEP, RTC_SDP_TYPE, STR_LIT(WHEP_OFFER));
    fail_call(f, MSG_rtc_watch, ERR_CONFLICT);
    assert_problem(ask, 409, "conflict");
    assert_header(ask, "Retry-After", "2");
    ask_free(&ask);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ask = send_text(f, "POST", rows[i].path, RTC_SDP_TYPE, str_of(rows[i].offer));
        assert_problem(ask, rows[i].status, rows[i].code);
        ask_free(&ask);
    }
}

static void who_watches_answers(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_text(f, "PATCH", WHEP_RTC, RTC_SDP_TYPE, STR_LIT(OFFER));
    reply_to(f, MSG_rtc_get,
             &(struct msg){.id = MSG_rtc_get_reply,
                           .rtc_get_reply = {
                               .kind = RTC_WATCH, .state = RTC_OFFERED, .seq = 1, .room_id = 77}});
    const struct msg_rtc_answer *answer = &asked(f, MSG_rtc_answer)->request.rtc_answer;
    assert_true(str_eq(answer->room, STR_LIT("77")) && answer->seq == 1);
    assert_true(str_eq(answer->sdp, STR_LIT(OFFER)));
    assert_hash_of(answer->asker.token_hash, PARTICIPANT_TOKEN);
    reply_to(f, MSG_rtc_answer, &(struct msg){.id = MSG_rtc_answer_reply});
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
    ask = send_text(f, "PATCH", WHEP_RTC, RTC_SDP_TYPE, STR_LIT(OFFER));
    reply_to(f, MSG_rtc_get,
             &(struct msg){.id = MSG_rtc_get_reply,
                           .rtc_get_reply = {.kind = RTC_WATCH, .state = RTC_JOINING}});
    assert_problem(ask, 409, "conflict");
    ask_free(&ask);
    ask = send_text(f, "PATCH", WHEP_RTC, RTC_SDP_TYPE, STR_LIT("\x80"));
    assert_problem(ask, 422, "bad_sdp");
    ask_free(&ask);
    ask = send_text(f, "PATCH", RTC, RTC_SDP_TYPE, STR_LIT(OFFER));
    assert_problem(ask, 415, "media_type");
    ask_free(&ask);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_offer_is_answered_with_a_session),
        TEST(two_sessions_have_two_names),
        TEST(what_is_no_offer_is_refused),
        TEST(who_does_not_want_sdp_gets_none),
        TEST(who_is_nobody_is_told_how_to_show_who_he_is),
        TEST(all_pages_may_use_it),
        TEST(a_session_is_there_and_ends),
        TEST(if_match_goes_with_a_fragment),
        TEST(a_restart_has_another_etag),
        TEST(a_participant_makes_so_many_connections_and_no_more),
        TEST(who_watches_is_given_another_offer),
        TEST(who_offers_what_fits_is_given_an_answer),
        TEST(another_offer_is_not_taken_for_it),
        TEST(nobody_is_there_to_be_watched),
        TEST(who_watches_answers),
    };
    return cmocka_run_group_tests_name("whip", tests, NULL, NULL);
}
