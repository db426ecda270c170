#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/http/http_file.h"
#include "tests/support/c/http_client.h"
#include "tests/support/c/log_capture.h"

#define WAIT_MS 20000
#define MODIFIED 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static void test_ranges(void **state)
{
    static const struct {
        const char *range;
        enum http_range kind;
        uint64_t first, bytes;
    } rows[] = {
        {"bytes=0-0", HTTP_RANGE_ONE, 0, 1},
        {"bytes=2-5", HTTP_RANGE_ONE, 2, 4},
        {"Bytes=7-", HTTP_RANGE_ONE, 7, 3},
        {"bytes=7-100", HTTP_RANGE_ONE, 7, 3},
        {"bytes=-4", HTTP_RANGE_ONE, 6, 4},
        {"bytes=-100", HTTP_RANGE_ONE, 0, 10},
        {"bytes=10-", HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=5-2", HTTP_RANGE_NONE, 0, 0},
        {"bytes=1-2,4-5", HTTP_RANGE_NONE, 0, 0},
        {"bytes=-", HTTP_RANGE_NONE, 0, 0},
        {"bytes=", HTTP_RANGE_NONE, 0, 0},
        {"bytes=x-1", HTTP_RANGE_NONE, 0, 0},
        {"bytes=99999999999999999999-", HTTP_RANGE_NONE, 0, 0},
        {"lines=1-2", HTTP_RANGE_NONE, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t first = 0, bytes = 0;
        enum http_range kind = http_range_read(rows[i].range, 10, &first, &bytes);
        if (kind != rows[i].kind || first != rows[i].first || bytes != rows[i].bytes) {
            fail_msg("%s: %d, %d and %d", rows[i].range, (int)kind, (int)first, (int)bytes);
        }
    }
    uint64_t none;
    assert_int_equal(http_range_read("bytes=-5", 0, &none, &none), HTTP_RANGE_UNSATISFIABLE);
}

static void test_fields(void **state)
{
    time_t time;
    (void)state;
    assert_true(http_accepts_gzip("gzip"));
    assert_true(http_accepts_gzip("br, GZIP;q=0.5"));
    assert_true(http_accepts_gzip("*"));
    assert_true(http_accepts_gzip("gzip, br"));
    assert_true(http_accepts_gzip("gzip,br"));
    assert_true(http_accepts_gzip("x-gzip\t,br"));
    assert_true(http_accepts_gzip("*,br"));
    assert_true(http_accepts_gzip("gzip;q=0.001"));
    assert_false(http_accepts_gzip("gzipped, x-gzipp"));
    assert_false(http_accepts_gzip("*, gzip;q=0"));
    assert_false(http_accepts_gzip("gzip; q=0.000, br"));
    assert_false(http_accepts_gzip("br, zip"));
    assert_false(http_accepts_gzip(""));
    assert_false(http_accepts_gzip(NULL));
    assert_true(http_etag_matches("\"b\", \"a\"", "\"a\"", false));
    assert_true(http_etag_matches("*", "\"a\"", false));
    assert_true(http_etag_matches("W/\"a\"", "\"a\"", true));
    assert_false(http_etag_matches("W/\"a\"", "\"a\"", false));
    assert_false(http_etag_matches("\"b\"", "\"a\"", true));
    assert_true(http_date_read("Sun, 06 Nov 1994 08:49:37 GMT", &time));
    assert_int_equal(time, MODIFIED);
    assert_true(http_date_read("Sunday, 06-Nov-94 08:49:37 GMT", &time));
    assert_int_equal(time, MODIFIED);
    assert_true(http_date_read("Sun Nov  6 08:49:37 1994", &time));
    assert_int_equal(time, MODIFIED);
    assert_false(http_date_read("yesterday", &time));
}

/* ---- over a server ---- */

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct httpd *httpd;
    struct http_client *client;
    char *folder, *plain, *gzip;
};

static void on_request(void *arg, struct httpd_request *request, enum err error)
{
    struct fixture *f = arg;
    assert_int_equal(error, ERR_OK);
    const char *path = strcmp(httpd_path(request), "/none") == 0 ? f->folder : f->plain;
    struct http_response *response = http_file_response(request, path, "text/plain");
    if (response == NULL) {
        response = http_response_new(404);
    }
    httpd_respond(request, &response);
}

static bool wants_stream(void *arg, struct str method, struct str path)
{
    (void)arg;
    (void)method;
    return str_eq(path, STR_LIT("/kept"));
}

static void write_file(const char *path, const char *text, time_t modified)
{
    const struct timespec times[2] = {{.tv_sec = modified}, {.tv_sec = modified}};
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int setup(void **state)
{
    static const struct httpd_config config = {
        .name = "test",
        .host = "127.0.0.1",
        .header_bytes_max = 4096,
        .connections_max = 100,
        .request_timeout_ms = 3 * WAIT_MS,
        .idle_timeout_ms = 3 * WAIT_MS,
        .wants_stream = wants_stream,
        .streams_max = 5,
        .stall_timeout_ms = WAIT_MS,
    };
    struct fixture *f = mem_alloc(sizeof(*f));
    const char *why = "";
    const char *tmp = getenv("TMPDIR");
    log_capture_setup(NULL);
    f->folder = mem_printf("%s/files-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(f->folder));
    f->plain = mem_printf("%s/a", f->folder);
    f->gzip = mem_printf("%s/a.gz", f->folder);
    write_file(f->plain, "0123456789", MODIFIED);
    f->loop = loop_new();
    f->metrics = metrics_new();
    f->httpd = httpd_new(f->loop, f->metrics, &config, on_request, f, &why);
    assert_non_null(f->httpd);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_client_free(&f->client);
    httpd_free(&f->httpd);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    (void)unlink(f->plain);
    (void)unlink(f->gzip);
    (void)rmdir(f->folder);
    free(f->plain);
    free(f->gzip);
    free(f->folder);
    free(f);
    return log_capture_teardown(NULL);
}

/* The answer to GET with these fields; body NULL: not looked at. */
static void ask(struct fixture *f, const char *path, const char *fields, int status,
                const char *body)
{
    http_client_free(&f->client);
    f->client = http_client_new(f->loop, httpd_port(f->httpd), NULL);
    http_client_sendf(f->client, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", path,
                      fields);
    assert_true(http_client_await_close(f->client, WAIT_MS));
    if (http_client_status(f->client, 0) != status) {
        AUTO(mem_free) char *got = str_dup(http_client_received(f->client));
        fail_msg("%s %s: not %d: %s", path, fields, status, got);
    }
    if (body != NULL) {
        assert_true(str_eq(http_client_body(f->client, 0), str_of(body)));
    }
}

static char *header(struct fixture *f, const char *name)
{
    return str_dup(http_client_header(f->client, 0, name));
}

/* Both from the library's connections and from those that stay with us. */
static void test_answers(void **state)
{
    static const char *const paths[] = {"/a", "/kept"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const char *path = paths[i];
        ask(f, path, "", 200, "0123456789");
        AUTO(mem_free) char *etag = header(f, "ETag");
        AUTO(mem_free) char *modified = header(f, "Last-Modified");
        AUTO(mem_free) char *matches = mem_printf("If-None-Match: W/%s\r\n", etag);
        AUTO(mem_free) char *has_part = mem_printf("Range: bytes=2-4\r\nIf-Range: %s\r\n", etag);
        AUTO(mem_free) char *needs = mem_printf("If-Match: %s\r\n", etag);
        assert_string_equal(modified, "Sun, 06 Nov 1994 08:49:37 GMT");
        ask(f, path, matches, 304, NULL);
        ask(f, path, "If-None-Match: \"x\"\r\n", 200, "0123456789");
        ask(f, path, "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 304, NULL);
        ask(f, path, "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 200, "0123456789");
        ask(f, path, needs, 200, "0123456789");
        ask(f, path, "If-Match: \"x\"\r\n", 412, NULL);
        ask(f, path, "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 412, NULL);
        ask(f, path, has_part, 206, "234");
        assert_true(
            str_eq(http_client_header(f->client, 0, "Content-Range"), STR_LIT("bytes 2-4/10")));
        ask(f, path, "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n", 200, "0123456789");
        ask(f, path, "Range: bytes=2-4\r\nIf-Range: *\r\n", 200, "0123456789");
        ask(f, path, "Range: bytes=2-4\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200,
            "0123456789");
        ask(f, path, "Range: bytes=10-\r\n", 416, NULL);
        assert_true(
            str_eq(http_client_header(f->client, 0, "Content-Range"), STR_LIT("bytes */10")));
    }
    ask(f, "/none", "", 404, NULL);
}

static void test_gzip_beside_it(void **state)
{
    struct fixture *f = *state;
    write_file(f->gzip, "zipped", MODIFIED);
    ask(f, "/a", "Accept-Encoding: gzip\r\n", 200, "zipped");
    AUTO(mem_free) char *zipped = header(f, "ETag");
    assert_true(str_eq(http_client_header(f->client, 0, "Content-Encoding"), STR_LIT("gzip")));
    assert_true(str_eq(http_client_header(f->client, 0, "Vary"), STR_LIT("Accept-Encoding")));
    ask(f, "/a", "", 200, "0123456789");
    AUTO(mem_free) char *plain = header(f, "ETag");
    assert_string_not_equal(zipped, plain);
    assert_true(str_eq(http_client_header(f->client, 0, "Vary"), STR_LIT("Accept-Encoding")));
    write_file(f->gzip, "out of date", MODIFIED - 1);
    ask(f, "/a", "Accept-Encoding: gzip\r\n", 200, "0123456789");
}

#define FILE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_fields),
        FILE_TEST(test_answers),
        FILE_TEST(test_gzip_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
