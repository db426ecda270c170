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
    assert_false(own_rooms_has(own, 1, str_of(SECRET), STR_NONE));
    own_rooms_add(own, 1, str_of(SECRET), STR_NONE);
    assert_true(own_rooms_has(own, 1, str_of(SECRET), STR_NONE));
    assert_false(own_rooms_has(own, 2, str_of(SECRET), STR_NONE));
    assert_false(own_rooms_has(own, 1, str_of("0123456789abcdef"), STR_NONE));
    own_rooms_add(own, 1, str_of("0123456789abcdef"), STR_NONE);
    assert_true(own_rooms_has(own, 1, str_of("0123456789abcdef"), STR_NONE));
    assert_false(own_rooms_has(own, 1, str_of(SECRET), STR_NONE));
    own_rooms_remove(own, 2);
    own_rooms_remove(own, 1);
    assert_false(own_rooms_has(own, 1, str_of("0123456789abcdef"), STR_NONE));
}

static void test_a_secret_that_is_too_long_to_be_remembered(void **state)
{
    (void)state;
    AUTO(own_rooms_free) struct own_rooms *own = own_rooms_new();
    assert_int_equal(strlen(SECRET), ROOM_SECRET_BYTES);
    own_rooms_add(own, 1, str_of(SECRET), STR_NONE);
    own_rooms_add(own, 1, str_of(SECRET "0"), STR_NONE);
    assert_false(own_rooms_has(own, 1, str_of(SECRET "0"), STR_NONE));
    assert_false(own_rooms_has(own, 1, str_of(SECRET), STR_NONE));
}

static void test_the_pin_of_a_room(void **state)
{
    (void)state;
    AUTO(own_rooms_free) struct own_rooms *own = own_rooms_new();
    assert_true(str_eq(own_rooms_pin(own, 1), STR_NONE));
    own_rooms_add(own, 1, str_of(SECRET), str_of("1234"));
    assert_true(str_eq(own_rooms_pin(own, 1), str_of("1234")));
    assert_true(own_rooms_has(own, 1, str_of(SECRET), str_of("1234")));
    assert_false(own_rooms_has(own, 1, str_of(SECRET), STR_NONE));
    own_rooms_add(own, 1, str_of(SECRET), str_of(SECRET SECRET "0"));
    assert_false(own_rooms_has(own, 1, str_of(SECRET), str_of(SECRET SECRET "0")));
}

static void test_all_are_forgotten(void **state)
{
    (void)state;
    AUTO(own_rooms_free) struct own_rooms *own = own_rooms_new();
    own_rooms_add(own, 1, str_of(SECRET), STR_NONE);
    own_rooms_clear(own);
    assert_false(own_rooms_has(own, 1, str_of(SECRET), STR_NONE));
    own_rooms_add(own, 1, str_of(SECRET), STR_NONE);
    assert_true(own_rooms_has(own, 1, str_of(SECRET), STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_added_with_this_secret),
        cmocka_unit_test(test_a_secret_that_is_too_long_to_be_remembered),
        cmocka_unit_test(test_the_pin_of_a_room),
        cmocka_unit_test(test_all_are_forgotten),
    };
    return cmocka_run_group_tests_name("own_rooms", tests, NULL, NULL);
}
