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

static void test_versions(void **state)
{
    (void)state;
    static const uint64_t versions[] = {1, 7, 10, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        char etag[ETAG_BYTES];
        struct etag_match match;
        etag_of_version(versions[i], etag);
        assert_int_equal(etag_read_match(etag, &match), ERR_OK);
        assert_false(match.is_any);
        assert_int_equal(match.version, versions[i]);
    }
}

static void test_which_version_may_be_changed(void **state)
{
    static const struct {
        const char *header;
        enum err err;
        uint64_t version; /* 0: any */
    } rows[] = {
        {"*", ERR_OK, 0},
        {"\"3\"", ERR_OK, 3},
        {"\"3\", \"12\",\"4\"", ERR_OK, 12},
        {"W/\"9\", \"4\"", ERR_OK, 4},
        {"\"3,4\", \"2\"", ERR_OK, 2},
        {NULL, ERR_MATCH_REQUIRED, 0},
        {"", ERR_MATCH_REQUIRED, 0},
        {"3", ERR_MATCH_REQUIRED, 0},
        {"\"3", ERR_MATCH_REQUIRED, 0},
        {"\"3\" \"4", ERR_MATCH_REQUIRED, 0},
        {"*, \"3\"", ERR_MATCH_REQUIRED, 0},
        {"W/\"3\"", ERR_STALE, 0},
        {"\"0\"", ERR_STALE, 0},
        {"\"\"", ERR_STALE, 0},
        {"\" 3\"", ERR_STALE, 0},
        {"\"9223372036854775808\"", ERR_STALE, 0},
        {"\"18446744073709551617\"", ERR_STALE, 0},
        {"\"0123456789abcdef0123456789abcdef\"", ERR_STALE, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct etag_match match;
        assert_int_equal(etag_read_match(rows[i].header, &match), rows[i].err);
        if (rows[i].err == ERR_OK) {
            assert_int_equal(match.is_any, rows[i].version == 0);
            assert_int_equal(match.version, rows[i].version);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags_differ), cmocka_unit_test(test_lists),
        cmocka_unit_test(test_versions), cmocka_unit_test(test_which_version_may_be_changed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
