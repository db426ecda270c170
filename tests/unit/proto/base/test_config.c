/* The configuration table: defaults, bounds, files, and every error told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/config.h"

struct sample {
    char *name;
    char *secret;
    char *word;
    uint64_t number;
    bool flag;
};

#define OPTION(member) offsetof(struct sample, member)

static const struct config_option table[] = {
    {"LYNKS_T_NAME", CONFIG_STRING, OPTION(name), "lynks", 1, 8, NULL, "a name"},
    {"LYNKS_T_SECRET", CONFIG_SECRET, OPTION(secret), NULL, 1, 64, NULL, "a secret"},
    {"LYNKS_T_WORD", CONFIG_CHOICE, OPTION(word), "one", 0, 0, "one|two", "a word"},
    {"LYNKS_T_NUMBER", CONFIG_UINT, OPTION(number), "5", 1, 10, NULL, "a number"},
    {"LYNKS_T_FLAG", CONFIG_BOOL, OPTION(flag), "0", 0, 0, NULL, "a flag"},
    {.name = NULL},
};

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = {"LYNKS_T_NAME", "LYNKS_T_SECRET", "LYNKS_T_SECRET_FILE",
                                        "LYNKS_T_WORD", "LYNKS_T_NUMBER", "LYNKS_T_FLAG",
                                        "LYNKS_T_NUMER"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        unsetenv(names[i]);
    }
    return 0;
}

static enum config_outcome load(struct sample *sample, const char *argument)
{
    char process[] = "test";
    char *argv[] = {process, (char *)(uintptr_t)argument, NULL};
    *sample = (struct sample){0};
    return config_load(sample, "test", table, argument == NULL ? 1 : 2, argv);
}

static void defaults_and_values(void **state)
{
    (void)state;
    struct sample sample;
    setenv("LYNKS_T_SECRET", "hush", 1);
    setenv("LYNKS_T_WORD", "two", 1);
    setenv("LYNKS_T_FLAG", "true", 1);
    assert_int_equal(load(&sample, NULL), CONFIG_RUN);
    assert_string_equal(sample.name, "lynks");
    assert_string_equal(sample.secret, "hush");
    assert_string_equal(sample.word, "two");
    assert_int_equal(sample.number, 5);
    assert_true(sample.flag);
    config_free(&sample, table);
    assert_null(sample.secret);
}

static void bad_values_are_refused(void **state)
{
    static const char *const bad[][2] = {{"LYNKS_T_NUMBER", "0"},
                                         {"LYNKS_T_NUMBER", "11"},
                                         {"LYNKS_T_NUMBER", "5x"},
                                         {"LYNKS_T_NUMBER", ""},
                                         {"LYNKS_T_NUMBER", "-1"},
                                         {"LYNKS_T_NUMBER", "+5"},
                                         {"LYNKS_T_NUMBER", "99999999999999999999999"},
                                         {"LYNKS_T_FLAG", "yes"},
                                         {"LYNKS_T_WORD", "on"},
                                         {"LYNKS_T_WORD", "one|two"},
                                         {"LYNKS_T_WORD", "two|"},
                                         {"LYNKS_T_WORD", "tw"},
                                         {"LYNKS_T_WORD", "twos"},
                                         {"LYNKS_T_WORD", "|"},
                                         {"LYNKS_T_WORD", ""},
                                         {"LYNKS_T_NAME", ""},
                                         {"LYNKS_T_NAME", "far-too-long"}};
    struct sample sample;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        setup(NULL);
        setenv("LYNKS_T_SECRET", "hush", 1);
        setenv(bad[i][0], bad[i][1], 1);
        assert_int_equal(load(&sample, NULL), CONFIG_EXIT_ERROR);
    }
    setup(NULL);
    assert_int_equal(load(&sample, NULL), CONFIG_EXIT_ERROR); /* the secret is required */
}

/* A new file with this in it. */
static void make_value_file(char path[PATH_MAX], struct str text)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, PATH_MAX, "%s/lynks-test-config-XXXXXX", folder != NULL ? folder : "/tmp");
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text.data, text.bytes), text.bytes);
    close(fd);
}

static void values_come_from_files(void **state)
{
    (void)state;
    struct sample sample;
    char path[PATH_MAX];
    make_value_file(path, STR_LIT("from file\nsecond line\n"));
    setenv("LYNKS_T_SECRET_FILE", path, 1);
    assert_int_equal(load(&sample, NULL), CONFIG_RUN);
    assert_string_equal(sample.secret, "from file");
    config_free(&sample, table);
    setenv("LYNKS_T_SECRET", "twice", 1);
    assert_int_equal(load(&sample, NULL), CONFIG_EXIT_ERROR);
    unsetenv("LYNKS_T_SECRET");
    unlink(path);
    assert_int_equal(load(&sample, NULL), CONFIG_EXIT_ERROR);
}

static void files_that_hold_no_short_line_are_refused(void **state)
{
    (void)state;
    struct sample sample;
    char path[PATH_MAX];
    char line[8192];
    memset(line, 'x', sizeof(line));
    const struct str texts[] = {STR_LIT("with\0nul\n"), {.data = line, .bytes = sizeof(line)}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        make_value_file(path, texts[i]);
        setenv("LYNKS_T_SECRET_FILE", path, 1);
        assert_int_equal(load(&sample, NULL), CONFIG_EXIT_ERROR);
        unlink(path);
    }
    setenv("LYNKS_T_SECRET_FILE", "/", 1); /* opened, and cannot be read */
    assert_int_equal(load(&sample, NULL), CONFIG_EXIT_ERROR);
    make_value_file(path, STR_LIT("to the carriage return\r\n\0"));
    setenv("LYNKS_T_SECRET_FILE", path, 1);
    assert_int_equal(load(&sample, NULL), CONFIG_RUN);
    assert_string_equal(sample.secret, "to the carriage return");
    config_free(&sample, table);
    unlink(path);
}

static void check_finds_typos(void **state)
{
    (void)state;
    struct sample sample;
    setenv("LYNKS_T_SECRET", "hush", 1);
    assert_int_equal(load(&sample, "--check"), CONFIG_EXIT_OK);
    setenv("LYNKS_T_NUMER", "7", 1);
    assert_int_equal(load(&sample, "--check"), CONFIG_EXIT_ERROR);
    assert_int_equal(load(&sample, "--help"), CONFIG_EXIT_OK);
    assert_int_equal(load(&sample, "--verison"), CONFIG_EXIT_ERROR);
}

static bool is_less(const void *config)
{
    const struct sample *sample = config;
    return sample->number < 5;
}

static void what_the_table_cannot_tell_is_checked_too(void **state)
{
    (void)state;
    char process[] = "test";
    char argument[] = "--check";
    char *argv[] = {process, argument, NULL};
    struct sample sample = {0};
    setenv("LYNKS_T_SECRET", "hush", 1);
    setenv("LYNKS_T_NUMBER", "4", 1);
    assert_int_equal(config_load_checked(&sample, "test", table, is_less, 2, argv), CONFIG_EXIT_OK);
    assert_int_equal(config_load_checked(&sample, "test", table, is_less, 1, argv), CONFIG_RUN);
    config_free(&sample, table);
    setenv("LYNKS_T_NUMBER", "5", 1);
    assert_int_equal(config_load_checked(&sample, "test", table, is_less, 2, argv),
                     CONFIG_EXIT_ERROR);
    assert_int_equal(config_load_checked(&sample, "test", table, is_less, 1, argv),
                     CONFIG_EXIT_ERROR);
    assert_null(sample.name);
}

/* What --options prints, read back. */
static json_t *printed_options(void)
{
    struct sample sample;
    FILE *file = tmpfile();
    assert_non_null(file);
    (void)fflush(stdout);
    int terminal = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    enum config_outcome outcome = load(&sample, "--options");
    (void)fflush(stdout);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    assert_int_equal(outcome, CONFIG_EXIT_OK);
    rewind(file);
    json_t *options = json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
    (void)fclose(file);
    assert_non_null(options);
    return options;
}

static void options_are_told_as_json(void **state)
{
    (void)state;
    json_t *options = printed_options();
    json_t *expected = json_pack(
        "[{s:s,s:s,s:s,s:s,s:i,s:i},{s:s,s:s,s:n,s:s,s:i,s:i},{s:s,s:s,s:s,s:s,s:[s,s]},"
        "{s:s,s:s,s:s,s:s,s:i,s:i},{s:s,s:s,s:s,s:s}]",
        "name", "LYNKS_T_NAME", "type", "string", "default", "lynks", "meaning", "a name", "min", 1,
        "max", 8, "name", "LYNKS_T_SECRET", "type", "secret", "default", "meaning", "a secret",
        "min", 1, "max", 64, "name", "LYNKS_T_WORD", "type", "choice", "default", "one", "meaning",
        "a word", "choices", "one", "two", "name", "LYNKS_T_NUMBER", "type", "uint", "default", "5",
        "meaning", "a number", "min", 1, "max", 10, "name", "LYNKS_T_FLAG", "type", "bool",
        "default", "0", "meaning", "a flag");
    assert_non_null(expected);
    assert_true(json_equal(options, expected));
    json_decref(expected);
    json_decref(options);
}

static void wrong_arguments_and_values_are_told_by_the_exit_code(void **state)
{
    (void)state;
    struct sample sample;
    assert_int_equal(config_exit_code(load(&sample, "--help")), 0);
    assert_int_equal(config_exit_code(load(&sample, "--verison")), 2);
    assert_int_equal(config_exit_code(load(&sample, NULL)), 2); /* the secret is required */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_and_values, setup),
        cmocka_unit_test_setup(bad_values_are_refused, setup),
        cmocka_unit_test_setup(values_come_from_files, setup),
        cmocka_unit_test_setup(files_that_hold_no_short_line_are_refused, setup),
        cmocka_unit_test_setup(check_finds_typos, setup),
        cmocka_unit_test_setup(what_the_table_cannot_tell_is_checked_too, setup),
        cmocka_unit_test_setup(options_are_told_as_json, setup),
        cmocka_unit_test_setup(wrong_arguments_and_values_are_told_by_the_exit_code, setup),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
