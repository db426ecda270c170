/* The supervisor with real, tiny processes: order, readiness, crashes, failures, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/supervise/spawn.h"
#include "deploy/supervise/supervisor.h"
#include "stage.h"

#define WITHIN_MS 15000
/* Runs until it is told to end, without a child of its own. */
#define STAY(name)                                                                                 \
    "`name`:`" name "`,`argv`:[`/bin/sh`,`-c`,`echo started $0 >>@/order; "                        \
    "trap 'echo ended $0 >>@/order; exit 0' TERM; while :; do read -r line <@/fifo; done`,`" name  \
    "`]"
#define READY(command) "`ready`:[{`type`:`command`,`command`:`" command "`}]"
#define ONLY(entry) "`entries`:[{" entry "}]"

struct scene {
    struct stage *stage;
    struct table *table;
    struct supervisor *supervisor;
    char *why;
    unsigned ready;
    unsigned done;
    char error[1024];
    char lines[4096]; /* all, each with its end */
};

static void on_event(void *arg, enum supervisor_event event, const char *line)
{
    struct scene *scene = arg;
    switch (event) {
    case SUPERVISOR_LINE:
        str_copy(scene->lines + strlen(scene->lines), sizeof(scene->lines) - strlen(scene->lines),
                 str_of(line));
        break;
    case SUPERVISOR_ERROR:
        str_copy(scene->error, sizeof(scene->error), str_of(line));
        break;
    case SUPERVISOR_READY:
        scene->ready++;
        break;
    case SUPERVISOR_DONE:
        scene->done++;
        break;
    }
}

static bool is_ready(void *arg)
{
    const struct scene *scene = arg;
    return scene->ready || scene->done;
}

static bool is_done(void *arg)
{
    return ((const struct scene *)arg)->done;
}

/* A scene whose table is text; not started. */
static void scene_open(struct scene *scene, struct stage *stage, const char *text)
{
    *scene = (struct scene){.stage = stage, .table = stage_table(stage, text)};
    assert_non_null(scene->table);
    scene->supervisor = supervisor_new(stage->loop, scene->table, on_event, scene, &scene->why);
}

static void scene_start(struct scene *scene)
{
    assert_non_null(scene->supervisor);
    supervisor_start(scene->supervisor);
    assert_true(loop_run_until(scene->stage->loop, is_ready, scene, WITHIN_MS));
}

static void scene_stop(struct scene *scene)
{
    supervisor_stop(scene->supervisor);
    assert_true(loop_run_until(scene->stage->loop, is_done, scene, WITHIN_MS));
}

static void scene_close(struct scene *scene)
{
    supervisor_free(&scene->supervisor);
    table_free(&scene->table);
    mem_free(&scene->why);
}

static pid_t pid_of(const struct scene *scene, const char *name)
{
    AUTO(mem_free) char *file = mem_printf("%s.pid", name);
    AUTO(mem_free) char *text = stage_read(scene->stage, file);
    return (pid_t)strtol(text, NULL, 10);
}

static int setup(void **state)
{
    int result = stage_setup(state);
    AUTO(mem_free) char *fifo = stage_path(*state, "fifo");
    return result ? result : mkfifo(fifo, 0600);
}

static void test_order_of_start_and_stop(void **state)
{
    struct scene scene;
    scene_open(&scene, *state,
               "`pid_file`:`@/supervise.pid`,`status_file`:`@/status`,`entries`:["
               "{" STAY("one") ",`pid_file`:`@/one.pid`," READY(
                   "test -s @/order") "},"
                                      "{`name`:`two`,`step`:true,`argv`:[`/bin/sh`,`-c`,`echo step "
                                      ">>@/order`]},"
                                      "{" STAY("three") ",`pid_file`:`@/three.pid`," READY(
                                          "grep -q three @/order") "}]");
    scene_start(&scene);
    assert_int_equal(scene.ready, 1);
    assert_int_equal(pid_of(&scene, "supervise"), getpid());
    assert_true(pid_of(&scene, "three") > 0);
    AUTO(mem_free) char *status = stage_read(*state, "status");
    assert_non_null(strstr(status, "\"name\": \"one\""));
    assert_non_null(strstr(status, "\"state\": \"ready\""));
    assert_non_null(strstr(status, "\"command\": \"test -s "));
    assert_null(strstr(status, "\"two\""));
    scene_stop(&scene);
    AUTO(mem_free) char *order = stage_read(*state, "order");
    assert_string_equal(order, "started one\nstep\nstarted three\nended three\nended one\n");
    assert_false(stage_exists(*state, "one.pid"));
    scene_close(&scene);
    assert_false(stage_exists(*state, "supervise.pid"));
    assert_false(stage_exists(*state, "status"));
}

static void test_together_does_not_wait(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, /* neither is ready before the other is there */
               "`entries`:[{" STAY("one") "," READY(
                   "grep -q two @/order") "},"
                                          "{`together`:true," STAY("two") "," READY(
                                              "grep -q one @/order") "}]");
    scene_start(&scene);
    assert_int_equal(scene.ready, 1);
    scene_stop(&scene);
    scene_close(&scene);
}

struct replaced {
    struct scene *scene;
    pid_t old;
};

static bool is_replaced(void *arg)
{
    const struct replaced *replaced = arg;
    pid_t now = pid_of(replaced->scene, "a");
    return now > 0 && now != replaced->old;
}

static void test_crashed_process_comes_back(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, "`status_file`:`@/status`," ONLY(STAY("a") ",`pid_file`:`@/a.pid`"));
    scene_start(&scene);
    for (unsigned i = 1; i <= 2; i++) {
        struct replaced replaced = {.scene = &scene, .old = pid_of(&scene, "a")};
        assert_int_equal(kill(replaced.old, SIGKILL), 0);
        assert_true(loop_run_until(scene.stage->loop, is_replaced, &replaced, WITHIN_MS));
    }
    AUTO(mem_free) char *status = stage_read(*state, "status");
    assert_non_null(strstr(status, "\"restarts\": 2"));
    assert_int_equal(scene.ready, 1); /* told once */
    scene_stop(&scene);
    scene_close(&scene);
}

static void test_crash_is_told(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, ONLY(STAY("a") ",`pid_file`:`@/a.pid`," READY("test -s @/order")));
    scene_start(&scene);
    struct replaced replaced = {.scene = &scene, .old = pid_of(&scene, "a")};
    kill(replaced.old, SIGSEGV);
    assert_true(loop_run_until(scene.stage->loop, is_replaced, &replaced, WITHIN_MS));
    assert_non_null(strstr(
        scene.lines, "  a             was ended by signal 11 (SEGV); starts again in 100 ms"));
    scene_stop(&scene);
    scene_close(&scene);
}

static void test_step_that_fails_stops_all(void **state)
{
    struct scene scene;
    scene_open(&scene, *state,
               "`entries`:[{" STAY("one") ",`pid_file`:`@/one.pid`," READY(
                   "test -s @/order") "},"
                                      "{`name`:`bad`,`step`:true,`log_file`:`@/bad.log`,"
                                      "`argv`:[`/bin/sh`,`-c`,`echo no such table; exit 4`]},"
                                      "{" STAY("three") "}]");
    scene_start(&scene);
    assert_true(loop_run_until(scene.stage->loop, is_done, &scene, WITHIN_MS));
    assert_int_equal(scene.ready, 0);
    AUTO(mem_free)
    char *expected =
        mem_printf("bad ended with exit code 4: no such table; see %s/bad.log", scene.stage->dir);
    assert_string_equal(scene.error, expected);
    AUTO(mem_free) char *order = stage_read(*state, "order");
    assert_string_equal(order, "started one\nended one\n");
    scene_close(&scene);
}

static void test_process_that_ends_before_it_is_ready_stops_all(void **state)
{
    struct scene scene;
    scene_open(&scene, *state,
               "`entries`:[{" STAY("one") "},"
                                          "{`name`:`bad`,`argv`:[`@/no-such-program`]," READY(
                                              "exit 1") "}]");
    scene_start(&scene);
    assert_true(loop_run_until(scene.stage->loop, is_done, &scene, WITHIN_MS));
    AUTO(mem_free)
    char *expected = mem_printf("bad ended with exit code 127: cannot run %s/no-such-program: "
                                "No such file or directory",
                                scene.stage->dir);
    assert_string_equal(scene.error, expected);
    scene_close(&scene);
}

static void test_process_that_is_never_ready_stops_all(void **state)
{
    struct scene scene;
    scene_open(
        &scene, *state,
        ONLY(STAY("slow") ",`pid_file`:`@/slow.pid`,`ready_within_ms`:200," READY("exit 1")));
    supervisor_start(scene.supervisor);
    pid_t pid = pid_of(&scene, "slow");
    assert_true(loop_run_until(scene.stage->loop, is_done, &scene, WITHIN_MS));
    assert_string_equal(scene.error, "slow was not ready within 0 s (the command failed)");
    assert_true(stage_is_gone(pid));
    scene_close(&scene);
}

static void test_stop_during_start(void **state)
{
    struct scene scene;
    scene_open(
        &scene, *state,
        "`entries`:[{" STAY("one") "," READY(
            "test -s @/order") "},"
                               "{" STAY("never") ",`pid_file`:`@/never.pid`," READY("exit 1") "}]");
    supervisor_start(scene.supervisor);
    scene_stop(&scene);
    assert_int_equal(scene.ready, 0);
    assert_string_equal(scene.error, "");
    scene_close(&scene);
}

struct fate {
    struct scene *scene;
    pid_t pid;
};

static bool has_ended(void *arg)
{
    return stage_is_gone(((const struct fate *)arg)->pid);
}

/* Turns the loop: files and strangers tell nobody that they changed. */
static void tick(void *arg)
{
    const struct stage *stage = arg;
    clock_after(loop_clock(stage->loop), 5, tick, arg);
}

/* Ignores SIGTERM, and has a child. */
#define STUBBORN                                                                                   \
    "`name`:`deaf`,`argv`:[`/bin/sh`,`-c`,`trap '' TERM; sleep 1000 & echo $! >@/new; "            \
    "mv @/new @/child; while :; do read -r line <@/fifo; done`]," READY("test -s @/child")

static void test_stubborn_process_is_killed_with_its_children(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, ONLY(STUBBORN ",`pid_file`:`@/deaf.pid`,`stop_within_ms`:100"));
    scene_start(&scene);
    pid_t pid = pid_of(&scene, "deaf");
    AUTO(mem_free) char *child = stage_read(*state, "child");
    scene_stop(&scene);
    assert_true(stage_is_gone(pid));
    struct fate fate = {.pid = (pid_t)strtol(child, NULL, 10)};
    assert_true(fate.pid > 0);
    tick(*state);
    assert_true(loop_run_until(scene.stage->loop, has_ended, &fate, WITHIN_MS));
    scene_close(&scene);
}

static void test_second_stop_kills(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, ONLY(STUBBORN ",`stop_within_ms`:600000"));
    scene_start(&scene);
    supervisor_stop(scene.supervisor);
    scene_stop(&scene);
    scene_close(&scene);
}

static void test_taken_port_starts_nothing(void **state)
{
    uint16_t port = stage_free_port();
    AUTO(mem_free)
    char *text =
        mem_printf("`entries`:[{" STAY(
                       "one") "},{`name`:`two`,`argv`:[`/bin/true`],"
                              "`listen`:[{`host`:`127.0.0.1`,`port`:%u,`variable`:`TWO_PORT`}]}]",
                   port);
    struct scene first;
    scene_open(&first, *state, text);
    struct scene second;
    scene_open(&second, *state, text);
    assert_null(second.supervisor);
    assert_non_null(strstr(second.why, "TWO_PORT"));
    assert_false(stage_exists(*state, "order"));
    scene_close(&second);
    scene_close(&first);
}

static void test_environment_and_handover(void **state)
{
    AUTO(mem_free)
    char *text = mem_printf(ONLY("`name`:`env`,`step`:true,`dir`:`@`,`env`:{`A`:`1 2`},"
                                 "`log_file`:`@/log`,`argv`:[`/bin/sh`,`-c`,`env; pwd; "
                                 "test $LISTEN_PID = $$ && ls -l /proc/self/fd/3 /proc/self/fd/4`],"
                                 "`listen`:[{`host`:`127.0.0.1`,`port`:%u,`variable`:`P`},"
                                 "{`host`:`127.0.0.1`,`port`:%u,`variable`:`Q`}]"),
                            stage_free_port(), stage_free_port());
    setenv("LYNKS_STRAY", "1", 1);
    setenv("TSAN_OPTIONS", "x=1", 1);
    struct scene scene;
    scene_open(&scene, *state, text);
    scene_start(&scene);
    assert_string_equal(scene.error, "");
    AUTO(mem_free) char *log = stage_read(*state, "log");
    assert_non_null(strstr(log, "A=1 2\n"));
    assert_non_null(strstr(log, "LISTEN_FDS=2\n"));
    assert_non_null(strstr(log, "TSAN_OPTIONS=x=1\n"));
    assert_non_null(strstr(log, "/fd/3 -> socket:["));
    assert_non_null(strstr(log, "/fd/4 -> socket:["));
    assert_non_null(strstr(log, scene.stage->dir));
    assert_null(strstr(log, "LYNKS_STRAY"));
    unsetenv("LYNKS_STRAY");
    unsetenv("TSAN_OPTIONS");
    scene_stop(&scene);
    scene_close(&scene);
}

static bool is_told(void *arg)
{
    const struct scene *scene = arg;
    AUTO(mem_free) char *status = stage_read(scene->stage, "late/status");
    return strstr(status, "\"ready\"") && stage_exists(scene->stage, "late/a.pid");
}

/* The folder of these files is not there at first: nothing can be written, as on a full disk. */
static void test_status_is_written_until_it_succeeds(void **state)
{
    struct scene scene;
    scene_open(&scene, *state,
               "`status_file`:`@/late/status`," ONLY(STAY("a") ",`pid_file`:`@/late/a.pid`"));
    scene_start(&scene);
    AUTO(mem_free) char *late = stage_path(*state, "late");
    assert_int_equal(mkdir(late, 0700), 0);
    assert_true(loop_run_until(scene.stage->loop, is_told, &scene, WITHIN_MS));
    scene_stop(&scene);
    scene_close(&scene);
    assert_int_equal(rmdir(late), 0);
}

static void test_all_logs_are_begun_anew(void **state)
{
    struct scene scene;
    scene_open(&scene, *state,
               "`log_file`:`@/supervise.log`," ONLY(STAY("a") ",`log_file`:`@/a.log`"));
    scene_start(&scene);
    static const char *const names[] = {"supervise.log", "a.log"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO(mem_free) char *path = stage_path(*state, names[i]);
        AUTO(mem_free) char *away = mem_printf("%s.old", path);
        assert_int_equal(rename(path, away), 0);
    }
    supervisor_reopen_logs(scene.supervisor);
    assert_true(stage_exists(*state, "supervise.log") && stage_exists(*state, "a.log"));
    scene_stop(&scene);
    AUTO(mem_free) char *log = stage_read(*state, "supervise.log");
    assert_non_null(strstr(log, "stopped"));
    scene_close(&scene);
}

/* However few the supervisor may have open itself. */
static void test_files_as_many_as_are_allowed(void **state)
{
    AUTO(mem_free)
    char *text = mem_printf(ONLY("`name`:`files`,`step`:true,`log_file`:`@/log`,"
                                 "`argv`:[`/bin/sh`,`-c`,`ulimit -Sn; ulimit -Hn`]"));
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(before.rlim_max > 512);
    const struct rlimit few = {.rlim_cur = 512, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct scene scene;
    scene_open(&scene, *state, text);
    scene_start(&scene);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_string_equal(scene.error, "");
    AUTO(mem_free) char *log = stage_read(*state, "log");
    char soft[32], hard[32];
    assert_int_equal(sscanf(log, "%31s %31s", soft, hard), 2);
    assert_int_equal(strtoul(soft, NULL, 10), spawn_file_limit(before.rlim_max));
    if (before.rlim_max != RLIM_INFINITY) {
        assert_int_equal(strtoul(hard, NULL, 10), before.rlim_max);
    }
    scene_stop(&scene);
    scene_close(&scene);
}

/* Container engines set none, which is 1,073,741,816: Janus' WebSockets then serve 2,541 clients.
 */
static void test_files_where_there_is_no_limit(void **state)
{
    (void)state;
    assert_int_equal(spawn_file_limit(1024), 1024);
    assert_int_equal(spawn_file_limit(SPAWN_FILES_MAX), SPAWN_FILES_MAX);
    assert_int_equal(spawn_file_limit(1073741816), SPAWN_FILES_MAX);
    assert_int_equal(spawn_file_limit(RLIM_INFINITY), SPAWN_FILES_MAX);
}

/* A stack in a process of its own, to be killed. */
static void run_stack(struct scene *scene, const char *text)
{
    scene_open(scene, scene->stage, text);
    supervisor_start(scene->supervisor);
    loop_run(scene->stage->loop);
}

static bool has_started(void *arg)
{
    struct fate *fate = arg;
    fate->pid = pid_of(fate->scene, "a");
    AUTO(mem_free) char *order = stage_read(fate->scene->stage, "order");
    return fate->pid > 0 && strstr(order, "started a");
}

static void test_killed_supervisor_leaves_nobody(void **state)
{
    struct stage *stage = *state;
    pid_t supervisor = fork();
    if (supervisor == 0) {
        struct stage own = {.dir = stage->dir, .loop = loop_new()};
        struct scene scene = {.stage = &own};
        run_stack(&scene, ONLY(STAY("a") ",`pid_file`:`@/a.pid`"));
        _exit(0);
    }
    struct scene scene = {.stage = stage};
    struct fate fate = {.scene = &scene};
    tick(stage);
    assert_true(loop_run_until(stage->loop, has_started, &fate, WITHIN_MS));
    kill(supervisor, SIGKILL);
    waitpid(supervisor, NULL, 0);
    assert_true(loop_run_until(stage->loop, has_ended, &fate, WITHIN_MS));

    /* The pid file stays behind: the next supervisor must not take the pid for its own. */
    assert_true(stage_exists(stage, "a.pid"));
    pid_t stranger = fork();
    if (stranger == 0) {
        pause();
        _exit(0);
    }
    AUTO(mem_free) char *path = stage_path(stage, "a.pid");
    FILE *file = fopen(path, "we");
    fprintf(file, "%d\n", (int)stranger);
    fclose(file);
    scene_open(&scene, stage, ONLY(STAY("a") ",`pid_file`:`@/a.pid`"));
    scene_start(&scene);
    assert_int_not_equal(pid_of(&scene, "a"), stranger);
    scene_stop(&scene);
    scene_close(&scene);
    assert_false(stage_is_gone(stranger));
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
}

int main(void)
{
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        ON_STAGE(test_order_of_start_and_stop),
        ON_STAGE(test_together_does_not_wait),
        ON_STAGE(test_crashed_process_comes_back),
        ON_STAGE(test_crash_is_told),
        ON_STAGE(test_step_that_fails_stops_all),
        ON_STAGE(test_process_that_ends_before_it_is_ready_stops_all),
        ON_STAGE(test_process_that_is_never_ready_stops_all),
        ON_STAGE(test_stop_during_start),
        ON_STAGE(test_stubborn_process_is_killed_with_its_children),
        ON_STAGE(test_second_stop_kills),
        ON_STAGE(test_taken_port_starts_nothing),
        ON_STAGE(test_environment_and_handover),
        ON_STAGE(test_files_as_many_as_are_allowed),
        ON_STAGE(test_files_where_there_is_no_limit),
        ON_STAGE(test_status_is_written_until_it_succeeds),
        ON_STAGE(test_all_logs_are_begun_anew),
        ON_STAGE(test_killed_supervisor_leaves_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
