/* Views, hex, the error table and health. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/err.h"
#include "proto/base/health.h"

static void views_compare_and_copy(void **state)
{
    (void)state;
    char small[4];
    assert_true(str_eq(STR_LIT("abc"), str_of("abc")));
    assert_false(str_eq(STR_LIT("abc"), STR_LIT("abd")));
    assert_false(str_eq(STR_LIT("abc"), STR_LIT("ab")));
    assert_true(str_eq(STR_NONE, str_of(NULL)));
    assert_true(str_copy(small, sizeof(small), STR_LIT("abc")));
    assert_string_equal(small, "abc");
    assert_false(str_copy(small, sizeof(small), STR_LIT("abcd")));
    assert_string_equal(small, "");
    AUTO(mem_free) char *copy = str_dup(STR_LIT("xyz"));
    assert_string_equal(copy, "xyz");
}

static void hex_goes_there_and_back(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0x00, 0x7f, 0xff, 0x0a};
    uint8_t back[4];
    char text[9];
    hex_encode(text, bytes, sizeof(bytes));
    assert_string_equal(text, "007fff0a");
    assert_true(hex_decode(back, sizeof(back), STR_LIT("007FfF0a")));
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_false(hex_decode(back, sizeof(back), STR_LIT("007fff0")));
    assert_false(hex_decode(back, sizeof(back), STR_LIT("007fff0g")));
    assert_false(hex_decode(back, sizeof(back), STR_LIT("007fff0a0a")));
}

static void steal_leaves_nothing_behind(void **state)
{
    (void)state;
    char *owner = mem_strdup("x");
    char *taken = STEAL(owner);
    assert_null(owner);
    assert_string_equal(taken, "x");
    mem_free(&taken);
    assert_null(taken);
}

static void errors_have_status_and_code(void **state)
{
    (void)state;
    assert_int_equal(err_http_status(ERR_OK), 200);
    assert_int_equal(err_http_status(ERR_BAD_CREDENTIALS), 400);
    assert_int_equal(err_http_status(ERR_UNAVAILABLE), 503);
    assert_true(err_is_retryable(ERR_OVERLOADED));
    assert_false(err_is_retryable(ERR_NOT_FOUND));
    assert_string_equal(err_code(ERR_NO_SUCH_ROOM), "no_such_room");
    assert_true(err_is_known(0));
    assert_false(err_is_known(4000));
    /* A number from nowhere is our own fault. */
    assert_int_equal(err_http_status((enum err)4000), 500);
}

static void health_names_each_dependency(void **state)
{
    (void)state;
    AUTO(health_free) struct health *health = health_new();
    assert_true(health_is_ready(health));
    health_set(health, "mysql", true, "connected");
    char reason[] = "no answer"; /* is copied */
    health_set(health, "janus", false, reason);
    reason[0] = '\0';
    assert_false(health_is_ready(health));
    AUTO(mem_free) char *json = health_json(health);
    assert_string_equal(json, "{\"ready\":false,\"dependencies\":{\"mysql\":{\"ready\":true,"
                              "\"reason\":\"\"},\"janus\":{\"ready\":false,\"reason\":"
                              "\"no answer\"}}}");
    health_set(health, "janus", true, "no answer");
    assert_true(health_is_ready(health));
    AUTO(mem_free) char *well = health_json(health);
    assert_null(strstr(well, "no answer"));
    health_note(health, "janus", "not encrypted");
    AUTO(mem_free) char *noted = health_json(health);
    assert_non_null(
        strstr(noted, "\"janus\":{\"ready\":true,\"reason\":\"\",\"note\":\"not encrypted\"}"));
    health_note(health, "janus", "");
    AUTO(mem_free) char *plain = health_json(health);
    assert_null(strstr(plain, "note"));
}

static void ids_are_digits(void **state)
{
    static const struct {
        const char *text;
        uint64_t id; /* 0: it is none */
    } rows[] = {{"1", 1},  {"007", 7}, {"999999999999999999", 999999999999999999},
                {"", 0},   {"0", 0},   {"000", 0},
                {"1a", 0}, {" 1", 0},  {"-1", 0},
                {"+1", 0}, {"1.0", 0}, {"1000000000000000000", 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t id = 4711;
        assert_int_equal(str_id(str_of(rows[i].text), &id), rows[i].id != 0);
        assert_int_equal(id, rows[i].id != 0 ? rows[i].id : 4711);
    }
}

static void blanks_around_are_no_part(void **state)
{
    static const char *const rows[][2] = {
        {"a b", "a b"}, {" \ta b\t ", "a b"}, {" \t ", ""}, {"", ""}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(str_eq(str_trim(str_of(rows[i][0])), str_of(rows[i][1])));
    }
}

static int end_of_child(size_t count, size_t max)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        (void)freopen("/dev/null", "w", stderr);
        (void)signal(SIGABRT, SIG_DFL);
        mem_expect_room(count, max);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void who_has_no_room_ends(void **state)
{
    (void)state;
    assert_int_equal(end_of_child(7, 8), 0);
    const int status = end_of_child(8, 8);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_and_copy),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(steal_leaves_nothing_behind),
        cmocka_unit_test(errors_have_status_and_code),
        cmocka_unit_test(ids_are_digits),
        cmocka_unit_test(blanks_around_are_no_part),
        cmocka_unit_test(who_has_no_room_ends),
        cmocka_unit_test(health_names_each_dependency),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
