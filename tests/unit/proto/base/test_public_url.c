#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "proto/base/public_url.h"

static void test_urls(void **state)
{
    static const struct {
        const char *given, *text; /* NULL: refused */
    } rows[] = {
        {"http://meet.example.org", "http://meet.example.org"},
        {"HTTPS://Meet.Example.Org/", "https://meet.example.org"},
        {"https://meet.example.org:8443", "https://meet.example.org:8443"},
        {"https://meet.example.org:443", "https://meet.example.org"},
        {"http://meet.example.org:80/", "http://meet.example.org"},
        {"http://127.0.0.1:60000", "http://127.0.0.1:60000"},
        {"http://[::1]:60000", "http://[::1]:60000"},
        {"http://[2001:DB8::1]", "http://[2001:db8::1]"},
        {"", NULL},
        {"meet.example.org", NULL},
        {"ftp://meet.example.org", NULL},
        {"https://", NULL},
        {"https:///", NULL},
        {"https://meet.example.org//", NULL},
        {"https://meet.example.org/path", NULL},
        {"https://meet.example.org?x", NULL},
        {"https://user@meet.example.org", NULL},
        {"https://meet.example.org:", NULL},
        {"https://meet.example.org:0", NULL},
        {"https://meet.example.org:65536", NULL},
        {"https://meet.example.org:123456", NULL},
        {"https://meet.example.org:x", NULL},
        {"https://me et", NULL},
        {"https://::1", NULL},
        {"https://[::1", NULL},
        {"https://[::1]x", NULL},
        {"https://[meet]", NULL},
        {"https://.org", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct public_url url;
        bool is_good = public_url_parse(rows[i].given, &url);
        assert_int_equal(is_good, rows[i].text != NULL);
        if (is_good) {
            AUTO(mem_free) char *text = public_url_text(&url);
            assert_string_equal(text, rows[i].text);
        }
    }
}

static void test_names_are_bounded(void **state)
{
    char url_text[PUBLIC_URL_HOST_BYTES + 16];
    struct public_url url;
    (void)state;
    (void)snprintf(url_text, sizeof(url_text), "http://%0*d", PUBLIC_URL_HOST_BYTES - 1, 7);
    assert_true(public_url_parse(url_text, &url));
    (void)snprintf(url_text, sizeof(url_text), "http://%0*d", PUBLIC_URL_HOST_BYTES, 7);
    assert_false(public_url_parse(url_text, &url));
}

static void test_defaults(void **state)
{
    static const struct {
        const char *domain, *host;
        uint16_t port;
        const char *text;
    } rows[] = {
        {"", "127.0.0.1", 60000, "http://127.0.0.1:60000"},
        {"", "0.0.0.0", 60000, "http://127.0.0.1:60000"},
        {"", "::", 60000, "http://127.0.0.1:60000"},
        {"", "::1", 80, "http://[::1]"},
        {"", "192.0.2.7", 60000, "http://192.0.2.7:60000"},
        {"meet.example.org", "0.0.0.0", 60000, "https://meet.example.org"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct public_url url = public_url_default(rows[i].domain, rows[i].host, rows[i].port);
        AUTO(mem_free) char *text = public_url_text(&url);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_loopback(void **state)
{
    static const struct {
        const char *url;
        bool is_loopback;
    } rows[] = {
        {"http://127.0.0.1", true},
        {"http://127.9.9.9:1", true},
        {"http://[::1]", true},
        {"http://localhost", true},
        {"http://LOCALHOST:5", true},
        {"http://[::ffff:127.0.0.1]", true},
        {"http://128.0.0.1", false},
        {"http://[::2]", false},
        {"http://localhost.example", false},
        {"http://0.0.0.0:80", false},
        {"http://[7f00::]", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct public_url url;
        assert_true(public_url_parse(rows[i].url, &url));
        assert_int_equal(public_url_is_loopback(&url), rows[i].is_loopback);
    }
}

static void test_hosts(void **state)
{
    static const struct {
        const char *header;
        bool is_taken;
    } rows[] = {
        {"meet.example.org", true},
        {"Meet.Example.org:443", true},
        {"meet.example.org:8443", true},
        {"localhost", true},
        {"localhost:60000", true},
        {"127.0.0.1:60000", true},
        {"192.0.2.7", true},
        {"[::1]", true},
        {"[2001:db8::1]:60000", true},
        {NULL, false},
        {"", false},
        {"evil.example", false},
        {"meet.example.org.evil.example", false},
        {"127.0.0.1.evil.example", false},
        {"localhost.evil.example", false},
        {"meet.example.org, evil.example", false},
        {"meet.example.org/", false},
        {"::1", false},
        {"[::1", false},
        {"[evil.example]", false},
        {"[127.0.0.1]", false},
    };
    struct public_url url;
    (void)state;
    assert_true(public_url_parse("https://meet.example.org", &url));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(public_url_takes_host(&url, rows[i].header), rows[i].is_taken);
    }
}

static void test_hosts_of_the_machine_itself(void **state)
{
    static const struct {
        const char *header;
        bool is_loopback;
    } rows[] = {
        {"localhost", true},
        {"LocalHost:60000", true},
        {"127.0.0.1", true},
        {"127.9.9.9:1", true},
        {"[::1]:60000", true},
        {NULL, false},
        {"", false},
        {"192.0.2.7", false},
        {"[2001:db8::1]", false},
        {"::1", false},
        {"localhost.", false},
        {"localhost.evil.example", false},
        {"[::ffff:127.0.0.1]", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(public_url_host_is_loopback(rows[i].header), rows[i].is_loopback);
    }
}

static void test_origins(void **state)
{
    static const struct {
        const char *url, *origin;
        bool is_ours;
    } rows[] = {
        {"https://meet.example.org", "https://meet.example.org", true},
        {"https://meet.example.org:443", "https://meet.example.org", true},
        {"https://meet.example.org", "https://meet.example.org:443", false},
        {"https://meet.example.org:8443", "https://meet.example.org:8443", true},
        {"https://meet.example.org", "https://localhost", false},
        {"https://localhost:8443", "https://127.0.0.1:8443", true},
        {"http://127.0.0.1:60000", "http://localhost:60000", true},
        {"http://127.0.0.5:60000", "http://127.0.0.5:60000", true},
        {"http://127.0.0.5:60000", "http://[::1]:60000", true},
        {"http://127.0.0.1", "http://localhost", true},
        {"http://127.0.0.1", "http://localhost:60000", false},
        {"http://[2001:db8::1]:80", "http://[2001:db8::1]", true},
        {"http://192.0.2.7", "http://localhost", false},
        {"http://192.0.2.7", "null", false},
        {"http://192.0.2.7", "", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct public_url url;
        assert_true(public_url_parse(rows[i].url, &url));
        assert_int_equal(public_url_has_origin(&url, rows[i].origin), rows[i].is_ours);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),     cmocka_unit_test(test_names_are_bounded),
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_hosts),    cmocka_unit_test(test_hosts_of_the_machine_itself),
        cmocka_unit_test(test_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
