/* A hashing process and its owner: what it is given, and what becomes of either when the other
 * dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authsvc/hash/hash_process.h"

#define NICENESS 10
#define PATIENCE_MS 20000
#define SHORT_PATIENCE_MS 100
#define GONE_MS 20000

static const struct password_params params = {.memory_kib = 64, .passes = 1};

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct hash_process_config config;
    struct hash_process *process;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->loop = loop_new();
    f->metrics = metrics_new();
    f->config = (struct hash_process_config){
        .program = LYNKS_HASH,
        .niceness = NICENESS,
        .patience_ms = PATIENCE_MS,
        .losses = metrics_counter(f->metrics, "losses_total", "Losses.", NULL)};
    f->process = hash_process_new(f->loop, &f->config);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hash_process_free(&f->process);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    free(f);
    return 0;
}

struct asked {
    bool is_answered;
    enum err err;
    struct hash_answer answer;
};

static void on_answer(void *arg, enum err err, const struct hash_answer *answer)
{
    struct asked *asked = arg;
    assert_false(asked->is_answered);
    asked->is_answered = true;
    asked->err = err;
    if (answer != NULL) {
        asked->answer = *answer;
    }
}

static bool is_answered(void *arg)
{
    const struct asked *asked = arg;
    return asked->is_answered;
}

static enum err make(struct fixture *f, struct hash_answer *ret_answer)
{
    struct asked asked = {0};
    struct hash_request request = {.params = params, .task = HASH_MAKE, .password_bytes = 1};
    request.password[0] = 'x';
    hash_process_ask(f->process, &request, on_answer, &asked);
    assert_true(loop_run_until(f->loop, is_answered, &asked, GONE_MS));
    *ret_answer = asked.answer;
    return asked.err;
}

static void assert_answers(struct fixture *f)
{
    struct hash_answer answer = {0};
    assert_int_equal(make(f, &answer), ERR_OK);
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(password_verify(&params, answer.stored, STR_LIT("x")), ERR_OK);
}

static size_t read_proc(pid_t pid, const char *what, char *text, size_t bytes)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, bytes - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[got < 0 ? 0 : got] = '\0';
    return got < 0 ? 0 : (size_t)got;
}

/* The only child; 0: none. */
static pid_t child(void)
{
    char text[64];
    char what[64];
    (void)snprintf(what, sizeof(what), "task/%ld/children", syscall(SYS_gettid));
    (void)read_proc(getpid(), what, text, sizeof(text));
    return (pid_t)strtol(text, NULL, 10);
}

static void starts_when_it_is_needed_and_ends_with_its_owner(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(child(), 0);
    assert_answers(f);
    pid_t pid = child();
    assert_int_not_equal(pid, 0);
    assert_answers(f);
    assert_int_equal(child(), pid);
    hash_process_free(&f->process);
    assert_int_equal(child(), 0);
    assert_int_equal(metric_value(f->config.losses), 0);
}

static void is_a_session_of_its_own_that_gives_way(void **state)
{
    struct fixture *f = *state;
    char text[256];
    assert_answers(f);
    assert_int_equal(getsid(child()), child());
    assert_int_equal(getpriority(PRIO_PROCESS, (id_t)child()), NICENESS);
    /* A kernel without autogroups has no such file. */
    if (read_proc(child(), "autogroup", text, sizeof(text)) > 0) {
        assert_non_null(strstr(text, " nice 10\n"));
    }
}

static size_t count_descriptors_above(pid_t pid, int highest)
{
    char path[64];
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += strtol(entry->d_name, NULL, 10) > highest; /* "." and ".." are 0 */
    }
    closedir(dir);
    return count;
}

static void has_no_descriptor_and_no_setting_of_its_owner(void **state)
{
    struct fixture *f = *state;
    char text[256];
    int fd = fcntl(STDERR_FILENO, F_DUPFD, HASH_WORKER_FD + 1); /* not closed by exec */
    assert_true(fd > HASH_WORKER_FD);
    assert_int_equal(setenv("LYNKS_MYSQL_PASSWORD", "secret", 1), 0);
    assert_answers(f);
    assert_int_equal(count_descriptors_above(child(), HASH_WORKER_FD), 0);
    assert_int_equal(read_proc(child(), "environ", text, sizeof(text)), 0);
    unsetenv("LYNKS_MYSQL_PASSWORD");
    close(fd);
}

static void one_that_dies_is_replaced_and_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    assert_answers(f);
    pid_t first = child();
    kill(first, SIGKILL);
    assert_answers(f);
    assert_int_not_equal(child(), first);
    assert_int_equal(metric_value(f->config.losses), 1);
}

static void one_that_does_not_answer_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct hash_answer answer;
    assert_answers(f);
    kill(child(), SIGSTOP);
    f->config.patience_ms = SHORT_PATIENCE_MS;
    assert_int_equal(make(f, &answer), ERR_UNAVAILABLE);
    assert_int_equal(child(), 0);
    assert_int_equal(metric_value(f->config.losses), 1);
    f->config.patience_ms = PATIENCE_MS;
    assert_answers(f);
}

static bool is_gone(void *arg)
{
    (void)arg;
    return child() == 0;
}

static void one_that_dies_while_idle_is_noticed_at_once(void **state)
{
    struct fixture *f = *state;
    assert_answers(f);
    kill(child(), SIGKILL);
    assert_true(loop_run_until(f->loop, is_gone, NULL, GONE_MS));
    assert_int_equal(metric_value(f->config.losses), 1);
    assert_answers(f);
    assert_int_equal(metric_value(f->config.losses), 1);
}

static void a_program_that_is_not_there_is_an_answer(void **state)
{
    struct fixture *f = *state;
    struct hash_answer answer;
    f->config.program = "/nowhere/lynks-hash";
    assert_int_equal(make(f, &answer), ERR_UNAVAILABLE);
    f->config.program = LYNKS_HASH;
    assert_answers(f);
}

/* What takes down whoever computes it does not get to do so for ever. */
static void a_request_is_not_tried_for_ever(void **state)
{
    struct fixture *f = *state;
    struct hash_answer answer;
    f->config.program = "/bin/true"; /* ends at once */
    assert_int_equal(make(f, &answer), ERR_UNAVAILABLE);
    assert_int_equal(metric_value(f->config.losses), 2);
    assert_int_equal(child(), 0);
    f->config.program = LYNKS_HASH;
    assert_answers(f);
}

/* The owner is killed without a chance to say anything. */
static void ends_when_its_owner_is_killed(void **state)
{
    struct fixture *f = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t owner = fork();
    if (owner == 0) {
        /* A loop is its process' own. */
        struct hash_answer answer;
        f->loop = loop_new();
        f->process = hash_process_new(f->loop, &f->config);
        (void)make(f, &answer);
        pid_t worker = child();
        (void)!write(ends[1], &worker, sizeof(worker));
        raise(SIGKILL);
    }
    pid_t worker = 0;
    assert_int_equal(read(ends[0], &worker, sizeof(worker)), sizeof(worker));
    assert_true(worker > 0);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    /* Readable when the process has ended, whoever its parent is by now; gone already is as well.
     */
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, worker, 0), .events = POLLIN};
    if (end.fd >= 0) {
        assert_int_equal(poll(&end, 1, GONE_MS), 1);
        close(end.fd);
    } else {
        assert_int_equal(errno, ESRCH);
    }
    close(ends[0]);
    close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(starts_when_it_is_needed_and_ends_with_its_owner),
        TEST(is_a_session_of_its_own_that_gives_way),
        TEST(has_no_descriptor_and_no_setting_of_its_owner),
        TEST(one_that_dies_is_replaced_and_nothing_is_lost),
        TEST(one_that_does_not_answer_is_replaced),
        TEST(one_that_dies_while_idle_is_noticed_at_once),
        TEST(a_program_that_is_not_there_is_an_answer),
        TEST(a_request_is_not_tried_for_ever),
        TEST(ends_when_its_owner_is_killed),
    };
    return cmocka_run_group_tests_name("hash_process", tests, NULL, NULL);
}
