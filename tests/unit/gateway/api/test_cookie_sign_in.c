/* Sessions in a cookie: who is given one, which requests it counts for, and when it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define NAME "lynks-60000" /* of the fixture's public URL */
#define OWN_ORIGIN "http://127.0.0.1:60000"
#define OWN_ID "53e64e4a033716ffa80f822e4203cc85" /* of TOKEN's session */
#define ANOTHER_ID "000102030405060708090a0b0c0d0e0f"
#define LIFETIME_S 2592000

static struct ask *prepare(const char *method, const char *path, const char *authorization,
                           const char *body)
{
    struct ask *ask = ask_new(method, path, authorization, str_of(body));
    ask_set_header(ask, "Content-Type", "application/json");
    return ask;
}

static struct ask *sign_in(struct api_fixture *f, const char *host, const char *origin,
                           const char *cookie)
{
    char body[128];
    (void)snprintf(body, sizeof(body), "{\"username\":\"ann\",\"password\":\"sesame\"%s}", cookie);
    struct ask *ask = prepare("POST", "/v1/sessions", NULL, body);
    ask_set_header(ask, "Host", host);
    ask_set_header(ask, "Origin", origin);
    api_handle(f->api, &ask->request);
    return ask;
}

static void answer_sign_in(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_session_open_reply,
                              .session_open_reply = {.expires_unix_ms = 1700000000123,
                                                     .lifetime_s = LIFETIME_S,
                                                     .user = {.id = 41,
                                                              .username = STR_LIT("ann"),
                                                              .display_name = STR_LIT("Ann"),
                                                              .role = ROLE_MEMBER}}};
    struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_session_open);
    assert_non_null(call);
    mock_bus_answer(call, ERR_OK, &reply);
}

static void test_the_token_comes_in_the_cookie_and_nowhere_else(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = sign_in(f, "localhost:60000", OWN_ORIGIN, ",\"cookie\":true");
    uint8_t hash[32], own_hash[32];
    memcpy(hash, mock_bus_pending(&f->bus, MSG_session_open)->request.session_open.token_hash.data,
           sizeof(hash));
    answer_sign_in(f);
    assert_int_equal(ask->status, 201);
    char value[256], expected[256];
    assert_non_null(ask_header(ask, "Set-Cookie", value, sizeof(value)));
    const char *token = value + strlen(NAME "=");
    (void)snprintf(expected, sizeof(expected),
                   NAME "=%.64s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict", token, LIFETIME_S);
    assert_string_equal(value, expected);
    crypto_hash_sha256(own_hash, (const unsigned char *)token, 64);
    assert_memory_equal(own_hash, hash, sizeof(hash));
    assert_null(strstr(ask->body, "\"token\""));
    char digits[65];
    (void)snprintf(digits, sizeof(digits), "%.64s", token);
    assert_null(strstr(ask->body, digits));
    ask_free(&ask);
}

static void test_without_asking_for_it_nobody_gets_one(void **state)
{
    static const char *const not_asked[] = {"", ",\"cookie\":false"};
    struct api_fixture *f = *state;
    char value[256];
    for (size_t i = 0; i < ARRAY_LEN(not_asked); i++) {
        struct ask *ask = sign_in(f, "localhost:60000", "https://evil.example", not_asked[i]);
        answer_sign_in(f);
        assert_int_equal(ask->status, 201);
        assert_null(ask_header(ask, "Set-Cookie", value, sizeof(value)));
        assert_non_null(strstr(ask->body, "\"token\":\""));
        ask_free(&ask);
    }
    struct ask *ask = sign_in(f, "localhost:60000", OWN_ORIGIN, ",\"cookie\":true");
    fail_call(f, MSG_session_open, ERR_BAD_CREDENTIALS);
    assert_problem(ask, 401, "sign_in_refused");
    assert_null(ask_header(ask, "Set-Cookie", value, sizeof(value)));
    ask_free(&ask);
}

static void test_sign_ins_that_are_refused(void **state)
{
    static const struct {
        const char *url, *host, *origin, *code;
    } rows[] = {
        {OWN_ORIGIN, "localhost:60000", "https://evil.example", "foreign_page"},
        {OWN_ORIGIN, "localhost:60000", "http://127.0.0.1:60001", "foreign_page"},
        {OWN_ORIGIN, "localhost:60000", "null", "foreign_page"},
        {OWN_ORIGIN, "192.0.2.7:60000", "http://192.0.2.7:60000", "https_missing"},
        {"http://192.0.2.7", "192.0.2.7", "http://192.0.2.7", "https_missing"},
        {"https://meet.example.org", "localhost", "http://localhost", "foreign_page"},
    };
    struct api_fixture *f = *state;
    f->config.cors_origins = "*";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(public_url_parse(rows[i].url, &f->config.url));
        api_fixture_restart(f);
        struct ask *ask = sign_in(f, rows[i].host, rows[i].origin, ",\"cookie\":true");
        assert_problem(ask, 403, rows[i].code);
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
}

/* ---- every combination of what comes with a request ---- */

static const struct {
    const char *authorization;
    bool is_there, is_good;
} tokens[] = {
    {NULL, false, false},          {TOKEN, true, true},
    {"Bearer " TOKEN, true, true}, {"", true, false},
    {"Bearer ", true, false},      {"x", true, false},
    {FOREIGN_TOKEN, true, false},  {"Basic eDp5", true, false},
};

static const struct {
    const char *header;
    bool is_there, is_good;
} cookies[] = {
    {NULL, false, false},
    {"lynks-60001=" TOKEN "; __Host-lynks=" TOKEN, false, false},
    {"a=b; " NAME "=" TOKEN, true, true},
    {NAME "=Bearer " TOKEN, true, false},
    {NAME "=" FOREIGN_TOKEN, true, false},
    {NAME "=", true, false},
    {NAME "=" TOKEN "; " NAME "=" TOKEN, true, false},
};

static const struct {
    const char *origin, *site;
    bool is_ours;
} pages[] = {
    {NULL, NULL, true},
    {OWN_ORIGIN, NULL, true},
    {"http://localhost:60000", "same-origin", true},
    {NULL, "none", true},
    {"https://allowed.example", NULL, false}, /* CORS allows it */
    {"https://allowed.example", "cross-site", false},
    {"http://127.0.0.1:60001", "same-site", false},
    {"null", NULL, false},
    {NULL, "same-site", false},
    {NULL, "cross-site", false},
    {OWN_ORIGIN, "cross-site", false},
};

static struct ask *send_combination(struct api_fixture *f, const char *path, size_t t, size_t c,
                                    size_t p)
{
    struct ask *ask = prepare(strncmp(path, "/v1", 3) == 0 ? "GET" : "POST", path,
                              tokens[t].authorization, "{\"room_id\":5}");
    ask_set_header(ask, "Cookie", cookies[c].header);
    ask_set_header(ask, "Origin", pages[p].origin);
    ask_set_header(ask, "Sec-Fetch-Site", pages[p].site);
    api_handle(f->api, &ask->request);
    return ask;
}

/* The answer is a refusal, or who asks is being checked: then is_let is right, and the check is
 * answered with a refusal, too. */
static void assert_judged(struct api_fixture *f, struct ask *ask, bool is_let)
{
    assert_int_equal(mock_bus_pending(&f->bus, MSG_session_check) != NULL, is_let);
    if (is_let) {
        assert_int_equal(ask->answers, 0);
        fail_call(f, MSG_session_check, ERR_RATE_LIMITED);
        assert_int_equal(ask->status, 429);
    }
    char value[64];
    assert_null(ask_header(ask, "Access-Control-Allow-Credentials", value, sizeof(value)));
    ask_free(&ask);
}

static void walk(struct api_fixture *f, const char *path, bool takes_cookies)
{
    for (size_t t = 0; t < ARRAY_LEN(tokens); t++) {
        for (size_t c = 0; c < ARRAY_LEN(cookies); c++) {
            for (size_t p = 0; p < ARRAY_LEN(pages); p++) {
                mock_bus_fini(&f->bus);
                mock_bus_init(&f->bus);
                const bool is_foreign = takes_cookies && cookies[c].is_there && !pages[p].is_ours;
                const bool is_good =
                    tokens[t].is_there ? tokens[t].is_good : takes_cookies && cookies[c].is_good;
                fake_clock_advance(f->clock, 1); /* nobody comes in masses */
                struct ask *ask = send_combination(f, path, t, c, p);
                if (is_foreign) {
                    assert_problem(ask, 403, "foreign_page");
                } else if (!is_good) {
                    assert_int_equal(ask->status, 401);
                }
                assert_judged(f, ask, !is_foreign && is_good);
            }
        }
    }
}

static void test_every_combination(void **state)
{
    struct api_fixture *f = *state;
    f->config.cors_origins = "https://allowed.example";
    api_fixture_restart(f);
    walk(f, "/v1/sessions", true);
    walk(f, "/v1/users/me", true);
    walk(f, "/v1/events", true);
    walk(f, "/list_participants", false);
    walk(f, "/create", false);
}

/* Routes for anybody, too; and what is no part of /v1 is served whatever comes with it. */
static void test_routes_for_anybody(void **state)
{
    static const struct {
        const char *path;
        bool is_under_v1;
    } rows[] = {{"/v1/info", true}, {"/v1/openapi.json", true}, {"/problems/conflict", false}};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t c = 0; c < ARRAY_LEN(cookies); c++) {
            for (size_t p = 0; p < ARRAY_LEN(pages); p++) {
                struct ask *ask = prepare("GET", rows[i].path, NULL, NULL);
                ask_set_header(ask, "Cookie", cookies[c].header);
                ask_set_header(ask, "Origin", pages[p].origin);
                ask_set_header(ask, "Sec-Fetch-Site", pages[p].site);
                api_handle(f->api, &ask->request);
                const bool is_refused =
                    rows[i].is_under_v1 && cookies[c].is_there && !pages[p].is_ours;
                assert_int_equal(ask->status, is_refused ? 403 : 200);
                ask_free(&ask);
            }
        }
    }
}

/* ---- signing out ---- */

static void answer_revoked(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_session_revoke_reply,
                              .session_revoke_reply = {.revoked = 1}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_revoke), ERR_OK, &reply);
}

static void test_signing_out_takes_the_cookie_away(void **state)
{
    static const struct {
        const char *path, *authorization;
        bool is_cleared;
    } rows[] = {
        {"/v1/sessions/current", NULL, true},
        {"/v1/sessions/" OWN_ID, NULL, true},
        {"/v1/sessions/" ANOTHER_ID, NULL, false},
        {"/v1/sessions", NULL, false},
        /* Whose session ends here is not whose the cookie is. */
        {"/v1/sessions/current", TOKEN, false},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char value[256];
        struct ask *ask = prepare("DELETE", rows[i].path, rows[i].authorization, NULL);
        ask_set_header(ask, "Cookie", NAME "=" TOKEN);
        api_handle(f->api, &ask->request);
        answer_session(f, 41);
        answer_revoked(f);
        assert_int_equal(ask->status, 204);
        const char *cleared = ask_header(ask, "Set-Cookie", value, sizeof(value));
        assert_int_equal(cleared != NULL, rows[i].is_cleared);
        if (cleared != NULL) {
            assert_string_equal(cleared, NAME "=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
        }
        ask_free(&ask);
    }
}

static void test_a_cookie_stays_when_signing_out_fails(void **state)
{
    struct api_fixture *f = *state;
    char value[256];
    log_capture_expect("request failed");
    struct ask *ask = prepare("DELETE", "/v1/sessions/current", NULL, NULL);
    ask_set_header(ask, "Cookie", NAME "=" TOKEN);
    api_handle(f->api, &ask->request);
    answer_session(f, 41);
    fail_call(f, MSG_session_revoke, ERR_UNAVAILABLE);
    assert_int_equal(ask->status, 503);
    assert_null(ask_header(ask, "Set-Cookie", value, sizeof(value)));
    ask_free(&ask);
}

/* ---- tokens of ended sessions ---- */

static void test_cookies_of_ended_sessions_are_limited_as_tokens_are(void **state)
{
    struct api_fixture *f = *state;
    struct token_keys *keys = token_keys_new(TOKEN_KEY);
    f->config.auth.unknown_burst = 3;
    api_fixture_restart(f);
    for (size_t i = 0; i < 4; i++) {
        char token[TOKEN_HEX + 1], cookie[128];
        token_draw(keys, TOKEN_SESSION, token);
        (void)snprintf(cookie, sizeof(cookie), NAME "=%s", token);
        struct ask *ask = prepare("GET", "/v1/users/me", NULL, NULL);
        ask_set_header(ask, "Cookie", cookie);
        api_handle(f->api, &ask->request);
        if (i < 3) {
            fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
        }
        assert_problem(ask, i < 3 ? 401 : 429, i < 3 ? "unauthorized" : "rate_limited");
        ask_free(&ask);
    }
    token_keys_free(&keys);
}

/* What is known of a cookie when its request is refused. */
static void test_a_dead_cookie_is_taken_away(void **state)
{
    static const struct {
        const char *method, *path, *authorization, *cookie;
        enum err check; /* how the session's check ends; ERR_OK: none is asked for */
        int status;
        bool is_cleared;
    } rows[] = {
        {"POST", "/v1/rooms/abc/participants", NULL, NAME "=" TOKEN, ERR_UNAUTHORIZED, 401, true},
        {"POST", "/v1/rooms/abc/participants", NULL, NAME "=" FOREIGN_TOKEN, ERR_OK, 401, true},
        {"GET", "/v1/users/me", NULL, NAME "=" TOKEN, ERR_UNAUTHORIZED, 401, true},
        {"GET", "/v1/users/me", NULL, NAME "=" TOKEN, ERR_UNAVAILABLE, 503, false},
        /* It is not what was refused. */
        {"GET", "/v1/users/me", TOKEN, NAME "=" TOKEN, ERR_UNAUTHORIZED, 401, false},
        {"GET", "/v1/users/me", FOREIGN_TOKEN, NAME "=" TOKEN, ERR_OK, 401, false},
        {"GET", "/v1/users/me", NULL, "a=" FOREIGN_TOKEN, ERR_OK, 401, false},
        /* It is good, but not for this. */
        {"GET", "/v1/rooms/abc/events", NULL, NAME "=" TOKEN, ERR_OK, 401, false},
        /* One of the two may be another page's, which would be left. */
        {"GET", "/v1/users/me", NULL, NAME "=" TOKEN "; " NAME "=" TOKEN, ERR_OK, 401, false},
        {"POST", "/create", NULL, NAME "=" FOREIGN_TOKEN, ERR_OK, 401, false},
    };
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char value[256];
        struct ask *ask =
            prepare(rows[i].method, rows[i].path, rows[i].authorization, "{\"name\":\"Ann\"}");
        ask_set_header(ask, "Cookie", rows[i].cookie);
        api_handle(f->api, &ask->request);
        if (rows[i].check != ERR_OK) {
            fail_call(f, MSG_session_check, rows[i].check);
        }
        assert_int_equal(ask->status, rows[i].status);
        const char *cleared = ask_header(ask, "Set-Cookie", value, sizeof(value));
        assert_int_equal(cleared != NULL, rows[i].is_cleared);
        if (cleared != NULL) {
            assert_string_equal(cleared, NAME "=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
        }
        ask_free(&ask);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_the_token_comes_in_the_cookie_and_nowhere_else),
        TEST(test_without_asking_for_it_nobody_gets_one),
        TEST(test_sign_ins_that_are_refused),
        TEST(test_every_combination),
        TEST(test_routes_for_anybody),
        TEST(test_signing_out_takes_the_cookie_away),
        TEST(test_a_cookie_stays_when_signing_out_fails),
        TEST(test_cookies_of_ended_sessions_are_limited_as_tokens_are),
        TEST(test_a_dead_cookie_is_taken_away),
    };
    return cmocka_run_group_tests_name("cookie_sign_in", tests, NULL, NULL);
}
