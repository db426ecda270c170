/* Invitations to rooms, and /v1/join-info: what is asked of roomsvc, what clients are told, and
 * that the secret of an invitation is told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define ROOM "/v1/rooms/77"
#define INVITATIONS ROOM "/invitations"
#define JOIN_INFO "/v1/join-info"
#define BODY "{\"role\":\"participant\"}"

static const struct msg_invitation plain = {
    .id = 9, .role = ROOM_PARTICIPANT, .created_unix_ms = 1700000000000};
#define PLAIN                                                                                      \
    "\"id\":\"9\",\"role\":\"participant\",\"max_uses\":null,\"uses\":0,\"not_before\":null,"      \
    "\"expires_at\":null,\"created_at\":\"2023-11-14T22:13:20.000Z\"}"

static const struct msg_invitation bounded = {.id = 10,
                                              .role = ROOM_MODERATOR,
                                              .label = STR_LIT("For the \"crew\""),
                                              .max_uses = 5,
                                              .uses = 2,
                                              .not_before_unix_ms = 1700000001000,
                                              .expires_unix_ms = 1700000002000,
                                              .created_unix_ms = 1700000000000};
#define BOUNDED                                                                                    \
    "\"id\":\"10\",\"role\":\"moderator\",\"label\":\"For the \\\"crew\\\"\",\"max_uses\":5,"      \
    "\"uses\":2,\"not_before\":\"2023-11-14T22:13:21.000Z\","                                      \
    "\"expires_at\":\"2023-11-14T22:13:22.000Z\",\"created_at\":\"2023-11-14T22:13:20.000Z\"}"

static const struct msg_invitation_add *asked_invitation(struct api_fixture *f)
{
    return &asked(f, MSG_invitation_add)->request.invitation_add;
}

static void answer_invitation(struct api_fixture *f, struct str code)
{
    const struct msg reply = {
        .id = MSG_invitation_add_reply,
        .invitation_add_reply = {.invitation = plain, .room_id = 77, .code = code}};
    mock_bus_answer(asked(f, MSG_invitation_add), ERR_OK, &reply);
}

static void read_secret(const struct ask *ask, char ret_secret[TOKEN_PREFIXED_BYTES + 1])
{
    static const char before[] = "{\"secret\":\"";
    assert_memory_equal(ask->body, before, strlen(before));
    assert_true(str_copy(ret_secret, TOKEN_PREFIXED_BYTES + 1,
                         (struct str){ask->body + strlen(before), TOKEN_PREFIXED_BYTES}));
}

/* ---- one is made ---- */

static void who_makes_one_is_told_its_secret_and_its_link(void **state)
{
    struct api_fixture *f = *state;
    char secret[TOKEN_PREFIXED_BYTES + 1], location[LOCATION_BYTES], hash[32];
    struct ask *ask = send_as(f, &(struct sent){"POST", INVITATIONS, TOKEN, BODY, NULL});
    const struct msg_invitation_add *add = asked_invitation(f);
    assert_int_equal(asked(f, MSG_invitation_add)->context.principal.user_id, CAROL_ID);
    assert_true(str_eq(add->room, STR_LIT("77")) && add->role == ROOM_PARTICIPANT);
    assert_true(add->label.bytes == 0 && add->max_uses == 0 && add->not_before == 0);
    assert_true(add->expires_at == 0 && add->body_hash.bytes == 0);
    assert_true(add->idempotency_key.bytes == 16 && !add->has_asker && add->has_origin);
    memcpy(hash, add->secret_hash.data, sizeof(hash));
    answer_invitation(f, STR_LIT("abcdefghij"));
    assert_int_equal(ask->status, 201);
    read_secret(ask, secret);
    assert_memory_equal(secret, "li_", 3);
    assert_hash_of((struct str){hash, sizeof(hash)}, secret);
    AUTO(mem_free)
    char *body =
        mem_printf("{\"secret\":\"%s\",\"url\":\"http://127.0.0.1:60000/abc-defg-hij#%s\"," PLAIN,
                   secret, secret);
    assert_string_equal(ask->body, body);
    assert_string_equal(ask_header(ask, "Location", location, sizeof(location)), INVITATIONS "/9");
    ask_free(&ask);
}

static void what_it_is_to_be_like_is_passed_on(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        send_as(f, &(struct sent){"POST", INVITATIONS, PARTICIPANT_TOKEN,
                                  "{\"role\":\"viewer\",\"label\":\"L\",\"max_uses\":1000000,"
                                  "\"not_before\":\"2023-11-14T22:13:21Z\","
                                  "\"expires_at\":\"2023-11-14T22:13:22Z\"}",
                                  NULL});
    const struct msg_invitation_add *add = asked_invitation(f);
    assert_true(add->role == ROOM_VIEWER && str_eq(add->label, STR_LIT("L")));
    assert_true(add->max_uses == 1000000 && add->not_before == 1700000001000);
    assert_int_equal(add->expires_at, 1700000002000);
    assert_hash_of(add->asker.token_hash, PARTICIPANT_TOKEN);
    answer_invitation(f, STR_NONE); /* a room without a link */
    assert_int_equal(ask->status, 201);
    assert_null(strstr(ask->body, "\"url\""));
    ask_free(&ask);
}

/* What comes again with the same key is told the same secret, by another gateway, too. */
static void a_repeat_is_told_the_same_secret(void **state)
{
    static const struct {
        struct sent sent;
        bool is_the_same; /* as the first one's */
    } rows[] = {
        {{"POST", INVITATIONS, TOKEN, BODY, KEY}, true},
        {{"POST", INVITATIONS, TOKEN, BODY, KEY}, true},
        {{"POST", "/v1/rooms/78/invitations", TOKEN, BODY, KEY}, false},
        {{"POST", INVITATIONS, PARTICIPANT_TOKEN, BODY, KEY}, false},
        {{"POST", INVITATIONS, TOKEN, BODY, NULL}, false},
    };
    struct api_fixture *f = *state;
    char first[TOKEN_PREFIXED_BYTES + 1], secret[TOKEN_PREFIXED_BYTES + 1];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i].sent);
        assert_int_equal(asked_invitation(f)->body_hash.bytes, rows[i].sent.key != NULL ? 16 : 0);
        answer_invitation(f, STR_LIT("abcdefghij"));
        read_secret(ask, i == 0 ? first : secret);
        if (i > 0) {
            assert_int_equal(strcmp(first, secret) == 0, rows[i].is_the_same);
        }
        ask_free(&ask);
        api_fixture_restart(f);
    }
}

/* ---- those that are there ---- */

static void nobody_is_told_a_secret_again(void **state)
{
    const struct msg_invitation both[] = {plain, bounded};
    struct api_fixture *f = *state;
    struct ask *ask =
        send_as(f, &(struct sent){"GET", INVITATIONS "?limit=2&page_token=0000000000000008", TOKEN,
                                  NULL, NULL});
    const struct msg_invitation_page *page =
        &asked(f, MSG_invitation_page)->request.invitation_page;
    assert_true(page->limit == 2 && page->after_id == 8 && page->invitation == 0);
    struct msg reply = {.id = MSG_invitation_page_reply,
                        .invitation_page_reply = {.invitations = {.items = both, .count = 2}}};
    mock_bus_answer(asked(f, MSG_invitation_page), ERR_OK, &reply);
    assert_string_equal(ask->body, "{\"items\":[{" PLAIN ",{" BOUNDED
                                   "],\"next_page_token\":\"000000000000000a\"}");
    ask_free(&ask);
    ask = send_as(f, &(struct sent){"GET", INVITATIONS "/10", PARTICIPANT_TOKEN, NULL, NULL});
    page = &asked(f, MSG_invitation_page)->request.invitation_page;
    assert_true(page->limit == 1 && page->invitation == 10 && page->has_asker);
    reply.invitation_page_reply.invitations =
        (struct msg_invitation_list){.items = &bounded, .count = 1};
    mock_bus_answer(asked(f, MSG_invitation_page), ERR_OK, &reply);
    assert_string_equal(ask->body, "{" BOUNDED);
    ask_free(&ask);
    log_capture_expect("request failed");
    ask = send_as(f, &(struct sent){"GET", INVITATIONS "/10", TOKEN, NULL, NULL});
    reply.invitation_page_reply.invitations.count = 0;
    mock_bus_answer(asked(f, MSG_invitation_page), ERR_OK, &reply);
    assert_problem(ask, 502, "protocol");
    ask_free(&ask);
}

static void one_is_changed_where_the_body_says_so(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask =
        send_as(f, &(struct sent){"PATCH", INVITATIONS "/10", TOKEN,
                                  "{\"role\":\"moderator\",\"label\":null,\"max_uses\":null,"
                                  "\"not_before\":null,\"expires_at\":\"2023-11-14T22:13:22Z\"}",
                                  NULL});
    const struct msg_invitation_change *change =
        &asked(f, MSG_invitation_change)->request.invitation_change;
    assert_true(change->invitation == 10 && str_eq(change->room, STR_LIT("77")));
    assert_true(change->has_role && change->role == ROOM_MODERATOR);
    assert_true(change->has_label && change->label.bytes == 0);
    assert_true(change->has_max_uses && change->max_uses == 0);
    assert_true(change->has_not_before && change->not_before == 0);
    assert_true(change->has_expires_at && change->expires_at == 1700000002000);
    assert_true(change->idempotency_key.bytes == 16 && change->has_origin && !change->has_asker);
    mock_bus_answer(asked(f, MSG_invitation_change), ERR_OK,
                    &(struct msg){.id = MSG_invitation_change_reply,
                                  .invitation_change_reply = {.invitation = bounded}});
    assert_string_equal(ask->body, "{" BOUNDED);
    ask_free(&ask);
    ask = send_as(
        f, &(struct sent){"PATCH", INVITATIONS "/10", PARTICIPANT_TOKEN, "{\"max_uses\":7}", NULL});
    change = &asked(f, MSG_invitation_change)->request.invitation_change;
    assert_true(change->has_max_uses && change->max_uses == 7 && change->has_asker);
    assert_false(change->has_role || change->has_label || change->has_not_before ||
                 change->has_expires_at);
    fail_call(f, MSG_invitation_change, ERR_NOT_FOUND);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);
}

static void one_is_taken_back(void **state)
{
    static const struct {
        const char *path;
        bool removes;
    } rows[] = {{INVITATIONS "/10", false}, {INVITATIONS "/10?participants=remove", true}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &(struct sent){"DELETE", rows[i].path, TOKEN, NULL, NULL});
        const struct msg_invitation_revoke *revoke =
            &asked(f, MSG_invitation_revoke)->request.invitation_revoke;
        assert_true(revoke->invitation == 10 && revoke->removes == rows[i].removes);
        assert_true(revoke->idempotency_key.bytes == 16 && revoke->has_origin);
        mock_bus_answer(asked(f, MSG_invitation_revoke), ERR_OK,
                        &(struct msg){.id = MSG_invitation_revoke_reply});
        assert_int_equal(ask->status, 204);
        ask_free(&ask);
    }
}

/* ---- before one comes in ---- */

static void answer_join_info(struct api_fixture *f, const struct msg_join_info_reply *info)
{
    const struct msg reply = {.id = MSG_join_info_reply, .join_info_reply = *info};
    mock_bus_answer(asked(f, MSG_join_info), ERR_OK, &reply);
}

static void whoever_may_come_is_told_what_he_needs(void **state)
{
    static const struct {
        struct sent sent;
        const char *room, *invitation;
        uint64_t user_id;
        struct msg_join_info_reply info;
        const char *body;
    } rows[] = {
        {{"POST", JOIN_INFO, NULL, "{\"room\":\"abc-defg-hij\"}", NULL},
         "abc-defg-hij",
         NULL,
         0,
         {.name = STR_LIT("Tea"), .needs_pin = true, .waits = true, .role = ROOM_PARTICIPANT},
         "{\"name\":\"Tea\",\"begun\":false,\"pin\":true,\"lobby\":false,\"waits\":true,"
         "\"locked\":false,\"role\":\"participant\"}"},
        {{"POST", JOIN_INFO, NULL, "{\"invitation\":\"" INVITATION "\"}", NULL},
         "",
         INVITATION,
         0,
         {.name = STR_LIT("Tea"),
          .code = STR_LIT("abcdefghij"),
          .begun = true,
          .lobby = true,
          .locked = true,
          .role = ROOM_MODERATOR},
         "{\"name\":\"Tea\",\"code\":\"abc-defg-hij\",\"begun\":true,\"pin\":false,\"lobby\":true,"
         "\"waits\":false,\"locked\":true,\"role\":\"moderator\"}"},
        {{"POST", JOIN_INFO, TOKEN, "{\"room\":\"77\",\"invitation\":\"" INVITATION "\"}", NULL},
         "77",
         INVITATION,
         CAROL_ID,
         {.name = STR_LIT("Tea"), .role = ROOM_OWNER},
         "{\"name\":\"Tea\",\"begun\":false,\"pin\":false,\"lobby\":false,\"waits\":false,"
         "\"locked\":false,\"role\":\"owner\"}"},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i].sent);
        const struct mock_bus_call *call = asked(f, MSG_join_info);
        const struct msg_join_info *join_info = &call->request.join_info;
        assert_int_equal(call->context.principal.user_id, rows[i].user_id);
        assert_true(str_eq(join_info->room, str_of(rows[i].room)));
        if (rows[i].invitation != NULL) {
            assert_hash_of(join_info->invitation_hash, rows[i].invitation);
        } else {
            assert_int_equal(join_info->invitation_hash.bytes, 0);
        }
        answer_join_info(f, &rows[i].info);
        assert_int_equal(ask->status, 200);
        assert_string_equal(ask->body, rows[i].body);
        ask_free(&ask);
    }
}

static int ask_info(struct api_fixture *f, const char *body, enum err err)
{
    struct ask *ask = send_as(f, &(struct sent){"POST", JOIN_INFO, NULL, body, NULL});
    if (ask->status == 0) {
        fail_call(f, MSG_join_info, err);
    }
    const int status = ask->status;
    ask_free(&ask);
    return status;
}

/* As codes in paths are, and with them: nobody finds a room here that he would not find there. */
static void whoever_guesses_codes_is_limited(void **state)
{
    static const char code[] = "{\"room\":\"abc-defg-hij\"}", id[] = "{\"room\":\"77\"}";
    static const char ours[] = "{\"invitation\":\"" INVITATION "\"}";
    struct api_fixture *f = *state;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(ask_info(f, code, ERR_GONE), 410);
        assert_int_equal(ask_info(f, id, ERR_NO_SUCH_ROOM), 404);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ask_info(f, code, ERR_NO_SUCH_ROOM), 404);
    }
    assert_int_equal(ask_info(f, code, ERR_OK), 429);
    struct ask *ask =
        send_as(f, &(struct sent){"GET", "/v1/rooms/abc-defg-hij", TOKEN, NULL, NULL});
    assert_problem(ask, 429, "rate_limited");
    ask_free(&ask);
    assert_int_equal(ask_info(f, ours, ERR_INVITATION_REVOKED), 410);
    fake_clock_advance(f->clock, 10000);
    assert_int_equal(ask_info(f, code, ERR_GONE), 410);
}

/* At the room that they name, and without one, which every link names. */
static void whoever_guesses_invitations_is_limited(void **state)
{
#define TO(room, secret) "{\"room\":\"" room "\",\"invitation\":\"" secret "\"}"
    static const char here[] = TO("abc-defg-hij", INVITATION);
    static const char undashed[] = TO("abcdefghij", FOREIGN_INVITATION);
    static const char there[] = TO("77", INVITATION), at_zeros[] = TO("0077", INVITATION);
    static const char alone[] = "{\"invitation\":\"" INVITATION "\"}";
    struct api_fixture *f = *state;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(ask_info(f, here, ERR_INVITATION_REVOKED), 410);
    }
    assert_int_equal(ask_info(f, here, ERR_NO_SUCH_INVITATION), 404);
    assert_int_equal(ask_info(f, undashed, ERR_OK), 404);
    assert_int_equal(ask_info(f, undashed, ERR_OK), 404);
    assert_int_equal(ask_info(f, here, ERR_OK), 429);
    assert_int_equal(ask_info(f, undashed, ERR_OK), 429);
    assert_int_equal(ask_info(f, "{\"room\":\"abc-defg-hij\"}", ERR_GONE), 410);
    assert_int_equal(ask_info(f, alone, ERR_INVITATION_REVOKED), 410);
    assert_int_equal(ask_info(f, there, ERR_NO_SUCH_INVITATION), 404);
    assert_int_equal(ask_info(f, at_zeros, ERR_NO_SUCH_INVITATION), 404);
    /* So many over all rooms. */
    assert_int_equal(ask_info(f, there, ERR_OK), 429);
    assert_int_equal(ask_info(f, alone, ERR_OK), 429);
    fake_clock_advance(f->clock, 10000);
    assert_int_equal(ask_info(f, alone, ERR_NO_SUCH_INVITATION), 404);
    assert_int_equal(ask_info(f, alone, ERR_OK), 429);
}

/* ---- what cannot be ---- */

static void what_cannot_be_is_refused_before_a_hop(void **state)
{
    static const struct {
        struct sent sent;
        int status;
        const char *code, *detail;
    } rows[] = {
        {{"POST", INVITATIONS, TOKEN, "{}", NULL}, 422, "wrong_member", "/role"},
        {{"POST", INVITATIONS, TOKEN, "{\"role\":\"owner\"}", NULL}, 422, "wrong_member", "/role"},
        {{"POST", INVITATIONS, TOKEN, "{\"role\":\"viewer\",\"max_uses\":0}", NULL},
         422,
         "wrong_member",
         "/max_uses"},
        {{"POST", INVITATIONS, TOKEN, "{\"role\":\"viewer\",\"max_uses\":1000001}", NULL},
         422,
         "wrong_member",
         "/max_uses"},
        {{"POST", INVITATIONS, TOKEN, "{\"role\":\"viewer\",\"label\":\"\"}", NULL},
         422,
         "wrong_member",
         "/label"},
        {{"POST", INVITATIONS, TOKEN, "{\"role\":\"viewer\",\"expires_at\":\"soon\"}", NULL},
         422,
         "wrong_member",
         "must be a time"},
        {{"POST", INVITATIONS, TOKEN, "{\"role\":\"viewer\",\"secret\":\"li_\"}", NULL},
         422,
         "wrong_member",
         "/secret"},
        {{"POST", INVITATIONS, NULL, BODY, NULL}, 401, "unauthorized", ""},
        {{"GET", INVITATIONS, INVITATION, NULL, NULL}, 401, "unauthorized", ""},
        {{"GET", INVITATIONS "/x", PARTICIPANT_TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"GET", INVITATIONS "/" INVITATION, PARTICIPANT_TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"GET", INVITATIONS "?limit=101", PARTICIPANT_TOKEN, NULL, NULL}, 400, "bad_request", ""},
        {{"PATCH", INVITATIONS "/9", PARTICIPANT_TOKEN, "{\"role\":null}", NULL},
         422,
         "wrong_member",
         "/role"},
        {{"DELETE", INVITATIONS "/9?participants=keep", PARTICIPANT_TOKEN, NULL, NULL},
         400,
         "bad_request",
         ""},
        {{"DELETE", INVITATIONS "/0", PARTICIPANT_TOKEN, NULL, NULL}, 404, "not_found", ""},
        {{"POST", JOIN_INFO, NULL, "{}", NULL},
         422,
         "wrong_member",
         "\"errors\":[{\"pointer\":\"/room\",\"detail\":\"is required\"}]"},
        {{"POST", JOIN_INFO, NULL, "{\"room\":\"\"}", NULL}, 422, "wrong_member", "/room"},
        {{"POST", JOIN_INFO, NULL, "{\"invitation\":\"li_0\"}", NULL},
         422,
         "wrong_member",
         "/invitation"},
        {{"POST", JOIN_INFO, NULL, "{\"invitation\":\"" PARTICIPANT_TOKEN "\"}", NULL},
         404,
         "no_such_invitation",
         ""},
        {{"POST", JOIN_INFO, PARTICIPANT_TOKEN, "{\"room\":\"77\"}", NULL},
         401,
         "unauthorized",
         ""},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = send_as(f, &rows[i].sent);
        assert_problem(ask, rows[i].status, rows[i].code);
        assert_non_null(strstr(ask->body, rows[i].detail));
        assert_null(strstr(ask->body, "li_"));
        ask_free(&ask);
    }
    assert_null(mock_bus_pending(&f->bus, MSG_invitation_add));
    assert_null(mock_bus_pending(&f->bus, MSG_join_info));
}

#define INVITATIONS_TEST(fn)                                                                       \
    cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        INVITATIONS_TEST(who_makes_one_is_told_its_secret_and_its_link),
        INVITATIONS_TEST(what_it_is_to_be_like_is_passed_on),
        INVITATIONS_TEST(a_repeat_is_told_the_same_secret),
        INVITATIONS_TEST(nobody_is_told_a_secret_again),
        INVITATIONS_TEST(one_is_changed_where_the_body_says_so),
        INVITATIONS_TEST(one_is_taken_back),
        INVITATIONS_TEST(whoever_may_come_is_told_what_he_needs),
        INVITATIONS_TEST(whoever_guesses_codes_is_limited),
        INVITATIONS_TEST(whoever_guesses_invitations_is_limited),
        INVITATIONS_TEST(what_cannot_be_is_refused_before_a_hop),
    };
    return cmocka_run_group_tests_name("invitations_api", tests, NULL, NULL);
}
