/* The hasher on its processes: answers on the loop, deadlines, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authsvc/hash/hasher_pool.h"

#define DONE_MS 20000
#define PATH_BYTES 256

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct hasher_pool *pool;
    struct hasher hasher;
};

static const struct password_params params = {.memory_kib = 64, .passes = 1};

static void make_pool(struct fixture *f, const char *program)
{
    const struct hasher_pool_config config = {
        .program = program, .params = params, .processes = 1, .queue_max = 2};
    f->pool = hasher_pool_new(f->loop, f->metrics, &config);
    f->hasher = hasher_pool_hasher(f->pool);
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->loop = loop_new();
    f->metrics = metrics_new();
    make_pool(f, LYNKS_HASH);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hasher_pool_free(&f->pool);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    free(f);
    return 0;
}

struct answer {
    unsigned count;
    enum err err;
    bool needs_rehash;
    char stored[PASSWORD_STORED_BYTES];
};

static void on_verified(void *arg, enum err err, bool needs_rehash)
{
    struct answer *answer = arg;
    answer->count++;
    answer->err = err;
    answer->needs_rehash = needs_rehash;
}

static void on_hashed(void *arg, enum err err, const char *stored)
{
    struct answer *answer = arg;
    answer->count++;
    answer->err = err;
    (void)str_copy(answer->stored, sizeof(answer->stored), str_of(stored));
}

static bool is_answered(void *arg)
{
    const struct answer *answer = arg;
    return answer->count > 0;
}

static struct answer verify(struct fixture *f, const char *stored, struct str password,
                            uint64_t within_ms)
{
    struct answer answer = {0};
    uint64_t now_ms = clock_mono_ms(loop_clock(f->loop));
    assert_int_equal(f->hasher.ops->verify(f->hasher.self, stored, password, now_ms + within_ms,
                                           on_verified, &answer),
                     ERR_OK);
    assert_int_equal(answer.count, 0);
    assert_true(loop_run_until(f->loop, is_answered, &answer, DONE_MS));
    return answer;
}

static void verifies(void **state)
{
    struct fixture *f = *state;
    char stored[PASSWORD_STORED_BYTES];
    assert_int_equal(password_hash(&params, STR_LIT("right"), stored), ERR_OK);
    assert_int_equal(verify(f, stored, STR_LIT("right"), DONE_MS).err, ERR_OK);
    assert_int_equal(verify(f, stored, STR_LIT("wrong"), DONE_MS).err, ERR_BAD_CREDENTIALS);
    assert_int_equal(verify(f, NULL, STR_LIT("right"), DONE_MS).err, ERR_BAD_CREDENTIALS);
}

static void says_what_is_out_of_date(void **state)
{
    struct fixture *f = *state;
    char stored[PASSWORD_STORED_BYTES];
    const struct password_params old = {.memory_kib = 32, .passes = 1};
    assert_int_equal(password_hash(&old, STR_LIT("right"), stored), ERR_OK);
    assert_true(verify(f, stored, STR_LIT("right"), DONE_MS).needs_rehash);
    assert_false(verify(f, stored, STR_LIT("wrong"), DONE_MS).needs_rehash);
    assert_int_equal(password_hash(&params, STR_LIT("right"), stored), ERR_OK);
    assert_false(verify(f, stored, STR_LIT("right"), DONE_MS).needs_rehash);
}

static void too_late_is_not_hashed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(verify(f, NULL, STR_LIT("right"), 0).err, ERR_DEADLINE);
}

static void hashes_again(void **state)
{
    struct fixture *f = *state;
    struct answer answer = {0};
    assert_int_equal(f->hasher.ops->rehash(f->hasher.self, STR_LIT("right"), on_hashed, &answer),
                     ERR_OK);
    assert_true(loop_run_until(f->loop, is_answered, &answer, DONE_MS));
    assert_int_equal(password_verify(&params, answer.stored, STR_LIT("right")), ERR_OK);
    assert_false(password_needs_rehash(&params, answer.stored));
}

static void hashes_a_new_one_in_time(void **state)
{
    struct fixture *f = *state;
    const uint64_t now_ms = clock_mono_ms(loop_clock(f->loop));
    struct answer answer = {0};
    assert_int_equal(
        f->hasher.ops->hash(f->hasher.self, STR_LIT("new"), now_ms + DONE_MS, on_hashed, &answer),
        ERR_OK);
    assert_true(loop_run_until(f->loop, is_answered, &answer, DONE_MS));
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(password_verify(&params, answer.stored, STR_LIT("new")), ERR_OK);
    struct answer late = {0};
    assert_int_equal(f->hasher.ops->hash(f->hasher.self, STR_LIT("new"), now_ms, on_hashed, &late),
                     ERR_OK);
    assert_true(loop_run_until(f->loop, is_answered, &late, DONE_MS));
    assert_int_equal(late.err, ERR_DEADLINE);
    assert_string_equal(late.stored, "");
}

/* As on a machine that has something else to do for seconds: nobody waits for it, so it gets its
 * time. */
static void hashing_again_may_take_long(void **state)
{
    struct fixture *f = *state;
    const char *tmp = getenv("TMPDIR");
    char program[PATH_BYTES];
    (void)snprintf(program, sizeof(program), "%.200s/slow-hash.XXXXXX",
                   tmp != NULL ? tmp : P_tmpdir);
    FILE *script = fdopen(mkstemp(program), "w");
    assert_non_null(script);
    (void)fputs("#!/bin/sh\n/bin/sleep 5.5\nexec " LYNKS_HASH " \"$@\"\n", script);
    (void)fclose(script);
    assert_int_equal(chmod(program, 0700), 0);
    hasher_pool_free(&f->pool);
    make_pool(f, program);
    struct answer answer = {0};
    assert_int_equal(f->hasher.ops->rehash(f->hasher.self, STR_LIT("right"), on_hashed, &answer),
                     ERR_OK);
    assert_true(loop_run_until(f->loop, is_answered, &answer, 4 * DONE_MS));
    assert_int_equal(unlink(program), 0);
    assert_int_equal(password_verify(&params, answer.stored, STR_LIT("right")), ERR_OK);
}

/* More are given than one process and a queue of two can hold. */
static void the_queue_is_bounded_and_everybody_is_answered(void **state)
{
    struct fixture *f = *state;
    struct answer answers[64] = {{0}};
    unsigned taken = 0;
    unsigned refused = 0;
    uint64_t deadline_ms = clock_mono_ms(loop_clock(f->loop)) + DONE_MS;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        enum err err = f->hasher.ops->verify(f->hasher.self, NULL, STR_LIT("x"), deadline_ms,
                                             on_verified, &answers[i]);
        taken += err == ERR_OK;
        refused += err == ERR_OVERLOADED;
    }
    assert_int_equal(taken + refused, ARRAY_LEN(answers));
    assert_int_equal(taken, 3);
    hasher_pool_free(&f->pool);
    unsigned answered = 0;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        assert_true(answers[i].count <= 1);
        answered += answers[i].count;
    }
    assert_int_equal(answered, taken);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(verifies),
        TEST(says_what_is_out_of_date),
        TEST(too_late_is_not_hashed),
        TEST(hashes_again),
        TEST(hashes_a_new_one_in_time),
        TEST(hashing_again_may_take_long),
        TEST(the_queue_is_bounded_and_everybody_is_answered),
    };
    return cmocka_run_group_tests_name("hasher_pool", tests, NULL, NULL);
}
