#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/httpd.h"
#include "tests/support/c/http_client.h"
#include "tests/support/c/log_capture.h"

#define WAIT_MS 2000
#define BODY_MAX 1000

/* Answers with what it was asked; /later waits until the test says so. */
struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct httpd *httpd;
    struct http_client *client;
    struct httpd_request *later[8];
    size_t later_count;
    size_t handled;
    enum err last_error;
    char echo[64];
};

static void answer(struct httpd_request *request, int status, struct str body)
{
    httpd_reply(request, &(struct httpd_reply){.status = status,
                                               .content_type = "text/plain",
                                               .body = body,
                                               .headers = {{"X-Test", "yes"}}});
}

static void on_request(void *arg, struct httpd_request *request, enum err error)
{
    struct fixture *f = arg;
    f->handled++;
    f->last_error = error;
    if (error != ERR_OK) {
        answer(request, err_http_status(error), STR_LIT("refused"));
    } else if (strcmp(httpd_path(request), "/later") == 0) {
        f->later[f->later_count++] = request;
    } else if (strcmp(httpd_path(request), "/echo") == 0) {
        answer(request, 200, httpd_body(request));
    } else {
        answer(request, 200, str_of(httpd_path(request)));
    }
}

static const struct httpd_config defaults = {
    .name = "test",
    .host = "127.0.0.1",
    .body_bytes_max = BODY_MAX,
    .header_bytes_max = 4096,
    .connections_max = 100,
    .connections_per_address_max = 50,
    .request_timeout_ms = 5000,
    .idle_timeout_ms = 5000,
};

static struct fixture *make(const struct httpd_config *config)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const char *why = "";
    log_capture_setup(NULL);
    f->loop = loop_new();
    f->metrics = metrics_new();
    f->httpd = httpd_new(f->loop, f->metrics, config, on_request, f, &why);
    assert_non_null(f->httpd);
    f->client = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    return f;
}

static int setup(void **state)
{
    *state = make(&defaults);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_client_free(&f->client);
    httpd_free(&f->httpd);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    free(f);
    return log_capture_teardown(NULL);
}

static void assert_body(const struct fixture *f, size_t index, const char *text)
{
    struct str body = http_client_body(f->client, index);
    assert_int_equal(body.bytes, strlen(text));
    assert_memory_equal(body.data, text, body.bytes);
}

static void test_answers_at_once(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client, STR_LIT("GET /x?y=1 HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 200);
    assert_body(f, 0, "/x");
    assert_true(str_eq(http_client_header(f->client, 0, "x-test"), STR_LIT("yes")));
    assert_int_equal(httpd_open_requests(f->httpd), 0);
    assert_int_equal(httpd_open_connections(f->httpd), 1);
}

static void test_answers_later(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client, STR_LIT("POST /later HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"));
    assert_false(http_client_await(f->client, 1, 50));
    assert_int_equal(f->later_count, 1);
    assert_int_equal(httpd_open_requests(f->httpd), 1);
    answer(f->later[0], 201, STR_LIT("done"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_int_equal(http_client_status(f->client, 0), 201);
    http_client_send(f->client, STR_LIT("GET /again HTTP/1.1\r\n\r\n"));
    assert_true(http_client_await(f->client, 2, WAIT_MS));
    assert_body(f, 1, "/again");
}

static void test_pipelined(void **state)
{
    struct fixture *f = *state;
    http_client_send(f->client,
                     STR_LIT("GET /1 HTTP/1.1\r\n\r\nPOST /later HTTP/1.1\r\nContent-Length: 1\r\n"
                             "\r\nxGET /3 HTTP/1.1\r\n\r\n"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_false(http_client_await(f->client, 2, 50));
    answer(f->later[0], 200, STR_LIT("2"));
    assert_true(http_client_await(f->client, 3, WAIT_MS));
    assert_body(f, 0, "/1");
    assert_body(f, 1, "2");
    assert_body(f, 2, "/3");
}

static void test_half_close(void **state)
{
    struct fixture *f = *state;
    struct http_client *other = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    http_client_send(other, STR_LIT("GET /x HTTP/1.1\r\n\r\n"));
    assert_true(http_client_await(other, 1, WAIT_MS));
    http_client_send(f->client, STR_LIT("POST /later HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"));
    http_client_shutdown(f->client);
    assert_false(http_client_await(f->client, 1, 50));
    answer(f->later[0], 200, STR_LIT("late"));
    assert_true(http_client_await(f->client, 1, WAIT_MS));
    assert_true(http_client_await_close(f->client, WAIT_MS));
    http_client_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers_later, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pipelined, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_close, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
