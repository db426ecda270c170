#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/http/http_response.h"

static void test_headers(void **state)
{
    (void)state;
    AUTO(http_response_free) struct http_response *response = http_response_new(201);
    char value[] = "one";
    assert_int_equal(http_response_status(response), 201);
    assert_null(http_response_header(response, "X-A"));
    assert_true(http_response_add_header(response, "X-A", value));
    value[0] = '?';
    assert_true(http_response_add_header(response, "X-B", ""));
    assert_true(http_response_add_header(response, "X-A", "two\tthree \xc3\xa9"));
    assert_string_equal(http_response_header(response, "x-a"), "one");
    assert_string_equal(http_response_header(response, "X-B"), "");
    assert_null(http_response_header(response, "X"));
}

static void count_any(void *arg, const char *name, const char *value)
{
    size_t *fields = arg;
    (void)value;
    assert_string_equal(name, "X-A");
    ++*fields;
}

static void count(void *arg, const char *name, const char *value)
{
    size_t *fields = arg;
    assert_string_equal(name, "X-A");
    assert_string_equal(value, "v");
    ++*fields;
}

/* What could end a field, or a response, and begin another never gets in. */
static void test_refused_headers(void **state)
{
    static const struct {
        const char *name, *value;
    } rows[] = {
        {"X-B", "a\r\nX: b"}, {"X-B", "a\nb"},     {"X-B", "a\rb"}, {"X-B", "\x01"},
        {"X-B", "\x7f"},      {"", "a"},           {"X B", "a"},    {"X-B:", "a"},
        {"X\r\nB", "a"},      {"X-\xc3\xa9", "a"},
    };
    size_t fields = 0;
    (void)state;
    AUTO(http_response_free) struct http_response *response = http_response_new(200);
    assert_true(http_response_add_header(response, "X-A", "v"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_false(http_response_add_header(response, rows[i].name, rows[i].value));
    }
    http_response_each_header(response, count, &fields);
    assert_int_equal(fields, 1);
}

/* Up to the bound all fields are there, past it none is, and a smaller one still fits. */
static void test_too_many_headers(void **state)
{
    enum { EACH = 64 };
    char value[EACH - sizeof("X-A")];
    size_t fields = 0;
    (void)state;
    AUTO(http_response_free) struct http_response *response = http_response_new(200);
    memset(value, 'v', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    for (size_t i = 0; i < HTTP_RESPONSE_FIELD_BYTES_MAX / EACH - 1; i++) {
        assert_true(http_response_add_header(response, "X-A", value));
    }
    char last[EACH + 1] = "";
    memset(last, 'w', EACH - sizeof("X-A"));
    assert_false(http_response_add_header(response, "X-A", last));
    last[EACH - sizeof("X-A") - 1] = '\0';
    assert_true(http_response_add_header(response, "X-A", last));
    assert_false(http_response_add_header(response, "X", ""));
    http_response_each_header(response, count_any, &fields);
    assert_int_equal(fields, HTTP_RESPONSE_FIELD_BYTES_MAX / EACH);
}

static void test_bodies(void **state)
{
    char text[] = "abc\0d";
    char *taken = strdup("xyz");
    size_t bytes;
    (void)state;
    AUTO(http_response_free) struct http_response *copied = http_response_new(200);
    AUTO(http_response_free) struct http_response *given = http_response_new(200);
    AUTO(http_response_free) struct http_response *empty = http_response_new(204);
    http_response_set_body(copied, "text/plain", (struct str){.data = text, .bytes = 5});
    text[0] = '?';
    assert_int_equal(http_response_body(copied).bytes, 5);
    assert_memory_equal(http_response_body(copied).data, "abc\0d", 5);
    assert_string_equal(http_response_header(copied, "content-type"), "text/plain");
    http_response_take_body(given, NULL, &taken, 3);
    assert_null(taken);
    assert_null(http_response_header(given, "Content-Type"));
    AUTO(mem_free) char *stolen = http_response_steal_body(given, &bytes);
    assert_int_equal(bytes, 3);
    assert_string_equal(stolen, "xyz");
    assert_int_equal(http_response_body(given).bytes, 0);
    assert_null(http_response_steal_body(empty, &bytes));
    assert_int_equal(bytes, 0);
}

static void test_lent_body(void **state)
{
    static const char text[] = "abc";
    size_t bytes;
    (void)state;
    AUTO(http_response_free) struct http_response *lent = http_response_new(200);
    AUTO(http_response_free) struct http_response *own = http_response_new(200);
    http_response_lend_body(lent, "text/plain", (struct str){.data = text, .bytes = 3});
    assert_ptr_equal(http_response_body(lent).data, text);
    assert_ptr_equal(http_response_lent_body(lent, &bytes), text);
    assert_int_equal(bytes, 3);
    assert_string_equal(http_response_header(lent, "Content-Type"), "text/plain");
    http_response_set_body(own, "text/plain", STR_LIT("abc"));
    assert_null(http_response_lent_body(own, &bytes));
    assert_int_equal(bytes, 0);
}

static void test_closing(void **state)
{
    (void)state;
    AUTO(http_response_free) struct http_response *response = http_response_new(200);
    assert_false(http_response_is_closing(response));
    http_response_close(response);
    assert_true(http_response_is_closing(response));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),          cmocka_unit_test(test_refused_headers),
        cmocka_unit_test(test_too_many_headers), cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_lent_body),        cmocka_unit_test(test_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
