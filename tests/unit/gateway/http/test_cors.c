#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/http/cors.h"

static void test_origins(void **state)
{
    static const struct {
        const char *list, *origin, *allowed;
    } rows[] = {
        {"", "https://a.example", NULL},
        {"https://a.example", "https://a.example", "https://a.example"},
        {"https://a.example", "https://a.example.evil", NULL},
        {"https://a.example", "https://A.example", NULL},
        {"https://a.example", "http://a.example", NULL},
        {"https://a.example", "https://a.exampl", NULL},
        {"https://a.example , https://b.example:8080", "https://b.example:8080",
         "https://b.example:8080"},
        {"*", "https://a.example", "*"},
        {"https://a.example", NULL, NULL},
        {"*", "", NULL},
        {",", ",", NULL},
        {"https://a.example", "null", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *allowed = cors_allow(rows[i].list, rows[i].origin);
        if (rows[i].allowed == NULL) {
            assert_null(allowed);
        } else {
            assert_non_null(allowed);
            assert_string_equal(allowed, rows[i].allowed);
        }
    }
}

static void test_which_lists_make_answers_vary(void **state)
{
    (void)state;
    assert_true(cors_depends_on_origin("https://a.example"));
    assert_true(cors_depends_on_origin(", https://a.example ,https://b.example"));
    assert_false(cors_depends_on_origin(""));
    assert_false(cors_depends_on_origin(" ,"));
    assert_false(cors_depends_on_origin("*"));
    assert_false(cors_depends_on_origin("https://a.example, *"));
}

static void test_lists_that_make_no_sense(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "*", "null", "https://a.example", " https://a.example , http://[::1]:8080,", ",,"};
    static const char *const bad[] = {"a.example",           "https://",    "https://a.example/",
                                      "https://a https://b", "*,b.example", "://a.example"};
    struct str entry;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_false(cors_has_bad(good[i], &entry));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_true(cors_has_bad(bad[i], &entry));
    }
    assert_true(cors_has_bad("*, b.example ,x", &entry));
    assert_true(str_eq(entry, STR_LIT("b.example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_origins),
                                       cmocka_unit_test(test_which_lists_make_answers_vary),
                                       cmocka_unit_test(test_lists_that_make_no_sense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
