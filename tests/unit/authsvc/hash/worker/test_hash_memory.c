/* Memory of hashes that is kept: it is, hashes come out the same, and it goes when it is told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <sys/mman.h>

#include "authsvc/hash/worker/hash_memory.h"
#include "proto/crypto/password.h"

#define SMALL_KIB 64
#define LARGE_KIB 256

static const struct password_params small = {.memory_kib = SMALL_KIB, .passes = 1};
static const struct password_params large = {.memory_kib = LARGE_KIB, .passes = 1};

/* What is kept after a hash has been made and checked. */
static size_t kept_after(const struct password_params *params)
{
    char stored[PASSWORD_STORED_BYTES];
    assert_int_equal(password_hash(params, STR_LIT("right"), stored), ERR_OK);
    assert_int_equal(password_verify(params, stored, STR_LIT("right")), ERR_OK);
    assert_int_equal(password_verify(params, stored, STR_LIT("wrong")), ERR_BAD_CREDENTIALS);
    return hash_memory_bytes();
}

/* The first of all tests: nothing is kept before it is asked for. */
static void keeps_what_it_is_asked_to(void **state)
{
    (void)state;
    assert_int_equal(kept_after(&small), 0);
    hash_memory_keep();
    size_t bytes = kept_after(&small);
    assert_in_range(bytes, (size_t)SMALL_KIB * 1024, (size_t)2 * SMALL_KIB * 1024);
    assert_int_equal(kept_after(&small), bytes);
    assert_in_range(kept_after(&large), (size_t)LARGE_KIB * 1024, (size_t)2 * LARGE_KIB * 1024);
    assert_int_equal(kept_after(&small), bytes);
    hash_memory_release();
    assert_int_equal(hash_memory_bytes(), 0);
    hash_memory_release();
    assert_int_equal(kept_after(&small), bytes);
    hash_memory_release();
}

/* What was made in memory that another password left behind fits in memory that is new, too. */
static void what_was_left_behind_changes_nothing(void **state)
{
    char stored[PASSWORD_STORED_BYTES];
    (void)state;
    hash_memory_keep();
    (void)kept_after(&small);
    assert_int_equal(password_hash(&small, STR_LIT("other"), stored), ERR_OK);
    hash_memory_release();
    assert_int_equal(password_verify(&small, stored, STR_LIT("other")), ERR_OK);
    assert_int_equal(password_verify(&small, stored, STR_LIT("right")), ERR_BAD_CREDENTIALS);
    hash_memory_release();
}

static void other_memory_is_not_touched(void **state)
{
    const size_t bytes = (size_t)SMALL_KIB * 1024;
    (void)state;
    hash_memory_keep();
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    assert_int_equal(hash_memory_bytes(), 0);
    assert_int_equal(munmap(at, bytes), 0);
    assert_int_equal(msync(at, bytes, MS_ASYNC), -1);
    assert_ptr_equal(mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, -1, 0), MAP_FAILED);
}

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_it_is_asked_to),
        cmocka_unit_test(what_was_left_behind_changes_nothing),
        cmocka_unit_test(other_memory_is_not_touched),
    };
    return cmocka_run_group_tests_name("hash_memory", tests, NULL, NULL);
}
