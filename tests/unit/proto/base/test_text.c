/* Labels: what may be shown, and how long it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/base/text.h"

static void characters_are_counted(void **state)
{
    (void)state;
    assert_int_equal(text_characters(STR_NONE), 0);
    assert_int_equal(text_characters(STR_LIT("abc")), 3);
    assert_int_equal(text_characters(STR_LIT("T\xc3\xa9l")), 3);
    assert_int_equal(text_characters(STR_LIT("\xe2\x82\xac\xf0\x9f\x98\x80")), 2);
}

static void what_is_a_label(void **state)
{
    static const char *const good[] = {
        "a",
        " a ",
        "T\xc3\xa9l\xc3\xa9phone",
        "\xf0\x9f\x93\xb1",
        "<b>&\"'",
        "\xd7\xa9\xd7\x9c",
        "e\xcc\x81",
        "\xe2\x80\x90" /* a hyphen */,
        "\xc2\xa1" /* behind C1 */,
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(text_is_label(str_of(good[i])));
    }
}

static void what_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        "   ",
        "\xc2\xa0",
        "a\nb",
        "\x1b[31m",
        "a\x7f",
        "a\xc2\x85", /* NEL */
        "a\xc2\xad"
        "b", /* soft hyphen */
        "\xd8\x9c"
        "a", /* Arabic letter mark */
        "a\xe2\x80\x8b"
        "b", /* zero width space */
        "a\xe2\x80\x8d"
        "b", /* zero width joiner */
        "\xe2\x80\xae"
        "abc", /* right-to-left override */
        "\xe2\x81\xa6"
        "abc", /* isolate */
        "a\xe2\x80\xa8"
        "b", /* line separator */
        "\xef\xbb\xbf"
        "a",                 /* byte order mark */
        "a\xf3\xa0\x81\x81", /* a tag */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(text_is_label(str_of(bad[i])));
    }
    assert_false(text_is_label(STR_LIT("a\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_counted),
        cmocka_unit_test(what_is_a_label),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
