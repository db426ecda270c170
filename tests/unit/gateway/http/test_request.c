#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/http/request.h"

static void test_segments(void **state)
{
    static const struct {
        const char *path;
        size_t count; /* 0: refused */
        const char *segments[REQUEST_SEGMENTS_MAX];
    } rows[] = {
        {"/", 1, {""}},
        {"/login", 1, {"login"}},
        {"/login/", 2, {"login", ""}},
        {"/v1/rooms/5", 3, {"v1", "rooms", "5"}},
        {"//a", 2, {"", "a"}},
        {"/%2e%2e/a%2fb", 2, {"%2e%2e", "a%2fb"}},
        {"/1/2/3/4/5/6/7/8", 8, {"1", "2", "3", "4", "5", "6", "7", "8"}},
        {"/1/2/3/4/5/6/7/8/9", 0, {NULL}},
        {"", 0, {NULL}},
        {"*", 0, {NULL}},
        {"login", 0, {NULL}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request request = {.path = rows[i].path};
        assert_int_equal(request_split(&request), rows[i].count > 0);
        for (size_t j = 0; j < rows[i].count; j++) {
            assert_int_equal(request.segment_count, rows[i].count);
            assert_true(str_eq(request.segments[j], str_of(rows[i].segments[j])));
        }
    }
}

static const char *content_type;

static const char *header(struct request *request, const char *name)
{
    (void)request;
    return strcmp(name, "Content-Type") == 0 ? content_type : NULL;
}

static const struct request_ops ops = {.header = header};

static void test_media_types(void **state)
{
    static const struct {
        const char *header, *media_type;
    } rows[] = {
        {NULL, ""},
        {"", ""},
        {"application/json", "application/json"},
        {"Application/JSON; charset=utf-8", "application/json"},
        {"application/json ;x", "application/json"},
        {"application/json, text/plain", "application/json,"},
        {"application/a-very-long-name-of-a-media-type-that-nobody-has-ever-registered", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request request = {.ops = &ops};
        char media_type[REQUEST_MEDIA_TYPE_BYTES];
        content_type = rows[i].header;
        request_media_type(&request, media_type);
        assert_string_equal(media_type, rows[i].media_type);
    }
}

static void test_queries(void **state)
{
    static const struct {
        const char *query, *name, *value; /* NULL: there is none */
    } rows[] = {
        {NULL, "a", NULL},
        {"", "a", NULL},
        {"a", "a", NULL},
        {"a=", "a", ""},
        {"a=1&a=2", "a", "1"},
        {"b=1&a=2&c=3", "a", "2"},
        {"xa=1&a=2", "a", "2"},
        {"a=x%2By%20z+%e4%BD%a0", "a", "x+y z \xe4\xbd\xa0"},
        {"a=%00", "a", NULL},
        {"a=%", "a", NULL},
        {"a=%4", "a", NULL},
        {"a=%4&b=1", "a", NULL},
        {"a=%g0", "a", NULL},
        {"a=123456789012345", "a", "123456789012345"},
        {"a=1234567890123456", "a", NULL},
        {"a=1=2", "a", "1=2"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request request = {.query = rows[i].query};
        char value[16];
        bool is_there = request_query(&request, rows[i].name, value, sizeof(value));
        assert_int_equal(is_there, rows[i].value != NULL);
        if (is_there) {
            assert_string_equal(value, rows[i].value);
        }
    }
}

static void test_numbers(void **state)
{
    static const struct {
        const char *query;
        bool is_good;
        uint64_t number;
    } rows[] = {
        {NULL, true, 7},
        {"m=5", true, 7},
        {"n=0", false, 0},
        {"n=1", true, 1},
        {"n=%31", true, 1},
        {"n=0001", true, 1},
        {"n=9223372036854775807", true, INT64_MAX},
        {"n=9223372036854775808", false, 0},
        {"n=9999999999999999999", false, 0},
        {"n=10000000000000000000", false, 0},
        {"n=", false, 0},
        {"n=-1", false, 0},
        {"n=+1", false, 0},
        {"n=1.0", false, 0},
        {"n=0x1", false, 0},
        {"n=1%00", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct request request = {.query = rows[i].query};
        uint64_t number = 7;
        if (request_query_number(&request, "n", 1, INT64_MAX, &number) != rows[i].is_good) {
            fail_msg("%s", rows[i].query);
        }
        assert_true(number == (rows[i].is_good ? rows[i].number : 7));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments), cmocka_unit_test(test_media_types),
        cmocka_unit_test(test_queries), cmocka_unit_test(test_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
