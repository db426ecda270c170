/* Log lines: whole, quoted, and never more than the gate lets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>

#include "proto/base/log.h"

static char last[4096];
static unsigned lines;

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    (void)level;
    (void)snprintf(last, sizeof(last), "%s", line);
    lines++;
}

static int setup(void **state)
{
    (void)state;
    lines = 0;
    log_set_sink(sink, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL);
    return 0;
}

static void logfmt_quotes_what_must_be(void **state)
{
    (void)state;
    log_init("test", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_info("made", LOG_Z("plain", "a.b:1"), LOG_Z("odd", "x=\"1\"\nlevel=error"), LOG_U64("n", 7),
             LOG_Z("none", ""));
    assert_non_null(strstr(last, " level=info process=test event=\"made\" plain=a.b:1 "
                                 "odd=\"x=\\\"1\\\"\\u000alevel=error\" n=7 none=\"\""));
    assert_null(strchr(last, '\n'));
}

static void json_lines_parse(void **state)
{
    (void)state;
    log_init("test", LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_warn("odd \"event\"", LOG_Z("word", "plain"), LOG_Z("number", "7"),
             LOG_STR("bytes", STR_LIT("\xff\x00\"\\")), LOG_U64("n", UINT64_MAX / 2));
    json_t *root = json_loads(last, JSON_ALLOW_NUL, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "level")), "warn");
    assert_int_equal(json_integer_value(json_object_get(root, "n")), INT64_MAX);
    assert_string_equal(json_string_value(json_object_get(root, "event")), "odd \"event\"");
    assert_string_equal(json_string_value(json_object_get(root, "word")), "plain");
    assert_string_equal(json_string_value(json_object_get(root, "number")), "7");
    json_decref(root);
}

static void levels_below_are_silent(void **state)
{
    (void)state;
    log_init("test", LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    log_info("not this");
    assert_int_equal(lines, 0);
    log_warn("this");
    assert_int_equal(lines, 1);
}

static void long_lines_are_cut_and_stay_valid(void **state)
{
    (void)state;
    char text[5000];
    memset(text, '"', sizeof(text));
    log_init("test", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_info("long", LOG_STR("s", ((struct str){text, sizeof(text)})));
    assert_int_equal(lines, 1);
    assert_in_range(strlen(last), 1000, 2047);
}

static void limited_to_a_line_a_second_that_counts_the_others(void **state)
{
    (void)state;
    struct log_gate gate = {0}, other = {0};
    log_init("test", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_warn_limited(&gate, 5000, "refused", LOG_U64("n", 1));
    assert_int_equal(lines, 1);
    assert_non_null(strstr(last, "level=warn"));
    assert_null(strstr(last, "suppressed"));
    log_warn_limited(&gate, 5001, "refused", LOG_U64("n", 2));
    log_warn_limited(&gate, 5999, "refused", LOG_U64("n", 3));
    assert_int_equal(lines, 1);
    log_error_limited(&other, 5999, "other"); /* each gate for itself */
    assert_int_equal(lines, 2);
    log_info_limited(&gate, 6000, "refused", LOG_U64("n", 4));
    assert_int_equal(lines, 3);
    assert_non_null(strstr(last, "event=\"refused\" n=4 suppressed=2"));
    log_warn_limited(&gate, 7000, "refused");
    assert_int_equal(lines, 4);
    assert_null(strstr(last, "suppressed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(logfmt_quotes_what_must_be, setup, teardown),
        cmocka_unit_test_setup_teardown(json_lines_parse, setup, teardown),
        cmocka_unit_test_setup_teardown(levels_below_are_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lines_are_cut_and_stay_valid, setup, teardown),
        cmocka_unit_test_setup_teardown(limited_to_a_line_a_second_that_counts_the_others, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
