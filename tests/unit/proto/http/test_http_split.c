/* Heads as the library leaves them behind: NULs where it has found an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/http/http_split.h"

/* What the library says of a head: where in it each thing begins, and how long it is. */
struct field {
    size_t name_at, name_bytes, value_at, value_bytes;
};

static bool is_plain(struct str head, struct str target, size_t version_at,
                     const struct field *fields, size_t count)
{
    struct http_split split;
    http_split_begin(&split, head.data, target, head.data + version_at);
    for (size_t i = 0; i < count; i++) {
        const struct field *f = &fields[i];
        http_split_add(&split, (struct str){.data = head.data + f->name_at, .bytes = f->name_bytes},
                       (struct str){.data = head.data + f->value_at, .bytes = f->value_bytes});
    }
    return http_split_is_plain(&split, head.bytes);
}

/* "GET /" and its version are the same in all: the fields begin at 16. */
#define LINE "GET\0/\0HTTP/1.1\0\0"
#define FIELDS_AT 16

static bool fields_are_plain(struct str head, const struct field *fields, size_t count)
{
    return is_plain(head, (struct str){.data = head.data + 4, .bytes = 1}, 6, fields, count);
}

static void test_plain(void **state)
{
    static const struct field two[] = {{16, 4, 22, 1}, {25, 1, 27, 0}};
    (void)state;
    assert_int_equal(sizeof(LINE) - 1, FIELDS_AT);
    assert_true(fields_are_plain(STR_LIT(LINE "\0\0"), NULL, 0));
    assert_true(fields_are_plain(STR_LIT(LINE "Host\0 x\0\0B\0\0\0\0\0"), two, 2));
}

/* The framing is that of the fields. */
static void test_framing(void **state)
{
    static const char head[] = LINE "Content-Length\0 5\0\0\0\0";
    struct http_split split;
    (void)state;
    http_split_begin(&split, head, (struct str){.data = head + 4, .bytes = 1}, head + 6);
    http_split_add(&split, (struct str){.data = head + 16, .bytes = 14},
                   (struct str){.data = head + 32, .bytes = 1});
    assert_true(http_split_is_plain(&split, sizeof(head) - 1));
    assert_int_equal(split.framing.length, 5);
}

static void test_request_line(void **state)
{
    static const char head[] = "GET\0  /a b\0HTTP/1.1\0\0\0\0";
    struct str whole = STR_LIT("GET\0  /a b\0HTTP/1.1\0\0\0\0");
    (void)state;
    assert_int_equal(sizeof(head) - 1, whole.bytes);
    assert_true(is_plain(whole, (struct str){.data = whole.data + 6, .bytes = 4}, 11, NULL, 0));
    /* A NUL in the target, or in the method; a target that is not clean; a bare LF behind it. */
    assert_false(is_plain(whole, (struct str){.data = whole.data + 6, .bytes = 2}, 11, NULL, 0));
    assert_false(is_plain(whole, (struct str){.data = whole.data + 8, .bytes = 2}, 11, NULL, 0));
    assert_false(is_plain(whole, STR_NONE, 11, NULL, 0));
    struct str bare = STR_LIT("GET\0/\0HTTP/1.1\0Host\0x\0\0\0\0");
    assert_false(is_plain(bare, (struct str){.data = bare.data + 4, .bytes = 1}, 6,
                          &(struct field){15, 4, 20, 1}, 1));
}

static void test_not_plain(void **state)
{
    static const struct {
        struct str head;
        struct field fields[2];
        size_t count;
    } rows[] = {
        /* Folded: the name was taken elsewhere with what follows, its place is empty. */
        {STR_LIT(LINE "\0\0\0\0\0\0 5\0\0\0\0AB\0\0\0"), {{30, 2, 19, 0}}, 1},
        /* Folded where the name had room to grow: over its value. */
        {STR_LIT(LINE "Aabcd\0bcd\0\0\0\0"), {{16, 5, 18, 3}}, 1},
        {STR_LIT(LINE "A\0 b\0\0 \0\0\0\0"), {{16, 1, 19, 1}}, 1},
        /* A NUL in a value, at its end, at the beginning of a line. */
        {STR_LIT(LINE "A\0 b\0c\0\0\0\0"), {{16, 1, 19, 1}}, 1},
        {STR_LIT(LINE "A\0 b\0\0\0\0\0"), {{16, 1, 19, 1}}, 1},
        {STR_LIT(LINE "A\0 b\0\0\0X\0\0"), {{16, 1, 19, 1}}, 1},
        /* A bare LF, after a field and at the end. */
        {STR_LIT(LINE "A\0b\0C\0d\0\0\0\0"), {{16, 1, 18, 1}, {20, 1, 22, 1}}, 2},
        {STR_LIT(LINE "A\0b\0\0\0"), {{16, 1, 18, 1}}, 1},
        /* A bare CR. */
        {STR_LIT(LINE "A\0b\rc\0\0\0\0"), {{16, 1, 18, 3}}, 1},
        /* A value that is not all that stands there, a field too few, one from elsewhere. */
        {STR_LIT(LINE "A\0 b\0\0\0\0"), {{16, 1, 20, 0}}, 1},
        {STR_LIT(LINE "A\0b\0\0C\0d\0\0\0\0"), {{16, 1, 18, 1}}, 1},
        {STR_LIT(LINE "A\0b\0\0C\0d\0\0\0\0"), {{21, 1, 23, 1}}, 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (fields_are_plain(rows[i].head, rows[i].fields, rows[i].count)) {
            fail_msg("row %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_request_line),
        cmocka_unit_test(test_not_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
