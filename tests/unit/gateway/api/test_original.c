#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define LIST "{\"room_id\":123456}"

static void test_create(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_send(f, "/create", TOKEN, "{}");
    struct mock_bus_call *check = mock_bus_pending(&f->bus, MSG_session_check);
    assert_non_null(check);
    uint8_t hash[32];
    crypto_hash_sha256(hash, (const unsigned char *)TOKEN, 64);
    assert_memory_equal(check->request.session_check.token_hash.data, hash, 32);
    assert_int_equal(check->context.principal.user_id, 0);
    answer_session(f, 42);
    struct mock_bus_call *create = mock_bus_pending(&f->bus, MSG_room_create);
    assert_non_null(create);
    assert_int_equal(create->context.principal.user_id, 42);
    assert_int_not_equal(create->context.principal.session_id, 0);
    assert_int_equal(create->context.deadline_ms, check->context.deadline_ms);
    answer_create(f, 123456);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"action\":\"success\",\"room_id\":123456}");
    ask_free(&ask);
}

static void test_create_draws_a_key_for_each_request(void **state)
{
    struct api_fixture *f = *state;
    struct ask *asks[2];
    for (size_t i = 0; i < 2; i++) {
        asks[i] = ask_send(f, "/create", TOKEN, "{}");
        answer_session(f, 42);
    }
    assert_memory_not_equal(f->bus.calls[1].request.room_create.idempotency_key.data,
                            f->bus.calls[3].request.room_create.idempotency_key.data, 16);
    for (size_t i = 0; i < 2; i++) {
        answer_create(f, 5);
        ask_free(&asks[i]);
    }
}

/* None is asked for, and clients of the original send none. */
static void test_create_without_a_body(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_send(f, "/create", TOKEN, "");
    answer_session(f, 42);
    answer_create(f, 123456);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"action\":\"success\",\"room_id\":123456}");
    ask_free(&ask);
}

/* What is wrong with a body is said by the name of the member. */
static void test_messages_name_members(void **state)
{
    static const struct {
        const char *path, *body, *message;
    } rows[] = {
        {"/login", "{}", "username is required; password is required."},
        {"/login", "{\"username\":\"a\"}", "password is required."},
        {"/login", "{\"username\":1,\"password\":\"\"}",
         "username must be a string; password must have 1 to 1024 bytes."},
        {"/list_participants", "{}", "room_id is required."},
        {"/list_participants", "{\"room_id\":\"1\"}", "room_id must be a whole number."},
        {"/list_participants", "{\"room_id\":0}", "room_id must be from 1 to 9007199254740991."},
        {"/list_participants", "x", "The request is not valid."},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = ask_send(f, rows[i].path, TOKEN, rows[i].body);
        assert_failed(ask, 400, "bad_request");
        AUTO(mem_free) char *expected = mem_printf("\"message\":\"%s\"}", rows[i].message);
        assert_non_null(strstr(ask->body, expected));
        ask_free(&ask);
    }
}

/* The key of a /create of this user, which a proxy has given this id. */
static void create_for(struct api_fixture *f, uint64_t user_id, const char *id, char ret_key[16])
{
    struct ask *ask = ask_new("POST", "/create", TOKEN, STR_NONE);
    ask->request.proxy_id = str_of(id);
    api_handle(f->api, &ask->request);
    answer_session(f, user_id);
    const struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_room_create);
    assert_int_equal(call->request.room_create.idempotency_key.bytes, 16);
    memcpy(ret_key, call->request.room_create.idempotency_key.data, 16);
    answer_create(f, 5);
    ask_free(&ask);
}

/* What a proxy sends again has the key that it had; nothing else has. */
static void test_create_again(void **state)
{
    static const struct {
        uint64_t user_id;
        const char *id;
        bool is_the_same;
    } rows[] = {
        {42, "a1", true},  {42, "a2", false}, {42, "a", false},
        {43, "a1", false}, {42, NULL, false}, {42, "", false},
    };
    struct api_fixture *f = *state;
    char first[16], key[16];
    create_for(f, 42, "a1", first);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        create_for(f, rows[i].user_id, rows[i].id, key);
        if ((memcmp(key, first, 16) == 0) != rows[i].is_the_same) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_list(void **state)
{
    static const uint64_t publishers[] = {1111, 2222, 9007199254740991};
    struct api_fixture *f = *state;
    struct ask *ask = ask_send(f, "/list_participants", "Bearer " TOKEN,
                               "{\"x\":1,\"room_id\":9007199254740991}");
    answer_session(f, 42);
    const struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_room_participants);
    assert_int_equal(call->request.room_participants.room_id, 9007199254740991);
    answer_list(f, publishers, 3);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, "{\"action\":\"success\",\"room_id\":9007199254740991,"
                                   "\"publishers\":[1111,2222,9007199254740991]}");
    ask_free(&ask);
    ask = ask_send(f, "/list_participants", TOKEN, LIST);
    answer_session(f, 42);
    answer_list(f, NULL, 0);
    assert_string_equal(ask->body, "{\"action\":\"success\",\"room_id\":123456,\"publishers\":[]}");
    ask_free(&ask);
}

static void test_list_of_as_many_as_there_may_be(void **state)
{
    struct api_fixture *f = *state;
    uint64_t publishers[PUBLISHERS_MAX];
    for (size_t i = 0; i < PUBLISHERS_MAX; i++) {
        publishers[i] = UINT64_MAX;
    }
    struct ask *ask = ask_send(f, "/list_participants", TOKEN, LIST);
    answer_session(f, 42);
    answer_list(f, publishers, PUBLISHERS_MAX);
    assert_int_equal(ask->status, 200);
    assert_true(strlen(ask->body) > 20 * PUBLISHERS_MAX);
    ask_free(&ask);
}

static void test_tokens(void **state)
{
    static const char *const bad[] = {
        NULL,
        "",
        "x",
        "Bearer",
        "Bearer ",
        "Basic " TOKEN,
        TOKEN "0",
        " " TOKEN,
        TOKEN " ",
        "Bearer  " TOKEN,
        "Bearer" TOKEN,
        "000102030405060708090A0B0C0D0E0F1011121314151617B1B807D0D09C49F3",
        "g00102030405060708090a0b0c0d0e0f1011121314151617b1b807d0d09c49f3",
        FOREIGN_TOKEN,
        "Bearer " FOREIGN_TOKEN,
    };
    static const char *const good[] = {TOKEN, "Bearer " TOKEN, "bearer " TOKEN, "BEARER " TOKEN};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ask *ask = ask_send(f, "/create", bad[i], "{}");
        assert_failed(ask, 401, "unauthorized");
        char value[64];
        assert_string_equal(ask_header(ask, "WWW-Authenticate", value, sizeof(value)), "Bearer");
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
    assert_int_equal(
        metric_value(metrics_counter(f->metrics, "lynks_gateway_foreign_tokens_total", "", NULL)),
        2);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct ask *ask = ask_send(f, "/create", good[i], "{}");
        fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
        assert_failed(ask, 401, "unauthorized");
        ask_free(&ask);
    }
}

/* Path before method before token before body. */
static void test_order_of_checks(void **state)
{
    static const struct {
        const char *method, *path, *token, *body;
        int status;
        const char *code;
    } rows[] = {
        {"GET", "/nothing", NULL, "x", 404, "not_found"},
        {"POST", "/", NULL, "x", 404, "not_found"},
        {"POST", "/login/", NULL, "x", 404, "not_found"},
        {"POST", "/Login", NULL, "x", 404, "not_found"},
        {"POST", "", NULL, "x", 404, "not_found"},
        {"GET", "/create", NULL, "x", 405, "method_not_allowed"},
        {"post", "/create", TOKEN, "{}", 405, "method_not_allowed"},
        {"OPTIONS", "/create", TOKEN, "{}", 405, "method_not_allowed"},
        {"POST", "/create", "bad", "x", 401, "unauthorized"},
        {"POST", "/create", TOKEN, "x", 400, "bad_request"},
        {"POST", "/create", TOKEN, " ", 400, "bad_request"},
        {"POST", "/list_participants", TOKEN, "", 400, "bad_request"},
        {"POST", "/list_participants", TOKEN, "{}", 400, "bad_request"},
        {"POST", "/login", NULL, "{}", 400, "bad_request"},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask =
            ask_new(rows[i].method, rows[i].path, rows[i].token, str_of(rows[i].body));
        api_handle(f->api, &ask->request);
        assert_failed(ask, rows[i].status, rows[i].code);
        char allow[64];
        if (rows[i].status == 405) {
            assert_string_equal(ask_header(ask, "Allow", allow, sizeof(allow)), "POST");
        }
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
}

static void test_refused_by_the_server(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_new("POST", "/login", NULL, STR_NONE);
    ask->request.error = ERR_TOO_LARGE;
    api_handle(f->api, &ask->request);
    assert_failed(ask, 413, "too_large");
    assert_true(ask->close);
    ask_free(&ask);
}

/* What each failure of a service looks like, at the session check and at the action. */
static void test_failures(void **state)
{
    static const struct {
        enum err err;
        int status;
        const char *code;
        const char *retry_after;
    } rows[] = {
        {ERR_BAD_REQUEST, 400, "bad_request", NULL}, {ERR_UNAUTHORIZED, 401, "unauthorized", NULL},
        {ERR_FORBIDDEN, 403, "forbidden", NULL},     {ERR_NO_SUCH_ROOM, 404, "no_such_room", NULL},
        {ERR_CONFLICT, 409, "conflict", NULL},       {ERR_OVERLOADED, 503, "overloaded", "1"},
        {ERR_UNAVAILABLE, 503, "unavailable", "1"},  {ERR_DRAINING, 503, "draining", "1"},
        {ERR_DEADLINE, 504, "deadline", NULL},       {ERR_INTERNAL, 500, "internal", NULL},
        {ERR_PROTOCOL, 502, "protocol", NULL},
    };
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int at_action = 0; at_action < 2; at_action++) {
            struct ask *ask = ask_send(f, "/list_participants", TOKEN, LIST);
            if (at_action) {
                answer_session(f, 42);
            }
            fail_call(f, at_action ? MSG_room_participants : MSG_session_check, rows[i].err);
            assert_failed(ask, rows[i].status, rows[i].code);
            char value[16];
            const char *retry = ask_header(ask, "Retry-After", value, sizeof(value));
            assert_int_equal(retry != NULL, rows[i].retry_after != NULL);
            if (retry != NULL) {
                assert_string_equal(retry, rows[i].retry_after);
            }
            ask_free(&ask);
        }
    }
}

static void test_bus_that_refuses(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    f->bus.refuse = ERR_OVERLOADED;
    struct ask *ask = ask_send(f, "/create", TOKEN, "{}");
    assert_failed(ask, 503, "overloaded");
    ask_free(&ask);
    f->bus.refuse = ERR_OK;
    ask = ask_send(f, "/create", TOKEN, "{}");
    f->bus.refuse = ERR_UNAVAILABLE;
    answer_session(f, 42);
    assert_failed(ask, 503, "unavailable");
    ask_free(&ask);
}

static void test_answer_of_another_kind(void **state)
{
    struct api_fixture *f = *state;
    const struct msg wrong = {.id = MSG_login_reply, .login_reply = {.user_id = 1}};
    log_capture_expect("request failed");
    struct ask *ask = ask_send(f, "/create", TOKEN, "{}");
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_check), ERR_OK, &wrong);
    assert_failed(ask, 502, "protocol");
    ask_free(&ask);
    ask = ask_send(f, "/create", TOKEN, "{}");
    answer_session(f, 42);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_room_create), ERR_OK, &wrong);
    assert_failed(ask, 502, "protocol");
    ask_free(&ask);
}

static void test_one_warning_a_second(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    f->bus.refuse = ERR_UNAVAILABLE;
    for (int i = 0; i < 10; i++) {
        struct ask *ask = ask_send(f, "/create", TOKEN, "{}");
        ask_free(&ask);
    }
    assert_int_equal(log_capture_count("request failed"), 1);
    fake_clock_advance(f->clock, 1000);
    struct ask *ask = ask_send(f, "/create", TOKEN, "{}");
    ask_free(&ask);
    assert_int_equal(log_capture_count("request failed"), 2);
    assert_int_equal(log_capture_count("suppressed=9"), 1);
    assert_int_equal(log_capture_count("code=unavailable"), 2);
}

static void test_budget(void **state)
{
    struct api_fixture *f = *state;
    uint64_t now_ms = clock_mono_ms(fake_clock_clock(f->clock));
    struct ask *ask = ask_send(f, "/list_participants", TOKEN, LIST);
    assert_int_equal(f->bus.calls[0].context.deadline_ms, now_ms + BUDGET_MS);
    fake_clock_advance(f->clock, 3000);
    answer_session(f, 42);
    assert_int_equal(f->bus.calls[1].context.deadline_ms, now_ms + BUDGET_MS);
    log_capture_expect("request failed");
    fail_call(f, MSG_room_participants, ERR_DEADLINE);
    assert_failed(ask, 504, "deadline");
    ask_free(&ask);
}

static void test_request_ids_differ(void **state)
{
    struct api_fixture *f = *state;
    char ids[2][32];
    for (size_t i = 0; i < 2; i++) {
        struct ask *ask = ask_send(f, "/nothing", NULL, "");
        assert_non_null(ask_header(ask, "X-Request-Id", ids[i], sizeof(ids[i])));
        assert_int_equal(log_capture_count(ids[i]), 1);
        ask_free(&ask);
    }
    assert_string_not_equal(ids[0], ids[1]);
}

static void test_api_that_ends(void **state)
{
    struct api_fixture *f = *state;
    struct ask *first = ask_send(f, "/create", TOKEN, "{}");
    struct ask *second = ask_send(f, "/create", TOKEN, "{}");
    answer_session(f, 42);
    api_free(&f->api);
    assert_int_equal(first->status, 503);
    assert_int_equal(second->status, 503);
    answer_session(f, 42);
    answer_create(f, 1);
    ask_free(&first);
    ask_free(&second);
}

static void test_cors(void **state)
{
    struct api_fixture *f = *state;
    char value[64];
    f->config.cors_origins = "https://a.example";
    api_fixture_restart(f);
    struct ask *ask = ask_new("OPTIONS", "/create", NULL, STR_NONE);
    ask_set_header(ask, "Origin", "https://a.example");
    ask_set_header(ask, "Access-Control-Request-Method", "POST");
    api_handle(f->api, &ask->request);
    assert_int_equal(ask->status, 204);
    assert_string_equal(ask_header(ask, "Access-Control-Allow-Origin", value, sizeof(value)),
                        "https://a.example");
    assert_string_equal(ask_header(ask, "Access-Control-Allow-Methods", value, sizeof(value)),
                        "POST");
    assert_string_equal(ask_header(ask, "Access-Control-Allow-Headers", value, sizeof(value)),
                        "authorization, content-type");
    assert_string_equal(ask_header(ask, "Access-Control-Max-Age", value, sizeof(value)), "600");
    assert_string_equal(ask_header(ask, "Vary", value, sizeof(value)), "Origin");
    ask_free(&ask);
    ask = ask_new("OPTIONS", "/create", NULL, STR_NONE);
    ask_set_header(ask, "Origin", "https://b.example");
    ask_set_header(ask, "Access-Control-Request-Method", "POST");
    api_handle(f->api, &ask->request);
    /* A cache may not give this one to a page that is allowed. */
    assert_string_equal(ask_header(ask, "Vary", value, sizeof(value)), "Origin");
    assert_failed(ask, 405, "method_not_allowed");
    assert_null(ask_header(ask, "Access-Control-Allow-Origin", value, sizeof(value)));
    ask_free(&ask);
    /* A page is told of failures too. */
    ask = ask_new("POST", "/create", NULL, STR_NONE);
    ask_set_header(ask, "Origin", "https://a.example");
    api_handle(f->api, &ask->request);
    assert_failed(ask, 401, "unauthorized");
    assert_string_equal(ask_header(ask, "Access-Control-Allow-Origin", value, sizeof(value)),
                        "https://a.example");
    assert_string_equal(ask_header(ask, "Access-Control-Expose-Headers", value, sizeof(value)),
                        "X-Request-Id, Retry-After");
    assert_string_equal(ask_header(ask, "Vary", value, sizeof(value)), "Origin");
    ask_free(&ask);
    /* And nobody else of anything. */
    ask = ask_new("POST", "/create", NULL, STR_NONE);
    api_handle(f->api, &ask->request);
    assert_null(ask_header(ask, "Access-Control-Expose-Headers", value, sizeof(value)));
    ask_free(&ask);
}

static void test_counted(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_send(f, "/create", TOKEN, "{}");
    answer_session(f, 42);
    answer_create(f, 1);
    ask_free(&ask);
    ask = ask_send(f, "/\"}evil", NULL, "");
    ask_free(&ask);
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(f->metrics, &bytes);
    assert_non_null(strstr(text, "lynks_http_requests_total{path=\"/create\",status=\"200\"} 1\n"));
    assert_non_null(strstr(text, "lynks_http_requests_total{path=\"other\",status=\"404\"} 1\n"));
    assert_non_null(strstr(text, "lynks_http_request_seconds_count{path=\"/create\"} 1\n"));
    assert_null(strstr(text, "evil"));
}

#define API_TEST(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(test_create),
        API_TEST(test_create_draws_a_key_for_each_request),
        API_TEST(test_create_without_a_body),
        API_TEST(test_messages_name_members),
        API_TEST(test_create_again),
        API_TEST(test_list),
        API_TEST(test_list_of_as_many_as_there_may_be),
        API_TEST(test_tokens),
        API_TEST(test_order_of_checks),
        API_TEST(test_refused_by_the_server),
        API_TEST(test_failures),
        API_TEST(test_bus_that_refuses),
        API_TEST(test_answer_of_another_kind),
        API_TEST(test_one_warning_a_second),
        API_TEST(test_budget),
        API_TEST(test_request_ids_differ),
        API_TEST(test_api_that_ends),
        API_TEST(test_cors),
        API_TEST(test_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
