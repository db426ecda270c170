/* By what the holder of a lease is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "janusbridge/lease/lease.h"

static void test_one_place_one_name(void **state)
{
    uint8_t first[LEASE_HOLDER_BYTES], second[LEASE_HOLDER_BYTES], other[LEASE_HOLDER_BYTES];
    (void)state;
    lease_name_holder("tcp://127.0.0.1:5703", first);
    lease_name_holder("tcp://127.0.0.1:5703", second);
    lease_name_holder("tcp://127.0.0.1:5723", other);
    assert_memory_equal(first, second, sizeof(first));
    assert_memory_not_equal(first, other, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_place_one_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
