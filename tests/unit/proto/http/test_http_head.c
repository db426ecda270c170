#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/http/http_head.h"

static void assert_str(struct str s, const char *text)
{
    assert_int_equal(s.bytes, strlen(text));
    assert_memory_equal(s.data, text, s.bytes);
}

static void test_whole(void **state)
{
    static const char text[] =
        "\r\nGET /a/b?c=d?e HTTP/1.1\r\nHost: x\r\nX:\t y z \r\nx: 2\r\n\r\nbody";
    struct http_head head;
    (void)state;
    assert_int_equal(http_head_read(str_of(text), &head), ERR_OK);
    assert_int_equal(head.bytes, sizeof(text) - 5);
    assert_int_equal(head.field_count, 3);
    assert_str(head.method, "GET");
    assert_str(head.target, "/a/b?c=d?e");
    assert_str(head.version, "HTTP/1.1");
    assert_str(head.parts.path, "/a/b");
    assert_str(head.parts.query, "c=d?e");
    assert_true(http_head_is_strict(&head));
    AUTO(mem_free) struct http_head_copy *copy = http_head_copy(&head);
    assert_string_equal(copy->method, "GET");
    assert_string_equal(copy->path, "/a/b");
    assert_string_equal(copy->query, "c=d?e");
    assert_string_equal(copy->version, "HTTP/1.1");
    assert_int_equal(copy->field_count, 3);
    assert_string_equal(http_head_copy_find(copy, "X"), "y z");
    assert_string_equal(http_head_copy_find(copy, "host"), "x");
    assert_null(http_head_copy_find(copy, "Y"));
}

/* It is in order at every point before its end, and not whole. */
static void test_every_part(void **state)
{
    static const char text[] = "POST /x HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n";
    struct http_head head;
    (void)state;
    for (size_t bytes = 0; bytes < sizeof(text) - 1; bytes++) {
        assert_int_equal(http_head_read((struct str){.data = text, .bytes = bytes}, &head), ERR_OK);
        assert_int_equal(head.bytes, 0);
    }
    assert_int_equal(http_head_read(str_of(text), &head), ERR_OK);
    assert_int_equal(head.bytes, sizeof(text) - 1);
    assert_null(head.parts.query.data);
    AUTO(mem_free) struct http_head_copy *copy = http_head_copy(&head);
    assert_null(copy->query);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } rows[] = {
        {"\x16\x03\x01", ERR_BAD_REQUEST},
        {"GET\r\n", ERR_BAD_REQUEST},
        {"GET /\r\n", ERR_BAD_REQUEST},
        {" GET / HTTP/1.1\r\n", ERR_BAD_REQUEST},
        {"GET\t/ HTTP/1.1\r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.1 \r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.10\r\n", ERR_BAD_REQUEST},
        {"GET / http/1.1\r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/2.0\r\n", ERR_HTTP_VERSION},
        {"GET / HTTP/0.9\r\n", ERR_HTTP_VERSION},
        {"GET / HTTP/1.1\r\nnothing\r\n", ERR_BAD_REQUEST},
        {"GET http:///x HTTP/1.1\r\n", ERR_BAD_REQUEST},
        /* Folded, in one way or another. */
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 37\r\n\r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.1\r\nHost: x\r\n\tA: b\r\n\r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.1\r\n A: b\r\n\r\n", ERR_BAD_REQUEST},
        /* Other ends of lines than CR LF, and what is none. */
        {"GET / HTTP/1.1\nHost: x\r\n\r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.1\r\nHost: x\n\r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.1\r\nHost: x\r\n\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\r\n\r\n", ERR_BAD_REQUEST},
        {"GET /a\rb HTTP/1.1\r\nHost: x\r\n\r\n", ERR_BAD_REQUEST},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x7f\r\n\r\n", ERR_BAD_REQUEST},
        /* The library takes it as it was meant. */
        {"GET  /a b HTTP/1.2\r\nA: b\r\n\r\n", ERR_OK},
        {"G@T / HTTP/1.1\r\n: x\r\n\r\n", ERR_OK},
    };
    struct http_head head;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum err err = http_head_read(str_of(rows[i].text), &head);
        if (err != rows[i].err) {
            fail_msg("%s: %d", rows[i].text, (int)err);
        }
        if (err == ERR_OK) {
            assert_true(head.bytes > 0);
            assert_false(http_head_is_strict(&head));
        }
    }
}

static void test_nuls(void **state)
{
    static const struct str heads[] = {
        STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nA: b\0\r\n\r\n"),
        STR_LIT("GET / HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n"),
        STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n\0\r\n\r\n"),
        STR_LIT("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"),
        STR_LIT("GET / HTTP/1.1\0\r\nHost: x\r\n\r\n"),
    };
    struct http_head head;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        assert_int_equal(http_head_read(heads[i], &head), ERR_BAD_REQUEST);
    }
}

/* Whom a request is for. */
static void test_hosts(void **state)
{
    static const struct {
        const char *text;
        bool is_strict;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nA: b\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nA: b\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", false},
        {"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"GET http://y/ HTTP/1.1\r\nA: b\r\n\r\n", false},
    };
    struct http_head head;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(http_head_read(str_of(rows[i].text), &head), ERR_OK);
        if (http_head_is_strict(&head) != rows[i].is_strict) {
            fail_msg("%s", rows[i].text);
        }
    }
    AUTO(mem_free) struct http_head_copy *copy = http_head_copy(&head);
    assert_string_equal(copy->authority, "y");
    assert_string_equal(copy->path, "/");
}

/* What is refused still tells its fields: who asks from another origin is to see the answer. */
static void test_fields_of_a_refused_one(void **state)
{
    struct http_head head;
    (void)state;
    assert_int_equal(
        http_head_read(STR_LIT("GET / HTTP/2.0\r\nno colon\r\nOrigin: x\r\nHalf: a"), &head),
        ERR_HTTP_VERSION);
    AUTO(mem_free) struct http_head_copy *copy = http_head_copy(&head);
    assert_int_equal(copy->field_count, 2);
    assert_string_equal(copy->fields[0].name, "no colon");
    assert_string_equal(copy->fields[0].value, "");
    assert_string_equal(http_head_copy_find(copy, "origin"), "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),   cmocka_unit_test(test_every_part),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_nuls),
        cmocka_unit_test(test_hosts),   cmocka_unit_test(test_fields_of_a_refused_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
