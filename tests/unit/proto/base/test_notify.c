#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/base/notify.h"

/* Listens as a service manager does, at a name ('@' first) of the abstract namespace. */
static int manager_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, name + 1, strlen(name + 1));
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const size_t bytes = offsetof(struct sockaddr_un, sun_path) + strlen(name);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, (socklen_t)bytes), 0);
    return fd;
}

static void test_nobody_wants_to_know(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_true(notify_manager("READY=1"));
}

static void test_the_manager_hears_it(void **state)
{
    (void)state;
    char name[64];
    char heard[64] = "";
    (void)snprintf(name, sizeof(name), "@lynks-test-notify-%d", (int)getpid());
    const int fd = manager_at(name);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_true(notify_manager("READY=1"));
    assert_int_equal(read(fd, heard, sizeof(heard)), strlen("READY=1"));
    assert_string_equal(heard, "READY=1");
    close(fd);
}

static void test_a_manager_that_is_gone(void **state)
{
    (void)state;
    setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    assert_false(notify_manager("READY=1"));
    assert_int_equal(errno, ENOENT);
}

static void test_what_is_no_socket(void **state)
{
    (void)state;
    char longer[200];
    memset(longer, 'x', sizeof(longer));
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    const char *const names[] = {"", "/", "@", "notify", longer};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        errno = 0;
        assert_false(notify_manager("READY=1"));
        assert_int_equal(errno, EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_wants_to_know),
        cmocka_unit_test(test_the_manager_hears_it),
        cmocka_unit_test(test_a_manager_that_is_gone),
        cmocka_unit_test(test_what_is_no_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
