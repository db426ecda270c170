/* /v1/users/me and its password: what is asked of authsvc, what clients are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

static const struct msg_user ann = {.id = 41,
                                    .username = STR_LIT("ann"),
                                    .display_name = STR_LIT("Ann <A>"),
                                    .role = ROLE_MEMBER,
                                    .version = 7};
#define ANN "{\"id\":\"41\",\"username\":\"ann\",\"display_name\":\"Ann <A>\",\"role\":\"member\"}"

static struct ask *begin(const char *method, const char *body)
{
    struct ask *ask = ask_new(method, "/v1/users/me", TOKEN, str_of(body));
    ask_set_header(ask, "Content-Type", body == NULL ? NULL : "application/merge-patch+json");
    return ask;
}

static void ask_me(struct api_fixture *f, struct ask *ask)
{
    api_handle(f->api, &ask->request);
    answer_session(f, 41);
}

static void answer_get(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_user_get_reply, .user_get_reply = {.user = ann}};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_get);
    assert_non_null(call);
    assert_int_equal(call->request.user_get.user_id, 41);
    mock_bus_answer(call, ERR_OK, &reply);
}

static void assert_header(struct ask *ask, const char *name, const char *expected)
{
    char value[64];
    const char *found = ask_header(ask, name, value, sizeof(value));
    assert_non_null(found);
    assert_string_equal(found, expected);
}

static void test_who_i_am(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin("GET", NULL);
    ask_me(f, ask);
    answer_get(f);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, ANN);
    assert_header(ask, "ETag", "\"7\"");
    assert_header(ask, "Cache-Control", "no-store");
    ask_free(&ask);
}

/* The check of the session tells it, too: one call on the bus, not two. */
static void test_who_i_am_comes_with_my_session(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin("GET", NULL);
    api_handle(f->api, &ask->request);
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_session_check);
    assert_non_null(call);
    assert_true(call->request.session_check.with_user);
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {
            .user_id = 41, .has_role = true, .role = ROLE_MEMBER, .has_user = true, .user = ann}};
    mock_bus_answer(call, ERR_OK, &reply);
    assert_null(mock_bus_pending(&f->bus, MSG_user_get));
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, ANN);
    assert_header(ask, "ETag", "\"7\"");
    ask_free(&ask);
    ask = begin("PATCH", "{}");
    ask_set_header(ask, "If-Match", "*");
    api_handle(f->api, &ask->request);
    call = mock_bus_pending(&f->bus, MSG_session_check);
    assert_false(call->request.session_check.with_user);
    mock_bus_answer(call, ERR_UNAUTHORIZED, NULL);
    ask_free(&ask);
}

static void test_what_is_known_is_not_told_again(void **state)
{
    static const struct {
        const char *header;
        int status;
    } rows[] = {
        {"\"7\"", 304}, {"W/\"7\"", 304}, {"\"6\", \"7\"", 304}, {"*", 304}, {"\"6\"", 200}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = begin("GET", NULL);
        ask_set_header(ask, "If-None-Match", rows[i].header);
        ask_me(f, ask);
        answer_get(f);
        assert_int_equal(ask->status, rows[i].status);
        assert_string_equal(ask->body, rows[i].status == 304 ? "" : ANN);
        assert_header(ask, "ETag", "\"7\"");
        ask_free(&ask);
    }
}

static struct ask *patch(struct api_fixture *f, const char *if_match, const char *body)
{
    struct ask *ask = begin("PATCH", body);
    ask_set_header(ask, "If-Match", if_match);
    ask_me(f, ask);
    return ask;
}

static const struct msg_user_change *asked_change(struct api_fixture *f)
{
    const struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_change);
    assert_non_null(call);
    return &call->request.user_change;
}

static void answer_change(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_user_change_reply, .user_change_reply = {.user = ann}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_user_change), ERR_OK, &reply);
}

static void test_another_name(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = patch(f, "\"6\"", "{\"display_name\":\"Zo\\u00eb\"}");
    const struct msg_user_change *change = asked_change(f);
    assert_int_equal(change->user_id, 41);
    assert_int_equal(change->idempotency_key.bytes, 16);
    assert_true(change->has_display_name);
    assert_true(str_eq(change->display_name, STR_LIT("Zo\xc3\xab")));
    assert_false(change->has_role || change->has_disabled);
    assert_true(change->has_version);
    assert_int_equal(change->version, 6);
    answer_change(f);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, ANN);
    assert_header(ask, "ETag", "\"7\"");
    ask_free(&ask);
}

static void test_null_is_the_user_name_again(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = patch(f, "*", "{\"display_name\":null}");
    const struct msg_user_change *change = asked_change(f);
    assert_true(change->has_display_name);
    assert_int_equal(change->display_name.bytes, 0);
    assert_false(change->has_version);
    answer_change(f);
    ask_free(&ask);

    ask = patch(f, "*", "{}");
    assert_false(asked_change(f)->has_display_name);
    answer_change(f);
    assert_int_equal(ask->status, 200);
    ask_free(&ask);
}

static void test_which_version_must_be_said(void **state)
{
    static const struct {
        const char *if_match, *code;
        int status;
    } rows[] = {{NULL, "match_required", 428},
                {"", "match_required", 428},
                {"7", "match_required", 428},
                {"\"7", "match_required", 428},
                {"\"7\" x", "match_required", 428},
                {"W/\"7\"", "stale", 412},
                {"\"x\"", "stale", 412},
                {"\"\"", "stale", 412},
                {"\"-1\"", "stale", 412},
                {"\"99999999999999999999\"", "stale", 412},
                {"\"9999999999999999999\"", "stale", 412}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = patch(f, rows[i].if_match, "{\"display_name\":\"x\"}");
        assert_problem(ask, rows[i].status, rows[i].code);
        ask_free(&ask);
    }
    assert_null(mock_bus_pending(&f->bus, MSG_user_change));
    struct ask *ask = patch(f, "\"3\", W/\"9\",\"5\"", "{}");
    assert_int_equal(asked_change(f)->version, 5);
    fail_call(f, MSG_user_change, ERR_STALE);
    assert_problem(ask, 412, "stale");
    ask_free(&ask);
}

/* Seen before anything is asked. */
static void test_names_that_do_harm(void **state)
{
    static const char *const bad[] = {
        "\"\"",
        "\"  \"",
        "7",
        "\"\\u202egnp\"",
        "\"a\\u200bb\"",
        "\"\\u001b[2J\"",
        "\"a\\u0300\\u0300\\u0300\\u0300\\u0300\\u0300\\u0300\\u0300\\u0300\\u0300\"",
        "\"1234567890123456789012345678901234567890123456789012345678901234x\""};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), "{\"display_name\":%s}", bad[i]);
        struct ask *ask = begin("PATCH", body);
        ask_set_header(ask, "If-Match", "*");
        api_handle(f->api, &ask->request);
        assert_problem(ask, 422, "wrong_member");
        assert_non_null(strstr(ask->body, "\"pointer\":\"/display_name\""));
        ask_free(&ask);
    }
    struct ask *ask = begin("PATCH", "{\"role\":\"admin\"}");
    ask_set_header(ask, "If-Match", "*");
    api_handle(f->api, &ask->request);
    assert_problem(ask, 422, "wrong_member");
    ask_free(&ask);
    assert_int_equal(f->bus.count, 0);
}

static void test_media_types(void **state)
{
    static const struct {
        const char *type;
        int status;
    } rows[] = {{"application/json", 401},
                {"application/merge-patch+json; charset=utf-8", 401},
                {"application/json-patch+json", 415},
                {"text/plain", 415}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = begin("PATCH", "{}");
        ask_set_header(ask, "Content-Type", rows[i].type);
        api_handle(f->api, &ask->request);
        if (rows[i].status == 401) {
            fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
        }
        assert_int_equal(ask->status, rows[i].status);
        ask_free(&ask);
    }
}

/* ---- the password ---- */

#define BURST 3

static struct ask *put_password(struct api_fixture *f)
{
    struct ask *ask =
        ask_new("PUT", "/v1/users/me/password", TOKEN,
                STR_LIT("{\"current_password\":\"sesame\",\"new_password\":\"open it now\"}"));
    ask_set_header(ask, "Content-Type", "application/json");
    ask_me(f, ask);
    return ask;
}

static struct mock_bus_call *asked_password(struct api_fixture *f)
{
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_password);
    assert_non_null(call);
    return call;
}

static void test_another_password(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = put_password(f);
    assert_null(mock_bus_pending(&f->bus, MSG_user_password));
    answer_get(f);
    struct mock_bus_call *call = asked_password(f);
    const struct msg_user_password *change = &call->request.user_password;
    assert_int_equal(change->user_id, 41);
    assert_int_equal(change->idempotency_key.bytes, 16);
    assert_true(str_eq(change->current_password, STR_LIT("sesame")));
    assert_true(str_eq(change->new_password, STR_LIT("open it now")));
    uint8_t hash[32];
    crypto_hash_sha256(hash, (const unsigned char *)TOKEN, strlen(TOKEN));
    assert_int_equal(change->session.bytes, SESSION_ID_BYTES);
    assert_memory_equal(change->session.data, hash, SESSION_ID_BYTES);
    const struct msg reply = {.id = MSG_user_password_reply, .user_password_reply = {.revoked = 2}};
    mock_bus_answer(call, ERR_OK, &reply);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
    assert_int_equal(log_capture_count("sesame"), 0);
    assert_int_equal(log_capture_count("open it now"), 0);
}

static void test_a_password_is_not_changed(void **state)
{
    static const struct {
        enum err err;
        int status;
        const char *code;
    } rows[] = {{ERR_BAD_CREDENTIALS, 401, "sign_in_refused"},
                {ERR_WEAK_PASSWORD, 422, "weak_password"},
                {ERR_UNAVAILABLE, 503, "unavailable"}};
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = put_password(f);
        answer_get(f);
        fail_call(f, MSG_user_password, rows[i].err);
        assert_problem(ask, rows[i].status, rows[i].code);
        ask_free(&ask);
    }
    struct ask *ask = put_password(f);
    fail_call(f, MSG_user_get, ERR_UNAVAILABLE);
    assert_problem(ask, 503, "unavailable");
    ask_free(&ask);
}

/* One pool with signing in; who has the right password uses up nothing. */
static void test_passwords_are_tried_as_often_as_at_sign_in(void **state)
{
    struct api_fixture *f = *state;
    for (int i = 0; i < 2 * BURST; i++) {
        struct ask *ask = put_password(f);
        answer_get(f);
        fail_call(f, MSG_user_password, ERR_WEAK_PASSWORD);
        ask_free(&ask);
    }
    for (int i = 0; i < BURST; i++) {
        struct ask *ask = put_password(f);
        answer_get(f);
        fail_call(f, MSG_user_password, ERR_BAD_CREDENTIALS);
        ask_free(&ask);
    }
    struct ask *ask = put_password(f);
    answer_get(f);
    assert_null(mock_bus_pending(&f->bus, MSG_user_password));
    assert_problem(ask, 429, "rate_limited");
    assert_header(ask, "Retry-After", "10");
    ask_free(&ask);
    ask = ask_send(f, "/login", NULL, "{\"username\":\"ann\",\"password\":\"sesame\"}");
    assert_failed(ask, 429, "rate_limited");
    ask_free(&ask);
}

static void test_bodies_without_a_password(void **state)
{
    static const char *const bad[] = {
        "{}", "{\"current_password\":\"sesame\",\"new_password\":\"too short\"}",
        "{\"current_password\":\"\",\"new_password\":\"long enough\"}",
        "{\"current_password\":\"sesame\",\"new_password\":null}"};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ask *ask = ask_new("PUT", "/v1/users/me/password", TOKEN, str_of(bad[i]));
        ask_set_header(ask, "Content-Type", "application/json");
        api_handle(f->api, &ask->request);
        assert_problem(ask, 422, "wrong_member");
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_who_i_am),
        TEST(test_who_i_am_comes_with_my_session),
        TEST(test_what_is_known_is_not_told_again),
        TEST(test_another_name),
        TEST(test_null_is_the_user_name_again),
        TEST(test_which_version_must_be_said),
        TEST(test_names_that_do_harm),
        TEST(test_media_types),
        TEST(test_another_password),
        TEST(test_a_password_is_not_changed),
        TEST(test_passwords_are_tried_as_often_as_at_sign_in),
        TEST(test_bodies_without_a_password),
    };
    return cmocka_run_group_tests_name("users_api", tests, NULL, NULL);
}
