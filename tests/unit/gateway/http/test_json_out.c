#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/http/json_out.h"

static void assert_text(const struct strbuf *text, const char *expected)
{
    assert_true(str_eq(strbuf_str(text), str_of(expected)));
}

static void test_commas(void **state)
{
    (void)state;
    struct strbuf text = {0};
    struct json_out out;
    strbuf_add_z(&text, "left over");
    json_out_init(&out, &text);
    json_out_open(&out, '{');
    json_out_key(&out, "empty");
    json_out_open(&out, '[');
    json_out_close(&out, "]");
    json_out_member_u64(&out, "most", UINT64_MAX);
    json_out_key(&out, "list");
    json_out_open(&out, '[');
    json_out_u64(&out, 1);
    json_out_open(&out, '{');
    json_out_close(&out, "}");
    json_out_bool(&out, true);
    json_out_bool(&out, false);
    json_out_close(&out, "]");
    json_out_member_z(&out, "last", "x");
    json_out_close(&out, "}");
    assert_text(&text, "{\"empty\":[],\"most\":18446744073709551615,"
                       "\"list\":[1,{},true,false],\"last\":\"x\"}");
    strbuf_fini(&text);
}

static void test_escapes(void **state)
{
    static const struct {
        struct str value;
        const char *written;
    } rows[] = {
        {STR_LIT(""), "\"\""},
        {STR_LIT("\"\\"), "\"\\\"\\\\\""},
        {STR_LIT("a\nb\tc\0d"), "\"a\\u000ab\\u0009c\\u0000d\""},
        {STR_LIT("\x1f\x20\x7f"), "\"\\u001f \x7f\""},
        {STR_LIT("J\xc3\xbcrgen \xf0\x9f\x98\x80 /"), "\"J\xc3\xbcrgen \xf0\x9f\x98\x80 /\""},
    };
    (void)state;
    struct strbuf text = {0};
    struct json_out out;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_out_init(&out, &text);
        json_out_str(&out, rows[i].value);
        assert_text(&text, rows[i].written);
    }
    json_out_init(&out, &text);
    json_out_open(&out, '{');
    json_out_member_z(&out, "a\"b", "c");
    json_out_close(&out, "}");
    assert_text(&text, "{\"a\\\"b\":\"c\"}");
    strbuf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_commas),
                                       cmocka_unit_test(test_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
