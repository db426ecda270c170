/* How a service ends when it is told to: at once if nothing is in hand, and also if a thread of it
 * or its stderr hangs; its exit code says whether it answered all. And that nobody looks into it.
 */
#include "proto/process/service.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#include "proto/base/log.h"

#define GUARD_S 30 /* SIGALRM ends a child that nothing else has ended */

struct key_ring {
    char secret[KEY_Z85_BYTES + 1];
    char public[sizeof("gateway=") + KEY_Z85_BYTES];
};

static void make_key(struct key_ring *ring)
{
    memcpy(ring->public, "gateway=", strlen("gateway="));
    assert_int_equal(zmq_curve_keypair(ring->public + strlen("gateway="), ring->secret), 0);
}

static void tell_to_end(void *arg)
{
    (void)arg;
    raise(SIGTERM);
}

static bool never_done(void *arg)
{
    (void)arg;
    return false;
}

enum course {
    COURSE_PLAIN,      /* nothing is in hand */
    COURSE_HANGS,      /* likewise, but main hangs after the service has run */
    COURSE_IN_HAND,    /* something is in hand until its time is over */
    COURSE_TOLD_TWICE, /* something is in hand, with much time, and a second signal comes */
    COURSE_MUTE,       /* nothing is in hand, but nobody reads its stderr while it logs much */
    COURSE_PRIVATE,    /* nothing is in hand; it looks whether others could look into it */
};

/* A pipe that is full and never read. */
static void fill_stderr(void)
{
    int ends[2];
    char byte = 'x';
    if (pipe2(ends, O_NONBLOCK) != 0 || dup2(ends[1], STDERR_FILENO) < 0) {
        _exit(EXIT_USAGE);
    }
    while (write(STDERR_FILENO, &byte, 1) == 1) {
        continue;
    }
    (void)fcntl(STDERR_FILENO, F_SETFL, 0);
}

static void look_for_dumps(void *arg)
{
    (void)arg;
    struct rlimit core;
    if (prctl(PR_GET_DUMPABLE) != 0 || getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0) {
        _exit(EXIT_USAGE);
    }
}

static void log_much(void *service)
{
    for (unsigned i = 0; i < 5000; i++) {
        log_error("much", LOG_U64("line", i));
    }
    struct metric *dropped =
        metrics_counter(service_metrics(service), "lynks_log_lines_dropped_total", "", NULL);
    if (metric_value(dropped) == 0) {
        _exit(EXIT_USAGE);
    }
}

/* What becomes of a process whose service takes this course. */
static int status_of_service(enum course course)
{
    struct key_ring ring;
    int status;
    make_key(&ring);
    pid_t pid = fork();
    if (pid == 0) {
        char level[] = "error";
        char format[] = "logfmt";
        char host[] = "127.0.0.1";
        const struct service_config config = {.log_level = level,
                                              .log_format = format,
                                              .ops_host = host,
                                              .bus_secret_key = ring.secret,
                                              .bus_public_keys = ring.public,
                                              .bus_in_flight_max = 16,
                                              .drain_timeout_ms =
                                                  course == COURSE_TOLD_TWICE ? 60000 : 1000};
        alarm(GUARD_S);
        if (course == COURSE_MUTE) {
            fill_stderr();
        }
        struct service *service = service_new("gateway", &config);
        if (service == NULL) {
            _exit(EXIT_USAGE);
        }
        if (course == COURSE_IN_HAND || course == COURSE_TOLD_TWICE) {
            service_on_drain(service, (struct service_drain){
                                          .begin = course == COURSE_TOLD_TWICE ? tell_to_end : NULL,
                                          .is_done = never_done});
        }
        if (course == COURSE_MUTE) {
            clock_after(service_clock(service), 0, log_much, service);
        }
        if (course == COURSE_PRIVATE) {
            clock_after(service_clock(service), 0, look_for_dumps, NULL);
        }
        clock_after(service_clock(service), 1, tell_to_end, NULL);
        int exit_code = service_run(service);
        if (course == COURSE_HANGS) {
            for (;;) {
                pause();
            }
        }
        service_free(&service);
        _exit(exit_code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_a_service_ends_when_it_is_told_to(void **state)
{
    (void)state;
    int status = status_of_service(COURSE_PLAIN);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_OK);
}

static void test_a_thread_that_hangs_does_not_hold_up_the_end(void **state)
{
    (void)state;
    int status = status_of_service(COURSE_HANGS);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_OK);
}

static void test_what_is_cut_short_is_told_by_the_exit_code(void **state)
{
    (void)state;
    int late = status_of_service(COURSE_IN_HAND);
    int twice = status_of_service(COURSE_TOLD_TWICE);
    assert_true(WIFEXITED(late) && WIFEXITED(twice));
    assert_int_equal(WEXITSTATUS(late), EXIT_CUT_SHORT);
    assert_int_equal(WEXITSTATUS(twice), EXIT_CUT_SHORT);
}

/* Keys and passwords are in its memory. */
static void test_nobody_looks_into_a_service(void **state)
{
    (void)state;
    int status = status_of_service(COURSE_PRIVATE);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_OK);
}

static void test_a_stderr_that_hangs_holds_up_nothing(void **state)
{
    (void)state;
    int status = status_of_service(COURSE_MUTE);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_service_ends_when_it_is_told_to),
        cmocka_unit_test(test_a_thread_that_hangs_does_not_hold_up_the_end),
        cmocka_unit_test(test_what_is_cut_short_is_told_by_the_exit_code),
        cmocka_unit_test(test_a_stderr_that_hangs_holds_up_nothing),
        cmocka_unit_test(test_nobody_looks_into_a_service),
    };
    return cmocka_run_group_tests_name("service end", tests, NULL, NULL);
}
