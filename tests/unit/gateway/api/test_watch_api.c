/* What a participant wants to get of the others: what is asked of bridges, and what he is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "gateway/api/rtc_json.h"
#include "tests/unit/gateway/api/api_fixture.h"

#define WATCH "/v1/rooms/abc-defg-hij/watch"

static struct ask *send_wish(struct api_fixture *f, const char *method, const char *path,
                             const char *body)
{
    return send_as(f, &(struct sent){method, path, PARTICIPANT_TOKEN, body, NULL});
}

static void reply_to_wish(struct api_fixture *f, enum msg_id asked_id, const struct msg *reply)
{
    mock_bus_answer(asked(f, asked_id), ERR_OK, reply);
}

static void who_watches_says_all_that_he_wants(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        send_wish(f, "PUT", WATCH,
                  "{\"wanted\":[{\"participant\":\"9\",\"source\":\"audio\"},"
                  "{\"participant\":\"12\",\"source\":\"screen\",\"layer\":0,\"paused\":true},"
                  "{\"participant\":\"9007199254740991\",\"source\":\"video\",\"layer\":2,"
                  "\"paused\":false}]}");
    const struct msg_rtc_watch *watch = &asked(f, MSG_rtc_watch)->request.rtc_watch;
    assert_true(str_eq(watch->room, STR_LIT("abc-defg-hij")));
    assert_int_equal(watch->connection.bytes, RTC_ID_BYTES);
    assert_hash_of(watch->asker.token_hash, PARTICIPANT_TOKEN);
    const struct msg_rtc_wish *wanted = watch->wanted.items;
    assert_int_equal(watch->wanted.count, 3);
    assert_true(wanted[0].participant == 9 && wanted[0].source == MEDIA_AUDIO);
    assert_true(!wanted[0].has_layer && !wanted[0].paused);
    assert_true(wanted[1].participant == 12 && wanted[1].source == MEDIA_SCREEN);
    assert_true(wanted[1].has_layer && wanted[1].layer == 0 && wanted[1].paused);
    assert_true(wanted[2].participant == 9007199254740991 && wanted[2].source == MEDIA_VIDEO);
    assert_true(wanted[2].has_layer && wanted[2].layer == 2 && !wanted[2].paused);
    reply_to_wish(
        f, MSG_rtc_watch,
        &(struct msg){.id = MSG_rtc_watch_reply,
                      .rtc_watch_reply = {.connection = rtc_id_str(connection_bytes), .seq = 4}});
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"connection\":\"" CONNECTION_HEX "\",\"seq\":4}");
    ask_free(&ask);
    ask = send_wish(f, "PUT", WATCH, "{\"wanted\":[]}");
    assert_int_equal(asked(f, MSG_rtc_watch)->request.rtc_watch.wanted.count, 0);
    fail_call(f, MSG_rtc_watch, ERR_MEDIA_FULL);
    log_capture_expect("request failed");
    assert_problem(ask, 503, "media_full");
    ask_free(&ask);
}

static void as_many_as_fit_are_watched(void **state)
{
    struct api_fixture *f = *state;
    struct strbuf body = {0};
    strbuf_add_z(&body, "{\"wanted\":[{\"participant\":\"1\",\"source\":\"audio\"}");
    for (size_t i = 1; i < RTC_WISHES_MAX; i++) {
        strbuf_add_z(&body, ",{\"participant\":\"2\",\"source\":\"video\"}");
    }
    AUTO(mem_free) char *fits = mem_printf("%.*s]}", (int)body.bytes, body.data);
    AUTO(mem_free)
    char *more = mem_printf("%.*s,{\"participant\":\"3\",\"source\":\"video\"}]}", (int)body.bytes,
                            body.data);
    strbuf_fini(&body);
    struct ask *ask = send_wish(f, "PUT", WATCH, fits);
    const struct msg_rtc_wish_list *wanted = &asked(f, MSG_rtc_watch)->request.rtc_watch.wanted;
    assert_int_equal(wanted->count, RTC_WISHES_MAX);
    assert_true(wanted->items[RTC_WISHES_MAX - 1].participant == 2);
    fail_call(f, MSG_rtc_watch, ERR_NOT_JOINED);
    assert_problem(ask, 409, "not_joined");
    ask_free(&ask);
    ask = send_wish(f, "PUT", WATCH, more);
    assert_problem(ask, 422, "wrong_member");
    assert_non_null(strstr(ask->body, "must have 0 to 80 items"));
    ask_free(&ask);
}

static void the_open_offer_is_shown(void **state)
{
    static const struct msg_rtc_stream streams[] = {{.mid = STR_LIT("0"),
                                                     .participant = 9,
                                                     .has_source = true,
                                                     .source = MEDIA_VIDEO,
                                                     .feed = 5,
                                                     .feed_mid = STR_LIT("1")},
                                                    {.mid = STR_LIT("a\"b")}};
    struct api_fixture *f = *state;
    struct ask *ask = send_wish(f, "GET", WATCH "/offer", NULL);
    const struct msg_rtc_ask_offer *offer = &asked(f, MSG_rtc_ask_offer)->request.rtc_ask_offer;
    assert_true(str_eq(offer->room, STR_LIT("abc-defg-hij")));
    assert_hash_of(offer->asker.token_hash, PARTICIPANT_TOKEN);
    reply_to_wish(
        f, MSG_rtc_ask_offer,
        &(struct msg){.id = MSG_rtc_ask_offer_reply,
                      .rtc_ask_offer_reply = {.connection = rtc_id_str(connection_bytes),
                                              .seq = 7,
                                              .sdp = STR_LIT("v=0"),
                                              .streams = {.items = streams, .count = 2}}});
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"connection\":\"" CONNECTION_HEX
                                   "\",\"seq\":7,\"sdp\":\"v=0\",\"streams\":["
                                   "{\"mid\":\"0\",\"participant\":\"9\",\"source\":\"video\"},"
                                   "{\"mid\":\"a\\\"b\"}]}");
    ask_free(&ask);
}

static void the_last_offer_is_answered(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        send_wish(f, "PUT", WATCH "/answer", "{\"seq\":9223372036854775807,\"sdp\":\"v=0\\r\\n\"}");
    const struct msg_rtc_answer *answer = &asked(f, MSG_rtc_answer)->request.rtc_answer;
    assert_true(str_eq(answer->room, STR_LIT("abc-defg-hij")) && answer->seq == INT64_MAX);
    assert_true(str_eq(answer->sdp, STR_LIT("v=0\r\n")));
    assert_hash_of(answer->asker.token_hash, PARTICIPANT_TOKEN);
    reply_to_wish(f, MSG_rtc_answer, &(struct msg){.id = MSG_rtc_answer_reply});
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
    ask = send_wish(f, "PUT", WATCH "/answer", "{\"seq\":1,\"sdp\":\"v=0\"}");
    fail_call(f, MSG_rtc_answer, ERR_STALE_OFFER);
    assert_problem(ask, 409, "stale_offer");
    ask_free(&ask);
}

static void a_wish_that_is_none_is_refused(void **state)
{
#define W "{\"wanted\":[{\"participant\":\"9\",\"source\":\"audio\""
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *code, *detail;
    } rows[] = {
        {"PUT", WATCH, "{}", 422, "wrong_member", "/wanted"},
        {"PUT", WATCH, "{\"wanted\":{}}", 422, "wrong_member", "must be a list of objects"},
        {"PUT", WATCH, "{\"wanted\":[[]]}", 422, "wrong_member", "\"pointer\":\"/wanted/0\""},
        {"PUT", WATCH, W "},7]}", 422, "wrong_member", "\"pointer\":\"/wanted/1\""},
        {"PUT", WATCH, W ",\"substream\":2}]}", 422, "wrong_member", "/wanted/0/substream"},
        {"PUT", WATCH, W ",\"layer\":3}]}", 422, "wrong_member", "/wanted/0/layer"},
        {"PUT", WATCH, W ",\"layer\":-1}]}", 422, "wrong_member", "/wanted/0/layer"},
        {"PUT", WATCH, W ",\"layer\":1.5}]}", 422, "wrong_member", "/wanted/0/layer"},
        {"PUT", WATCH, W ",\"layer\":\"1\"}]}", 422, "wrong_member", "/wanted/0/layer"},
        {"PUT", WATCH, W ",\"layer\":9223372036854775807}]}", 422, "wrong_member",
         "/wanted/0/layer"},
        {"PUT", WATCH, W ",\"paused\":0}]}", 422, "wrong_member", "/wanted/0/paused"},
        {"PUT", WATCH, W ",\"participant\":\"9\"}]}", 400, "bad_request", ""},
        {"PUT", WATCH, "{\"wanted\":[{\"participant\":9,\"source\":\"audio\"}]}", 422,
         "wrong_member", "/wanted/0/participant"},
        {"PUT", WATCH, "{\"wanted\":[{\"participant\":\"0\",\"source\":\"audio\"}]}", 422,
         "wrong_member", "must be an id"},
        {"PUT", WATCH, "{\"wanted\":[{\"participant\":\"9\"}]}", 422, "wrong_member",
         "/wanted/0/source"},
        {"PUT", WATCH "/answer", "{\"seq\":0,\"sdp\":\"v=0\"}", 422, "wrong_member", "/seq"},
        {"PUT", WATCH "/answer", "{\"seq\":\"1\",\"sdp\":\"v=0\"}", 422, "wrong_member", "/seq"},
        {"PUT", WATCH "/answer", "{\"seq\":9223372036854775808,\"sdp\":\"v=0\"}", 400,
         "bad_request", ""},
        {"PUT", WATCH "/answer", "{\"seq\":1}", 422, "wrong_member", "/sdp"},
    };
#undef W
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_wish(f, rows[i].method, rows[i].path, rows[i].body);
        assert_problem(ask, rows[i].status, rows[i].code);
        if (strstr(ask->body, rows[i].detail) == NULL) {
            fail_msg("%s: %s", rows[i].body, ask->body);
        }
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
}

#define WATCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        WATCH_TEST(who_watches_says_all_that_he_wants),
        WATCH_TEST(as_many_as_fit_are_watched),
        WATCH_TEST(the_open_offer_is_shown),
        WATCH_TEST(the_last_offer_is_answered),
        WATCH_TEST(a_wish_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("watch_api", tests, NULL, NULL);
}
