/* Clients that take their time: each wait has an end, whatever they trickle. When exactly is shown
 * where the clock is a fake (test_http_conns). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/hostile/gateway/http/http_fixture.h"

#define TRICKLE_MS 20

/* Sends a byte now and then until the server closes; gives how long that took. */
static uint64_t trickle(struct http_fixture *f, char byte)
{
    uint64_t began_ms = now_ms(f);
    while (!http_client_is_closed(f->client) && now_ms(f) - began_ms < WAIT_MS) {
        http_client_send(f->client, (struct str){.data = &byte, .bytes = 1});
        (void)http_client_await_close(f->client, TRICKLE_MS);
    }
    return now_ms(f) - began_ms;
}

static void assert_cut_in_time(struct http_fixture *f, uint64_t took_ms)
{
    assert_true(http_client_is_closed(f->client));
    assert_in_range(took_ms, REQUEST_TIMEOUT_MS / 2, WAIT_MS);
    assert_connections(f, 0);
    assert_serves(f);
}

static void test_silent(void **state)
{
    struct http_fixture *f = *state;
    uint64_t began_ms = now_ms(f);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_cut_in_time(f, now_ms(f) - began_ms);
}

static void test_slow_request_line(void **state)
{
    struct http_fixture *f = *state;
    assert_cut_in_time(f, trickle(f, 'A'));
}

static void test_slow_header(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(f->client, STR_LIT("POST /create HTTP/1.1\r\nHost: x\r\nX: "));
    assert_cut_in_time(f, trickle(f, 'x'));
}

static void test_slow_body(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(f->client, STR_LIT(HEAD("/create") "Content-Length: 5000\r\n\r\n"));
    assert_cut_in_time(f, trickle(f, ' '));
}

static void test_slow_chunks(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(f->client,
                     STR_LIT(HEAD("/create") "Transfer-Encoding: chunked\r\n\r\n5000\r\n"));
    assert_cut_in_time(f, trickle(f, ' '));
}

/* A second request that never ends has no more time than a first one. */
static void test_slow_second_request(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(f->client, STR_LIT(LIST));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    turn_for(f, REQUEST_TIMEOUT_MS / 2);
    uint64_t took_ms = trickle(f, 'G');
    assert_true(http_client_is_closed(f->client));
    assert_in_range(took_ms, REQUEST_TIMEOUT_MS / 2, WAIT_MS);
    assert_serves(f);
}

static void test_idle(void **state)
{
    struct http_fixture *f = *state;
    http_client_send(f->client, STR_LIT(LIST));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    uint64_t began_ms = now_ms(f);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    assert_in_range(now_ms(f) - began_ms, IDLE_TIMEOUT_MS - 50, WAIT_MS);
}

/* Between requests a client may wait longer than within one. */
static void test_kept_alive(void **state)
{
    struct http_fixture *f = *state;
    for (size_t i = 1; i <= 3; i++) {
        http_client_send(f->client, STR_LIT(LIST));
        assert_true(http_client_await(f->client, i, WAIT_MS));
        turn_for(f, 3 * REQUEST_TIMEOUT_MS / 2);
    }
    assert_false(http_client_is_closed(f->client));
}

/* Asks and asks and never reads: what it is sent is bounded, and so is the wait for it to be taken.
 */
static void test_slow_reader(void **state)
{
    struct http_fixture *f = *state;
    uint64_t began_ms = now_ms(f);
    http_client_read(f->client, false);
    size_t asked = 0;
    while (gateway_open_connections(f->gateway) > 0 || asked == 0) {
        assert_true(now_ms(f) - began_ms < 4 * WAIT_MS);
        for (int i = 0; i < 1000 && http_client_unsent(f->client) < 100000; i++, asked++) {
            http_client_send(f->client, STR_LIT("GET /nothing-here HTTP/1.1\r\nHost: x\r\n\r\n"));
        }
        turn_for(f, 5);
    }
    assert_serves(f);
}

#define ENDLESS HEAD("/create") "Transfer-Encoding: chunked\r\n\r\n"

/* A chunk header that does not end fills the server's buffer; the server must neither spin nor keep
 * it, on a first request and on a later one. */
static void test_endless_chunk_header(void **state)
{
    enum { BYTES = 20000 };
    struct http_fixture *f = *state;
    char *bytes = mem_alloc(BYTES);
    memset(bytes, ';', BYTES);
    bytes[0] = '5';
    for (int later = 0; later < 2; later++) {
        send_anew(f, later ? STR_LIT(LIST ENDLESS) : STR_LIT(ENDLESS));
        http_client_send(f->client, (struct str){.data = bytes, .bytes = BYTES});
        turn_for(f, 50);
        for (int i = 0; i < 20; i++) {
            assert_serves(f);
        }
        assert_true(http_client_await_close(f->client, WAIT_MS));
        assert_connections(f, 0);
    }
    mem_free(&bytes);
}

/* The half that is open is enough for the answer, with other connections and without. */
static void test_half_close(void **state)
{
    struct http_fixture *f = *state;
    struct http_client *other = NULL;
    for (int with_others = 0; with_others < 2; with_others++) {
        if (with_others) {
            other = http_fixture_connect(f, NULL);
            http_client_send(other, STR_LIT(LIST));
            assert_true(http_client_await(other, 1, WAIT_MS));
        }
        send_anew(f, STR_LIT(LIST));
        http_client_shutdown(f->client);
        assert_true(http_client_await(f->client, 1, WAIT_MS));
        assert_closed_with(f, 200);
    }
    http_client_free(&other);
    assert_connections(f, 0);
}

static void test_half_close_midway(void **state)
{
    struct http_fixture *f = *state;
    send_anew(f, STR_LIT(HEAD("/create") "Content-Length: 10\r\n\r\n{"));
    http_client_shutdown(f->client);
    assert_closed_with(f, 0);
    send_anew(f, STR_LIT("POST /cre"));
    http_client_shutdown(f->client);
    assert_closed_with(f, 0);
    assert_connections(f, 0);
}

#define BRIEF_TEST(fn)                                                                             \
    cmocka_unit_test_setup_teardown(fn, http_fixture_setup_brief, http_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BRIEF_TEST(test_silent),      BRIEF_TEST(test_slow_request_line),
        BRIEF_TEST(test_slow_header), BRIEF_TEST(test_slow_body),
        BRIEF_TEST(test_slow_chunks), BRIEF_TEST(test_slow_second_request),
        BRIEF_TEST(test_idle),        BRIEF_TEST(test_kept_alive),
        BRIEF_TEST(test_slow_reader), BRIEF_TEST(test_endless_chunk_header),
        BRIEF_TEST(test_half_close),  BRIEF_TEST(test_half_close_midway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
