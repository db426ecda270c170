/* /v1/sessions: what is asked of authsvc, what clients are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define OWN_ID "53e64e4a033716ffa80f822e4203cc85"
#define ID "000102030405060708090a0b0c0d0e0f"
#define CREATED UINT64_C(1700000000123)
#define BURST 3

static struct ask *send(struct api_fixture *f, const char *method, const char *path,
                        const char *query, const char *body)
{
    struct ask *ask = ask_new(method, path, body == NULL ? TOKEN : NULL, str_of(body));
    ask->request.query = query;
    ask_set_header(ask, "Content-Type", "application/json");
    ask->request.client[10] = ask->request.client[11] = 0xff;
    ask->request.client[15] = 1;
    api_handle(f->api, &ask->request);
    return ask;
}

static struct ask *open_session(struct api_fixture *f, const char *device)
{
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"username\":\"ann\",\"password\":\"sesame\"%s}", device);
    return send(f, "POST", "/v1/sessions", NULL, body);
}

static void answer_open(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_session_open_reply,
                              .session_open_reply = {.expires_unix_ms = CREATED,
                                                     .user = {.id = 41,
                                                              .username = STR_LIT("ann"),
                                                              .display_name = STR_LIT("Ann \"A\""),
                                                              .role = ROLE_ADMIN}}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_open), ERR_OK, &reply);
}

static void test_sign_in(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = open_session(f, ",\"device\":\"T\\u00e9l\\u00e9phone\"");
    const struct msg_session_open *open = &asked(f, MSG_session_open)->request.session_open;
    assert_true(str_eq(open->username, STR_LIT("ann")));
    assert_true(str_eq(open->password, STR_LIT("sesame")));
    assert_true(str_eq(open->device, STR_LIT("T\xc3\xa9l\xc3\xa9phone")));
    assert_int_equal(open->address.bytes, 16);
    assert_int_equal(open->address.data[15], 1);
    uint8_t hash[32];
    memcpy(hash, open->token_hash.data, sizeof(hash));
    answer_open(f);
    assert_int_equal(ask->status, 201);
    char value[64];
    assert_string_equal(ask_header(ask, "Cache-Control", value, sizeof(value)), "no-store");
    static const char before[] = "\",\"token\":\"";
    const char *token = strstr(ask->body, before);
    assert_non_null(token);
    token += strlen(before);
    uint8_t own_hash[32];
    crypto_hash_sha256(own_hash, (const unsigned char *)token, 64);
    assert_memory_equal(own_hash, hash, sizeof(hash));
    char id[33];
    hex_encode(id, hash, SESSION_ID_BYTES);
    char expected[512];
    (void)snprintf(expected, sizeof(expected),
                   "{\"id\":\"%s\",\"token\":\"%.64s\",\"expires_at\":\"2023-11-14T22:13:20.123Z\","
                   "\"user\":{\"id\":\"41\",\"username\":\"ann\","
                   "\"display_name\":\"Ann \\\"A\\\"\",\"role\":\"admin\"}}",
                   id, token);
    assert_string_equal(ask->body, expected);
    (void)snprintf(expected, sizeof(expected), "/v1/sessions/%s", id);
    assert_string_equal(ask_header(ask, "Location", value, sizeof(value)), expected);
    ask_free(&ask);
    assert_int_equal(log_capture_count("sesame"), 0);
}

static void test_sign_in_is_refused(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = open_session(f, "");
    fail_call(f, MSG_session_open, ERR_BAD_CREDENTIALS);
    assert_problem(ask, 401, "sign_in_refused");
    char value[16];
    assert_string_equal(ask_header(ask, "WWW-Authenticate", value, sizeof(value)), "Bearer");
    ask_free(&ask);
}

static void test_device_labels(void **state)
{
    static const char *const bad[] = {
        ",\"device\":\"\"",
        ",\"device\":\"   \"",
        ",\"device\":\"a\\u0007\"",
        ",\"device\":\"\\u202e\"",
        ",\"device\":\"a\\u200bb\"",
        ",\"device\":7",
        ",\"device\":\"1234567890123456789012345678901234567890123456789012345678901234x\""};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ask *ask = open_session(f, bad[i]);
        assert_problem(ask, 422, "wrong_member");
        assert_non_null(strstr(ask->body, "\"pointer\":\"/device\""));
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
}

/* One pool: who has used up his attempts one way has none the other. */
static void test_the_limits_are_those_of_login(void **state)
{
    struct api_fixture *f = *state;
    for (int i = 0; i < BURST; i++) {
        struct ask *ask = open_session(f, "");
        fail_call(f, MSG_session_open, ERR_BAD_CREDENTIALS);
        assert_int_equal(ask->status, 401);
        ask_free(&ask);
    }
    struct ask *ask = open_session(f, "");
    assert_problem(ask, 429, "rate_limited");
    char value[16];
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "10");
    ask_free(&ask);
    ask = send(f, "POST", "/login", NULL, "{\"username\":\"ann\",\"password\":\"sesame\"}");
    assert_failed(ask, 429, "rate_limited");
    ask_free(&ask);
}

static const struct msg_session rows[] = {
    {.id = {.data = "\x53\xe6\x4e\x4a\x03\x37\x16\xff\xa8\x0f\x82\x2e\x42\x03\xcc\x85",
            .bytes = SESSION_ID_BYTES},
     .kind = SESSION_ORIGINAL,
     .address = {.data = "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7", .bytes = 16},
     .created_unix_ms = CREATED,
     .used_unix_ms = CREATED + 1,
     .expires_unix_ms = CREATED + 2},
    {.id = {.data = "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", .bytes = SESSION_ID_BYTES},
     .kind = SESSION_WEB,
     .device = {.data = "her phone", .bytes = 9},
     .address = {.data = "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", .bytes = 16},
     .created_unix_ms = CREATED,
     .used_unix_ms = CREATED,
     .expires_unix_ms = CREATED},
    {.id = {.data = "\xff\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", .bytes = SESSION_ID_BYTES},
     .kind = SESSION_WEB,
     .address = {.data = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", .bytes = 16}},
};
#define AT "2023-11-14T22:13:20."
#define FIRST                                                                                      \
    "{\"id\":\"" OWN_ID "\",\"kind\":\"original\",\"address\":\"192.0.2.7\",\"created_at\":\"" AT  \
    "123Z\",\"last_used_at\":\"" AT "124Z\",\"expires_at\":\"" AT "125Z\",\"current\":true}"
#define SECOND                                                                                     \
    "{\"id\":\"" ID "\",\"kind\":\"web\",\"device\":\"her phone\",\"address\":\"2001:db8::1\","    \
    "\"created_at\":\"" AT "123Z\",\"last_used_at\":\"" AT "123Z\",\"expires_at\":\"" AT           \
    "123Z\",\"current\":false}"

static void answer_page(struct api_fixture *f, size_t from, size_t count)
{
    const struct msg reply = {
        .id = MSG_session_page_reply,
        .session_page_reply = {.sessions = {.items = rows + from, .count = count}}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_page), ERR_OK, &reply);
}

static void test_a_page(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send(f, "GET", "/v1/sessions", "limit=2", NULL);
    answer_session(f, 41);
    const struct msg_session_page *page = &asked(f, MSG_session_page)->request.session_page;
    assert_int_equal(page->user_id, 41);
    assert_int_equal(page->limit, 2);
    assert_int_equal(page->session.bytes, 0);
    assert_int_equal(page->after_created_unix_ms, 0);
    assert_int_equal(page->after_session.bytes, 0);
    answer_page(f, 0, 2);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"items\":[" FIRST "," SECOND
                                   "],\"next_page_token\":\"0000018bcfe5687b" ID "\"}");
    ask_free(&ask);

    ask = send(f, "GET", "/v1/sessions", "page_token=0000018bcfe5687b" ID, NULL);
    answer_session(f, 41);
    page = &asked(f, MSG_session_page)->request.session_page;
    assert_int_equal(page->limit, 50);
    assert_int_equal(page->after_created_unix_ms, CREATED);
    assert_memory_equal(page->after_session.data, rows[1].id.data, SESSION_ID_BYTES);
    answer_page(f, 2, 1);
    assert_string_equal(ask->body,
                        "{\"items\":[{\"id\":\"ff0102030405060708090a0b0c0d0e0f\",\"kind\":\"web\","
                        "\"created_at\":\"1970-01-01T00:00:00.000Z\",\"last_used_at\":"
                        "\"1970-01-01T00:00:00.000Z\",\"expires_at\":\"1970-01-01T00:00:00.000Z\","
                        "\"current\":false}]}");
    ask_free(&ask);
}

static void test_parameters_that_cannot_be(void **state)
{
    static const char *const bad[] = {"limit=0",
                                      "limit=101",
                                      "limit=",
                                      "limit=1x",
                                      "limit=-1",
                                      "limit=1000",
                                      "page_token=",
                                      "page_token=abcd",
                                      "page_token=%zz",
                                      "page_token=ffffffffffffffff" ID,
                                      "page_token=0000018bcfe5687b" ID "00"};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ask *ask = send(f, "GET", "/v1/sessions", bad[i], NULL);
        answer_session(f, 41);
        assert_problem(ask, 400, "bad_request");
        ask_free(&ask);
    }
    assert_null(mock_bus_pending(&f->bus, MSG_session_page));
}

static void test_one_session(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send(f, "GET", "/v1/sessions/" ID, NULL, NULL);
    answer_session(f, 41);
    const struct msg_session_page *page = &asked(f, MSG_session_page)->request.session_page;
    assert_int_equal(page->user_id, 41);
    assert_memory_equal(page->session.data, rows[1].id.data, SESSION_ID_BYTES);
    answer_page(f, 1, 1);
    assert_string_equal(ask->body, SECOND);
    ask_free(&ask);

    ask = send(f, "GET", "/v1/sessions/current", NULL, NULL);
    answer_session(f, 41);
    page = &asked(f, MSG_session_page)->request.session_page;
    assert_memory_equal(page->session.data, rows[0].id.data, SESSION_ID_BYTES);
    answer_page(f, 0, 1);
    assert_string_equal(ask->body, FIRST);
    ask_free(&ask);

    ask = send(f, "GET", "/v1/sessions/" ID, NULL, NULL);
    answer_session(f, 41);
    fail_call(f, MSG_session_page, ERR_NOT_FOUND);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);

    ask = send(f, "GET", "/v1/sessions/none", NULL, NULL);
    answer_session(f, 41);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);
}

static void test_an_answer_without_the_session_is_not_believed(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    struct ask *ask = send(f, "GET", "/v1/sessions/" ID, NULL, NULL);
    answer_session(f, 41);
    answer_page(f, 0, 0);
    assert_problem(ask, 502, "protocol");
    ask_free(&ask);
}

static void answer_revoke(struct api_fixture *f, uint64_t revoked)
{
    const struct msg reply = {.id = MSG_session_revoke_reply,
                              .session_revoke_reply = {.revoked = revoked}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_revoke), ERR_OK, &reply);
}

/* Ends what path names, of which there were so many. */
static struct ask *end_at(struct api_fixture *f, const char *path, uint64_t revoked,
                          const char *ret_id)
{
    struct ask *ask = send(f, "DELETE", path, NULL, NULL);
    answer_session(f, 41);
    const struct msg_session_revoke *revoke = &asked(f, MSG_session_revoke)->request.session_revoke;
    assert_int_equal(revoke->user_id, 41);
    assert_int_equal(revoke->token_hash.bytes, 0);
    assert_int_equal(revoke->except_session.bytes, 0);
    assert_int_equal(revoke->session.bytes, SESSION_ID_BYTES);
    assert_memory_equal(revoke->session.data, ret_id, SESSION_ID_BYTES);
    assert_int_equal(revoke->idempotency_key.bytes, 16);
    answer_revoke(f, revoked);
    return ask;
}

static void test_ending_one(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = end_at(f, "/v1/sessions/" ID, 1, rows[1].id.data);
    assert_int_equal(ask->status, 204);
    assert_string_equal(ask->body, "");
    ask_free(&ask);
    ask = end_at(f, "/v1/sessions/" ID, 0, rows[1].id.data);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);
    ask = end_at(f, "/v1/sessions/current", 1, rows[0].id.data);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
    ask = end_at(f, "/v1/sessions/current", 0, rows[0].id.data);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
}

static void test_ending_the_others(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = send(f, "DELETE", "/v1/sessions", NULL, NULL);
    answer_session(f, 41);
    const struct msg_session_revoke *revoke = &asked(f, MSG_session_revoke)->request.session_revoke;
    assert_int_equal(revoke->user_id, 41);
    assert_int_equal(revoke->session.bytes, 0);
    assert_memory_equal(revoke->except_session.data, rows[0].id.data, SESSION_ID_BYTES);
    assert_int_equal(revoke->idempotency_key.bytes, 16);
    answer_revoke(f, 0);
    assert_int_equal(ask->status, 204);
    ask_free(&ask);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_sign_in),       TEST(test_sign_in_is_refused),
        TEST(test_device_labels), TEST(test_the_limits_are_those_of_login),
        TEST(test_a_page),        TEST(test_parameters_that_cannot_be),
        TEST(test_one_session),   TEST(test_an_answer_without_the_session_is_not_believed),
        TEST(test_ending_one),    TEST(test_ending_the_others),
    };
    return cmocka_run_group_tests_name("sessions_api", tests, NULL, NULL);
}
