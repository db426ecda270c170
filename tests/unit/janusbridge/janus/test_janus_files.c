/* How many descriptors Janus has open, as /proc tells it: here a folder of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "janusbridge/janus/janus_files.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"

#define WARNING "janus runs out of descriptors"
#define MAYBE "janus may have run out of descriptors"
#define PATH_BYTES 256

struct scene {
    char folder[64];
    struct fake_clock *clock;
    struct metrics *metrics;
    struct janus_files *files;
};

static void write_file(const struct scene *scene, const char *name, const char *text)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", scene->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void make_folder(const struct scene *scene, const char *name)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", scene->folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void open_files(const struct scene *scene, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "77/fd/%u", i);
        write_file(scene, name, "");
    }
}

static int set_up(void **state)
{
    struct scene *scene = mem_alloc(sizeof(*scene));
    const char *tmp = getenv("TMPDIR");
    *state = scene;
    log_capture_setup(NULL);
    (void)snprintf(scene->folder, sizeof(scene->folder), "%.40s/lynks-proc.XXXXXX",
                   tmp != NULL ? tmp : P_tmpdir);
    assert_non_null(mkdtemp(scene->folder));
    make_folder(scene, "77");
    write_file(scene, "pid", "77\n");
    write_file(scene, "77/status", "Name:\tjanus\nFDSize:\t256\n");
    write_file(scene, "77/limits",
               "Limit                     Soft Limit           Hard Limit           Units     \n"
               "Max processes             96364                96364                processes \n"
               "Max open files            100                  20000                files     \n");
    scene->clock = fake_clock_new();
    scene->metrics = metrics_new();
    return 0;
}

static void begin(struct scene *scene)
{
    static char pid_file[PATH_BYTES];
    (void)snprintf(pid_file, sizeof(pid_file), "%s/pid", scene->folder);
    const struct janus_files_parts parts = {.pid_file = pid_file,
                                            .proc = scene->folder,
                                            .clock = fake_clock_clock(scene->clock),
                                            .metrics = scene->metrics};
    scene->files = janus_files_new(&parts);
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    janus_files_free(&scene->files);
    assert_int_equal(fake_clock_timers(scene->clock), 0);
    AUTO(mem_free) char *command = mem_printf("rm -rf '%s'", scene->folder);
    assert_int_equal(system(command), 0);
    metrics_free(&scene->metrics);
    fake_clock_free(&scene->clock);
    mem_free(&scene);
    return log_capture_teardown(NULL);
}

static uint64_t gauge(struct scene *scene, const char *name)
{
    return metric_value(metrics_gauge(scene->metrics, name, "", NULL));
}

static void test_they_are_counted_and_warned_of(void **state)
{
    struct scene *scene = *state;
    make_folder(scene, "77/fd");
    open_files(scene, 0, 79);
    begin(scene);
    assert_int_equal(gauge(scene, "lynks_janus_files"), 79);
    assert_int_equal(gauge(scene, "lynks_janus_files_max"), 100);
    assert_int_equal(log_capture_count(WARNING), 0);
    open_files(scene, 79, 80);
    log_capture_expect(WARNING);
    fake_clock_advance(scene->clock, JANUS_FILES_INTERVAL_MS);
    assert_int_equal(gauge(scene, "lynks_janus_files"), 80);
    assert_int_equal(log_capture_count(WARNING), 1);
    fake_clock_advance(scene->clock, 55000);
    assert_int_equal(log_capture_count(WARNING), 1);
    fake_clock_advance(scene->clock, 5000);
    assert_int_equal(log_capture_count(WARNING), 2);
}

/* Another account's: the folder cannot be read, but its size can. */
static void test_the_folder_of_another_account(void **state)
{
    struct scene *scene = *state;
    AUTO(mem_free) char *size = mem_printf("%79s", "");
    write_file(scene, "77/fd", size);
    begin(scene);
    assert_int_equal(gauge(scene, "lynks_janus_files"), 79);
    write_file(scene, "77/fd", "");
    log_capture_expect(MAYBE);
    fake_clock_advance(scene->clock, JANUS_FILES_INTERVAL_MS);
    assert_int_equal(gauge(scene, "lynks_janus_files"), 256);
    assert_int_equal(log_capture_count(WARNING), 0);
}

/* Before Linux 6.2 the size of its table is what can be seen, which never becomes less. */
static void test_the_table_of_another_account(void **state)
{
    struct scene *scene = *state;
    log_capture_expect(MAYBE);
    begin(scene);
    assert_int_equal(gauge(scene, "lynks_janus_files"), 256);
    fake_clock_advance(scene->clock, 3600000);
    assert_int_equal(log_capture_count(MAYBE), 1);
    assert_int_equal(log_capture_count(WARNING), 0);
}

static void test_a_janus_that_is_away(void **state)
{
    struct scene *scene = *state;
    write_file(scene, "pid", "78\n");
    begin(scene);
    assert_int_equal(gauge(scene, "lynks_janus_files"), 0);
    assert_int_equal(gauge(scene, "lynks_janus_files_max"), 0);
    write_file(scene, "pid", "");
    fake_clock_advance(scene->clock, JANUS_FILES_INTERVAL_MS);
    assert_int_equal(gauge(scene, "lynks_janus_files_max"), 0);
    log_capture_expect(MAYBE);
    write_file(scene, "pid", "77\n");
    fake_clock_advance(scene->clock, JANUS_FILES_INTERVAL_MS);
    assert_int_equal(gauge(scene, "lynks_janus_files_max"), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_they_are_counted_and_warned_of),
        TEST(test_the_folder_of_another_account),
        TEST(test_the_table_of_another_account),
        TEST(test_a_janus_that_is_away),
    };
    return cmocka_run_group_tests_name("janus_files", tests, NULL, NULL);
}
