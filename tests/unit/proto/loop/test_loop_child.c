/* Child processes: their end is told on the loop, and nothing is left of them. */
#include "proto/loop/loop_child.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct loop_child *child;
    unsigned ended;
    int status;
    bool frees;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->loop = loop_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    loop_child_free(&f->child);
    loop_free(&f->loop);
    mem_free(state);
    return 0;
}

static void on_ended(void *arg, int status)
{
    struct fixture *f = arg;
    f->ended++;
    f->status = status;
    assert_int_equal(loop_child_pid(f->child), 0);
    if (f->frees) {
        loop_child_free(&f->child);
    }
}

static bool has_ended(void *arg)
{
    return ((struct fixture *)arg)->ended == 1;
}

static struct loop_child *shell(struct fixture *f, const char *command, int fd)
{
    const char *const argv[] = {"sh", "-c", command, NULL};
    const char *const environment[] = {"NAME=value", NULL};
    const struct loop_child_config config = {.program = "/bin/sh",
                                             .argv = argv,
                                             .environ = environment,
                                             .fds = {fd},
                                             .fd_count = fd >= 0,
                                             .own_session = true};
    int error = 0;
    struct loop_child *child = loop_child_new(f->loop, &config, on_ended, f, &error);
    assert_int_equal(error, 0);
    return child;
}

static void assert_no_child_is_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void the_end_is_told_with_its_status(void **state)
{
    struct fixture *f = *state;
    f->child = shell(f, "exit 7", -1);
    assert_true(loop_child_pid(f->child) > 0);
    assert_true(loop_run_until(f->loop, has_ended, f, 5000));
    assert_true(WIFEXITED(f->status));
    assert_int_equal(WEXITSTATUS(f->status), 7);
    assert_no_child_is_left();
}

static void it_can_be_killed_and_freed_when_it_has_ended(void **state)
{
    struct fixture *f = *state;
    f->frees = true;
    f->child = shell(f, "kill -STOP $$", -1);
    assert_int_equal(kill(loop_child_pid(f->child), SIGKILL), 0);
    assert_true(loop_run_until(f->loop, has_ended, f, 5000));
    assert_true(WIFSIGNALED(f->status));
    assert_int_equal(WTERMSIG(f->status), SIGKILL);
    assert_null(f->child);
    assert_no_child_is_left();
}

static void freeing_ends_one_that_runs(void **state)
{
    struct fixture *f = *state;
    f->child = shell(f, "trap '' TERM; while :; do sleep 1; done", -1);
    loop_child_free(&f->child);
    assert_no_child_is_left();
    assert_false(loop_run_until(f->loop, has_ended, f, 10));
}

static void it_gets_its_descriptors_and_environment_and_no_others(void **state)
{
    struct fixture *f = *state;
    int ends[2];
    char text[200] = "";
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0); /* not close-on-exec */
    signal(SIGUSR1, SIG_IGN);
    f->child = shell(
        f, "exec >&3; echo $NAME; ls /proc/$$/fd; kill -USR1 $$; echo survived; exit 1", ends[1]);
    close(ends[1]);
    assert_true(loop_run_until(f->loop, has_ended, f, 5000));
    signal(SIGUSR1, SIG_DFL);
    ssize_t bytes = read(ends[0], text, sizeof(text) - 1);
    assert_true(bytes > 0);
    close(ends[0]);
    /* Neither the other end nor what is ignored here is there. */
    assert_string_equal(text, "value\n0\n1\n2\n3\n");
    assert_true(WIFSIGNALED(f->status));
}

static void what_cannot_be_started_says_why(void **state)
{
    struct fixture *f = *state;
    const char *const argv[] = {"nothing", NULL};
    const struct loop_child_config config = {.program = "/nonexistent/program", .argv = argv};
    int error = 0;
    assert_null(loop_child_new(f->loop, &config, on_ended, f, &error));
    assert_int_equal(error, ENOENT);
    assert_no_child_is_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_end_is_told_with_its_status, setup, teardown),
        cmocka_unit_test_setup_teardown(it_can_be_killed_and_freed_when_it_has_ended, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(freeing_ends_one_that_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(it_gets_its_descriptors_and_environment_and_no_others,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_started_says_why, setup, teardown),
    };
    return cmocka_run_group_tests_name("loop child", tests, NULL, NULL);
}
