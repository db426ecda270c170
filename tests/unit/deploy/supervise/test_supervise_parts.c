/* Logs, pid files, ports and readiness checks, each alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/supervise/check.h"
#include "deploy/supervise/logfile.h"
#include "deploy/supervise/ports.h"
#include "deploy/supervise/textfile.h"
#include "stage.h"

#define WITHIN_MS 10000

static void test_log_is_bounded(void **state)
{
    const struct stage *stage = *state;
    AUTO(mem_free) char *path = stage_path(stage, "log");
    AUTO(logfile_free) struct logfile *log = logfile_new(stage->loop, path, 10);
    assert_non_null(log);
    logfile_append(log, str_of("123456\n"));
    logfile_append(log, str_of("abcdef\n"));
    logfile_append(log, str_of("x\n"));
    AUTO(mem_free) char *old = stage_read(stage, "log.1");
    AUTO(mem_free) char *fresh = stage_read(stage, "log");
    assert_string_equal(old, "123456\n");
    assert_string_equal(fresh, "abcdef\nx\n");
    /* An earlier run's size counts. */
    logfile_free(&log);
    log = logfile_new(stage->loop, path, 10);
    logfile_append(log, str_of("yz\n"));
    AUTO(mem_free) char *rotated = stage_read(stage, "log");
    assert_string_equal(rotated, "yz\n");
}

static void test_log_takes_what_comes_through_the_pipe(void **state)
{
    const struct stage *stage = *state;
    AUTO(mem_free) char *path = stage_path(stage, "log");
    AUTO(logfile_free) struct logfile *log = logfile_new(stage->loop, path, LOGFILE_MAX_BYTES);
    assert_int_equal(write(logfile_pipe(log), "one\ntwo\nthr", 11), 11);
    logfile_drain(log);
    assert_string_equal(logfile_last_line(log), "thr");
    assert_int_equal(write(logfile_pipe(log), "ee\n", 3), 3);
    logfile_drain(log);
    assert_string_equal(logfile_last_line(log), "three");
    logfile_begin(log);
    assert_string_equal(logfile_last_line(log), "");
    AUTO(mem_free) char *text = stage_read(stage, "log");
    assert_string_equal(text, "one\ntwo\nthree\n");
}

static void test_log_goes_on_in_a_new_file_after_a_rename(void **state)
{
    const struct stage *stage = *state;
    AUTO(mem_free) char *path = stage_path(stage, "log");
    AUTO(mem_free) char *away = stage_path(stage, "log.old");
    AUTO(logfile_free) struct logfile *log = logfile_new(stage->loop, path, LOGFILE_MAX_BYTES);
    logfile_append(log, str_of("one\n"));
    assert_int_equal(rename(path, away), 0);
    logfile_append(log, str_of("two\n"));
    logfile_reopen(log);
    logfile_append(log, str_of("three\n"));
    AUTO(mem_free) char *old = stage_read(stage, "log.old");
    AUTO(mem_free) char *fresh = stage_read(stage, "log");
    assert_string_equal(old, "one\ntwo\n");
    assert_string_equal(fresh, "three\n");
}

/* What cannot be opened: a folder stands in its place. */
static void test_log_is_opened_again_after_a_failure(void **state)
{
    const struct stage *stage = *state;
    AUTO(mem_free) char *path = stage_path(stage, "log");
    AUTO(mem_free) char *old = stage_path(stage, "log.1");
    AUTO(logfile_free) struct logfile *log = logfile_new(stage->loop, path, 10);
    logfile_append(log, str_of("123456\n"));
    /* It stays in the file that it has while there is no other to be had. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    logfile_reopen(log);
    logfile_append(log, str_of("x\n"));
    /* It is full: renames the folder in its place and begins another. */
    assert_int_equal(mkdir(old, 0700), 0);
    AUTO(mem_free) char *within = stage_path(stage, "log.1/file");
    assert_true(textfile_replace(within, "")); /* so that the folder cannot be renamed over it */
    logfile_append(log, str_of("lost for good\n"));
    assert_int_equal(rmdir(path), 0);
    logfile_append(log, str_of("here again\n"));
    AUTO(mem_free) char *fresh = stage_read(stage, "log");
    assert_string_equal(fresh, "lynks-supervise: 14 bytes of this log were lost: Is a directory\n"
                               "here again\n");
    assert_int_equal(unlink(within), 0);
    assert_int_equal(rmdir(old), 0);
}

/* A limit on the size of files stands for a full disk. */
static void test_log_tells_what_a_full_disk_has_cost(void **state)
{
    const struct stage *stage = *state;
    AUTO(mem_free) char *path = stage_path(stage, "log");
    AUTO(logfile_free) struct logfile *log = logfile_new(stage->loop, path, LOGFILE_MAX_BYTES);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit full = {.rlim_cur = 10, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    logfile_append(log, str_of("12345\n"));
    logfile_append(log, str_of("abcdefg\n")); /* four fit */
    logfile_append(log, str_of("more\n"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    logfile_append(log, str_of("room\n"));
    AUTO(mem_free) char *text = stage_read(stage, "log");
    assert_string_equal(text, "12345\nabcd\nlynks-supervise: 9 bytes of this log were lost: "
                              "File too large\nroom\n");
}

static void test_pid_file(void **state)
{
    const struct stage *stage = *state;
    AUTO(mem_free) char *path = stage_path(stage, "x.pid");
    assert_true(textfile_write_pid(path, 4711));
    assert_true(textfile_write_pid(path, 12));
    AUTO(mem_free) char *text = stage_read(stage, "x.pid");
    assert_string_equal(text, "12\n");
    textfile_remove(path);
    assert_false(stage_exists(stage, "x.pid"));
    assert_true(textfile_write_pid(NULL, 1));
    AUTO(mem_free) char *nowhere = stage_path(stage, "no/such/folder");
    assert_false(textfile_write_pid(nowhere, 1));
}

static struct table *table_with_ports(const struct stage *stage, unsigned a, unsigned b)
{
    AUTO(mem_free)
    char *text = mem_printf("`entries`:[{`name`:`a`,`argv`:[`/bin/true`],`ports`:["
                            "{`host`:`127.0.0.1`,`port`:%u,`variable`:`A_PORT`}]},"
                            "{`name`:`b`,`argv`:[`/bin/true`],`listen`:"
                            "[{`host`:`127.0.0.1`,`port`:%u,`variable`:`B_PORT`}]}]",
                            a, b);
    return stage_table(stage, text);
}

/* Asked for 127.0.0.2, it would listen at all addresses of the machine. */
static void test_a_port_of_who_listens_by_interface(void **state)
{
    const struct stage *stage = *state;
    static const struct {
        const char *host;
        bool is_right;
    } cases[] = {{"127.0.0.1", true}, {"0.0.0.0", true}, {"127.0.0.2", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const uint16_t port = stage_free_port();
        AUTO(mem_free)
        char *text = mem_printf("`entries`:[{`name`:`a`,`argv`:[`/bin/true`],`ports`:[{`host`:`%s`,"
                                "`port`:%u,`variable`:`A_PORT`,`by_interface`:true}]}]",
                                cases[i].host, port);
        AUTO(mem_free) char *why = NULL;
        AUTO(table_free) struct table *table = stage_table(stage, text);
        AUTO(ports_free) struct ports *ports = ports_claim(table, &why);
        assert_int_equal(ports != NULL, cases[i].is_right);
        if (!cases[i].is_right) {
            AUTO(mem_free)
            char *expected = mem_printf("cannot listen on %s port %u (A_PORT) alone: the "
                                        "host has to be the first IPv4 address of an interface, "
                                        "0.0.0.0 or ::",
                                        cases[i].host, port);
            assert_string_equal(why, expected);
        }
    }
}

static void test_ports_are_claimed(void **state)
{
    const struct stage *stage = *state;
    uint16_t a = stage_free_port();
    uint16_t b = stage_free_port();
    AUTO(mem_free) char *why = NULL;
    AUTO(table_free) struct table *table = table_with_ports(stage, a, b);
    AUTO(ports_free) struct ports *ports = ports_claim(table, &why);
    assert_non_null(ports);
    assert_int_equal(ports_listeners(ports, 0)[0], -1);
    assert_true(ports_listeners(ports, 1)[0] >= 0);

    /* "port" was let go of, "listen" is held: by this very process. */
    AUTO(table_free) struct table *again = table_with_ports(stage, b, a);
    AUTO(ports_free) struct ports *none = ports_claim(again, &why);
    assert_null(none);
    AUTO(mem_free)
    char *expected = mem_printf("port %u is wanted twice (A_PORT is one of the two)", b);
    assert_string_equal(why, expected);

    pid_t pid = 0;
    AUTO(mem_free) char *owner = port_owner(b, &pid);
    assert_non_null(owner);
    assert_int_equal(pid, getpid());
}

static void test_port_of_a_stranger_is_named(void **state)
{
    const struct stage *stage = *state;
    uint16_t port = stage_free_port();
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    pid_t stranger = fork();
    if (stranger == 0) {
        pause();
        _exit(0);
    }
    close(fd);

    AUTO(mem_free) char *why = NULL;
    AUTO(table_free) struct table *table = table_with_ports(stage, port, stage_free_port());
    AUTO(ports_free) struct ports *ports = ports_claim(table, &why);
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
    assert_null(ports);
    AUTO(mem_free)
    char *expected =
        mem_printf("port %u is taken (A_PORT); by test_supervise_[%d]", port, stranger);
    /* The kernel keeps 15 characters of a program's name. */
    assert_string_equal(why, expected);
}

struct answer {
    bool came;
    bool ok;
    char why[256];
};

static void on_answer(void *arg, bool ok, const char *why)
{
    struct answer *answer = arg;
    answer->came = true;
    answer->ok = ok;
    str_copy(answer->why, sizeof(answer->why), str_of(why));
}

static bool has_come(void *arg)
{
    return ((struct answer *)arg)->came;
}

/* check_text: members of an entry of "ready" */
static struct answer ask(const struct stage *stage, const char *check_text)
{
    AUTO(mem_free)
    char *text =
        mem_printf("`entries`:[{`name`:`a`,`argv`:[`/bin/true`],`ready`:[{%s}]}]", check_text);
    AUTO(table_free) struct table *table = stage_table(stage, text);
    struct answer answer = {0};
    const struct entry *entry = &table->entries[0];
    struct check *check = check_new(stage->loop, entry, &entry->checks[0], on_answer, &answer);
    assert_true(loop_run_until(stage->loop, has_come, &answer, WITHIN_MS));
    check_free(&check);
    return answer;
}

static void test_command_check(void **state)
{
    const struct stage *stage = *state;
    assert_true(ask(stage, "`type`:`command`,`command`:`exit 0`").ok);
    struct answer bad = ask(stage, "`type`:`command`,`command`:`exit 3`");
    assert_false(bad.ok);
    assert_string_equal(bad.why, "the command failed");
}

static void test_tcp_check(void **state)
{
    const struct stage *stage = *state;
    uint16_t port = stage_free_port();
    AUTO(mem_free) char *line = mem_printf("`type`:`tcp`,`host`:`127.0.0.1`,`port`:%u", port);
    struct answer refused = ask(stage, line);
    assert_false(refused.ok);
    assert_string_equal(refused.why, "Connection refused");

    AUTO(mem_free) char *why = NULL;
    AUTO(table_free) struct table *table = table_with_ports(stage, stage_free_port(), port);
    AUTO(ports_free) struct ports *ports = ports_claim(table, &why);
    assert_non_null(ports);
    assert_true(ask(stage, line).ok);
}

/* A server that gives one answer to whoever connects, in a process of its own. */
static pid_t serve(int listener, const char *text)
{
    pid_t server = fork();
    if (server != 0) {
        return server;
    }
    char request[1024];
    struct sockaddr_storage from;
    socklen_t bytes = sizeof(from);
    fcntl(listener, F_SETFL, 0);
    int fd = accept(listener, (struct sockaddr *)&from, &bytes);
    if (read(fd, request, sizeof(request)) > 0 && write(fd, text, strlen(text)) > 0) {
        close(fd);
    }
    _exit(0);
}

static void test_http_check(void **state)
{
    const struct stage *stage = *state;
    static const struct {
        const char *response;
        bool ok;
        const char *why;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true, ""},
        {"HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n{\"db\":0}\n", false,
         "status 503 {\"db\":0}"},
        {"HTTP/1.1 404 No\r\n\r\n", false, "status 404"},
        {"SSH-2.0\r\n", false, "no HTTP answer"},
    };
    uint16_t port = stage_free_port();
    AUTO(mem_free)
    char *line = mem_printf("`type`:`http`,`host`:`127.0.0.1`,`port`:%u,`path`:`/readyz`", port);
    AUTO(mem_free) char *why = NULL;
    AUTO(table_free) struct table *table = table_with_ports(stage, stage_free_port(), port);
    AUTO(ports_free) struct ports *ports = ports_claim(table, &why);
    assert_non_null(ports);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        pid_t server = serve(ports_listeners(ports, 1)[0], cases[i].response);
        struct answer answer = ask(stage, line);
        waitpid(server, NULL, 0);
        assert_int_equal(answer.ok, cases[i].ok);
        assert_string_equal(answer.why, cases[i].why);
    }
    struct answer silent = ask(stage, line); /* connected by the kernel, never answered */
    assert_false(silent.ok);
    assert_string_equal(silent.why, "no answer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_log_is_bounded, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_log_takes_what_comes_through_the_pipe, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_log_goes_on_in_a_new_file_after_a_rename, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_log_is_opened_again_after_a_failure, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_log_tells_what_a_full_disk_has_cost, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_pid_file, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_ports_are_claimed, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_port_of_who_listens_by_interface, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_port_of_a_stranger_is_named, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_command_check, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_tcp_check, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_http_check, stage_setup, stage_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
