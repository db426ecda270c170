/* Names of the cookie, what is found in a Cookie header, and whose pages may use it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/http/session_cookie.h"
#include "tests/unit/gateway/http/asked.h"

static struct session_cookie cookie_of(const char *url)
{
    struct session_cookie cookie;
    struct public_url parsed;
    assert_true(public_url_parse(url, &parsed));
    session_cookie_init(&cookie, &parsed);
    return cookie;
}

/* Borrowed by no answer: it is freed as it is. */
static struct ask *asking(const char *name, const char *value)
{
    struct ask *ask = ask_new("GET", "/v1/sessions", NULL, STR_NONE);
    ask_set_header(ask, name, value);
    return ask;
}

static void test_names(void **state)
{
    static const struct {
        const char *url, *name;
    } rows[] = {
        {"https://meet.example.org", "__Host-lynks"},
        {"https://meet.example.org:8443", "__Host-lynks"},
        {"https://localhost:8443", "__Host-lynks"},
        {"http://127.0.0.1:60000", "lynks-60000"},
        {"http://localhost:60001", "lynks-60001"},
        {"http://[::1]:65535", "lynks-65535"},
        {"http://127.0.0.1", "lynks-80"},
        {"http://meet.example.org", "__Host-lynks"}, /* which it never gets */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(cookie_of(rows[i].url).name, rows[i].name);
    }
}

static void test_headers(void **state)
{
    static const struct {
        const char *header, *value; /* NULL: it is not there */
    } rows[] = {
        {NULL, NULL},
        {"", NULL},
        {";", NULL},
        {"lynks-8", NULL},
        {"lynks-80x=a", NULL},
        {"xlynks-80=a", NULL},
        {"LYNKS-80=a", NULL},
        {"b=lynks-80=a", NULL},
        {"b=c; d", NULL},
        {"lynks-80=a", "a"},
        {"lynks-80=a; b=c", "a"},
        {"b=c; lynks-80=a", "a"},
        {"b=c;lynks-80=a;", "a"},
        {" \tlynks-80=a \t; b=c", "a"},
        {"lynks-80=a=b", "a=b"},
        {"lynks-80=\"a\"", "\"a\""},
        {"lynks-80=", ""},
        {"lynks-80", ""},
        {"lynks-80;b=c", ""},
        {"lynks-80=a; lynks-80=b", ""},
        {"lynks-80=a; lynks-80=a", ""},
        {"lynks-80=a; b=c; lynks-80", ""},
        {"lynks-80=a; lynks-80=b; lynks-80=c", ""},
    };
    const struct session_cookie cookie = cookie_of("http://127.0.0.1");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = asking("Cookie", rows[i].header);
        struct str value = STR_NONE;
        bool is_there = session_cookie_find(&cookie, &ask->request, &value);
        assert_int_equal(is_there, rows[i].value != NULL);
        assert_true(str_eq(value, str_of(rows[i].value)));
        mem_free(&ask);
    }
}

/* Every URL with every origin with every Sec-Fetch-Site. */
static void test_pages(void **state)
{
    enum { LOCAL, NAMED, OTHER_PORT, SECURE, URLS };
    static const char *const urls[URLS] = {"http://127.0.0.1:60000", "http://localhost:60000",
                                           "http://127.0.0.1:60001", "https://meet.example.org"};
    static const struct {
        const char *origin;
        bool is_of[URLS];
    } origins[] = {
        {NULL, {true, true, true, true}},
        {"http://127.0.0.1:60000", {[LOCAL] = true, [NAMED] = true}},
        {"http://localhost:60000", {[LOCAL] = true, [NAMED] = true}},
        {"http://[::1]:60000", {[LOCAL] = true, [NAMED] = true}},
        {"http://127.0.0.1:60001", {[OTHER_PORT] = true}},
        {"http://localhost:60001", {[OTHER_PORT] = true}},
        {"https://meet.example.org", {[SECURE] = true}},
        {"null", {false}},
        {"", {false}},
        {"http://127.0.0.1", {false}},
        {"https://127.0.0.1:60000", {false}},
        {"http://127.0.0.2:60000", {false}},
        {"http://127.0.0.1:60000/", {false}},
        {"http://127.0.0.1:60000.evil.example", {false}},
        {"http://192.0.2.7:60000", {false}},
        {"http://meet.example.org", {false}},
        {"https://meet.example.org:8443", {false}},
        {"https://sister.example.org", {false}},
        {"https://example.org", {false}},
        {"https://sub.meet.example.org", {false}},
        {"https://meet.example.org, https://evil.example", {false}},
        {"https://MEET.example.org", {false}}, /* browsers write it in lower case */
        {"https://evil.example", {false}},
        {"file://", {false}},
    };
    static const struct {
        const char *value;
        bool is_own;
    } sites[] = {{NULL, true},         {"same-origin", true}, {"none", true},
                 {"same-site", false}, {"cross-site", false}, {"", false},
                 {"x", false},         {"Same-Origin", false}};
    (void)state;
    for (size_t u = 0; u < URLS; u++) {
        const struct session_cookie cookie = cookie_of(urls[u]);
        for (size_t o = 0; o < ARRAY_LEN(origins); o++) {
            for (size_t s = 0; s < ARRAY_LEN(sites); s++) {
                struct ask *ask = asking("Origin", origins[o].origin);
                ask_set_header(ask, "Sec-Fetch-Site", sites[s].value);
                assert_int_equal(session_cookie_check_page(&cookie, &ask->request),
                                 origins[o].is_of[u] && sites[s].is_own ? ERR_OK
                                                                        : ERR_FOREIGN_PAGE);
                mem_free(&ask);
            }
        }
    }
}

static void test_sign_ins(void **state)
{
    static const struct {
        const char *url, *host, *origin;
        enum err err;
    } rows[] = {
        {"https://meet.example.org", "meet.example.org", "https://meet.example.org", ERR_OK},
        {"https://meet.example.org", "127.0.0.1:60000", NULL, ERR_OK},
        {"https://meet.example.org", "meet.example.org", "https://evil.example", ERR_FOREIGN_PAGE},
        {"http://127.0.0.1:60000", "127.0.0.1:60000", "http://127.0.0.1:60000", ERR_OK},
        {"http://127.0.0.1:60000", "LOCALHOST:60000", "http://localhost:60000", ERR_OK},
        {"http://127.0.0.1:60000", "[::1]:60000", NULL, ERR_OK},
        {"http://127.0.0.1:60000", "localhost:60000", "null", ERR_FOREIGN_PAGE},
        {"http://127.0.0.1:60000", "192.0.2.7:60000", "http://192.0.2.7:60000", ERR_HTTPS_MISSING},
        {"http://127.0.0.1:60000", "192.0.2.7:60000", NULL, ERR_HTTPS_MISSING},
        {"http://127.0.0.1:60000", "[2001:db8::1]", NULL, ERR_HTTPS_MISSING},
        {"http://127.0.0.1:60000", NULL, NULL, ERR_HTTPS_MISSING},
        {"http://192.0.2.7:60000", "192.0.2.7:60000", "http://192.0.2.7:60000", ERR_HTTPS_MISSING},
        {"http://192.0.2.7:60000", "127.0.0.1:60000", NULL, ERR_HTTPS_MISSING},
        {"http://meet.example.org", "meet.example.org", NULL, ERR_HTTPS_MISSING},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct session_cookie cookie = cookie_of(rows[i].url);
        struct ask *ask = asking("Host", rows[i].host);
        ask_set_header(ask, "Origin", rows[i].origin);
        assert_int_equal(session_cookie_check_sign_in(&cookie, &ask->request), rows[i].err);
        mem_free(&ask);
    }
}

static void test_values(void **state)
{
    static const struct {
        const char *url, *token;
        uint64_t max_age_s;
        const char *value;
    } rows[] = {
        {"https://a.example", "t", 60,
         "__Host-lynks=t; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict"},
        {"https://a.example", "t", 0, "__Host-lynks=t; Path=/; HttpOnly; Secure; SameSite=Strict"},
        {"https://a.example", "", 0,
         "__Host-lynks=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"},
        {"http://localhost:60000", "t", 2592000,
         "lynks-60000=t; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"},
        {"http://localhost:60000", "", 5,
         "lynks-60000=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct session_cookie cookie = cookie_of(rows[i].url);
        AUTO(mem_free)
        char *value = session_cookie_write(&cookie, rows[i].token, rows[i].max_age_s);
        assert_string_equal(value, rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),  cmocka_unit_test(test_headers),
        cmocka_unit_test(test_pages),  cmocka_unit_test(test_sign_ins),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
