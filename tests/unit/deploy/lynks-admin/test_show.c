/* What lynks-admin prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "deploy/lynks-admin/commands.h"

static const struct show_column columns[] = {
    {"NAME", "name"}, {"SEEN", "seen"}, {"OFF", "off"}, {.title = NULL}};

/* rows is JSON text; the caller frees the result. */
static char *shown(const char *rows, bool wants_json)
{
    char *text = NULL;
    size_t bytes = 0;
    json_t *value = json_loads(rows, 0, NULL);
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(value);
    show_rows(out, wants_json, value, columns);
    (void)fclose(out);
    json_decref(value);
    return text;
}

static void assert_shown(const char *rows, const char *expected)
{
    char *text = shown(rows, false);
    assert_string_equal(text, expected);
    free(text);
}

static void columns_are_aligned_by_what_is_seen(void **state)
{
    (void)state;
    assert_shown("[{\"name\":\"ann\",\"seen\":7,\"off\":false},"
                 "{\"name\":\"Zo\u00eb \u5f20\",\"seen\":null,\"off\":true}]",
                 "NAME    SEEN  OFF\n"
                 "ann     7     no\n"
                 "Zo\xc3\xab \xe5\xbc\xa0  -     yes\n");
}

/* No name moves the cursor, clears the screen or turns the line around. */
static void what_a_terminal_must_not_get_is_made_visible(void **state)
{
    (void)state;
    assert_shown("[{\"name\":\"a\\u001b[2J\\u202eb\\nc\\u200b\"}]",
                 "NAME                               SEEN  OFF\n"
                 "a\\u{1b}[2J\\u{202e}b\\u{a}c\\u{200b}  -     -\n");
}

static void programs_get_everything(void **state)
{
    (void)state;
    char *text = shown("[{\"name\":\"ann\",\"more\":[1]}]", true);
    json_t *value = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json_array_get(value, 0), "more")), 1);
    json_decref(value);
    free(text);
    text = shown("[]", true);
    assert_string_equal(text, "[]\n");
    free(text);
    assert_shown("[]", "");
}

static void assert_value(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    assert_string_equal(text, expected);
    free(text);
    json_decref(value);
}

static void values(void **state)
{
    static const char ipv4[16] = {[10] = '\xff', '\xff', 127, 0, 0, 1};
    static const char ipv6[16] = {[15] = 1};
    static const char nowhere[16];
    (void)state;
    assert_value(show_time(1764395435999), "\"2025-11-29T05:50:35Z\"");
    assert_value(show_time(0), "null");
    assert_value(show_hex(STR_LIT("\x01\xab")), "\"01ab\"");
    assert_value(show_address((struct str){ipv4, sizeof(ipv4)}), "\"127.0.0.1\"");
    assert_value(show_address((struct str){ipv6, sizeof(ipv6)}), "\"::1\"");
    assert_value(show_address((struct str){nowhere, sizeof(nowhere)}), "null");
    assert_value(show_address(STR_NONE), "null");
    assert_value(show_text(STR_LIT("a\xff")), "\"a\\\\u{ff}\"");
}

/* What a line of words names. */
static const struct command *found(const char *line)
{
    char *words[4];
    int count = 0;
    char *rest = NULL;
    AUTO(mem_free) char *copy = mem_strdup(line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    return commands_find(count, words);
}

static void commands_have_the_arguments_that_they_need(void **state)
{
    (void)state;
    assert_ptr_equal(found("user show ann")->run, user_show);
    assert_ptr_equal(found("session revoke ann 1234")->run, session_revoke);
    assert_ptr_equal(found("password")->run, first_password_show);
    static const char *const wrong[] = {
        "", "user", "user show", "user show ann bob", "password now", "user rename ann"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_null(found(wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned_by_what_is_seen),
        cmocka_unit_test(what_a_terminal_must_not_get_is_made_visible),
        cmocka_unit_test(programs_get_everything),
        cmocka_unit_test(values),
        cmocka_unit_test(commands_have_the_arguments_that_they_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
