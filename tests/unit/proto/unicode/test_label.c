/* Labels: one form for what looks the same, and none for what does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "proto/unicode/label.h"

static const char e_acute[] = "\xc3\xa9";
static const char e_and_acute[] = "e\xcc\x81";

/* text, so often. */
static char *repeated(const char *text, size_t times)
{
    const size_t bytes = strlen(text);
    char *all = mem_alloc(times * bytes + 1);
    for (size_t i = 0; i < times; i++) {
        memcpy(all + i * bytes, text, bytes);
    }
    return all;
}

static bool is_made(const char *text, size_t times)
{
    char label[LABEL_BYTES];
    AUTO(mem_free) char *all = repeated(text, times);
    return label_make(str_of(all), label);
}

static void one_form_for_what_looks_the_same(void **state)
{
    static const struct {
        const char *text, *label;
    } rows[] = {
        {"Ann", "Ann"},
        {e_and_acute, e_acute},
        {e_acute, e_acute},
        {"\xe2\x84\xab", "\xc3\x85"},                             /* the sign of Angstrom */
        {"q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"},               /* marks in one order */
        {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"}, /* Hangul */
        {"\xef\xac\x81", "\xef\xac\x81"},                         /* a ligature stays */
        {"\xf0\x9d\x85\x9e", "\xf0\x9d\x85\x97\xf0\x9d\x85\xa5"}, /* is never composed */
        {"<b>&\"'", "<b>&\"'"},
        {"\xf0\x9f\x93\xb1", "\xf0\x9f\x93\xb1"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char label[LABEL_BYTES];
        assert_true(label_make(str_of(rows[i].text), label));
        assert_string_equal(label, rows[i].label);
    }
}

static void it_is_bounded_before_and_afterwards(void **state)
{
    (void)state;
    assert_false(is_made("", 1));
    assert_true(is_made("\xf0\x9f\x93\xb1", 64));
    assert_false(is_made("\xf0\x9f\x93\xb1", 65));
    assert_true(is_made(e_and_acute, 32));
    assert_false(is_made(e_and_acute, 33));
    assert_true(is_made("\xf0\x9d\x85\x9e", 32));
    assert_false(is_made("\xf0\x9d\x85\x9e", 33));
    assert_false(is_made("a", 1000000));
}

static void what_does_harm_is_none(void **state)
{
    static const char *const bad[] = {
        "\xe2\x80\xae"
        "abc",
        "a\xe2\x80\x8b"
        "b",
        "\x1b[2J",
        "a\nb",
        " ",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char label[LABEL_BYTES];
        assert_false(label_make(str_of(bad[i]), label));
    }
    char label[LABEL_BYTES];
    assert_false(label_make(STR_LIT("a\0b"), label));
}

static void marks_are_not_piled_up(void **state)
{
    (void)state;
    /* On a letter, which takes in one of them; then on one that has none of its own with a mark. */
    AUTO(mem_free) char *marks = repeated("\xcc\x81", 9);
    AUTO(mem_free) char *nine = mem_printf("e%s", marks);
    AUTO(mem_free) char *many = mem_printf("q%s", marks);
    AUTO(mem_free) char *apart = mem_printf("q%.16sq%.16s", marks, marks);
    char label[LABEL_BYTES];
    assert_true(label_make(str_of(nine), label));
    assert_false(label_make(str_of(many), label));
    assert_true(label_make(str_of(apart), label));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_form_for_what_looks_the_same),
        cmocka_unit_test(it_is_bounded_before_and_afterwards),
        cmocka_unit_test(what_does_harm_is_none),
        cmocka_unit_test(marks_are_not_piled_up),
    };
    return cmocka_run_group_tests_name("label", tests, NULL, NULL);
}
