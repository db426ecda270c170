#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "gateway/http/problem.h"

static const enum err all_errors[] = {
#define ERR(name, number, http, retryable, refusal, code, text) ERR_##name,
#include "proto/base/errors.def"
#undef ERR
};

/* Clients may see any error of the table, so each has what a document and a page need. */
static void test_every_error(void **state)
{
    (void)state;
    struct strbuf text = {0};
    for (size_t i = 0; i < ARRAY_LEN(all_errors); i++) {
        enum err err = all_errors[i];
        struct json_out out;
        json_out_init(&out, &text);
        const struct problem problem = {.err = err};
        assert_string_equal(problem_write(&problem, DIALECT_V1, "0123456789abcdef", &out),
                            "application/problem+json");
        json_t *json = json_loadb(text.data, text.bytes, 0, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "code")), err_code(err));
        assert_string_equal(json_string_value(json_object_get(json, "detail")), err_text(err));
        assert_int_equal(json_integer_value(json_object_get(json, "status")), err_http_status(err));
        assert_true(json_string_length(json_object_get(json, "title")) > 0);
        assert_string_equal(json_string_value(json_object_get(json, "request_id")),
                            "0123456789abcdef");
        const char *type = json_string_value(json_object_get(json, "type"));
        assert_memory_equal(type, "/problems/", 10);
        assert_true(problem_write_page(str_of(type + 10), &text));
        strbuf_add(&text, (struct str){.data = "", .bytes = 1});
        assert_non_null(strstr(text.data, err_text(err)));
        json_decref(json);
    }
    strbuf_fini(&text);
}

static void test_codes_that_are_none(void **state)
{
    (void)state;
    struct strbuf text = {0};
    assert_false(problem_write_page(STR_LIT("ok"), &text));
    assert_false(problem_write_page(STR_LIT(""), &text));
    assert_false(problem_write_page(STR_LIT("Not_found"), &text));
    strbuf_fini(&text);
}

static void test_the_original_shape(void **state)
{
    (void)state;
    struct strbuf text = {0};
    struct json_out out;
    json_out_init(&out, &text);
    const struct problem problem = {.err = ERR_NO_SUCH_ROOM};
    assert_string_equal(problem_write(&problem, DIALECT_ORIGINAL, "0123456789abcdef", &out),
                        "application/json");
    assert_true(str_eq(strbuf_str(&text),
                       STR_LIT("{\"action\":\"failed\",\"error\":{\"code\":\"no_such_room\","
                               "\"message\":\"There is no room with this id.\"},"
                               "\"request_id\":\"0123456789abcdef\"}")));
    strbuf_fini(&text);
}

/* The message names the members that are wrong. */
static void test_the_original_names_members(void **state)
{
    static const struct member name = {.name = "name", .type = MEMBER_STRING, .min = 1, .max = 8};
    static const struct member size = {.name = "si\"ze", .type = MEMBER_NUMBER, .min = 2, .max = 9};
    static const struct member_fault faults[] = {
        {.kind = MEMBER_OUTSIDE, .name = "name", .member = &name},
        {.kind = MEMBER_MISTYPED, .name = "si\"ze", .member = &size},
        {.kind = MEMBER_MISSING, .name = "x", .member = &name},
    };
    (void)state;
    struct strbuf text = {0};
    struct json_out out;
    json_out_init(&out, &text);
    const struct problem problem = {
        .err = ERR_BAD_REQUEST, .faults = faults, .fault_count = ARRAY_LEN(faults)};
    (void)problem_write(&problem, DIALECT_ORIGINAL, "0123456789abcdef", &out);
    assert_true(
        str_eq(strbuf_str(&text),
               STR_LIT("{\"action\":\"failed\",\"error\":{\"code\":\"bad_request\",\"message\":"
                       "\"name must have 1 to 8 bytes; si\\\"ze must be a whole number; x is "
                       "required.\"},\"request_id\":\"0123456789abcdef\"}")));
    strbuf_fini(&text);
}

/* Whatever type of member of a body is wrong, the client is told what it should be. */
static void test_every_type_is_told(void **state)
{
    static const char *const words[] = {"up", "down", NULL};
    static const struct {
        struct member member;
        const char *mistyped, *outside;
    } rows[] = {
        {{.type = MEMBER_STRING, .min = 1, .max = 8}, "must be a string", "must have 1 to 8 bytes"},
        {{.type = MEMBER_LABEL, .min = 1, .max = 8},
         "must be a string",
         "must have 1 to 8 characters that can be seen, and no other ones"},
        {{.type = MEMBER_NUMBER, .min = 1, .max = 8},
         "must be a whole number",
         "must be from 1 to 8"},
        {{.type = MEMBER_NUMBER, .is_nullable = true, .max = 8},
         "must be a whole number or null",
         "must be from 0 to 8"},
        {{.type = MEMBER_BOOL}, "must be true or false", NULL},
        {{.type = MEMBER_WORD, .words = words},
         "must be a string",
         "must be one of the words of this member"},
        {{.type = MEMBER_TIME, .is_nullable = true},
         "must be a string or null",
         "must be a time as 2026-11-29T01:02:03Z"},
        {{.type = MEMBER_WORDS, .min = 1, .max = 2, .words = words},
         "must be a list of strings",
         "must have 1 to 2 words of this member, each once"},
        {{.type = MEMBER_IDS, .max = 50}, "must be a list of strings", "must have 0 to 50 ids"},
        {{.type = MEMBER_ID}, "must be a string", "must be an id"},
        {{.type = MEMBER_WORD_MAP, .min = 1, .max = 8, .words = words},
         "must be an object of strings",
         "must have 1 to 8 names, none of them long, with words of this member"},
        {{.type = MEMBER_OBJECTS, .max = 80},
         "must be a list of objects",
         "must have 0 to 80 items"},
    };
    (void)state;
    struct strbuf text = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct member_fault faults[] = {
            {.kind = MEMBER_MISTYPED, .name = "it", .member = &rows[i].member},
            {.kind = MEMBER_OUTSIDE, .name = "it", .member = &rows[i].member}};
        const size_t count = rows[i].outside == NULL ? 1 : 2;
        const struct problem problem = {
            .err = ERR_WRONG_MEMBER, .faults = faults, .fault_count = count};
        struct json_out out;
        json_out_init(&out, &text);
        (void)problem_write(&problem, DIALECT_V1, "0123456789abcdef", &out);
        json_t *json = json_loadb(text.data, text.bytes, 0, NULL);
        const json_t *errors = json_object_get(json, "errors");
        const char *const expected[] = {rows[i].mistyped, rows[i].outside};
        for (size_t j = 0; j < count; j++) {
            assert_string_equal(
                json_string_value(json_object_get(json_array_get(errors, j), "detail")),
                expected[j]);
        }
        json_decref(json);
    }
    strbuf_fini(&text);
}

/* A pointer leads into the item of a list, too. */
static void test_pointers(void **state)
{
    static const struct member list = {.name = "a/b", .type = MEMBER_OBJECTS, .max = 8};
    static const struct member name = {.name = "name", .type = MEMBER_STRING, .min = 1, .max = 8};
    static const struct {
        struct member_fault fault;
        const char *pointer, *detail;
    } rows[] = {
        {{.kind = MEMBER_MISSING, .name = "name", .member = &name}, "/name", "is required"},
        {{.kind = MEMBER_UNKNOWN, .name = "a~/b"}, "/a~0~1b", "is not known here"},
        {{.kind = MEMBER_MISSING, .name = "name", .member = &name, .list = &list, .item = 7},
         "/a~1b/7/name",
         "is required"},
        {{.kind = MEMBER_MISTYPED, .list = &list}, "/a~1b/0", "must be an object"},
    };
    (void)state;
    struct strbuf text = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct problem problem = {
            .err = ERR_WRONG_MEMBER, .faults = &rows[i].fault, .fault_count = 1};
        struct json_out out;
        json_out_init(&out, &text);
        (void)problem_write(&problem, DIALECT_V1, "0123456789abcdef", &out);
        json_t *json = json_loadb(text.data, text.bytes, 0, NULL);
        const json_t *error = json_array_get(json_object_get(json, "errors"), 0);
        assert_string_equal(json_string_value(json_object_get(error, "pointer")), rows[i].pointer);
        assert_string_equal(json_string_value(json_object_get(error, "detail")), rows[i].detail);
        json_decref(json);
    }
    strbuf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_type_is_told),
                                       cmocka_unit_test(test_every_error),
                                       cmocka_unit_test(test_codes_that_are_none),
                                       cmocka_unit_test(test_the_original_shape),
                                       cmocka_unit_test(test_the_original_names_members),
                                       cmocka_unit_test(test_pointers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
