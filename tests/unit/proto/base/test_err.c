#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/base/err.h"

static const enum err errors[] = {
#define ERR(name, number, http, retryable, refusal, code, text) ERR_##name,
#include "proto/base/errors.def"
#undef ERR
};

static void numbers_and_codes_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        assert_true(err_is_known(errors[i]));
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(errors[i], errors[k]);
            assert_string_not_equal(err_code(errors[i]), err_code(errors[k]));
        }
    }
    assert_true(err_is_known(ERR_OK));
    assert_false(err_is_known(UINT64_MAX));
}

/* A client to whom one comes through does with all of them what it does with `draining`. */
static void refusals_are_503_and_may_be_tried_again(void **state)
{
    (void)state;
    size_t refusals = 0;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        if (err_is_refusal(errors[i])) {
            refusals++;
            assert_int_equal(err_http_status(errors[i]), 503);
            assert_true(err_is_retryable(errors[i]));
        }
    }
    assert_int_equal(refusals, 3);
    assert_true(err_is_refusal(ERR_DRAINING));
    assert_true(err_is_refusal(ERR_STANDBY));
    assert_true(err_is_refusal(ERR_SESSION_COMING));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_codes_are_unique),
        cmocka_unit_test(refusals_are_503_and_may_be_tried_again),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
