/* /v1/rooms/{room}/participants: what is asked of roomsvc, and what clients are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define ROOM "/v1/rooms/abc-defg-hij"
#define JOIN ROOM "/participants"
#define NAMED "{\"name\":\"Dave\"}"

static const uint64_t can[] = {ROOM_SEE, ROOM_RAISE_HAND, 1000};
static const struct msg_participant dave = {.id = 9,
                                            .name = STR_LIT("Dave <D>"),
                                            .role = ROOM_PARTICIPANT,
                                            .state = PARTICIPANT_JOINED,
                                            .guest = true,
                                            .joined_unix_ms = 1700000000000};
#define DAVE                                                                                       \
    "{\"id\":\"9\",\"name\":\"Dave <D>\",\"role\":\"participant\",\"state\":\"joined\","           \
    "\"kind\":\"person\",\"guest\":true,\"muted\":[],\"tracks\":[],\"joined_at\":\"2023-11-14T22:" \
    "13:20.000Z\"}"

static const struct msg_participant_join *asked_join(struct api_fixture *f)
{
    return &asked(f, MSG_participant_join)->request.participant_join;
}

enum how { MADE, RESUMED, MADE_BEFORE };

static void answer_join(struct api_fixture *f, enum how how)
{
    const struct msg reply = {
        .id = MSG_participant_join_reply,
        .participant_join_reply = {.participant = dave,
                                   .room_id = 77,
                                   .can = {.items = can, .count = ARRAY_LEN(can)},
                                   .resumed = how == RESUMED,
                                   .made = how == MADE}};
    mock_bus_answer(asked(f, MSG_participant_join), ERR_OK, &reply);
}

/* The token that an answer has. */
static void read_token(const struct ask *ask, char ret_token[TOKEN_PREFIXED_BYTES + 1])
{
    static const char before[] = "\"token\":\"";
    const char *at = strstr(ask->body, before);
    assert_non_null(at);
    assert_true(str_copy(ret_token, TOKEN_PREFIXED_BYTES + 1,
                         (struct str){at + strlen(before), TOKEN_PREFIXED_BYTES}));
    assert_int_equal(at[strlen(before) + TOKEN_PREFIXED_BYTES], '"');
}

/* ---- coming in ---- */

static void a_guest_comes_in(void **state)
{
    struct api_fixture *f = *state;
    char token[TOKEN_PREFIXED_BYTES + 1], location[LOCATION_BYTES];
    struct ask *ask = send_as(
        f, &(struct sent){"POST", JOIN, NULL,
                          "{\"name\":\" Dave \",\"device\":\"laptop\",\"pin\":\"0042\"}", NULL});
    const struct msg_participant_join *join = asked_join(f);
    assert_int_equal(asked(f, MSG_participant_join)->context.principal.kind, PRINCIPAL_NONE);
    assert_true(str_eq(join->room, STR_LIT("abc-defg-hij")));
    assert_true(str_eq(join->pin, STR_LIT("0042")));
    assert_false(join->has_asker);
    assert_int_equal(join->idempotency_key.bytes, 16);
    assert_int_equal(join->device_hash.bytes, 16);
    assert_int_equal(join->address.bytes, 16);
    assert_memory_equal(join->address.data, ask->request.client, 16);
    assert_int_equal(join->session_hash.bytes, 0);
    assert_int_equal(join->body_hash.bytes, 0);
    char hash[32];
    memcpy(hash, join->token_hash.data, sizeof(hash));
    answer_join(f, MADE);
    assert_int_equal(ask->status, 201);
    read_token(ask, token);
    assert_hash_of((struct str){hash, sizeof(hash)}, token);
    AUTO(mem_free)
    char *body = mem_printf("{\"participant\":" DAVE ",\"token\":\"%s\",\"me\":{\"can\":["
                            "\"see_room\",\"raise_hand\"]},\"ice_servers\":[]}",
                            token);
    assert_string_equal(ask->body, body);
    assert_string_equal(ask_header(ask, "Location", location, sizeof(location)), JOIN "/9");
    ask_free(&ask);
}

static void a_user_comes_in_with_his_session(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        send_as(f, &(struct sent){"POST", "/v1/rooms/77/participants", TOKEN, "{}", NULL});
    const struct mock_bus_call *call = asked(f, MSG_participant_join);
    assert_int_equal(call->context.principal.user_id, CAROL_ID);
    assert_int_equal(call->request.participant_join.name.bytes, 0);
    assert_int_equal(call->request.participant_join.device_hash.bytes, 0);
    assert_hash_of(call->request.participant_join.session_hash, TOKEN);
    answer_join(f, MADE);
    assert_int_equal(ask->status, 201);
    ask_free(&ask);
}

/* He keeps the token that he has. */
static void who_was_in_comes_back(void **state)
{
    struct api_fixture *f = *state;
    char token[TOKEN_PREFIXED_BYTES + 1];
    struct ask *ask =
        send_as(f, &(struct sent){"POST", JOIN, "Bearer " PARTICIPANT_TOKEN, "{}", NULL});
    assert_true(asked_join(f)->has_asker);
    assert_hash_of(asked_join(f)->asker.token_hash, PARTICIPANT_TOKEN);
    answer_join(f, RESUMED);
    assert_int_equal(ask->status, 201);
    read_token(ask, token);
    assert_string_equal(token, PARTICIPANT_TOKEN);
    ask_free(&ask);
}

/* By an invitation: services see a hash of its secret. Who has to wait is told so. */
static void a_guest_comes_by_an_invitation_and_waits(void **state)
{
    static const struct sent sent = {"POST", JOIN, NULL,
                                     "{\"name\":\"Dave\",\"invitation\":\"" INVITATION "\"}", NULL};
    struct api_fixture *f = *state;
    char token[TOKEN_PREFIXED_BYTES + 1], location[LOCATION_BYTES];
    struct msg_participant waiting = dave;
    waiting.state = PARTICIPANT_WAITING;
    struct ask *ask = send_as(f, &sent);
    assert_hash_of(asked_join(f)->invitation_hash, INVITATION);
    mock_bus_answer(asked(f, MSG_participant_join), ERR_OK,
                    &(struct msg){.id = MSG_participant_join_reply,
                                  .participant_join_reply = {
                                      .participant = waiting, .room_id = 77, .made = true}});
    assert_int_equal(ask->status, 202);
    assert_non_null(strstr(ask->body, "\"state\":\"waiting\""));
    assert_non_null(strstr(ask->body, "\"me\":{\"can\":[]}"));
    assert_null(strstr(ask->body, "li_"));
    assert_string_equal(ask_header(ask, "Location", location, sizeof(location)), JOIN "/9");
    read_token(ask, token);
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"POST", JOIN, NULL, NAMED, NULL});
    assert_int_equal(asked_join(f)->invitation_hash.bytes, 0);
    fail_call(f, MSG_participant_join, ERR_LOBBY_FULL);
    assert_problem(ask, 409, "lobby_full");
    ask_free(&ask);
}

static void what_cannot_be_is_refused_at_once(void **state)
{
    static const struct {
        struct sent sent;
        int status;
        const char *code, *detail;
    } rows[] = {
        {{"POST", JOIN, NULL, "{}", NULL},
         422,
         "wrong_member",
         "\"errors\":[{\"pointer\":\"/name\",\"detail\":\"is required\"}]"},
        {{"POST", JOIN, NULL, "{\"name\":\"\"}", NULL}, 422, "wrong_member", "/name"},
        {{"POST", JOIN, NULL, "{\"name\":\"Dave\",\"pin\":\"\"}", NULL},
         422,
         "wrong_member",
         "/pin"},
        {{"POST", JOIN, NULL, "{\"name\":\"Dave\",\"role\":\"owner\"}", NULL},
         422,
         "wrong_member",
         "/role"},
        {{"POST", JOIN, FOREIGN_TOKEN, NAMED, NULL}, 401, "unauthorized", ""},
        {{"POST", JOIN, "lp_" FOREIGN_TOKEN, NAMED, NULL}, 401, "unauthorized", ""},
        {{"GET", JOIN, NULL, NULL, NULL}, 401, "unauthorized", ""},
        {{"POST", ROOM "/end", NULL, NULL, NULL}, 401, "unauthorized", ""},
        {{"DELETE", JOIN "/x", PARTICIPANT_TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"GET", JOIN "/0", PARTICIPANT_TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"GET", JOIN "/9007199254740992", PARTICIPANT_TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"GET", JOIN "?limit=101", PARTICIPANT_TOKEN, NULL, NULL}, 400, "bad_request", ""},
        {{"PATCH", JOIN "/9", PARTICIPANT_TOKEN, "{\"role\":\"owner\"}", NULL},
         422,
         "wrong_member",
         "/role"},
        {{"PATCH", JOIN "/9", PARTICIPANT_TOKEN, "{\"hand\":null}", NULL},
         422,
         "wrong_member",
         "/hand"},
        {{"GET", ROOM, PARTICIPANT_TOKEN, NULL, NULL}, 401, "unauthorized", ""},
        {{"PATCH", JOIN "/9", PARTICIPANT_TOKEN, "{\"muted\":[\"audio\",\"audio\"]}", NULL},
         422,
         "wrong_member",
         "must have 0 to 3 words of this member, each once"},
        {{"POST", JOIN, NULL, "{\"name\":\"Dave\",\"invitation\":\"li_\"}", NULL},
         422,
         "wrong_member",
         "/invitation"},
        {{"POST", JOIN, NULL, "{\"name\":\"Dave\",\"invitation\":\"" FOREIGN_INVITATION "\"}",
          NULL},
         404,
         "no_such_invitation",
         ""},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i].sent);
        assert_problem(ask, rows[i].status, rows[i].code);
        assert_non_null(strstr(ask->body, rows[i].detail));
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
    AUTO(mem_free) char *longest = mem_printf("/v1/rooms/%065d/participants", 7);
    struct ask *ask = send_as(f, &(struct sent){"POST", longest, NULL, NAMED, NULL});
    assert_problem(ask, 404, "no_such_room");
    ask_free(&ask);
}

/* ---- once for each key ---- */

/* What is asked for, and the token that is given. */
struct joined {
    char key[16], token_hash[32], token[TOKEN_PREFIXED_BYTES + 1];
};

static void join_with(struct api_fixture *f, const struct sent *sent, struct joined *ret)
{
    struct ask *ask = send_as(f, sent);
    memcpy(ret->key, asked_join(f)->idempotency_key.data, sizeof(ret->key));
    memcpy(ret->token_hash, asked_join(f)->token_hash.data, sizeof(ret->token_hash));
    answer_join(f, MADE);
    read_token(ask, ret->token);
    ask_free(&ask);
}

static void what_comes_again_gets_the_same_token(void **state)
{
    static const struct sent rows[] = {
        {"POST", JOIN, NULL, NAMED, KEY},
        {"POST", JOIN, NULL, "{\"name\":\"Erin\"}", KEY},
        {"POST", "/v1/rooms/klm-nopq-rst/participants", NULL, NAMED, KEY},
        {"POST", JOIN, TOKEN, NAMED, KEY},
        {"POST", JOIN, NULL, NAMED, NULL},
        {"POST", JOIN, NULL, NAMED, NULL},
    };
    struct api_fixture *f = *state;
    struct joined joined[ARRAY_LEN(rows)], again;
    f->config.room_limits.joins.burst = 100;
    api_fixture_restart(f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        join_with(f, &rows[i], &joined[i]);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(joined[i].token, joined[j].token);
            assert_memory_not_equal(joined[i].key, joined[j].key, sizeof(joined[i].key));
        }
    }
    api_fixture_restart(f); /* another gateway */
    for (size_t i = 0; i < 4; i++) {
        join_with(f, &rows[i], &again);
        assert_memory_equal(&again, &joined[i], sizeof(again));
    }
}

static void a_clients_key_is_told_with_its_body(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send_as(f, &(struct sent){"POST", JOIN, TOKEN, NAMED, KEY});
    assert_int_equal(asked_join(f)->body_hash.bytes, 16);
    fail_call(f, MSG_participant_join, ERR_KEY_REUSED);
    assert_problem(ask, 422, "key_reused");
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"POST", JOIN, NULL, NAMED, "too short"});
    assert_problem(ask, 400, "bad_key");
    ask_free(&ask);
}

/* ---- who is in ---- */

static void who_is_in_is_listed(void **state)
{
    struct api_fixture *f = *state;
    struct msg_participant two[] = {dave, dave};
    two[1].id = 12;
    two[1].hand_unix_ms = 1700000001500;
    struct ask *ask = ask_new("GET", JOIN, PARTICIPANT_TOKEN, STR_NONE);
    ask->request.query = "limit=2&page_token=0000000000000008";
    api_handle(f->api, &ask->request);
    const struct msg_participant_page *page =
        &asked(f, MSG_participant_page)->request.participant_page;
    assert_true(page->limit == 2 && page->after_id == 8 && page->participant == 0);
    assert_true(page->has_asker);
    mock_bus_answer(
        asked(f, MSG_participant_page), ERR_OK,
        &(struct msg){.id = MSG_participant_page_reply,
                      .participant_page_reply = {.participants = {.items = two, .count = 2}}});
    assert_string_equal(
        ask->body,
        "{\"items\":[" DAVE ",{\"id\":\"12\",\"name\":\"Dave <D>\",\"role\":\"participant\","
        "\"state\":\"joined\",\"kind\":\"person\",\"guest\":true,\"hand_raised_at\":\"2023-11-"
        "14T22:13:21.500Z\","
        "\"muted\":[],\"tracks\":[],\"joined_at\":\"2023-11-14T22:13:20.000Z\"}],\"next_page_"
        "token\":"
        "\"000000000000000c\"}");
    ask_free(&ask);
}

/* What others send who came to Janus itself is told beside them, where it can be told. */
static void who_came_past_us_is_shown(void **state)
{
    struct api_fixture *f = *state;
    static const uint64_t feeds[] = {9001}, publishers[] = {9001, 4711};
    static const struct {
        enum err err;
        const char *body;
    } rows[] = {{ERR_OK, "{\"items\":[" DAVE "],\"direct\":[\"4711\"]}"},
                {ERR_UNAVAILABLE, "{\"items\":[" DAVE "]}"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &(struct sent){"GET", JOIN, TOKEN, NULL, NULL});
        mock_bus_answer(
            asked(f, MSG_participant_page), ERR_OK,
            &(struct msg){.id = MSG_participant_page_reply,
                          .participant_page_reply = {.participants = {.items = &dave, .count = 1},
                                                     .open_room_id = 123456,
                                                     .feeds = {.items = feeds, .count = 1}}});
        assert_int_equal(ask->status, 0); /* not yet */
        const struct mock_bus_call *call = asked(f, MSG_room_participants);
        assert_int_equal(call->request.room_participants.room_id, 123456);
        mock_bus_answer(asked(f, MSG_room_participants), rows[i].err,
                        rows[i].err != ERR_OK
                            ? NULL
                            : &(struct msg){.id = MSG_room_participants_reply,
                                            .room_participants_reply = {
                                                .publishers = {.items = publishers, .count = 2}}});
        assert_string_equal(ask->body, rows[i].body);
        ask_free(&ask);
    }
}

static void one_is_shown(void **state)
{
    static const size_t counts[] = {1, 0};
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct ask *ask = send_as(f, &(struct sent){"GET", JOIN "/9", TOKEN, NULL, NULL});
        const struct msg_participant_page *page =
            &asked(f, MSG_participant_page)->request.participant_page;
        assert_true(page->limit == 1 && page->participant == 9 && !page->has_asker);
        mock_bus_answer(asked(f, MSG_participant_page), ERR_OK,
                        &(struct msg){.id = MSG_participant_page_reply,
                                      .participant_page_reply = {
                                          .participants = {.items = &dave, .count = counts[i]}}});
        if (counts[i] == 1) {
            assert_string_equal(ask->body, DAVE);
        } else {
            assert_problem(ask, 502, "protocol");
        }
        ask_free(&ask);
    }
}

static void one_is_changed(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        send_as(f, &(struct sent){"PATCH", JOIN "/9", PARTICIPANT_TOKEN,
                                  "{\"name\":\"D\",\"hand\":false,\"role\":\"viewer\"}", NULL});
    const struct msg_participant_change *change =
        &asked(f, MSG_participant_change)->request.participant_change;
    assert_true(change->participant == 9 && str_eq(change->room, STR_LIT("abc-defg-hij")));
    assert_true(change->has_name && str_eq(change->name, STR_LIT("D")));
    assert_true(change->has_hand && !change->hand);
    assert_true(change->has_role && change->role == ROOM_VIEWER);
    assert_hash_of(change->asker.token_hash, PARTICIPANT_TOKEN);
    assert_true(change->has_origin);
    mock_bus_answer(asked(f, MSG_participant_change), ERR_OK,
                    &(struct msg){.id = MSG_participant_change_reply,
                                  .participant_change_reply = {.participant = dave}});
    assert_string_equal(ask->body, DAVE);
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"PATCH", JOIN "/9", TOKEN, "{\"hand\":true}", NULL});
    change = &asked(f, MSG_participant_change)->request.participant_change;
    assert_true(change->hand && !change->has_name && !change->has_role && !change->has_asker);
    assert_false(change->has_muted);
    fail_call(f, MSG_participant_change, ERR_FORBIDDEN);
    assert_problem(ask, 403, "forbidden");
    ask_free(&ask);
}

/* One says all that others are not to get; nothing is what makes it end. */
static void who_is_mute_says_so(void **state)
{
    static const struct {
        const char *body;
        uint64_t muted;
        const char *told;
    } rows[] = {
        {"{\"muted\":[\"screen\",\"audio\"]}", MEDIA_AUDIO | MEDIA_SCREEN,
         "\"muted\":[\"audio\",\"screen\"],"},
        {"{\"muted\":[\"video\"]}", MEDIA_VIDEO, "\"muted\":[\"video\"],"},
        {"{\"muted\":[]}", 0, "\"muted\":[],"},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask =
            send_as(f, &(struct sent){"PATCH", JOIN "/9", PARTICIPANT_TOKEN, rows[i].body, NULL});
        const struct msg_participant_change *change =
            &asked(f, MSG_participant_change)->request.participant_change;
        assert_true(change->has_muted && change->muted == rows[i].muted && !change->has_hand);
        struct msg reply = {.id = MSG_participant_change_reply,
                            .participant_change_reply = {.participant = dave}};
        reply.participant_change_reply.participant.muted = rows[i].muted;
        mock_bus_answer(asked(f, MSG_participant_change), ERR_OK, &reply);
        assert_non_null(strstr(ask->body, rows[i].told));
        ask_free(&ask);
    }
}

static void they_leave(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        send_as(f, &(struct sent){"DELETE", JOIN "/9", PARTICIPANT_TOKEN, NULL, NULL});
    const struct msg_participant_remove *removal =
        &asked(f, MSG_participant_remove)->request.participant_remove;
    assert_true(removal->participant == 9 && removal->has_asker && removal->has_origin);
    mock_bus_answer(asked(f, MSG_participant_remove), ERR_OK,
                    &(struct msg){.id = MSG_participant_remove_reply});
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"POST", ROOM "/end", TOKEN, NULL, NULL});
    const struct msg_meeting_end *end = &asked(f, MSG_meeting_end)->request.meeting_end;
    assert_true(str_eq(end->room, STR_LIT("abc-defg-hij")) && !end->has_asker);
    mock_bus_answer(asked(f, MSG_meeting_end), ERR_OK, &(struct msg){.id = MSG_meeting_end_reply});
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
}

#define PARTICIPANTS_TEST(fn)                                                                      \
    cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        PARTICIPANTS_TEST(a_guest_comes_in),
        PARTICIPANTS_TEST(a_user_comes_in_with_his_session),
        PARTICIPANTS_TEST(who_was_in_comes_back),
        PARTICIPANTS_TEST(a_guest_comes_by_an_invitation_and_waits),
        PARTICIPANTS_TEST(what_cannot_be_is_refused_at_once),
        PARTICIPANTS_TEST(what_comes_again_gets_the_same_token),
        PARTICIPANTS_TEST(a_clients_key_is_told_with_its_body),
        PARTICIPANTS_TEST(who_is_in_is_listed),
        PARTICIPANTS_TEST(who_came_past_us_is_shown),
        PARTICIPANTS_TEST(one_is_shown),
        PARTICIPANTS_TEST(one_is_changed),
        PARTICIPANTS_TEST(who_is_mute_says_so),
        PARTICIPANTS_TEST(they_leave),
    };
    return cmocka_run_group_tests_name("participants_api", tests, NULL, NULL);
}
