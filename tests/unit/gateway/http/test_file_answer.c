/* Files of the web client, asked for through a dispatcher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/http/accept_coding.h"
#include "gateway/http/content_policy.h"
#include "tests/unit/gateway/http/dispatcher_fixture.h"
#include "tests/unit/gateway/http/web_folder.h"

#define PLAIN "console.log(1)"
#define PACKED "as if packed"
#define SCRIPT_FILE "assets/app-1.js"
#define SCRIPT "/" SCRIPT_FILE

struct fixture {
    struct dispatcher_fixture http;
    struct web_folder folder;
    struct files *files;
};

static void answer_any(struct exchange *exchange)
{
    exchange_respond_empty(exchange);
}

static const struct route rows[] = {
    {.method = "GET", .template = "/v1/things", .name = "things", .handle = answer_any},
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    char *why = NULL;
    web_folder_init(&f->folder);
    web_folder_write(&f->folder, SCRIPT_FILE, STR_LIT(PLAIN));
    web_folder_write(&f->folder, SCRIPT_FILE ".gz", STR_LIT(PACKED));
    f->files = files_new(f->folder.root, &why);
    assert_non_null(f->files);
    f->http.files = f->files;
    dispatcher_fixture_init(&f->http, rows, ARRAY_LEN(rows), f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    const int result = dispatcher_fixture_fini(&f->http);
    files_free(&f->files);
    web_folder_fini(&f->folder);
    free(f);
    return result;
}

static void assert_header(struct ask *ask, const char *name, const char *value)
{
    char text[1024];
    const char *found = ask_header(ask, name, text, sizeof(text));
    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
}

static struct ask *get(struct fixture *f, const char *path, const char *name, const char *value)
{
    struct ask *ask = ask_new("GET", path, NULL, STR_NONE);
    if (name != NULL) {
        ask_set_header(ask, name, value);
    }
    return dispatcher_fixture_send(&f->http, ask);
}

static void test_page(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = get(f, "/abc-defg-hij", NULL, NULL);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, WEB_FOLDER_INDEX);
    assert_header(ask, "Content-Type", "text/html; charset=utf-8");
    assert_header(ask, "Cache-Control", "no-cache");
    assert_header(ask, "Content-Security-Policy", "policy");
    assert_header(ask, "X-Content-Type-Options", "nosniff");
    assert_header(ask, "Referrer-Policy", "no-referrer");
    assert_header(ask, "Cross-Origin-Opener-Policy", "same-origin");
    assert_header(ask, "Vary", NULL);
    ask_free(&ask);
}

static void test_compressed_or_not(void **state)
{
    static const struct {
        const char *accept;
        bool is_packed;
    } table[] = {{NULL, false}, {"gzip, deflate, br", true}, {"gzip;q=0, *", false}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask = get(f, SCRIPT, "Accept-Encoding", table[i].accept);
        assert_int_equal(ask->status, 200);
        assert_string_equal(ask->body, table[i].is_packed ? PACKED : PLAIN);
        assert_header(ask, "Content-Encoding", table[i].is_packed ? "gzip" : NULL);
        assert_header(ask, "Content-Type", "text/javascript; charset=utf-8");
        assert_header(ask, "Cache-Control", "public, max-age=31536000, immutable");
        assert_header(ask, "Vary", "Accept-Encoding");
        ask_free(&ask);
    }
}

/* The ETag is that of the form that would be sent. */
static void test_not_modified(void **state)
{
    struct fixture *f = *state;
    char etag[ETAG_BYTES];
    struct ask *ask = get(f, SCRIPT, NULL, NULL);
    assert_non_null(ask_header(ask, "ETag", etag, sizeof(etag)));
    ask_free(&ask);
    ask = get(f, SCRIPT, "If-None-Match", etag);
    assert_int_equal(ask->status, 304);
    assert_string_equal(ask->body, "");
    assert_header(ask, "ETag", etag);
    assert_header(ask, "Vary", "Accept-Encoding");
    assert_header(ask, "Content-Type", NULL);
    ask_free(&ask);
    ask = ask_new("GET", SCRIPT, NULL, STR_NONE);
    ask_set_header(ask, "If-None-Match", etag);
    ask_set_header(ask, "Accept-Encoding", "gzip");
    dispatcher_fixture_send(&f->http, ask);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask->body, PACKED);
    ask_free(&ask);
}

static void test_methods(void **state)
{
    static const struct {
        const char *method;
        int status;
    } table[] = {{"GET", 200},   {"HEAD", 200},   {"POST", 405}, {"PUT", 405},
                 {"PATCH", 405}, {"DELETE", 405}, {"get", 405},  {"OPTIONS", 405}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask = ask_new(table[i].method, "/", NULL, STR_NONE);
        ask_set_header(ask, "Access-Control-Request-Method", "GET");
        ask_set_header(ask, "Origin", "https://a.example");
        dispatcher_fixture_send(&f->http, ask);
        assert_int_equal(ask->status, table[i].status);
        assert_header(ask, "Allow", table[i].status == 405 ? "GET, HEAD" : NULL);
        assert_header(ask, "Access-Control-Allow-Origin", NULL);
        if (table[i].status == 405) {
            assert_problem(ask, 405, "method_not_allowed");
        }
        ask_free(&ask);
    }
}

/* A link of another page opens it, whatever the browser has; but not under another name. */
static void test_who_asks(void **state)
{
    static const struct {
        const char *name, *value;
        int status;
    } table[] = {
        {"Origin", "https://evil.example", 200},
        {"Origin", "null", 200},
        {"Sec-Fetch-Site", "cross-site", 200},
        {"Cookie", "__Host-lynks=" TOKEN, 200},
        {"Cookie", "__Host-lynks=nonsense", 200},
        {"Authorization", "Bearer x", 200},
        {"Host", "evil.example", 421},
        {"Host", NULL, 421},
        {"Host", "meet.example.org", 200},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct ask *ask = get(f, "/", table[i].name, table[i].value);
        assert_int_equal(ask->status, table[i].status);
        if (table[i].status == 421) {
            assert_problem(ask, 421, "wrong_host");
        }
        ask_free(&ask);
    }
    assert_int_equal(f->http.bus.count, 0);
}

static void test_paths_that_are_none(void **state)
{
    struct fixture *f = *state;
    struct ask *ask = get(f, "/assets/../index.html", NULL, NULL);
    assert_failed(ask, 404, "not_found");
    ask_free(&ask);
    ask = get(f, "/v1/nothing", NULL, NULL);
    assert_problem(ask, 404, "not_found");
    ask_free(&ask);
    ask = get(f, "/v1/things", NULL, NULL);
    assert_int_equal(ask->status, 204);
    assert_header(ask, "Content-Security-Policy", NULL);
    ask_free(&ask);
}

static void test_counted_as_one(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/", "/test", SCRIPT};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct ask *ask = get(f, paths[i], NULL, NULL);
        ask_free(&ask);
    }
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(f->http.metrics, &bytes);
    assert_non_null(strstr(text, "lynks_http_requests_total{path=\"files\",status=\"200\"} 3\n"));
}

static void test_accept_coding(void **state)
{
    static const struct {
        const char *header;
        bool takes;
    } table[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZIP", true},
        {"x-gzip", true},
        {"gzipped", false},
        {"br, gzip", true},
        {"br,gzip;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip ; Q=0", false},
        {"gzip;q=0.001", true},
        {"*", true},
        {"*;q=0", false},
        {"*, gzip;q=0", false},
        {"*;q=0, gzip", true},
        {"identity", false},
        {",, ,gzip", true},
        {"gzip;", true},
        {"gzip;q=", true},
        {";q=0,gzip", true},
        {"deflate;q=0, gzip;q=1.0", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (accept_coding_takes_gzip(table[i].header) != table[i].takes) {
            fail_msg("%s", table[i].header);
        }
    }
}

static void test_content_policy(void **state)
{
    static const struct {
        const char *ancestors, *directive; /* NULL: it is wrong */
    } table[] = {
        {"none", "; frame-ancestors 'none'"},
        {"'none'", "; frame-ancestors 'none'"},
        {" self ", "; frame-ancestors 'self'"},
        {"'self',https://a.example", "; frame-ancestors 'self' https://a.example"},
        {"https://a.example:8443, http://[::1]:3000",
         "; frame-ancestors https://a.example:8443 http://[::1]:3000"},
        {"", NULL},
        {"none, self", NULL},
        {"self,", NULL},
        {"'self", NULL},
        {"a.example", NULL},
        {"ftp://a.example", NULL},
        {"https://", NULL},
        {"https://a.example/", NULL},
        {"https://*.a.example", NULL},
        {"https://a.example; script-src *", NULL},
        {"https://a.example https://b.example", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct str bad = STR_NONE;
        AUTO(mem_free) char *policy = content_policy_new(table[i].ancestors, &bad);
        if (table[i].directive == NULL) {
            assert_null(policy);
            assert_non_null(bad.data);
        } else {
            assert_non_null(policy);
            const char *end = strstr(policy, "; frame-ancestors");
            assert_non_null(end);
            assert_string_equal(end, table[i].directive);
            assert_memory_equal(policy, "default-src 'none'; ", 20);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_page),
        TEST(test_compressed_or_not),
        TEST(test_not_modified),
        TEST(test_methods),
        TEST(test_who_asks),
        TEST(test_paths_that_are_none),
        TEST(test_counted_as_one),
        cmocka_unit_test(test_accept_coding),
        cmocka_unit_test(test_content_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
