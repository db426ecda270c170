/* What numbers of the server mean for a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/db/db_errno.h"

/* The name may stand for another server by now, so it is of no use to keep the connection. */
static void who_takes_no_changes_is_lost(void **state)
{
    (void)state;
    static const unsigned numbers[] = {1036, 1047, 1290, 1792, 1836, 1874};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const struct db_errno code = db_errno_of(numbers[i]);
        assert_true(code.is_lost);
        assert_int_equal(code.err, ERR_UNAVAILABLE);
    }
}

static void a_mistake_of_ours_costs_no_connection(void **state)
{
    (void)state;
    static const unsigned numbers[] = {1064, 1146, 1999, 3000, 4999, 6000};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_false(db_errno_of(numbers[i]).is_lost);
        assert_int_equal(db_errno_of(numbers[i]).err, ERR_INTERNAL);
    }
}

static void what_the_client_library_says_is_a_loss(void **state)
{
    (void)state;
    static const unsigned numbers[] = {2000, 2013, 2999, 5000, 5999};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_true(db_errno_of(numbers[i]).is_lost);
    }
}

static void a_refusal_is_told_from_an_outage(void **state)
{
    (void)state;
    static const unsigned refusals[] = {1044, 1045, 1049, 1130, 2026, 3159};
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        assert_true(db_errno_is_refusal(refusals[i]));
    }
    static const unsigned outages[] = {0, 1040, 1053, 1290, 2002, 2003, 2013};
    for (size_t i = 0; i < ARRAY_LEN(outages); i++) {
        assert_false(db_errno_is_refusal(outages[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_no_changes_is_lost),
        cmocka_unit_test(a_mistake_of_ours_costs_no_connection),
        cmocka_unit_test(what_the_client_library_says_is_a_loss),
        cmocka_unit_test(a_refusal_is_told_from_an_outage),
    };
    return cmocka_run_group_tests_name("db_errno", tests, NULL, NULL);
}
