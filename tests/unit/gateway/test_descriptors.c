#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "gateway/descriptors.h"

static void test_for_clients(void **state)
{
    static const struct {
        uint64_t wanted, limit, open, clients;
    } rows[] = {
        {16384, 1048576, 40, 16384},                         /* more than enough */
        {16384, 16936, 40, 16384},                           /* just enough: 16384 + 40 + 512 */
        {16384, 16935, 40, 16383},   {16384, 1024, 40, 728}, /* a quarter stays ours */
        {16384, 64, 30, 18},         {100, 1024, 40, 100},   {16384, 40, 20, 10},
        {16384, 24, 20, 1},          {16384, 20, 30, 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(descriptors_for_clients(rows[i].wanted, rows[i].limit, rows[i].open),
                         rows[i].clients);
    }
}

static void test_count_open(void **state)
{
    (void)state;
    uint64_t before = descriptors_count_open();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(before > 0);
    assert_int_equal(descriptors_count_open(), before + 1);
    close(fd);
}

/* The soft limit grows to what is needed, never past the hard one, and never shrinks. */
static void test_raise_limit(void **state)
{
    (void)state;
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(descriptors_raise_limit(10), 10 + 2 * DESCRIPTORS_OWN);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(low.rlim_cur, 10 + 2 * DESCRIPTORS_OWN);
    assert_int_equal(descriptors_raise_limit(1), 10 + 2 * DESCRIPTORS_OWN);
    assert_int_equal(descriptors_raise_limit(UINT32_MAX), limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_for_clients),
        cmocka_unit_test(test_count_open),
        cmocka_unit_test(test_raise_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
