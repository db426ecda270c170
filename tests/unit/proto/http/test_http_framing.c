#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/http/http_framing.h"

struct field {
    const char *name, *value;
};

static void test_framings(void **state)
{
    static const struct {
        struct field fields[3];
        const char *version;
        bool sound;
    } rows[] = {
        {{{"Host", "x"}}, "HTTP/1.1", true},
        {{{"Content-Length", "0"}}, "HTTP/1.1", true},
        {{{"content-LENGTH", "18446744073709551609"}}, "HTTP/1.0", true},
        {{{"Content-Length", "18446744073709551616"}}, "HTTP/1.1", false},
        {{{"Content-Length", "99999999999999999999"}}, "HTTP/1.1", false},
        {{{"Content-Length", "4"}, {"Content-Length", "4"}}, "HTTP/1.1", true},
        {{{"Content-Length", "4"}, {"Content-Length", "5"}}, "HTTP/1.1", false},
        {{{"Content-Length", "4"}, {"Content-Length", "04"}}, "HTTP/1.1", false},
        {{{"Content-Length", "4, 4"}}, "HTTP/1.1", false},
        {{{"Content-Length", "+4"}}, "HTTP/1.1", false},
        {{{"Content-Length", "-4"}}, "HTTP/1.1", false},
        {{{"Content-Length", "4x"}}, "HTTP/1.1", false},
        {{{"Content-Length", "0x4"}}, "HTTP/1.1", false},
        {{{"Content-Length", ""}}, "HTTP/1.1", false},
        {{{"Content-Length ", "4"}}, "HTTP/1.1", false},
        {{{"Content-Length\t", "4"}}, "HTTP/1.1", false},
        {{{"", "4"}}, "HTTP/1.1", false},
        {{{"X\x01", "4"}}, "HTTP/1.1", false},
        {{{"X(", "4"}}, "HTTP/1.1", false},
        {{{"!#$%&'*+-.^_`|~09aZ", "4"}}, "HTTP/1.1", true},
        {{{"Transfer-Encoding", "chunked"}}, "HTTP/1.1", true},
        {{{"transfer-encoding", "CHUNKED"}}, "HTTP/1.1", true},
        {{{"Transfer-Encoding", "chunked"}}, "HTTP/1.0", false},
        {{{"Transfer-Encoding", "chunked"}, {"Content-Length", "4"}}, "HTTP/1.1", false},
        {{{"Content-Length", "4"}, {"Transfer-Encoding", "chunked"}}, "HTTP/1.1", false},
        {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}, "HTTP/1.1", false},
        {{{"Transfer-Encoding", "gzip, chunked"}}, "HTTP/1.1", false},
        {{{"Transfer-Encoding", "gzip"}}, "HTTP/1.1", false},
        {{{"Transfer-Encoding", "identity"}}, "HTTP/1.1", false},
        {{{"Transfer-Encoding", "chunked "}}, "HTTP/1.1", false},
        {{{"Transfer-Encoding", "\vchunked"}}, "HTTP/1.1", false},
        {{{"Transfer-Encoding", ""}}, "HTTP/1.1", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_framing framing = {0};
        for (size_t n = 0; n < 3 && rows[i].fields[n].name != NULL; n++) {
            http_framing_add(&framing, str_of(rows[i].fields[n].name),
                             str_of(rows[i].fields[n].value));
        }
        if (http_framing_is_sound(&framing, rows[i].version) != rows[i].sound) {
            fail_msg("row %zu: %s", i, rows[i].fields[0].value);
        }
    }
}

static void test_host(void **state)
{
    static const struct {
        const char *hosts[2];
        const char *version;
        bool is_named;
    } rows[] = {
        {{"x"}, "HTTP/1.1", true},       {{"[::1]:80"}, "HTTP/1.1", true},
        {{""}, "HTTP/1.1", true},        {{NULL}, "HTTP/1.0", true},
        {{NULL}, "HTTP/1.1", false},     {{NULL}, "HTTP/1.2", false},
        {{"x", "x"}, "HTTP/1.1", false}, {{"x", "y"}, "HTTP/1.0", false},
        {{"x, y"}, "HTTP/1.1", false},   {{"x y"}, "HTTP/1.1", false},
        {{"x/y"}, "HTTP/1.1", false},    {{"u@x"}, "HTTP/1.0", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_framing framing = {0};
        for (size_t n = 0; n < 2 && rows[i].hosts[n] != NULL; n++) {
            http_framing_add(&framing, n == 0 ? STR_LIT("Host") : STR_LIT("hOST"),
                             str_of(rows[i].hosts[n]));
        }
        assert_true(http_framing_is_sound(&framing, rows[i].version));
        if (http_framing_names_host(&framing, rows[i].version) != rows[i].is_named) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_length_is_read(void **state)
{
    (void)state;
    struct http_framing framing = {0};
    http_framing_add(&framing, STR_LIT("Content-Length"), STR_LIT("65537"));
    assert_int_equal(framing.length, 65537);
    assert_true(http_framing_is_sound(&framing, "HTTP/1.1"));
}

static void test_nul_in_a_name(void **state)
{
    (void)state;
    struct http_framing framing = {0};
    http_framing_add(&framing, STR_LIT("X\0Y"), STR_LIT("1"));
    assert_false(http_framing_is_sound(&framing, "HTTP/1.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framings),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_length_is_read),
        cmocka_unit_test(test_nul_in_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
