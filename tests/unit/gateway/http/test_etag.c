#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/http/etag.h"

static void test_tags_differ(void **state)
{
    char a[ETAG_BYTES];
    char b[ETAG_BYTES];
    (void)state;
    etag_of(STR_LIT("a"), a);
    etag_of(STR_LIT("b"), b);
    assert_int_equal(strlen(a), ETAG_BYTES - 1);
    assert_int_equal(strspn(a + 1, "0123456789abcdef"), 32);
    assert_int_equal(a[0], '"');
    assert_int_equal(a[ETAG_BYTES - 2], '"');
    assert_string_not_equal(a, b);
    etag_of(STR_LIT("a"), b);
    assert_string_equal(a, b);
}

static void test_lists(void **state)
{
    static const struct {
        const char *header;
        bool has;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"*", true},
        {"\"a\"", true},
        {"W/\"a\"", true},
        {"\"b\", \"a\"", true},
        {"\"b\",W/\"c\",\t\"a\"", true},
        {"\"x,\", \"a\"", true},
        {"\"b\"", false},
        {"a", false},
        {"\"a", false},
        {"\"aa\"", false},
        {"\"b\" x \"a\"", false},
        {"W/", false},
        {"w/\"a\"", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(etag_is_in(rows[i].header, "\"a\""), rows[i].has);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tags_differ),
                                       cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
