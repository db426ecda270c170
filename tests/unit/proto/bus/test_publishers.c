/* Who publishes, and who has fallen silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/bus/publishers.h"

#define ONE "tcp://127.0.0.1:5712"
#define TWO "tcp://127.0.0.1:5732"

static void silence_is_new_once(void **state)
{
    struct publishers all;
    (void)state;
    publishers_init(&all);
    assert_int_equal(publishers_look(&all, 1000).count, 0);
    publishers_hear(&all, ONE, 1000);
    publishers_hear(&all, TWO, 1200);
    struct publishers_look look = publishers_look(&all, 1000 + PUBLISHER_SILENT_MS - 1);
    assert_int_equal(look.count, 2);
    assert_int_equal(look.silent, 0);
    look = publishers_look(&all, 1000 + PUBLISHER_SILENT_MS);
    assert_int_equal(look.silent, 1);
    assert_true(look.is_new);
    look = publishers_look(&all, 1600);
    assert_int_equal(look.silent, 1);
    assert_false(look.is_new);
    look = publishers_look(&all, 1800); /* the other one, too */
    assert_int_equal(look.silent, 2);
    assert_true(look.is_new);
    publishers_hear(&all, ONE, 1900);
    look = publishers_look(&all, 1900);
    assert_int_equal(look.silent, 1);
    publishers_fini(&all);
}

static void who_has_left_is_not_silent(void **state)
{
    struct publishers all;
    (void)state;
    publishers_init(&all);
    publishers_hear(&all, ONE, 1000);
    publishers_leave(&all, TWO);
    publishers_leave(&all, ONE);
    publishers_leave(&all, ONE);
    assert_int_equal(publishers_look(&all, 9000).count, 0);
    publishers_fini(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_new_once),
        cmocka_unit_test(who_has_left_is_not_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
