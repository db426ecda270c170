/* Stored passwords: the forms, and what a check costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <time.h>

#include "proto/crypto/password.h"

/* Small, so that the tests are quick; costs are compared with larger ones. */
static const struct password_params small = {.memory_kib = 64, .passes = 1};
static const struct password_params large = {.memory_kib = 8192, .passes = 2};

#define BARE "ecd71870d1963316a97e3ac3408c9835ad8cf0f3c1bc703527c30265534f75ae" /* of test123 */

static void own_form(void **state)
{
    (void)state;
    char stored[PASSWORD_STORED_BYTES];
    assert_int_equal(password_hash(&small, STR_LIT("test123"), stored), ERR_OK);
    assert_memory_equal(stored, "$argon2id$v=19$m=64,t=1,p=1$", 28);
    assert_int_equal(password_verify(&small, stored, STR_LIT("test123")), ERR_OK);
    assert_int_equal(password_verify(&small, stored, STR_LIT("test124")), ERR_BAD_CREDENTIALS);
    assert_int_equal(password_verify(&small, stored, STR_LIT("test12")), ERR_BAD_CREDENTIALS);
    assert_false(password_needs_rehash(&small, stored));
}

static void strings_of_libsodium(void **state)
{
    (void)state;
    char stored[crypto_pwhash_STRBYTES];
    assert_int_equal(crypto_pwhash_str(stored, "sesame", 6, 1, 65536), 0);
    assert_int_equal(password_verify(&small, stored, STR_LIT("sesame")), ERR_OK);
    assert_int_equal(password_verify(&small, stored, STR_LIT("Sesame")), ERR_BAD_CREDENTIALS);
    char ours[PASSWORD_STORED_BYTES];
    assert_int_equal(password_hash(&small, STR_LIT("sesame"), ours), ERR_OK);
    assert_int_equal(crypto_pwhash_str_verify(ours, "sesame", 6), 0);
}

static void wrapped_form(void **state)
{
    (void)state;
    char stored[PASSWORD_STORED_BYTES];
    assert_int_equal(password_wrap(&small, STR_LIT(BARE), stored), ERR_OK);
    assert_memory_equal(stored, "sha256:$argon2id$v=19$m=64,t=1,p=1$", 35);
    /* What is hashed is the text of the digits. */
    assert_int_equal(crypto_pwhash_str_verify(stored + 7, BARE, 64), 0);
    assert_int_equal(password_verify(&small, stored, STR_LIT("test123")), ERR_OK);
    assert_int_equal(password_verify(&small, stored, STR_LIT("test124")), ERR_BAD_CREDENTIALS);
    /* Who has the old table's hash cannot log in with it. */
    assert_int_equal(password_verify(&small, stored, STR_LIT(BARE)), ERR_BAD_CREDENTIALS);
    assert_true(password_needs_rehash(&small, stored));
}

static void bare_form(void **state)
{
    (void)state;
    assert_true(password_is_bare(STR_LIT(BARE)));
    assert_false(password_is_bare(STR_LIT("ecd7")));
    assert_false(
        password_is_bare(STR_LIT("$argon2id$v=19$m=64,t=1,p=1$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                 "xxxxxx")));
    assert_int_equal(password_verify(&small, BARE, STR_LIT("test123")), ERR_OK);
    assert_int_equal(password_verify(&small, BARE, STR_LIT("test124")), ERR_BAD_CREDENTIALS);
    assert_true(password_needs_rehash(&small, BARE));
    static const char upper[] = "ECD71870D1963316A97E3AC3408C9835AD8CF0F3C1BC703527C30265534F75AE";
    assert_int_equal(password_verify(&small, upper, STR_LIT("test123")), ERR_OK);
    char stored[PASSWORD_STORED_BYTES];
    assert_int_equal(password_wrap(&small, str_of(upper), stored), ERR_OK);
    assert_int_equal(password_verify(&small, stored, STR_LIT("test123")), ERR_OK);
    assert_int_equal(password_wrap(&small, STR_LIT("test123"), stored), ERR_BAD_REQUEST);
}

static void other_parameters_are_out_of_date(void **state)
{
    (void)state;
    char stored[PASSWORD_STORED_BYTES];
    assert_int_equal(password_hash(&small, STR_LIT("x"), stored), ERR_OK);
    static const struct password_params more[] = {{.memory_kib = 128, .passes = 1},
                                                  {.memory_kib = 64, .passes = 2}};
    assert_true(password_needs_rehash(&more[0], stored));
    assert_true(password_needs_rehash(&more[1], stored));
    /* It fits all the same. */
    assert_int_equal(password_verify(&more[0], stored, STR_LIT("x")), ERR_OK);
}

static void nonsense_never_fits(void **state)
{
    (void)state;
    static const char prefixed[] = "sha256:" BARE;
    const char *const stored[] = {"",
                                  "test123",
                                  "$",
                                  "$argon2id$",
                                  "sha256:",
                                  prefixed,
                                  "$argon2id$v=19$m=64,t=1,p=1$AAAA$BBBB",
                                  "$2y$10$abcdef"};
    for (size_t i = 0; i < ARRAY_LEN(stored); i++) {
        assert_int_equal(password_verify(&small, stored[i], STR_LIT("test123")),
                         ERR_BAD_CREDENTIALS);
    }
    assert_int_equal(password_verify(&small, NULL, STR_LIT("test123")), ERR_BAD_CREDENTIALS);
}

static double cpu_ms_of(const char *stored)
{
    struct timespec from;
    struct timespec to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    enum err err = password_verify(&large, stored, STR_LIT("wrong"));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    assert_int_equal(err, ERR_BAD_CREDENTIALS);
    return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

#define ROUNDS_MIN 5
#define ROUNDS_MAX 60

/* Other work on the machine only ever adds: the cheapest of some rounds of each, taken in turns,
 * and more rounds while they differ, are the costs themselves. */
static void assert_costs_the_same(const char *known, const char *other)
{
    double one = cpu_ms_of(known);
    double cost = cpu_ms_of(other);
    for (int i = 1; i < ROUNDS_MIN || (i < ROUNDS_MAX && (cost < one * 0.6 || cost > one * 1.6));
         i++) {
        const double next_one = cpu_ms_of(known);
        const double next_cost = cpu_ms_of(other);
        one = next_one < one ? next_one : one;
        cost = next_cost < cost ? next_cost : cost;
    }
    if (cost < one * 0.6 || cost > one * 1.6) {
        fail_msg("%s costs %f ms, a known user %f", other != NULL ? other : "nobody", cost, one);
    }
}

static void every_attempt_costs_one_argon2id(void **state)
{
    (void)state;
    char own[PASSWORD_STORED_BYTES];
    char wrapped[PASSWORD_STORED_BYTES];
    assert_int_equal(password_hash(&large, STR_LIT("right"), own), ERR_OK);
    assert_int_equal(password_wrap(&large, STR_LIT(BARE), wrapped), ERR_OK);
    const char *const others[] = {wrapped, BARE, NULL, "nonsense", "$argon2id$nonsense"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_costs_the_same(own, others[i]);
    }
}

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_form),
        cmocka_unit_test(strings_of_libsodium),
        cmocka_unit_test(wrapped_form),
        cmocka_unit_test(bare_form),
        cmocka_unit_test(other_parameters_are_out_of_date),
        cmocka_unit_test(nonsense_never_fits),
        cmocka_unit_test(every_attempt_costs_one_argon2id),
    };
    return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
