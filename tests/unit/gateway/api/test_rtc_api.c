/* Connections for media, and what is sent by them: what is asked of bridges and roomsvc, and what
 * clients are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "gateway/api/rtc_json.h"
#include "gateway/http/token.h"
#include "tests/unit/gateway/api/api_fixture.h"

#define ROOM "/v1/rooms/abc-defg-hij"
#define PUBLISH ROOM "/publish"
#define WATCH ROOM "/watch"
#define RTC "/v1/rtc/" CONNECTION_HEX
#define FRAGMENT "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"

static struct ask *send_rtc(struct api_fixture *f, const char *method, const char *path,
                            const char *body)
{
    return send_as(f, &(struct sent){method, path, PARTICIPANT_TOKEN, body, NULL});
}

static void reply_to(struct api_fixture *f, enum msg_id asked_id, const struct msg *reply)
{
    mock_bus_answer(asked(f, asked_id), ERR_OK, reply);
}

static void assert_id(struct str id)
{
    assert_int_equal(id.bytes, RTC_ID_BYTES);
    assert_memory_equal(id.data, connection_bytes, RTC_ID_BYTES);
}

/* ---- publishing ---- */

#define OFFER                                                                                      \
    "{\"sdp\":\"v=0\\r\\n\",\"sources\":{\"0\":\"audio\",\"cam\":\"video\",\"2\":\"screen\"}}"

#define LATER_OFFER "{\"sdp\":\"v=0\\r\\n\",\"sources\":{\"0\":\"audio\"}}"

static enum media_source source_of(const struct msg_rtc_track_list *tracks, const char *mid)
{
    for (size_t i = 0; i < tracks->count; i++) {
        if (str_eq(tracks->items[i].mid, str_of(mid))) {
            return tracks->items[i].source;
        }
    }
    fail_msg("no %s", mid);
    return 0;
}

static void assert_all_sources(const struct msg_rtc_track_list *tracks)
{
    assert_int_equal(tracks->count, 3);
    assert_int_equal(source_of(tracks, "0"), MEDIA_AUDIO);
    assert_int_equal(source_of(tracks, "cam"), MEDIA_VIDEO);
    assert_int_equal(source_of(tracks, "2"), MEDIA_SCREEN);
}

static const struct msg published = {.id = MSG_rtc_publish_reply,
                                     .rtc_publish_reply = {.sdp = STR_LIT("v=0\r\n"), .seq = 1}};

/* The id of what was made. */
static void take_published(struct api_fixture *f, struct ask **ask, char ret_id[RTC_ID_HEX + 1])
{
    char location[LOCATION_BYTES];
    const struct msg_rtc_publish *publish = &asked(f, MSG_rtc_publish)->request.rtc_publish;
    assert_int_equal(publish->connection.bytes, RTC_ID_BYTES);
    hex_encode(ret_id, publish->connection.data, RTC_ID_BYTES);
    reply_to(f, MSG_rtc_publish, &published);
    AUTO(mem_free)
    char *body =
        mem_printf("{\"connection\":\"%s\",\"sdp\":\"v=0\\u000d\\u000a\",\"seq\":1}", ret_id);
    AUTO(mem_free) char *path = mem_printf("/v1/rtc/%s", ret_id);
    assert_int_equal((*ask)->status, 201);
    assert_string_equal((*ask)->body, body);
    assert_string_equal(ask_header(*ask, "Location", location, sizeof(location)), path);
    assert_string_equal(ask_header(*ask, "Cache-Control", location, sizeof(location)), "no-store");
    ask_free(ask);
}

static void who_is_in_publishes(void **state)
{
    struct api_fixture *f = *state;
    char id[RTC_ID_HEX + 1], another[RTC_ID_HEX + 1];
    struct ask *ask = send_rtc(f, "POST", PUBLISH, OFFER);
    const struct msg_rtc_publish *publish = &asked(f, MSG_rtc_publish)->request.rtc_publish;
    assert_true(str_eq(publish->room, STR_LIT("abc-defg-hij")));
    assert_true(str_eq(publish->sdp, STR_LIT("v=0\r\n")));
    assert_hash_of(publish->asker.token_hash, PARTICIPANT_TOKEN);
    assert_all_sources(&publish->tracks);
    take_published(f, &ask, id);
    ask = send_rtc(f, "POST", PUBLISH, OFFER);
    take_published(f, &ask, another);
    assert_string_not_equal(id, another);
}

/* What comes again with the same key makes the same one; nobody else's does. */
static void the_same_key_makes_the_same_connection(void **state)
{
    struct api_fixture *f = *state;
    struct token_keys *keys = token_keys_new(TOKEN_KEY);
    char digits[TOKEN_HEX + 1];
    token_draw(keys, TOKEN_PARTICIPANT, digits);
    token_keys_free(&keys);
    AUTO(mem_free) char *another = mem_printf("%s%s", TOKEN_PARTICIPANT_PREFIX, digits);
    const struct sent rows[] = {
        {"POST", PUBLISH, PARTICIPANT_TOKEN, OFFER, KEY},
        {"POST", PUBLISH, PARTICIPANT_TOKEN, OFFER, KEY},
        {"POST", PUBLISH, PARTICIPANT_TOKEN, OFFER, "another-key"},
        {"POST", "/v1/rooms/78/publish", PARTICIPANT_TOKEN, OFFER, KEY},
        {"POST", PUBLISH, another, OFFER, KEY},
    };
    char ids[ARRAY_LEN(rows)][RTC_ID_HEX + 1];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i]);
        take_published(f, &ask, ids[i]);
    }
    assert_string_equal(ids[0], ids[1]);
    for (size_t i = 2; i < ARRAY_LEN(rows); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(ids[i], ids[j]);
        }
    }
}

/* The bridge compares what it stands for. */
static void another_body_with_the_same_key_is_told_apart(void **state)
{
    struct api_fixture *f = *state;
    const struct sent rows[] = {{"POST", PUBLISH, PARTICIPANT_TOKEN, OFFER, KEY},
                                {"POST", PUBLISH, PARTICIPANT_TOKEN, LATER_OFFER, KEY}};
    uint8_t first[AUTH_BODY_BYTES];
    struct ask *ask = send_as(f, &rows[0]);
    struct str hash = asked(f, MSG_rtc_publish)->request.rtc_publish.body_hash;
    assert_int_equal(hash.bytes, sizeof(first));
    memcpy(first, hash.data, sizeof(first));
    char id[RTC_ID_HEX + 1];
    take_published(f, &ask, id);
    ask = send_as(f, &rows[1]);
    hash = asked(f, MSG_rtc_publish)->request.rtc_publish.body_hash;
    assert_memory_not_equal(first, hash.data, sizeof(first));
    fail_call(f, MSG_rtc_publish, ERR_KEY_REUSED);
    assert_problem(ask, 422, "key_reused");
    ask_free(&ask);
}

static void who_publishes_offers_again(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_rtc(f, "PUT", RTC "/offer", OFFER);
    const struct msg_rtc_offer *offer = &asked(f, MSG_rtc_offer)->request.rtc_offer;
    assert_id(offer->connection);
    assert_true(str_eq(offer->sdp, STR_LIT("v=0\r\n")));
    assert_hash_of(offer->asker.token_hash, PARTICIPANT_TOKEN);
    assert_all_sources(&offer->tracks);
    reply_to(f, MSG_rtc_offer,
             &(struct msg){.id = MSG_rtc_offer_reply,
                           .rtc_offer_reply = {.sdp = STR_LIT("v=0"), .seq = 2}});
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"sdp\":\"v=0\",\"seq\":2}");
    ask_free(&ask);
    /* Nothing more is sent. */
    ask = send_rtc(f, "PUT", RTC "/offer", "{\"sdp\":\"v=0\",\"sources\":{}}");
    assert_int_equal(asked(f, MSG_rtc_offer)->request.rtc_offer.tracks.count, 0);
    fail_call(f, MSG_rtc_offer, ERR_CONFLICT);
    assert_problem(ask, 409, "conflict");
    ask_free(&ask);
}

/* An SDP as large as one may be, with its line ends escaped, and no larger one. */
static void a_description_is_so_long(void **state)
{
    struct api_fixture *f = *state;
    struct strbuf body = {0};
    strbuf_add_z(&body, "{\"sources\":{\"0\":\"audio\"},\"sdp\":\"");
    for (size_t i = 0; i < RTC_SDP_BYTES / 2; i++) {
        strbuf_add_z(&body, "\\r\\n");
    }
    AUTO(mem_free) char *fits = mem_printf("%.*s\"}", (int)body.bytes, body.data);
    AUTO(mem_free) char *more = mem_printf("%.*s-\"}", (int)body.bytes, body.data);
    strbuf_fini(&body);
    assert_true(strlen(fits) < RTC_BODY_BYTES_MAX);
    struct ask *ask = send_rtc(f, "POST", PUBLISH, fits);
    assert_int_equal(asked(f, MSG_rtc_publish)->request.rtc_publish.sdp.bytes, RTC_SDP_BYTES);
    fail_call(f, MSG_rtc_publish, ERR_BAD_SDP);
    assert_problem(ask, 422, "bad_sdp");
    ask_free(&ask);
    ask = send_rtc(f, "POST", PUBLISH, more);
    assert_problem(ask, 422, "wrong_member");
    ask_free(&ask);
}

static void only_what_carries_a_description_is_larger(void **state)
{
    static const struct {
        const char *method, *path;
        bool is_larger;
    } rows[] = {
        {"POST", PUBLISH, true},        {"PUT", RTC "/offer", true},
        {"PATCH", RTC, true},           {"PUT", WATCH, true},
        {"PUT", WATCH "/answer", true}, {"POST", RTC "/restart", false},
        {"DELETE", RTC, false},         {"POST", "/v1/rooms", false},
        {"POST", "/login", false},      {"POST", ROOM "/participants", false},
    };
    const struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(api_body_bytes_max(f->api, str_of(rows[i].method), str_of(rows[i].path)),
                         rows[i].is_larger ? RTC_BODY_BYTES_MAX : 0);
    }
}

/* ---- a connection ---- */

static void a_connection_is_shown(void **state)
{
    static const struct {
        struct msg_rtc_get_reply reply;
        const char *body;
    } rows[] = {
        {{.kind = RTC_PUBLISH,
          .state = RTC_UP,
          .seq = 3,
          .published = MEDIA_AUDIO | MEDIA_SCREEN,
          .lost = MEDIA_SCREEN},
         "{\"id\":\"" CONNECTION_HEX
         "\",\"kind\":\"publish\",\"state\":\"up\",\"seq\":3,\"tracks\":["
         "{\"source\":\"audio\",\"media\":\"flowing\"},{\"source\":\"screen\",\"media\":\"lost\"}"
         "]}"},
        {{.kind = RTC_PUBLISH, .state = RTC_ATTACHING},
         "{\"id\":\"" CONNECTION_HEX
         "\",\"kind\":\"publish\",\"state\":\"attaching\",\"seq\":0,\"tracks\":[]}"},
        {{.kind = RTC_WATCH, .state = RTC_OFFERED, .seq = 1},
         "{\"id\":\"" CONNECTION_HEX "\",\"kind\":\"watch\",\"state\":\"offered\",\"seq\":1}"},
        {{.kind = RTC_WATCH, .state = RTC_GONE, .seq = 1},
         "{\"id\":\"" CONNECTION_HEX "\",\"kind\":\"watch\",\"state\":\"gone\",\"seq\":1}"},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct msg reply = {.id = MSG_rtc_get_reply, .rtc_get_reply = rows[i].reply};
        struct ask *ask = send_rtc(f, "GET", RTC, NULL);
        const struct msg_rtc_get *get = &asked(f, MSG_rtc_get)->request.rtc_get;
        assert_id(get->connection);
        assert_hash_of(get->asker.token_hash, PARTICIPANT_TOKEN);
        reply_to(f, MSG_rtc_get, &reply);
        assert_int_equal(ask->status, 200);
        assert_string_equal(ask->body, rows[i].body);
        ask_free(&ask);
    }
    struct ask *ask = send_rtc(f, "GET", RTC, NULL);
    fail_call(f, MSG_rtc_get, ERR_NOT_FOUND);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);
}

/* Each word of the document is the one that the message has. */
static void words_are_those_of_the_messages(void **state)
{
    struct api_fixture *f = *state;
    for (uint32_t kind = RTC_PUBLISH; kind <= RTC_WATCH; kind++) {
        for (uint32_t step = RTC_ATTACHING; step <= RTC_GONE; step++) {
            AUTO(mem_free)
            char *told =
                mem_printf("\"kind\":\"%s\",\"state\":\"%s\"", msg_enum_text("rtc_kind", kind),
                           msg_enum_text("rtc_state", step));
            struct ask *ask = send_rtc(f, "GET", RTC, NULL);
            reply_to(f, MSG_rtc_get,
                     &(struct msg){.id = MSG_rtc_get_reply,
                                   .rtc_get_reply = {.kind = kind, .state = step}});
            assert_non_null(strstr(ask->body, told));
            ask_free(&ask);
        }
    }
}

static void a_connection_is_ended(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_rtc(f, "DELETE", RTC, NULL);
    const struct msg_rtc_close *close = &asked(f, MSG_rtc_close)->request.rtc_close;
    assert_id(close->connection);
    assert_hash_of(close->asker.token_hash, PARTICIPANT_TOKEN);
    reply_to(f, MSG_rtc_close, &(struct msg){.id = MSG_rtc_close_reply});
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
}

static void a_connection_is_restarted(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_rtc(f, "POST", RTC "/restart", NULL);
    const struct msg_rtc_restart *restart = &asked(f, MSG_rtc_restart)->request.rtc_restart;
    assert_id(restart->connection);
    assert_hash_of(restart->asker.token_hash, PARTICIPANT_TOKEN);
    reply_to(f, MSG_rtc_restart, &(struct msg){.id = MSG_rtc_restart_reply});
    assert_int_equal(ask->status, 202);
    assert_string_equal(ask->body, "{\"connection\":\"" CONNECTION_HEX "\"}");
    ask_free(&ask);
    ask = send_rtc(f, "POST", RTC "/restart", NULL);
    fail_call(f, MSG_rtc_restart, ERR_CONFLICT);
    assert_problem(ask, 409, "conflict");
    ask_free(&ask);
}

/* ---- fragments ---- */

static struct ask *send_fragment(struct api_fixture *f, struct str body, const char *media_type)
{
    struct ask *ask = ask_new("PATCH", RTC, PARTICIPANT_TOKEN, body);
    ask_set_header(ask, "Content-Type", media_type);
    api_handle(f->api, &ask->request);
    return ask;
}

static void candidates_and_restarts_are_told(void **state)
{
    static const char type[] = "application/trickle-ice-sdpfrag";
    struct api_fixture *f = *state;
    char value[64];
    struct ask *ask = send_fragment(f, STR_LIT(FRAGMENT), type);
    const struct msg_rtc_trickle *trickle = &asked(f, MSG_rtc_trickle)->request.rtc_trickle;
    assert_id(trickle->connection);
    assert_hash_of(trickle->asker.token_hash, PARTICIPANT_TOKEN);
    assert_true(str_eq(trickle->fragment, STR_LIT(FRAGMENT)));
    reply_to(f, MSG_rtc_trickle, &(struct msg){.id = MSG_rtc_trickle_reply});
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
    ask = send_fragment(f, STR_LIT(FRAGMENT), "Application/Trickle-ICE-sdpfrag; charset=utf-8");
    reply_to(f, MSG_rtc_trickle,
             &(struct msg){.id = MSG_rtc_trickle_reply,
                           .rtc_trickle_reply = {.fragment = STR_LIT(FRAGMENT)}});
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, FRAGMENT);
    assert_string_equal(ask_header(ask, "Content-Type", value, sizeof(value)), type);
    assert_string_equal(ask_header(ask, "Cache-Control", value, sizeof(value)), "no-store");
    ask_free(&ask);
    ask = send_fragment(f, STR_LIT(FRAGMENT), type);
    fail_call(f, MSG_rtc_trickle, ERR_CONFLICT);
    assert_problem(ask, 409, "conflict");
    ask_free(&ask);
}

static void what_is_no_fragment_is_refused(void **state)
{
    static const char type[] = "application/trickle-ice-sdpfrag";
    struct api_fixture *f = *state;
    char large[RTC_SDP_BYTES + 1];
    memset(large, 'a', sizeof(large));
    const struct {
        struct str body;
        const char *type;
        int status;
        const char *code;
    } rows[] = {
        {STR_NONE, type, 422, "bad_sdp"},
        {STR_LIT("a=x\0\r\n"), type, 422, "bad_sdp"},
        {STR_LIT("a=\x80\r\n"), type, 422, "bad_sdp"},
        {STR_LIT("a=\x7f\r\n"), type, 422, "bad_sdp"},
        {STR_LIT("a=\t\r\n"), type, 422, "bad_sdp"},
        {{.data = large, .bytes = sizeof(large)}, type, 413, "too_large"},
        {STR_LIT(FRAGMENT), "application/sdp", 415, "media_type"},
        {STR_LIT(FRAGMENT), "application/json", 400, "bad_request"},
        {STR_LIT(FRAGMENT), NULL, 415, "media_type"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_fragment(f, rows[i].body, rows[i].type);
        assert_problem(ask, rows[i].status, rows[i].code);
        ask_free(&ask);
    }
    struct ask *ask = send_fragment(f, (struct str){.data = large, .bytes = RTC_SDP_BYTES}, type);
    assert_int_equal(asked(f, MSG_rtc_trickle)->request.rtc_trickle.fragment.bytes, RTC_SDP_BYTES);
    fail_call(f, MSG_rtc_trickle, ERR_BAD_SDP);
    assert_problem(ask, 422, "bad_sdp");
    ask_free(&ask);
}

/* ---- mute ---- */

static const struct msg_participant gus = {.id = 9,
                                           .name = STR_LIT("Gus"),
                                           .role = ROOM_PARTICIPANT,
                                           .state = PARTICIPANT_JOINED,
                                           .guest = true,
                                           .muted = MEDIA_AUDIO | MEDIA_SCREEN,
                                           .joined_unix_ms = 1700000000000};

static void answer_whose(struct api_fixture *f)
{
    reply_to(
        f, MSG_rtc_get,
        &(struct msg){.id = MSG_rtc_get_reply,
                      .rtc_get_reply = {
                          .kind = RTC_PUBLISH, .state = RTC_UP, .room_id = 77, .participant = 9}});
}

/* The bridge knows whose it is, and roomsvc is told. */
static void who_publishes_makes_himself_mute(void **state)
{
    static const struct {
        const char *body;
        uint64_t muted;
    } rows[] = {{"{\"muted\":[\"screen\",\"audio\"]}", MEDIA_AUDIO | MEDIA_SCREEN},
                {"{\"muted\":[]}", 0}};
    struct api_fixture *f = *state;
    char value[64];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_rtc(f, "PATCH", RTC, rows[i].body);
        const struct msg_rtc_get *get = &asked(f, MSG_rtc_get)->request.rtc_get;
        assert_id(get->connection);
        assert_hash_of(get->asker.token_hash, PARTICIPANT_TOKEN);
        answer_whose(f);
        const struct msg_participant_change *change =
            &asked(f, MSG_participant_change)->request.participant_change;
        assert_true(str_eq(change->room, STR_LIT("77")) && change->participant == 9);
        assert_true(change->has_muted && change->muted == rows[i].muted);
        assert_false(change->has_name || change->has_hand || change->has_role);
        assert_true(change->has_origin && change->idempotency_key.bytes == 16);
        assert_hash_of(change->asker.token_hash, PARTICIPANT_TOKEN);
        reply_to(f, MSG_participant_change,
                 &(struct msg){.id = MSG_participant_change_reply,
                               .participant_change_reply = {.participant = gus}});
        assert_int_equal(ask->status, 200);
        assert_non_null(strstr(ask->body, "\"id\":\"9\""));
        assert_non_null(strstr(ask->body, "\"muted\":[\"audio\",\"screen\"]"));
        assert_string_equal(ask_header(ask, "Cache-Control", value, sizeof(value)), "no-store");
        ask_free(&ask);
    }
}

static void who_cannot_be_made_mute_is_told_why(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_rtc(f, "PATCH", RTC, "{\"muted\":[]}");
    fail_call(f, MSG_rtc_get, ERR_NOT_FOUND);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);
    ask = send_rtc(f, "PATCH", RTC, "{\"muted\":[]}");
    answer_whose(f);
    fail_call(f, MSG_participant_change, ERR_FORBIDDEN);
    assert_problem(ask, 403, "forbidden");
    ask_free(&ask);
    ask = send_rtc(f, "PATCH", RTC, "{\"muted\":[]}"); /* roomsvc has not answered yet */
    reply_to(f, MSG_rtc_get,
             &(struct msg){.id = MSG_rtc_get_reply,
                           .rtc_get_reply = {.kind = RTC_PUBLISH, .state = RTC_STORING}});
    assert_problem(ask, 409, "conflict");
    ask_free(&ask);
    /* The bus takes the first question, and not the second one. */
    log_capture_expect("request failed");
    ask = send_rtc(f, "PATCH", RTC, "{\"muted\":[]}");
    f->bus.refuse = ERR_UNAVAILABLE;
    answer_whose(f);
    assert_problem(ask, 503, "unavailable");
    ask_free(&ask);
    ask = send_rtc(f, "PATCH", RTC, "{\"muted\":[]}");
    assert_problem(ask, 503, "unavailable");
    ask_free(&ask);
    f->bus.refuse = ERR_OK;
    ask = send_rtc(f, "PATCH", RTC, "{\"muted\":[]}");
    reply_to(f, MSG_rtc_get, &(struct msg){.id = MSG_rtc_close_reply});
    assert_problem(ask, 502, "protocol");
    ask_free(&ask);
}

/* The API goes while a question is out. */
static void who_waits_when_the_api_goes_is_told(void **state)
{
    struct api_fixture *f = *state;
    struct ask *first = send_rtc(f, "PATCH", RTC, "{\"muted\":[]}");
    struct mock_bus_call *get = asked(f, MSG_rtc_get);
    struct ask *second = send_rtc(f, "POST", PUBLISH, OFFER);
    struct mock_bus_call *publish = asked(f, MSG_rtc_publish);
    api_fixture_restart(f);
    assert_true(first->status == 503 && second->status == 503);
    mock_bus_answer(get, ERR_UNAVAILABLE, NULL);
    mock_bus_answer(publish, ERR_OK, &published);
    ask_free(&first);
    ask_free(&second);
}

/* ---- what cannot be ---- */

static void what_no_client_should_send_is_refused(void **state)
{
#define A "\"sdp\":\"v=0\""
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *code, *detail;
    } rows[] = {
        {"POST", PUBLISH, "{" A "}", 422, "wrong_member", "/sources"},
        {"POST", PUBLISH, "{\"sources\":{\"0\":\"audio\"}}", 422, "wrong_member", "/sdp"},
        {"POST", PUBLISH, "{\"sdp\":\"\",\"sources\":{\"0\":\"audio\"}}", 422, "wrong_member",
         "/sdp"},
        {"POST", PUBLISH, "{\"sdp\":\"a\\u0000\",\"sources\":{\"0\":\"audio\"}}", 400,
         "bad_request", ""},
        {"POST", PUBLISH, "{" A ",\"sources\":{}}", 422, "wrong_member", "/sources"},
        {"POST", PUBLISH, "{" A ",\"sources\":[\"audio\"]}", 422, "wrong_member",
         "must be an object of strings"},
        {"POST", PUBLISH, "{" A ",\"sources\":{\"0\":\"sound\"}}", 422, "wrong_member", "/sources"},
        {"POST", PUBLISH, "{" A ",\"sources\":{\"0\":1}}", 422, "wrong_member", "/sources"},
        {"POST", PUBLISH, "{" A ",\"sources\":{\"\":\"audio\"}}", 422, "wrong_member", "/sources"},
        {"POST", PUBLISH, "{" A ",\"sources\":{\"123456789012345678901234567890123\":\"audio\"}}",
         422, "wrong_member", "/sources"},
        {"POST", PUBLISH,
         "{" A ",\"sources\":{\"0\":\"audio\",\"1\":\"audio\",\"2\":\"audio\",\"3\":\"audio\","
         "\"4\":\"audio\",\"5\":\"audio\",\"6\":\"audio\",\"7\":\"audio\",\"8\":\"audio\"}}",
         422, "wrong_member", "/sources"},
        {"POST", PUBLISH, "{" A ",\"sources\":{\"0\":\"audio\",\"0\":\"video\"}}", 400,
         "bad_request", ""},
        {"POST", PUBLISH, "{" A ",\"sources\":{\"0\":\"audio\"},\"jsep\":{}}", 422, "wrong_member",
         "/jsep"},
        {"POST", "/v1/rooms/x/publish", "[]", 400, "bad_request", ""},
        {"PUT", RTC "/offer", "{" A "}", 422, "wrong_member", "/sources"},
        {"PUT", RTC "0/offer", "{" A ",\"sources\":{}}", 404, "not_found", ""},
        {"PUT", "/v1/rtc/x/offer", "{" A ",\"sources\":{}}", 404, "not_found", ""},
        {"GET", "/v1/rtc/0011", NULL, 404, "not_found", ""},
        {"GET", "/v1/rtc/0011223344556677889900112233445g", NULL, 404, "not_found", ""},
        {"DELETE", "/v1/rtc/-", NULL, 404, "not_found", ""},
        {"POST", "/v1/rtc/-/restart", NULL, 404, "not_found", ""},
        {"PATCH", "/v1/rtc/-", "{\"muted\":[]}", 404, "not_found", ""},
        {"PATCH", RTC, "{}", 422, "wrong_member", "/muted"},
        {"PATCH", RTC, "{\"muted\":[\"audio\",\"audio\"]}", 422, "wrong_member", "/muted"},
        {"PATCH", RTC, "{\"muted\":{\"audio\":true}}", 422, "wrong_member", "/muted"},
        {"PATCH", RTC, "{\"muted\":null}", 422, "wrong_member", "/muted"},
    };
#undef A
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_rtc(f, rows[i].method, rows[i].path, rows[i].body);
        assert_problem(ask, rows[i].status, rows[i].code);
        if (strstr(ask->body, rows[i].detail) == NULL) {
            fail_msg("%s: %s", rows[i].body, ask->body);
        }
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
}

/* A connection is a participant's: neither a user nor anybody else has one. */
static void who_is_no_participant_is_refused(void **state)
{
    static const struct {
        const char *method, *path, *body;
    } rows[] = {
        {"POST", PUBLISH, OFFER},
        {"PUT", RTC "/offer", OFFER},
        {"GET", RTC, NULL},
        {"PATCH", RTC, "{\"muted\":[]}"},
        {"DELETE", RTC, NULL},
        {"POST", RTC "/restart", NULL},
        {"PUT", WATCH, "{\"wanted\":[]}"},
        {"GET", WATCH "/offer", NULL},
        {"PUT", WATCH "/answer", "{\"seq\":1,\"sdp\":\"v=0\"}"},
    };
    static const char *const tokens[] = {NULL, TOKEN, "x"};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(tokens); j++) {
            struct ask *ask = send_as(
                f, &(struct sent){rows[i].method, rows[i].path, tokens[j], rows[i].body, NULL});
            assert_problem(ask, 401, "unauthorized");
            ask_free(&ask);
        }
    }
    assert_int_equal(f->bus.count, 0);
    struct ask *ask = ask_new("PATCH", RTC, TOKEN, STR_LIT(FRAGMENT));
    ask_set_header(ask, "Content-Type", "application/trickle-ice-sdpfrag");
    api_handle(f->api, &ask->request);
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
}

#define RTC_TEST(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        RTC_TEST(who_is_in_publishes),
        RTC_TEST(the_same_key_makes_the_same_connection),
        RTC_TEST(another_body_with_the_same_key_is_told_apart),
        RTC_TEST(who_publishes_offers_again),
        RTC_TEST(a_description_is_so_long),
        RTC_TEST(only_what_carries_a_description_is_larger),
        RTC_TEST(a_connection_is_shown),
        RTC_TEST(words_are_those_of_the_messages),
        RTC_TEST(a_connection_is_ended),
        RTC_TEST(a_connection_is_restarted),
        RTC_TEST(candidates_and_restarts_are_told),
        RTC_TEST(what_is_no_fragment_is_refused),
        RTC_TEST(who_publishes_makes_himself_mute),
        RTC_TEST(who_cannot_be_made_mute_is_told_why),
        RTC_TEST(who_waits_when_the_api_goes_is_told),
        RTC_TEST(what_no_client_should_send_is_refused),
        RTC_TEST(who_is_no_participant_is_refused),
    };
    return cmocka_run_group_tests_name("rtc_api", tests, NULL, NULL);
}
