/* The process table as text, and the pause before a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "deploy/supervise/restart_delay.h"
#include "deploy/supervise/table.h"

static struct table *read_text(const char *text, char **ret_why)
{
    AUTO(mem_free) char *copy = mem_strdup(text);
    FILE *file = fmemopen(copy, strlen(copy), "r");
    struct table *table = table_read(file, ret_why);
    fclose(file);
    return table;
}

static void test_whole_table(void **state)
{
    (void)state;
    AUTO(mem_free) char *why = NULL;
    AUTO(table_free)
    struct table *table = read_text("# written by hand\n"
                                    "title deploy/up\n"
                                    "pid_file /a b/supervise.pid\n"
                                    "\n"
                                    "process web\n"
                                    "  dir /with a blank\n"
                                    "  env GREETING=a = b \n"
                                    "  arg /bin/echo\n"
                                    "  arg \n"
                                    "  arg two words\n"
                                    "  pid_file /p\n"
                                    "  listen 127.0.0.1 8080 WEB_PORT\n"
                                    "  port ::1 8081 OTHER_PORT\n"
                                    "  ready http 127.0.0.1 8080 /readyz\n"
                                    "  ready tcp 127.0.0.1 8081\n"
                                    "  ready_within_ms 1500\n"
                                    "  shows on 8080\n"
                                    "step init\n"
                                    "  together\n"
                                    "  arg /bin/true\n",
                                    &why);
    assert_non_null(table);
    assert_string_equal(table->title, "deploy/up");
    assert_string_equal(table->pid_file, "/a b/supervise.pid");
    assert_int_equal(table->entry_count, 2);
    const struct entry *web = &table->entries[0];
    assert_false(web->is_step);
    assert_string_equal(web->dir, "/with a blank");
    assert_string_equal(web->env[0], "GREETING=a = b "); /* to the end of the line as it is */
    assert_int_equal(web->argv_count, 3);
    assert_string_equal(web->argv[1], "");
    assert_string_equal(web->argv[2], "two words");
    assert_null(web->argv[3]);
    assert_string_equal(web->pid_file, "/p");
    assert_int_equal(web->listen.port, 8080);
    assert_string_equal(web->listen.variable, "WEB_PORT");
    assert_int_equal(web->ports[0].address.ss_family, AF_INET6);
    assert_int_equal(web->check_count, 2);
    assert_int_equal(web->checks[0].type, CHECK_HTTP);
    assert_string_equal(web->checks[0].text, "/readyz");
    assert_string_equal(web->checks[1].line, "tcp 127.0.0.1 8081");
    assert_int_equal(web->ready_within_ms, 1500);
    assert_true(table->entries[1].is_step);
    assert_true(table->entries[1].is_together);
}

static void test_wrong_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why; /* begins the message */
    } cases[] = {
        {"\n", "line 1: empty"},
        {"process\n", "line 1: one entry too many, or not a name"},
        {"process a/b\n", "line 1: one entry too many, or not a name"},
        {"process a\n", "line 1: has no arg"},
        {"arg /bin/true\n", "line 1: stands before any process or step"},
        {"process a\n  argh x\n", "line 2: unknown word: argh"},
        {"process a\n  env NAME\n", "line 2: not NAME=VALUE"},
        {"process a\n  dir /a\n  dir /b\n", "line 3: given twice, or empty"},
        {"process a\n  user no-such-user-here\n", "line 2: no such user"},
        {"process a\n  listen 127.0.0.1\n", "line 2: not HOST PORT"},
        {"process a\n  port 127.0.0.1 http X\n", "line 2: no such address"},
        {"process a\n  port 127.0.0.1 80\n", "line 2: given twice, or empty"},
        {"process a\n  ready udp 127.0.0.1 80\n", "line 2: not tcp, http or command"},
        {"process a\n  ready http 127.0.0.1 80\n", "line 2: given twice, or empty"},
        {"process a\n  ready_within_ms 1s\n", "line 2: not a number of milliseconds"},
        {"process a\n  ready_within_ms 99999999\n", "line 2: not a number of milliseconds"},
        {"step a\n  ready tcp 127.0.0.1 80\n", "line 2: one check too many, or of a step"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(mem_free) char *why = NULL;
        AUTO(table_free) struct table *table = read_text(cases[i].text, &why);
        assert_null(table);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0) {
            fail_msg("%s", why);
        }
    }
}

static void test_restart_delay_doubles_up_to_its_limit(void **state)
{
    (void)state;
    static const uint64_t expected[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct restart_delay delay;
    restart_delay_init(&delay);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_int_equal(restart_delay_next(&delay, 5), expected[i]);
    }
}

static void test_restart_delay_forgets_after_a_good_run(void **state)
{
    (void)state;
    struct restart_delay delay;
    restart_delay_init(&delay);
    assert_int_equal(restart_delay_next(&delay, 0), 100);
    assert_int_equal(restart_delay_next(&delay, 999), 200);
    assert_int_equal(restart_delay_next(&delay, 1999), 400); /* not ten times the 200 */
    restart_delay_init(&delay);
    assert_int_equal(restart_delay_next(&delay, 0), 100);
    assert_int_equal(restart_delay_next(&delay, 0), 200);
    assert_int_equal(restart_delay_next(&delay, 2000), 100);
    assert_int_equal(restart_delay_next(&delay, 1000), 100);
    assert_int_equal(restart_delay_next(&delay, 999), 200);
    while (restart_delay_next(&delay, 0) < RESTART_DELAY_MAX_MS) {
    }
    assert_int_equal(restart_delay_next(&delay, 2999), RESTART_DELAY_MAX_MS);
    assert_int_equal(restart_delay_next(&delay, 3000), RESTART_DELAY_MIN_MS); /* always suffices */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_table),
        cmocka_unit_test(test_wrong_lines),
        cmocka_unit_test(test_restart_delay_doubles_up_to_its_limit),
        cmocka_unit_test(test_restart_delay_forgets_after_a_good_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
