/* Requests that two programs in a row could read in two ways, and what is not HTTP at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/hostile/gateway/http/http_fixture.h"

/* What would be served if the request before it ended where its sender says it does. */
#define SMUGGLED HEAD("/create") "Content-Length: 2\r\n\r\n{}"

static void test_ambiguous_framing(void **state)
{
    static const char *const fields[] = {
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length : 18\r\n",
        "Content-Length\t: 18\r\n",
        "Content-Length: 18x\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +18\r\n",
        "Content-Length: 0x12\r\n",
        "Content-Length:\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        " Content-Length: 18\r\n",
        "X y: 1\r\n",
    };
    struct http_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        http_client_free(&f->client);
        f->client = http_fixture_connect(f, NULL);
        http_client_sendf(f->client, HEAD("/list_participants") "%s\r\n0\r\n\r\n" SMUGGLED,
                          fields[i]);
        if (!http_client_await_close(f->client, WAIT_MS)) {
            fail_msg("stays open: %s", fields[i]);
        }
        int status = http_client_status(f->client, 0);
        if ((status != 400 && status != 0) || http_client_status(f->client, 1) != 0) {
            fail_msg("%d: %s", status, fields[i]);
        }
    }
    assert_int_equal(f->calls, 0);
    assert_serves(f);
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
        STR_LIT("POST /login HTTP/1.1\r\nno colon\r\n\r\n"),
        STR_LIT("POST /login HTTP/1.1\r\n: x\r\n\r\n"),
        STR_LIT("POST /login HTTP/1.1\r\nX\x01: x\r\n\r\n"),
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

static void test_endless_heads(void **state)
{
    enum { BYTES = 1000000 };
    struct http_fixture *f = *state;
    char *bytes = mem_alloc(BYTES);
    memset(bytes, 'A', BYTES);
    send_anew(f, (struct str){.data = bytes, .bytes = BYTES});
    assert_true(http_client_await_close(f->client, WAIT_MS));
    send_anew(f, STR_LIT("POST /login HTTP/1.1\r\nX: "));
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
        http_client_send(f->client,
                         i % 2 == 0 ? STR_LIT(LIST) : STR_LIT("GET /x HTTP/1.1\r\n\r\n"));
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
        BRIEF_TEST(test_ambiguous_framing), BRIEF_TEST(test_chunked_in_1_0),
        BRIEF_TEST(test_broken_chunks),     BRIEF_TEST(test_not_http),
        BRIEF_TEST(test_endless_heads),     HTTP_TEST(test_pipelined_in_order),
        HTTP_TEST(test_byte_by_byte),       HTTP_TEST(test_expect_continue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
