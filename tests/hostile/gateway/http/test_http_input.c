/* The rows of the bad-input table that the gateway answers, over real TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/hostile/gateway/http/http_fixture.h"

static void send_body(struct http_fixture *f, const char *path, struct str body)
{
    http_client_free(&f->client);
    f->client = http_fixture_connect(f, NULL);
    http_client_sendf(f->client,
                      "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: " TOKEN
                      "\r\nContent-Length: %zu\r\n\r\n",
                      path, body.bytes);
    http_client_send(f->client, body);
    assert_true(http_client_await(f->client, 1, WAIT_MS));
}

/* The answer is a JSON error, and the connection goes on unless close. */
static void assert_error(struct http_fixture *f, int status, const char *code)
{
    char expected[128];
    struct str body = http_client_body(f->client, 0);
    int bytes = snprintf(expected, sizeof(expected),
                         "{\"action\":\"failed\",\"error\":{\"code\":\"%s\",", code);
    assert_int_equal(http_client_status(f->client, 0), status);
    assert_true(body.bytes > (size_t)bytes);
    assert_memory_equal(body.data, expected, (size_t)bytes);
    assert_true(
        str_eq(http_client_header(f->client, 0, "Content-Type"), STR_LIT("application/json")));
    assert_int_equal(http_client_header(f->client, 0, "X-Request-Id").bytes, 16);
}

static void test_what_is_not_an_object(void **state)
{
    static const char *const paths[] = {"/login", "/create", "/list_participants"};
    static const struct str bodies[] = {
        STR_LIT("{\"username\":"),
        STR_LIT(""),
        STR_LIT(" \n"),
        STR_LIT("[]"),
        STR_LIT("null"),
        STR_LIT("{} x"),
        STR_LIT("{\"room_id\":1,\"username\":\"a\",\"password\":\"b\"}}"),
        STR_LIT("{\"room_id\":1,\"room_id\":1,\"username\":\"a\",\"password\":\"b\"}"),
        STR_LIT("{\"room_id\":1,\"username\":\"a\",\"password\":\"b\",\"x\":\"\xff\"}"),
        STR_LIT("{\"room_id\":1,\"username\":\"a\",\"password\":\"b\"}\0"),
    };
    struct http_fixture *f = *state;
    for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
        for (size_t b = 0; b < ARRAY_LEN(bodies); b++) {
            if (bodies[b].bytes == 0 && strcmp(paths[p], "/create") == 0) {
                continue; /* an empty body stands for {} there */
            }
            send_body(f, paths[p], bodies[b]);
            assert_error(f, 400, "bad_request");
        }
    }
    assert_int_equal(f->calls, 0);
    assert_serves(f);
}

static void test_deep(void **state)
{
    struct http_fixture *f = *state;
    f->config.body_bytes_max = 300000;
    http_fixture_restart(f);
    char *deep = mem_alloc(200006);
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', 100000);
    memset(deep + 100005, ']', 100000);
    deep[200005] = '}';
    send_body(f, "/create", (struct str){.data = deep, .bytes = 200006});
    assert_error(f, 400, "bad_request");
    mem_free(&deep);
    assert_serves(f);
}

static void test_members(void **state)
{
    static const struct {
        const char *path, *body;
    } rows[] = {
        {"/login", "{}"},
        {"/login", "{\"username\":\"a\"}"},
        {"/login", "{\"username\":1,\"password\":\"b\"}"},
        {"/login", "{\"username\":\"a\\u0000\",\"password\":\"b\"}"},
        {"/login", "{\"username\":\"\",\"password\":\"b\"}"},
        {"/list_participants", "{}"},
        {"/list_participants", "{\"room_id\":\"1\"}"},
        {"/list_participants", "{\"room_id\":0}"},
        {"/list_participants", "{\"room_id\":-1}"},
        {"/list_participants", "{\"room_id\":1.0}"},
        {"/list_participants", "{\"room_id\":9007199254740992}"},
    };
    struct http_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send_body(f, rows[i].path, str_of(rows[i].body));
        assert_error(f, 400, "bad_request");
    }
    assert_int_equal(f->calls, 0);
}

static void test_paths_and_methods(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *code;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"},
        {"GET /login HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"},
        {"HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL},
        {"BREW /create HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"},
        {"POST /%6cogin HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, "not_found"},
        {"POST /login%00x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, "not_found"},
        {"POST /../login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, "not_found"},
        {"POST //login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, "not_found"},
        {"POST /create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 401, "unauthorized"},
        {"POST /create?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 401,
         "unauthorized"},
    };
    struct http_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send_anew(f, str_of(rows[i].request));
        if (rows[i].code == NULL) {
            /* A HEAD answer announces a body that does not come. */
            http_client_shutdown(f->client);
            assert_true(http_client_await_close(f->client, WAIT_MS));
            struct str received = http_client_received(f->client);
            assert_true(received.bytes > 12 && memcmp(received.data + 9, "404", 3) == 0);
            continue;
        }
        assert_true(http_client_await(f->client, 1, WAIT_MS));
        assert_error(f, rows[i].status, rows[i].code);
        bool allows = str_eq(http_client_header(f->client, 0, "Allow"), STR_LIT("POST"));
        assert_int_equal(allows, rows[i].status == 405);
    }
    assert_serves(f);
}

/* An absolute target is the path in it, for the host in it (RFC 9112, section 3.2.2). */
static void test_absolute_targets(void **state)
{
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"POST http://y:1/list_participants?a=b HTTP/1.1\r\nHost: x\r\n", 200},
        {"POST HTTPS://y/list_participants HTTP/1.1\r\nHost: x\r\n", 200},
        {"POST http://y/nothing HTTP/1.1\r\nHost: x\r\n", 404},
        {"POST http://y HTTP/1.1\r\nHost: x\r\n", 404},
        {"POST http://localhost/v1/info HTTP/1.1\r\nHost: evil.example\r\n", 405},
        {"POST http://evil.example/v1/info HTTP/1.1\r\nHost: localhost\r\n", 421},
        {"POST /v1/info HTTP/1.1\r\nHost: localhost\r\n", 405},
    };
    struct http_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        http_client_free(&f->client);
        f->client = http_fixture_connect(f, NULL);
        for (size_t n = 0; n < 2; n++) { /* read by ourselves, and by the library */
            http_client_sendf(f->client,
                              "%sAuthorization: " TOKEN "\r\nContent-Length: %zu\r\n\r\n%s",
                              rows[i].request, strlen(LIST_BODY), LIST_BODY);
            assert_true(http_client_await(f->client, n + 1, WAIT_MS));
            if (http_client_status(f->client, n) != rows[i].status) {
                fail_msg("%d: %s", http_client_status(f->client, n), rows[i].request);
            }
        }
    }
}

#define CLIENTS_THAT_LEAVE 40

struct expected_calls {
    const struct http_fixture *f;
    size_t calls;
};

static bool have_been_called(void *arg)
{
    const struct expected_calls *expected = arg;
    return expected->f->calls >= expected->calls;
}

/* What was asked for them, both at a time, comes to nobody. */
static void test_clients_that_leave_while_lists_are_asked_ahead(void **state)
{
    struct http_client *clients[CLIENTS_THAT_LEAVE];
    struct http_fixture *f = *state;
    assert_serves(f);
    f->hold = true;
    struct expected_calls expected = {.f = f, .calls = f->calls + CLIENTS_THAT_LEAVE};
    for (size_t i = 0; i < CLIENTS_THAT_LEAVE; i++) {
        clients[i] = http_fixture_connect(f, NULL);
        http_client_send(clients[i], STR_LIT(LIST));
    }
    assert_true(loop_run_until(f->loop, have_been_called, &expected, WAIT_MS));
    for (size_t i = 0; i < CLIENTS_THAT_LEAVE; i++) {
        http_client_free(&clients[i]);
    }
    http_fixture_release(f);
    assert_serves(f);
}

/* None is needed, and none may be sent at all. */
static void test_create_without_a_body(void **state)
{
    static const char *const fields[] = {"", "Content-Length: 0\r\n",
                                         "Content-Length: 0\r\nContent-Encoding: gzip\r\n"};
    struct http_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        http_client_sendf(f->client, HEAD("/create") "%s\r\n", fields[i]);
        assert_true(http_client_await(f->client, i + 1, WAIT_MS));
        assert_int_equal(http_client_status(f->client, i), 200);
    }
}

/* A request with these ids from this address; ret_key is what it is known by. */
static void create_from(struct http_fixture *f, const char *from, const char *ids, char ret_key[16])
{
    http_client_free(&f->client);
    f->client = http_fixture_connect(f, from);
    http_client_sendf(f->client, HEAD("/create") "%s\r\n", ids);
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 200);
    memcpy(ret_key, f->key, 16);
}

/* Only a trusted proxy can say that it sends a request again. */
static void test_requests_sent_again(void **state)
{
    static char trusted[] = "127.0.0.7";
    static const struct {
        const char *from, *ids;
        bool is_the_same;
    } rows[] = {
        {"127.0.0.7", "X-Request-Id: a1\r\n", true},
        {"127.0.0.7", "x-request-ID: a1\r\nX-Forwarded-For: 192.0.2.1\r\n", true},
        {"127.0.0.7", "X-Request-Id: a2\r\n", false},
        {"127.0.0.7", "", false},
        {"127.0.0.7", "X-Request-Id: a1\r\nX-Request-Id: a1\r\n", false},
        {"127.0.0.8", "X-Request-Id: a1\r\n", false},
    };
    struct http_fixture *f = *state;
    char first[16], key[16];
    f->config.trusted_proxies = trusted;
    http_fixture_restart(f);
    create_from(f, "127.0.0.7", "X-Request-Id: a1\r\n", first);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        create_from(f, rows[i].from, rows[i].ids, key);
        if ((memcmp(key, first, 16) == 0) != rows[i].is_the_same) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_compressed_body(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(
        f->client, STR_LIT(HEAD("/list_participants") "Content-Encoding: gzip\r\n"
                                                      "Content-Length: 4\r\n\r\n\x1f\x8b\x08\x00"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_error(f, 415, "content_coding");
    assert_true(str_eq(http_client_header(f->client, 0, "Accept-Encoding"), STR_LIT("identity")));
    send_body(f, "/list_participants", STR_LIT("\xef\xbb\xbf" LIST_BODY));
    assert_int_equal(http_client_status(f->client, 0), 200);
}

static void test_declared_too_large(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(f->client, STR_LIT(HEAD("/login") "Content-Length: 65537\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_error(f, 413, "too_large");
    assert_closed_with(f, 413);
    send_anew(f, STR_LIT(HEAD("/login") "Content-Length: 9999999999999999999999\r\n\r\n"));
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_true(http_client_status(f->client, 0) == 413 || http_client_status(f->client, 0) == 400);
}

/* Who still sends when the answer comes is not reset: that would cost some clients the answer. */
static void test_declared_too_large_and_sent(void **state)
{
    enum { PIECES = 20, BYTES = 10000 };
    struct http_fixture *f = *state;
    char *bytes = mem_alloc(BYTES);
    http_client_sendf(f->client, HEAD("/login") "Content-Length: %d\r\n\r\n", PIECES * BYTES);
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_error(f, 413, "too_large");
    http_client_read(f->client, false);
    for (int i = 0; i < PIECES; i++) {
        http_client_send(f->client, (struct str){.data = bytes, .bytes = BYTES});
        turn_for(f, 2);
    }
    assert_false(http_client_was_reset(f->client));
    assert_int_equal(http_client_unsent(f->client), 0);
    http_client_read(f->client, true);
    assert_closed_with(f, 413);
    mem_free(&bytes);
    assert_serves(f);
}

/* But not for ever, however much it sends. */
static void test_no_end_after_the_answer(void **state)
{
    enum { BYTES = 10000 };
    struct http_fixture *f = *state;
    char *bytes = mem_alloc(BYTES);
    size_t descriptors = open_descriptors();
    uint64_t began_ms = now_ms(f);
    http_client_send(f->client, STR_LIT(HEAD("/login") "Content-Length: 99999999\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    http_client_read(f->client, false);
    while (!http_client_was_reset(f->client)) {
        assert_true(now_ms(f) - began_ms < WAIT_MS);
        http_client_send(f->client, (struct str){.data = bytes, .bytes = BYTES});
        turn_for(f, 10);
    }
    http_client_free(&f->client);
    assert_connections(f, 0);
    assert_true(open_descriptors() <= descriptors);
    mem_free(&bytes);
}

static void send_chunks(struct http_fixture *f, size_t chunk_bytes, size_t count)
{
    char *bytes = mem_alloc(chunk_bytes);
    memset(bytes, ' ', chunk_bytes);
    send_anew(f, STR_LIT(HEAD("/create") "Transfer-Encoding: chunked\r\n\r\n"));
    for (size_t i = 0; i < count; i++) {
        http_client_sendf(f->client, "%zx\r\n", chunk_bytes);
        http_client_send(f->client, (struct str){.data = bytes, .bytes = chunk_bytes});
        http_client_send(f->client, STR_LIT("\r\n"));
    }
    mem_free(&bytes);
}

static void test_chunked(void **state)
{
    struct http_fixture *f = *state;
    send_chunks(f, 1000, 60);
    http_client_send(f->client, STR_LIT("2\r\n{}\r\n0\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 200);
    send_chunks(f, 30000, 3);
    http_client_send(f->client, STR_LIT("0\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_error(f, 413, "too_large");
    assert_closed_with(f, 413);
}

static void test_endless_chunks(void **state)
{
    struct http_fixture *f = *state;
    send_chunks(f, 60000, 30);
    assert_closed_with(f, 0);
    assert_int_equal(f->calls, 0);
    assert_serves(f);
}

/* Bodies of all requests together are bounded too. */
static void test_many_bodies(void **state)
{
    enum { CLIENTS = 100, BYTES = 60000 };
    struct http_fixture *f = *state;
    struct http_client *clients[CLIENTS];
    char *bytes = mem_alloc(BYTES);
    size_t overloaded = 0;
    memset(bytes, ' ', BYTES);
    log_capture_expect("request failed");
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = http_fixture_connect(f, NULL);
        http_client_sendf(clients[i], HEAD("/create") "Content-Length: %d\r\n\r\n", BYTES + 2);
        http_client_send(clients[i], (struct str){.data = bytes, .bytes = BYTES});
    }
    turn_for(f, 50);
    for (size_t i = 0; i < CLIENTS; i++) {
        http_client_send(clients[i], STR_LIT("{}"));
        assert_true(http_client_await(clients[i], 1, WAIT_MS));
        int status = http_client_status(clients[i], 0);
        assert_true(status == 200 || status == 503);
        overloaded += status == 503;
        http_client_free(&clients[i]);
    }
    assert_in_range(overloaded, 20, 60); /* the total holds 64 of them */
    mem_free(&bytes);
    assert_serves(f);
}

static void test_logins_over_the_limit(void **state)
{
    struct http_fixture *f = *state;
    f->hold = true; /* attempts count from their beginning, and these do not end */
    struct http_client *clients[11];
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = http_fixture_connect(f, NULL);
        http_client_send(clients[i],
                         STR_LIT(HEAD("/login") "Content-Length: 31\r\n\r\n"
                                                "{\"username\":\"a\",\"password\":\"b\"}"));
    }
    assert_true(http_client_await(clients[10], 1, WAIT_MS));
    assert_int_equal(http_client_status(clients[10], 0), 429);
    assert_true(str_eq(http_client_header(clients[10], 0, "Retry-After"), STR_LIT("6")));
    http_fixture_release(f);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        assert_true(http_client_await(clients[i], 1, WAIT_MS));
        http_client_free(&clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_what_is_not_an_object),
        HTTP_TEST(test_deep),
        HTTP_TEST(test_members),
        BRIEF_TEST(test_paths_and_methods),
        HTTP_TEST(test_absolute_targets),
        HTTP_TEST(test_clients_that_leave_while_lists_are_asked_ahead),
        HTTP_TEST(test_create_without_a_body),
        HTTP_TEST(test_requests_sent_again),
        HTTP_TEST(test_compressed_body),
        HTTP_TEST(test_declared_too_large),
        HTTP_TEST(test_declared_too_large_and_sent),
        BRIEF_TEST(test_no_end_after_the_answer),
        HTTP_TEST(test_chunked),
        HTTP_TEST(test_endless_chunks),
        HTTP_TEST(test_many_bodies),
        HTTP_TEST(test_logins_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
