#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/http/http_listen.h"

static void test_a_free_port(void **state)
{
    (void)state;
    const char *why = NULL;
    int fd = http_listen("127.0.0.1", 0, &why);
    assert_true(fd >= 0);
    assert_int_not_equal(http_listen_port(fd), 0);
    close(fd);
    assert_int_equal(http_listen_port(fd), 0);
}

static void test_a_taken_port(void **state)
{
    (void)state;
    const char *why = NULL;
    int fd = http_listen("127.0.0.1", 0, &why);
    assert_int_equal(http_listen("127.0.0.1", http_listen_port(fd), &why), -1);
    assert_string_equal(why, "Address already in use");
    close(fd);
}

static void test_addresses_that_are_not_ours(void **state)
{
    (void)state;
    const char *why = NULL;
    assert_int_equal(http_listen("localhost", 0, &why), -1);
    assert_string_equal(why, "not a numeric address");
    assert_int_equal(http_listen("192.0.2.1", 0, &why), -1);
    assert_string_equal(why, "Cannot assign requested address");
}

/* Puts fd where a supervisor would, and gives back what was there. */
static int inherit(int fd, const char *count, bool own_pid)
{
    char pid[16];
    int kept = dup(3);
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid() + (own_pid ? 0 : 1));
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", count, 1);
    assert_int_equal(dup2(fd, 3), 3);
    return kept;
}

static void restore(int kept)
{
    if (kept >= 0) {
        dup2(kept, 3);
        close(kept);
    } else {
        close(3);
    }
}

static void test_inherited(void **state)
{
    (void)state;
    const char *why = NULL;
    int fd = http_listen("127.0.0.1", 0, &why);
    assert_int_equal(http_listen_inherited(), 0);
    int kept = inherit(fd, "1", true);
    assert_int_equal(http_listen_inherited(), 3);
    assert_null(getenv("LISTEN_FDS"));
    assert_int_equal(http_listen_inherited(), 0);
    restore(kept);
    kept = inherit(fd, "2", true);
    assert_int_equal(http_listen_inherited(), -1);
    restore(kept);
    kept = inherit(fd, "1", false); /* meant for another process */
    assert_int_equal(http_listen_inherited(), 0);
    restore(kept);
    kept = inherit(STDERR_FILENO, "1", true);
    assert_int_equal(http_listen_inherited(), -1);
    restore(kept);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_free_port),
        cmocka_unit_test(test_a_taken_port),
        cmocka_unit_test(test_addresses_that_are_not_ours),
        cmocka_unit_test(test_inherited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
