/* Requests that two programs in a row could read in two ways, and what is not HTTP at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/hostile/gateway/http/http_fixture.h"

/* The library copies over what it copies from where it puts a folded field together. */
__attribute__((visibility("default"))) const char *__asan_default_suppressions(void);
const char *__asan_default_suppressions(void)
{
    return "interceptor_via_lib:libmicrohttpd";
}

/* What would be served if the request before it ended where its sender says it does. */
#define SMUGGLED HEAD("/create") "Content-Length: 2\r\n\r\n{}"

/* A request with these fields, to which its sender adds what follows, and a second one in that. It
 * goes to a path where a body that was not seen would be none, which is success there. */
static void send_ambiguous(struct http_fixture *f, struct str before, struct str fields)
{
    http_client_free(&f->client);
    f->client = http_fixture_connect(f, NULL);
    http_client_send(f->client, before);
    http_client_send(f->client, STR_LIT(HEAD("/create")));
    http_client_send(f->client, fields);
    http_client_send(f->client, STR_LIT("\r\n0\r\n\r\n" SMUGGLED));
}

/* The request index was refused and was the last. */
static bool is_refused(struct http_fixture *f, size_t index)
{
    return http_client_await_close(f->client, WAIT_MS) &&
           http_client_status(f->client, index) == 400 &&
           str_eq(http_client_header(f->client, index, "Connection"), STR_LIT("close")) &&
           http_client_status(f->client, index + 1) == 0;
}

#define FIRST "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"

static void test_ambiguous_framing(void **state)
{
    static const struct str rows[] = {
        STR_LIT("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        STR_LIT("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        STR_LIT("Content-Length: 5\r\nContent-Length: 6\r\n"),
        STR_LIT("Content-Length: 5, 5\r\n"),
        STR_LIT("Content-Length : 18\r\n"),
        STR_LIT("Content-Length\t: 18\r\n"),
        STR_LIT("Content-Length: 18x\r\n"),
        STR_LIT("Content-Length: -1\r\n"),
        STR_LIT("Content-Length: +18\r\n"),
        STR_LIT("Content-Length: 0x12\r\n"),
        STR_LIT("Content-Length:\r\n"),
        STR_LIT("Transfer-Encoding: gzip, chunked\r\n"),
        STR_LIT("Transfer-Encoding: identity\r\n"),
        STR_LIT("Transfer-Encoding: chunked, chunked\r\n"),
        STR_LIT("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        STR_LIT("Transfer-Encoding: xchunked\r\n"),
        STR_LIT("Transfer-Encoding : chunked\r\n"),
        STR_LIT(" Content-Length: 18\r\n"),
        STR_LIT("X y: 1\r\n"),
        /* Folded. */
        STR_LIT("Transfer-Encoding:\r\n chunked\r\n"),
        STR_LIT("Content-Length:\r\n 37\r\n"),
        STR_LIT("Content-Length:\r\n\t37\r\n"),
        STR_LIT("Content-Length: 3\r\n 7\r\n"),
        STR_LIT("Content-Length: 37\r\n \r\n"),
        STR_LIT("X: y\r\n z: a\r\n"),
        /* Two lines for some, one for others. */
        STR_LIT("X: y\rContent-Length: 37\r\n"),
        STR_LIT("X: y\nContent-Length: 37\r\n"),
        STR_LIT("X: y\r\r\n"),
        STR_LIT("X: y\r\n\rContent-Length: 37\r\n"),
        STR_LIT("Content-Length: 37\0\r\n"),
        STR_LIT("Content-Length: \00037\r\n"),
        STR_LIT("X: y\0z\r\n"),
        STR_LIT("X\0: y\r\n"),
        STR_LIT("\0Content-Length: 37\r\n"),
        STR_LIT("\0\r\nContent-Length: 37\r\n"),
        STR_LIT("X: \x01\r\n"),
        /* For two, or for nobody. */
        STR_LIT("Host: y\r\n"),
        STR_LIT("Host: x\r\n"),
    };
    struct http_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        send_ambiguous(f, STR_NONE, rows[i]);
        if (!is_refused(f, 0)) {
            fail_msg("%d: %s", http_client_status(f->client, 0), rows[i].data);
        }
        send_ambiguous(f, STR_LIT(FIRST), rows[i]);
        if (!is_refused(f, 1) || http_client_status(f->client, 0) != 404) {
            fail_msg("second, %d: %s", http_client_status(f->client, 1), rows[i].data);
        }
    }
    assert_int_equal(f->calls, 0);
    assert_serves(f);
}

/* Of a later request: its line. */
static void test_ambiguous_lines(void **state)
{
    static const struct str lines[] = {
        STR_LIT("GET /x\0y HTTP/1.1\r\nHost: x\r\n\r\n"),
        STR_LIT("GET /x\ry HTTP/1.1\r\nHost: x\r\n\r\n"),
        STR_LIT("GET\0 /x HTTP/1.1\r\nHost: x\r\n\r\n"),
        STR_LIT("GET /x HTTP/1.1\nHost: x\r\n\r\n"),
        STR_LIT("GET /x HTTP/1.1\n\n"),
        STR_LIT("GET /x HTTP/1.1\r\n\r\n"),
        STR_LIT("GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n"),
    };
    struct http_fixture *f = *state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(lines); i++) {
        http_client_free(&f->client);
        f->client = http_fixture_connect(f, NULL);
        http_client_send(f->client, i % 2 == 0 ? STR_NONE : STR_LIT(FIRST));
        http_client_send(f->client, lines[i / 2]);
        http_client_send(f->client, STR_LIT(SMUGGLED));
        if (!is_refused(f, i % 2)) {
            fail_msg("%zu: %s", i, lines[i / 2].data);
        }
    }
    assert_int_equal(f->calls, 0);
}

/* The library puts a folded field together where it stands if its memory ends just behind it, so
 * that it looks like a plain one. */
static void test_folded_at_the_end_of_the_buffer(void **state)
{
    enum { FROM = 3900, TO = 4250 };
    static char padding[TO];
    struct http_fixture *f = *state;
    memset(padding, 'p', sizeof(padding));
    for (int bytes = FROM; bytes < TO; bytes++) {
        http_client_free(&f->client);
        f->client = http_fixture_connect(f, NULL);
        http_client_sendf(
            f->client, FIRST HEAD("/create") "X: %.*s\r\nContent-Length:\r\n abcd\r\n\r\n" SMUGGLED,
            bytes, padding);
        assert_true(http_client_await_close(f->client, WAIT_MS));
        if (http_client_status(f->client, 1) < 400 || http_client_status(f->client, 2) != 0) {
            fail_msg("%d: %d", bytes, http_client_status(f->client, 1));
        }
    }
    assert_int_equal(f->calls, 0);
    assert_serves(f);
}

/* Heads of every length are taken as what they are, also where the library's memory has to grow. */
static void test_plain_heads_of_any_length(void **state)
{
    enum { MOST = 3900, STEP = 13 };
    static char padding[MOST];
    struct http_fixture *f = *state;
    memset(padding, 'p', sizeof(padding));
    size_t count = 0;
    for (int bytes = 0; bytes < MOST; bytes += STEP) {
        http_client_sendf(
            f->client,
            "GET /x?a=b&c=%%20d HTTP/1.1\r\nHost:x\r\nX: \t %.*s\r\nY:\r\nZ: a:b \r\n\r\n", bytes,
            padding);
        if (!http_client_await(f->client, ++count, WAIT_MS) ||
            http_client_status(f->client, count - 1) != 404) {
            fail_msg("%d: %d", bytes, http_client_status(f->client, count - 1));
        }
    }
}

static void test_chunked_in_1_0(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(f->client,
                     STR_LIT("POST /create HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2\r\n{}\r\n0\r\n\r\n" SMUGGLED));
    assert_closed_with(f, 400);
    assert_int_equal(f->calls, 0);
}

static void test_broken_chunks(void **state)
{
    static const char *const bodies[] = {
        "zz\r\nxx\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloworld\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nx\r\n0\r\n\r\n",
        "\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        ";x\r\n{}\r\n0\r\n\r\n",
    };
    struct http_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        http_client_free(&f->client);
        f->client = http_fixture_connect(f, NULL);
        http_client_sendf(f->client, HEAD("/create") "Transfer-Encoding: chunked\r\n\r\n%s",
                          bodies[i]);
        assert_true(http_client_await_close(f->client, WAIT_MS));
        assert_int_not_equal(http_client_status(f->client, 0), 200);
    }
    assert_int_equal(f->calls, 0);
    assert_serves(f);
}

static void test_not_http(void **state)
{
    static const struct str inputs[] = {
        STR_LIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello TLS\r\n\r\n"),
        STR_LIT("hello\r\n\r\n"),
        STR_LIT("GET\r\n\r\n"),
        STR_LIT("POST /login HTTP/9.9\r\n\r\n"),
        STR_LIT("POST /login HTTP/2.0\r\n\r\n"),
        STR_LIT("POST /login\r\n\r\n"),
        STR_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        STR_LIT("POST /login HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n"),
        STR_LIT("POST /login HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n"),
        STR_LIT("POST /login HTTP/1.1\r\nHost: x\r\nX\x01: x\r\n\r\n"),
        STR_LIT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        STR_LIT("\r\n\r\n\r\n\r\n\r\n"),
    };
    struct http_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        send_anew(f, inputs[i]);
        if (!http_client_await_close(f->client, WAIT_MS)) {
            fail_msg("input %zu stays open", i);
        }
        int status = http_client_status(f->client, 0);
        if (status != 0 && (status < 400 || status == 500)) {
            fail_msg("input %zu: %d", i, status);
        }
    }
    assert_int_equal(f->calls, 0);
    assert_serves(f);
}

/* What the HTTP library would refuse in words of its own, with a head that comes twice, is refused
 * as everything else is: once, as JSON, with the fields that every answer has. */
static void assert_refused(struct http_fixture *f, size_t index, const char *code, int status)
{
    struct str body = http_client_body(f->client, index);
    AUTO(mem_free) char *text = str_dup(http_client_received(f->client));
    AUTO(mem_free) char *wanted = mem_printf("\"code\":\"%s\"", code);
    size_t heads = 0;
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")) != NULL; at++) {
        heads++;
    }
    if (heads != index + 1 || http_client_status(f->client, index) != status ||
        memmem(body.data, body.bytes, wanted, strlen(wanted)) == NULL) {
        fail_msg("%d %s expected: %s", status, code, text);
    }
    assert_int_equal(http_client_header(f->client, index, "X-Request-Id").bytes, 16);
    assert_true(str_eq(http_client_header(f->client, index, "Connection"), STR_LIT("close")));
    assert_true(str_eq(http_client_header(f->client, index, "Access-Control-Allow-Origin"),
                       STR_LIT("http://a.example")));
}

#define ORIGIN "Host: x\r\nOrigin: http://a.example\r\n"

static void allow_origin(struct http_fixture *f)
{
    static char origins[] = "http://a.example";
    f->config.cors_origins = origins;
    http_fixture_restart(f);
}

static void test_refused_in_our_words(void **state)
{
    enum { COOKIE_BYTES = 5000 };
    static char cookie[COOKIE_BYTES + 1];
    static const struct {
        const char *line, *fields, *code;
        int status;
    } rows[] = {
        {"GET / HTTP/1.1", ORIGIN "Content-Length: 1, 1\r\n", "bad_request", 400},
        {"GET / HTTP/1.1", ORIGIN "Content-Length: -1\r\n", "bad_request", 400},
        {"GET / HTTP/1.1", ORIGIN "Content-Length: 99999999999999999999999\r\n", "too_large", 413},
        {"GET / HTTP/1.1", ORIGIN "no colon\r\n", "bad_request", 400},
        {"GET / HTTP/2.0", ORIGIN, "http_version", 505},
        {"GET / HTTP/0.9", ORIGIN, "http_version", 505},
        {"GET / HTTP/1.1x", ORIGIN, "bad_request", 400},
        {"GET /", ORIGIN, "bad_request", 400},
        {"GET", ORIGIN, "bad_request", 400},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\nGET / HTTP/1.1", ORIGIN, "bad_request", 400},
        {"GET / HTTP/1.1", ORIGIN "Cookie: ", "head_too_large", 431},
    };
    struct http_fixture *f = *state;
    allow_origin(f);
    memset(cookie, 'c', COOKIE_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool has_cookie = rows[i].status == 431;
        http_client_free(&f->client);
        f->client = http_fixture_connect(f, NULL);
        http_client_sendf(f->client, "%s\r\n%s%s%s\r\n\r\n", rows[i].line, rows[i].fields,
                          has_cookie ? cookie : "X: y", "");
        assert_true(http_client_await_close(f->client, WAIT_MS));
        assert_refused(f, 0, rows[i].code, rows[i].status);
    }
    assert_serves(f);
}

/* The same of a later request, as far as its line is in order. */
static void test_later_ones_in_our_words(void **state)
{
    enum { COOKIE_BYTES = 5000 };
    static char cookie[COOKIE_BYTES + 1];
    struct http_fixture *f = *state;
    allow_origin(f);
    memset(cookie, 'c', COOKIE_BYTES);
    for (int i = 0; i < 2; i++) {
        http_client_free(&f->client);
        f->client = http_fixture_connect(f, NULL);
        http_client_sendf(
            f->client, "GET /x HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n" ORIGIN "%s%s\r\n\r\n",
            i == 0 ? "Content-Length: 1, 1" : "Cookie: ", i == 0 ? "" : cookie);
        assert_true(http_client_await_close(f->client, WAIT_MS));
        assert_refused(f, 1, i == 0 ? "bad_request" : "head_too_large", i == 0 ? 400 : 431);
    }
    assert_serves(f);
}

/* A head that does not fit at all, and is still coming. */
static void test_head_past_the_limit(void **state)
{
    enum { BYTES = 100000 };
    struct http_fixture *f = *state;
    char *bytes = mem_alloc(BYTES);
    allow_origin(f);
    memset(bytes, 'A', BYTES);
    send_anew(f, STR_LIT("GET / HTTP/1.1\r\n" ORIGIN "X: "));
    http_client_send(f->client, (struct str){.data = bytes, .bytes = BYTES});
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_refused(f, 0, "head_too_large", 431);
    send_anew(f, STR_LIT("GET /"));
    http_client_send(f->client, (struct str){.data = bytes, .bytes = BYTES});
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 414);
    assert_int_equal(f->calls, 0);
    mem_free(&bytes);
    assert_serves(f);
}

static void test_endless_heads(void **state)
{
    enum { BYTES = 1000000 };
    struct http_fixture *f = *state;
    char *bytes = mem_alloc(BYTES);
    memset(bytes, 'A', BYTES);
    send_anew(f, (struct str){.data = bytes, .bytes = BYTES});
    assert_true(http_client_await_close(f->client, WAIT_MS));
    send_anew(f, STR_LIT("POST /login HTTP/1.1\r\nHost: x\r\nX: "));
    http_client_send(f->client, (struct str){.data = bytes, .bytes = BYTES});
    assert_true(http_client_await_close(f->client, WAIT_MS));
    for (size_t i = 0; i + 6 <= BYTES; i += 6) {
        memcpy(bytes + i, "X: y\r\n", 6);
    }
    send_anew(f, STR_LIT("POST /login HTTP/1.1\r\n"));
    http_client_send(f->client, (struct str){.data = bytes, .bytes = BYTES});
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_int_equal(f->calls, 0);
    mem_free(&bytes);
    assert_serves(f);
}

static void test_pipelined_in_order(void **state)
{
    struct http_fixture *f = *state;
    for (int i = 0; i < 100; i++) {
        http_client_send(f->client, i % 2 == 0 ? STR_LIT(LIST)
                                               : STR_LIT("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    assert_true(http_client_await(f->client, 100, WAIT_MS));
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(http_client_status(f->client, i), i % 2 == 0 ? 200 : 404);
    }
}

static void test_byte_by_byte(void **state)
{
    struct http_fixture *f = *state;
    struct str request = STR_LIT(LIST);
    for (size_t i = 0; i < request.bytes; i++) {
        http_client_send(f->client, (struct str){.data = request.data + i, .bytes = 1});
        turn_for(f, 0);
    }
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 200);
}

static void test_expect_continue(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(f->client, STR_LIT(HEAD("/list_participants") "Expect: 100-continue\r\n"
                                                                   "Content-Length: 18\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 100);
    http_client_send(f->client, STR_LIT(LIST_BODY));
    assert_true(http_client_await(f->client, 2, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 1), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BRIEF_TEST(test_ambiguous_framing),
        BRIEF_TEST(test_ambiguous_lines),
        BRIEF_TEST(test_folded_at_the_end_of_the_buffer),
        HTTP_TEST(test_plain_heads_of_any_length),
        BRIEF_TEST(test_chunked_in_1_0),
        BRIEF_TEST(test_broken_chunks),
        BRIEF_TEST(test_not_http),
        HTTP_TEST(test_refused_in_our_words),
        HTTP_TEST(test_later_ones_in_our_words),
        HTTP_TEST(test_head_past_the_limit),
        BRIEF_TEST(test_endless_heads),
        HTTP_TEST(test_pipelined_in_order),
        HTTP_TEST(test_byte_by_byte),
        HTTP_TEST(test_expect_continue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
