#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/base/reach.h"

static void test_by_others(void **state)
{
    static const struct {
        struct reach reach;
        bool is_by_others;
    } rows[] = {
        {{"127.0.0.1", "", "", "", ""}, false},
        {{"::1", "", "", "", ""}, false},
        {{"127.0.0.1", "", "http://localhost:60000", "", ""}, false},
        {{"0.0.0.0", "127.0.0.1:60000", "", "", ""}, false},
        {{"0.0.0.0", "[::1]:60000", "", "", ""}, false},
        {{"0.0.0.0", "", "", "", ""}, true},
        {{"::", "", "", "", ""}, true},
        {{"192.0.2.7", "", "", "", ""}, true},
        {{"127.0.0.1", "0.0.0.0:60000", "", "", ""}, true},
        {{"127.0.0.1", "", "https://meet.example.org", "", ""}, true},
        {{"127.0.0.1", "", "", "meet.example.org", ""}, true},
        {{"127.0.0.1", "", "http://localhost", "", "10.0.0.0/8"}, true},
        /* What is malformed is none: where the port is open decides. */
        {{"0.0.0.0", "nonsense", "", "", ""}, true},
        {{"127.0.0.1", "", "nonsense", "", ""}, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (reach_is_by_others(&rows[i].reach) != rows[i].is_by_others) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_url(void **state)
{
    static const struct reach published = {"0.0.0.0", "192.0.2.7:80", "", "", ""};
    static const struct reach set = {"0.0.0.0", "192.0.2.7:80", "http://m.example:81", "d", ""};
    (void)state;
    struct public_url url = reach_url(&published, 60000);
    AUTO(mem_free) char *text = public_url_text(&url);
    assert_string_equal(text, "http://192.0.2.7");
    url = reach_url(&set, 60000);
    AUTO(mem_free) char *other = public_url_text(&url);
    assert_string_equal(other, "http://m.example:81");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_others),
        cmocka_unit_test(test_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
