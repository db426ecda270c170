/* Splitting SQL files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "sql/migrate/statements.h"

static void assert_split(const char *text, const char *const *expected, size_t count)
{
    struct statements got;
    assert_null(statements_split(str_of(text), &got));
    assert_int_equal(got.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(got.items[i], expected[i]);
    }
    statements_fini(&got);
}
#define ASSERT_SPLIT(text, ...)                                                                    \
    do {                                                                                           \
        static const char *const expected_[] = {__VA_ARGS__};                                      \
        assert_split(text, expected_, ARRAY_LEN(expected_));                                       \
    } while (0)

static void splits_at_semicolons(void **state)
{
    (void)state;
    ASSERT_SPLIT("SELECT 1;\n\n SELECT\n 2 ;\n", "SELECT 1", "SELECT\n 2");
    ASSERT_SPLIT("SELECT 1; SELECT 2", "SELECT 1", "SELECT 2");
    ASSERT_SPLIT(";;SELECT 1;;", "SELECT 1");
    assert_split("", NULL, 0);
    assert_split(" \n;\n-- nothing\n", NULL, 0);
}

static void drops_comments(void **state)
{
    (void)state;
    ASSERT_SPLIT("-- one; two\nSELECT 1; # three;\n/* four;\n */SELECT/*;*/2;--\n", "SELECT 1",
                 "SELECT 2");
    ASSERT_SPLIT("SELECT 1 -- the end", "SELECT 1");
    ASSERT_SPLIT("SELECT 3--1", "SELECT 3--1"); /* no comment without the space */
}

static void leaves_quotes_alone(void **state)
{
    (void)state;
    ASSERT_SPLIT("SELECT ';--', \"/*;\", `a;b`; SELECT 2", "SELECT ';--', \"/*;\", `a;b`",
                 "SELECT 2");
    ASSERT_SPLIT("SELECT 'it''s; \\'; fine'; SELECT 2", "SELECT 'it''s; \\'; fine'", "SELECT 2");
    ASSERT_SPLIT("SELECT `a\\`; SELECT 2", "SELECT `a\\`", "SELECT 2");
}

static void refuses_what_is_cut_short(void **state)
{
    (void)state;
    struct statements got;
    assert_string_equal(statements_split(STR_LIT("SELECT 'a; SELECT 2"), &got),
                        "a quote is not closed");
    assert_string_equal(statements_split(STR_LIT("SELECT 1; SELECT 'a\\'"), &got),
                        "a quote is not closed");
    assert_string_equal(statements_split(STR_LIT("SELECT 1 /* a"), &got),
                        "a comment is not closed");
    assert_int_equal(got.count, 0);
    assert_non_null(statements_split((struct str){.data = "SELECT\0 1", .bytes = 9}, &got));
    assert_non_null(statements_read("/nonexistent/file.sql", &got));
    assert_non_null(statements_read("/", &got));
}

static void checksums(void **state)
{
    (void)state;
    struct statements a;
    struct statements b;
    char sum_a[CHECKSUM_BYTES];
    char sum_b[CHECKSUM_BYTES];
    assert_null(statements_split(STR_LIT("SELECT 1; SELECT 2; SELECT 3"), &a));
    assert_null(statements_split(STR_LIT("-- new comment\nSELECT 1;SELECT 2; SELECT 4"), &b));
    statements_checksum(&a, 2, sum_a);
    statements_checksum(&b, 2, sum_b);
    assert_string_equal(sum_a, sum_b);
    statements_checksum(&a, 3, sum_a);
    statements_checksum(&b, 3, sum_b);
    assert_string_not_equal(sum_a, sum_b);
    statements_checksum(&a, 0, sum_a);
    assert_string_equal(sum_a, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    statements_fini(&a);
    statements_fini(&b);
}

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_semicolons),
        cmocka_unit_test(drops_comments),
        cmocka_unit_test(leaves_quotes_alone),
        cmocka_unit_test(refuses_what_is_cut_short),
        cmocka_unit_test(checksums),
    };
    return cmocka_run_group_tests_name("statements", tests, NULL, NULL);
}
