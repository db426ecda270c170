/* Rolling restarts, asked for as deploy/restart does it: by a request file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/supervise/control.h"
#include "stage.h"

#define WITHIN_MS 15000
/* Says that it started and, told to end, that it ended; becomes ready by the first. */
#define STAY(name)                                                                                 \
    "`name`:`" name "`,`argv`:[`/bin/sh`,`-c`,`echo started $0 >>@/order; "                        \
    "trap 'echo ended $0 >>@/order; kill $!; exit 0' TERM; "                                       \
    "test ! -e @/broken || { echo it is broken; exit 3; }; sleep 1000 & echo $$ >@/new." name      \
    "; mv @/new." name " @/up." name "; wait`,`" name "`]"
#define READY(command) "`ready`:[{`type`:`command`,`command`:`" command "`}]"
#define SERVICE(name)                                                                              \
    STAY(name)                                                                                     \
    ",`rolling`:true,`log_file`:`@/" name ".log`,`pid_file`:`@/" name                              \
    ".pid`," READY("test -s @/up." name " && test $(cat @/up." name ") = $(cat @/" name ".pid)")

struct scene {
    struct stage *stage;
    struct table *table;
    struct supervisor *supervisor;
    struct control *control;
    const char *awaited; /* in the answer 1 */
    bool ready;
    bool done;
};

static void on_event(void *arg, enum supervisor_event event, const char *line)
{
    struct scene *scene = arg;
    (void)line;
    scene->ready = scene->ready || event == SUPERVISOR_READY;
    scene->done = scene->done || event == SUPERVISOR_DONE;
}

static bool is_ready(void *arg)
{
    return ((const struct scene *)arg)->ready;
}

static bool is_done(void *arg)
{
    return ((const struct scene *)arg)->done;
}

static bool has_answer(void *arg)
{
    const struct scene *scene = arg;
    AUTO(mem_free) char *answer = stage_read(scene->stage, "request.1");
    return strstr(answer, scene->awaited) != NULL;
}

static void scene_open(struct scene *scene, struct stage *stage, const char *text)
{
    AUTO(mem_free) char *why = NULL;
    *scene = (struct scene){.stage = stage, .table = stage_table(stage, text)};
    assert_non_null(scene->table);
    scene->supervisor = supervisor_new(stage->loop, scene->table, on_event, scene, &why);
    assert_non_null(scene->supervisor);
    scene->control = control_new(scene->supervisor, scene->table->request_file);
    supervisor_start(scene->supervisor);
    assert_true(loop_run_until(stage->loop, is_ready, scene, WITHIN_MS));
}

static void scene_close(struct scene *scene)
{
    supervisor_stop(scene->supervisor);
    assert_true(loop_run_until(scene->stage->loop, is_done, scene, WITHIN_MS));
    supervisor_free(&scene->supervisor);
    control_free(&scene->control);
    table_free(&scene->table);
}

static void write_text(const struct scene *scene, const char *name, const char *text)
{
    AUTO(mem_free) char *path = stage_path(scene->stage, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void ask(struct scene *scene, const char *text)
{
    write_text(scene, "request", text);
    control_take(scene->control);
    assert_false(stage_exists(scene->stage, "request"));
}

static void await_answer(struct scene *scene, const char *text)
{
    scene->awaited = text;
    assert_true(loop_run_until(scene->stage->loop, has_answer, scene, WITHIN_MS));
}

static void assert_order(const struct scene *scene, const char *expected)
{
    AUTO(mem_free) char *order = stage_read(scene->stage, "order");
    assert_string_equal(order, expected);
}

static const char two_services[] = "`request_file`:`@/request`,`entries`:[{" STAY(
    "other") "},{" SERVICE("a") "},{" SERVICE("b") "}]";

static void test_one_after_the_other(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, two_services);
    write_text(&scene, "order", "");
    ask(&scene, "1\n");
    await_answer(&scene, "\nok\n");
    assert_order(&scene, "ended a\nstarted a\nended b\nstarted b\n");
    AUTO(mem_free) char *answer = stage_read(*state, "request.1");
    assert_non_null(strstr(answer, "+ a             restarted ("));
    assert_non_null(strstr(answer, "+ b             restarted ("));
    scene_close(&scene);
}

static void test_by_name(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, two_services);
    write_text(&scene, "order", "");
    ask(&scene, "1\nb\nb\n");
    await_answer(&scene, "\nok\n");
    assert_order(&scene, "ended b\nstarted b\n");
    scene_close(&scene);
}

static void test_what_is_refused(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, two_services);
    ask(&scene, "../x\n");
    ask(&scene, "12345678901\n");
    ask(&scene, "\n");
    assert_false(stage_exists(*state, "request.12345678901"));
    ask(&scene, "1\na\nother\n"); /* not a rolling one: and then not the first either */
    await_answer(&scene, "! there is no service other\n");
    ask(&scene, "2\n");
    ask(&scene, "1\n");
    await_answer(&scene, "! a restart is under way already\n");
    supervisor_stop(scene.supervisor);
    AUTO(mem_free) char *answer = stage_read(*state, "request.2");
    assert_string_equal(answer, "! everything is being stopped\n");
    scene_close(&scene);
}

/* The one that fails is tried again as after any crash; what comes after it is left alone. */
static void test_one_that_does_not_come_back(void **state)
{
    struct scene scene;
    scene_open(&scene, *state, two_services);
    write_text(&scene, "order", "");
    write_text(&scene, "broken", "");
    ask(&scene, "1\n");
    await_answer(&scene, "\n");
    AUTO(mem_free) char *answer = stage_read(*state, "request.1");
    AUTO(mem_free)
    char *expected =
        mem_printf("! a did not come back: it is broken; see %s/a.log\n", scene.stage->dir);
    assert_string_equal(answer, expected);
    assert_order(&scene, "ended a\nstarted a\n");
    AUTO(mem_free) char *broken = stage_path(*state, "broken");
    unlink(broken);
    write_text(&scene, "request.1", "");
    ask(&scene, "1\na\n"); /* it waits for its next start, which comes at once */
    await_answer(&scene, "ok\n");
    scene_close(&scene);
}

static void test_one_that_is_not_ready_in_time(void **state)
{
    struct scene scene;
    scene_open(&scene, *state,
               "`request_file`:`@/request`,`entries`:[{`rolling`:true,`ready_within_ms`:2000," STAY(
                   "a") "," READY("test ! -e @/order.old") "}]");
    write_text(&scene, "order.old", "x");
    ask(&scene, "1\n");
    await_answer(&scene, "! a was not ready again within 2 s (the command failed)\n");
    scene_close(&scene);
}

int main(void)
{
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        ON_STAGE(test_one_after_the_other),
        ON_STAGE(test_by_name),
        ON_STAGE(test_what_is_refused),
        ON_STAGE(test_one_that_does_not_come_back),
        ON_STAGE(test_one_that_is_not_ready_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
