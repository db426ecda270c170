#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/cors.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_origins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
