/* Which rooms are remembered as ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "janusbridge/rooms/own_rooms.h"
#include "proto/schema/msg.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static void test_only_what_was_added_with_this_secret(void **state)
{
    (void)state;
    AUTO(own_rooms_free) struct own_rooms *own = own_rooms_new();
    assert_false(own_rooms_has(own, 1, str_of(SECRET)));
    own_rooms_add(own, 1, str_of(SECRET));
    assert_true(own_rooms_has(own, 1, str_of(SECRET)));
    assert_false(own_rooms_has(own, 2, str_of(SECRET)));
    assert_false(own_rooms_has(own, 1, str_of("0123456789abcdef")));
    own_rooms_add(own, 1, str_of("0123456789abcdef"));
    assert_true(own_rooms_has(own, 1, str_of("0123456789abcdef")));
    assert_false(own_rooms_has(own, 1, str_of(SECRET)));
    own_rooms_remove(own, 2);
    own_rooms_remove(own, 1);
    assert_false(own_rooms_has(own, 1, str_of("0123456789abcdef")));
}

static void test_a_secret_that_is_too_long_to_be_remembered(void **state)
{
    (void)state;
    AUTO(own_rooms_free) struct own_rooms *own = own_rooms_new();
    assert_int_equal(strlen(SECRET), ROOM_SECRET_BYTES);
    own_rooms_add(own, 1, str_of(SECRET));
    own_rooms_add(own, 1, str_of(SECRET "0"));
    assert_false(own_rooms_has(own, 1, str_of(SECRET "0")));
    assert_false(own_rooms_has(own, 1, str_of(SECRET)));
}

static void test_all_are_forgotten(void **state)
{
    (void)state;
    AUTO(own_rooms_free) struct own_rooms *own = own_rooms_new();
    own_rooms_add(own, 1, str_of(SECRET));
    own_rooms_clear(own);
    assert_false(own_rooms_has(own, 1, str_of(SECRET)));
    own_rooms_add(own, 1, str_of(SECRET));
    assert_true(own_rooms_has(own, 1, str_of(SECRET)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_added_with_this_secret),
        cmocka_unit_test(test_a_secret_that_is_too_long_to_be_remembered),
        cmocka_unit_test(test_all_are_forgotten),
    };
    return cmocka_run_group_tests_name("own_rooms", tests, NULL, NULL);
}
