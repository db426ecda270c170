/* How a service ends when it is told to: at once if nothing is in hand, and also if a thread of it
 * hangs. */
#include "proto/process/service.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

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

/* What becomes of a process whose main hangs, or does not, after its service has run. */
static int status_of_service(bool hangs)
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
                                              .drain_timeout_ms = 1000};
        alarm(GUARD_S);
        struct service *service = service_new("gateway", &config);
        if (service == NULL) {
            _exit(EXIT_USAGE);
        }
        clock_after(service_clock(service), 0, tell_to_end, NULL);
        int exit_code = service_run(service);
        while (hangs) {
            pause();
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
    int status = status_of_service(/* hangs= */ false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_OK);
}

static void test_a_thread_that_hangs_does_not_hold_up_the_end(void **state)
{
    (void)state;
    int status = status_of_service(/* hangs= */ true);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_service_ends_when_it_is_told_to),
        cmocka_unit_test(test_a_thread_that_hangs_does_not_hold_up_the_end),
    };
    return cmocka_run_group_tests_name("service end", tests, NULL, NULL);
}
