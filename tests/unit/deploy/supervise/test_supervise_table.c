/* The process table as JSON, and the pause before a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "deploy/supervise/restart_delay.h"
#include "deploy/supervise/table.h"

/* In text a backtick stands for a double quote. */
static struct table *read_text(const char *text, char **ret_why)
{
    AUTO(mem_free) char *copy = mem_printf("%s ", text); /* fmemopen takes no empty one */
    for (char *at = strchr(copy, '`'); at; at = strchr(at, '`')) {
        *at = '"';
    }
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
    struct table *table =
        read_text("{`title`:`deploy/up`,`pid_file`:`/a b/supervise.pid`,`entries`:["
                  "{`name`:`web`,`dir`:`/with a blank`,`env`:{`GREETING`:`a = b `,`LINES`:`1\\n2`},"
                  "`argv`:[`/bin/echo`,``,`two words`],`pid_file`:`/p`,`ready_within_ms`:1500,"
                  "`listen`:[{`host`:`127.0.0.1`,`port`:8080,`variable`:`WEB_PORT`}],"
                  "`ports`:[{`host`:`::1`,`port`:8081,`variable`:`OTHER_PORT`}],`shows`:`on 8080`,"
                  "`ready`:[{`type`:`http`,`host`:`127.0.0.1`,`port`:8080,`path`:`/readyz`},"
                  "{`type`:`tcp`,`host`:`127.0.0.1`,`port`:8081}]},"
                  "{`name`:`init`,`step`:true,`together`:true,`argv`:[`/bin/true`]}]}",
                  &why);
    assert_non_null(table);
    assert_string_equal(table->title, "deploy/up");
    assert_string_equal(table->pid_file, "/a b/supervise.pid");
    assert_int_equal(table->entry_count, 2);
    const struct entry *web = &table->entries[0];
    assert_false(web->is_step);
    assert_string_equal(web->dir, "/with a blank");
    assert_int_equal(web->env_count, 2);
    assert_string_equal(web->env[0], "GREETING=a = b ");
    assert_string_equal(web->env[1], "LINES=1\n2");
    assert_string_equal(web->argv[1], "");
    assert_string_equal(web->argv[2], "two words");
    assert_null(web->argv[3]);
    assert_string_equal(web->pid_file, "/p");
    assert_int_equal(web->listens[0].port, 8080);
    assert_string_equal(web->listens[0].variable, "WEB_PORT");
    assert_int_equal(web->ports[0].address.ss_family, AF_INET6);
    assert_int_equal(web->check_count, 2);
    assert_int_equal(web->checks[0].type, CHECK_HTTP);
    assert_string_equal(web->checks[0].text, "/readyz");
    assert_int_equal(web->checks[1].type, CHECK_TCP);
    assert_int_equal(web->checks[1].endpoint.port, 8081);
    assert_int_equal(web->ready_within_ms, 1500);
    assert_string_equal(web->shows, "on 8080");
    assert_true(table->entries[1].is_step);
    assert_true(table->entries[1].is_together);
}

static void test_wrong_tables(void **state)
{
    (void)state;
#define ENTRY(members) "{`entries`:[{`name`:`a`,`argv`:[`/bin/true`]," members "}]}"
    static const struct {
        const char *text;
        const char *why; /* begins the message */
    } cases[] = {
        {"", "line 1: "},
        {"{`entries`:[\n}", "line 2: "},
        {"{`entries`:[],`entries`:[]}", "line 1: duplicate object key"},
        {"{}", "table: Object item not found: entries"},
        {"{`entries`:[]}", "entries: none, or too many"},
        {"{`entries`:[1]}", "entry: Expected object"},
        {"{`entries`:[{`name`:`a`}]}", "a: entry: Object item not found: argv"},
        {"{`entries`:[{`name`:`a`,`argv`:[]}]}", "a: argv: not a list"},
        {"{`entries`:[{`name`:`a`,`argv`:[1]}]}", "a: argv: not a list"},
        {"{`entries`:[{`name`:``,`argv`:[`/bin/true`]}]}", "not a name"},
        {"{`entries`:[{`name`:`a/b`,`argv`:[`/bin/true`]}]}", "a/b: not a name"},
        {ENTRY("`argh`:1"), "a: entry: 1 object item(s) left unpacked: argh"},
        {ENTRY("`env`:[]"), "a: env: not an object"},
        {ENTRY("`env`:{`A`:1}"), "a: env: not a text: A"},
        {ENTRY("`user`:`no-such-user-here`"), "a: no such user"},
        {ENTRY("`listen`:[{`host`:`127.0.0.1`}]"), "a: port: Object item not found: port"},
        {ENTRY("`ports`:{}"), "a: ports or listen: not a list, or too many"},
        {ENTRY("`ports`:[{`host`:`127.0.0.1`,`port`:80}]"), "a: port: Object item not found"},
        {ENTRY("`ports`:[{`host`:`127.0.0.1`,`port`:70000,`variable`:`X`}]"), "a: not a port"},
        {ENTRY("`ports`:[{`host`:`no host`,`port`:80,`variable`:`X`}]"), "a: no such address"},
        {ENTRY("`ready`:[{`type`:`udp`}]"), "a: ready: not tcp, http or command: udp"},
        {ENTRY("`ready`:[{`type`:`http`,`host`:`127.0.0.1`,`port`:80}]"),
         "a: ready: Object item not found: path"},
        {ENTRY("`ready_within_ms`:`1s`"), "a: entry: Expected integer"},
        {ENTRY("`stop_within_ms`:99999999"), "a: ready_within_ms or stop_within_ms"},
        {ENTRY("`step`:true,`ready`:[]"), "a: ready: not a list, too many, or of a step"},
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
        cmocka_unit_test(test_wrong_tables),
        cmocka_unit_test(test_restart_delay_doubles_up_to_its_limit),
        cmocka_unit_test(test_restart_delay_forgets_after_a_good_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
