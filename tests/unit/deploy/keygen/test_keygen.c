/* lynks-keygen: what it makes fits the bus, and what is there stays. */
#include "proto/bus/keys.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    char dir[512];
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    const char *parent = getenv("TMPDIR");
    (void)snprintf(rig->dir, sizeof(rig->dir), "%s/lynks-keygen-XXXXXX",
                   parent != NULL ? parent : P_tmpdir);
    *state = rig;
    return mkdtemp(rig->dir) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    static const char *const files[] = {"gateway.secret", "authsvc.secret", "public"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO(mem_free) char *path = mem_printf("%s/%s", rig->dir, files[i]);
        (void)unlink(path);
    }
    int rc = rmdir(rig->dir); /* fails if anything else was left there */
    mem_free(state);
    return rc;
}

static pid_t start(const char *dir, const char *first, const char *second)
{
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, STDERR_FILENO);
        (void)execl(LYNKS_KEYGEN, LYNKS_KEYGEN, dir, first, second, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static int finish(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run(const char *dir, const char *first, const char *second)
{
    return finish(start(dir, first, second));
}

/* The file's one line; caller frees. */
static char *read_line(const struct rig *rig, const char *name, mode_t mode)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", rig->dir, name);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, mode);
    char text[1024] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    assert_int_equal(fgetc(file), EOF);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(text[strlen(text) - 1], '\n');
    text[strlen(text) - 1] = '\0';
    return mem_strdup(text);
}

static void test_keys_fit_the_bus(void **state)
{
    const struct rig *rig = *state;
    assert_int_equal(run(rig->dir, "gateway", "authsvc"), 0);
    AUTO(mem_free) char *line = read_line(rig, "public", 0644);
    static const char *const roles[] = {"gateway", "authsvc"};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        AUTO(mem_free) char *name = mem_printf("%s.secret", roles[i]);
        AUTO(mem_free) char *secret = read_line(rig, name, 0600);
        const char *why = "";
        AUTO(keys_free) struct keys *keys = keys_new(roles[i], secret, line, &why);
        assert_string_equal(why, "");
        assert_non_null(keys);
    }
}

static void test_what_is_there_stays(void **state)
{
    const struct rig *rig = *state;
    assert_int_equal(run(rig->dir, "gateway", NULL), 0);
    AUTO(mem_free) char *before = read_line(rig, "gateway.secret", 0600);
    assert_int_equal(run(rig->dir, "gateway", "authsvc"), 0);
    AUTO(mem_free) char *after = read_line(rig, "gateway.secret", 0600);
    assert_string_equal(before, after);
}

static void test_two_at_once_agree(void **state)
{
    const struct rig *rig = *state;
    pid_t first = start(rig->dir, "gateway", "authsvc");
    pid_t second = start(rig->dir, "gateway", "authsvc");
    assert_int_equal(finish(first), 0);
    assert_int_equal(finish(second), 0);
    AUTO(mem_free) char *line = read_line(rig, "public", 0644);
    AUTO(mem_free) char *secret = read_line(rig, "gateway.secret", 0600);
    const char *why = "";
    AUTO(keys_free) struct keys *keys = keys_new("gateway", secret, line, &why);
    assert_non_null(keys);
}

static void test_what_is_wrong_is_not_replaced(void **state)
{
    const struct rig *rig = *state;
    AUTO(mem_free) char *path = mem_printf("%s/gateway.secret", rig->dir);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("not a key\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(run(rig->dir, "gateway", NULL), 1);
    AUTO(mem_free) char *after = read_line(rig, "gateway.secret", 0600);
    assert_string_equal(after, "not a key");
}

static void test_secret_that_others_may_read_is_refused(void **state)
{
    const struct rig *rig = *state;
    assert_int_equal(run(rig->dir, "gateway", NULL), 0);
    AUTO(mem_free) char *path = mem_printf("%s/gateway.secret", rig->dir);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(run(rig->dir, "gateway", NULL), 1);
}

static void test_bad_usage(void **state)
{
    const struct rig *rig = *state;
    assert_int_equal(run(rig->dir, NULL, NULL), 2);
    assert_int_equal(run(rig->dir, "../gateway", NULL), 2);
    assert_int_equal(run(rig->dir, "gateway", "gateway"), 2);
    assert_int_equal(run("/nonexistent", "gateway", NULL), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys_fit_the_bus),
        TEST(test_what_is_there_stays),
        TEST(test_two_at_once_agree),
        TEST(test_what_is_wrong_is_not_replaced),
        TEST(test_secret_that_others_may_read_is_refused),
        TEST(test_bad_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
