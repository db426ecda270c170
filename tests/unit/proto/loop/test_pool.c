/* The worker pool: every job is answered for, on the loop, also at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "proto/loop/pool.h"

struct fixture {
    struct loop *loop;
    struct metrics *metrics;
    struct pool *pool;
    sem_t gate; /* holds the jobs that wait for it */
    atomic_uint started;
    unsigned done, ran;
    atomic_int states;
};

static void *state_new(void *arg)
{
    struct fixture *f = arg;
    f->states++;
    return f;
}

static void state_free(void *state)
{
    struct fixture *f = state;
    f->states--;
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    f->loop = loop_new();
    f->metrics = metrics_new();
    sem_init(&f->gate, 0, 0);
    const struct pool_config config = {.name = "test",
                                       .threads = 2,
                                       .queue_max = 3,
                                       .thread_new = state_new,
                                       .thread_free = state_free,
                                       .thread_arg = f};
    f->pool = pool_new(f->loop, f->metrics, &config);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    pool_free(&f->pool);
    assert_int_equal(f->states, 0);
    metrics_free(&f->metrics);
    loop_free(&f->loop);
    sem_destroy(&f->gate);
    mem_free(&f);
    return 0;
}

static void wait_at_gate(void *job, void *thread_state)
{
    struct fixture *f = job;
    assert_ptr_equal(thread_state, f);
    f->started++;
    sem_wait(&f->gate);
}

static void count_done(void *job, bool ran)
{
    struct fixture *f = job;
    f->done++;
    f->ran += ran;
}

static bool all_done(void *arg)
{
    return ((struct fixture *)arg)->done == 5;
}

static bool two_started(void *arg)
{
    return ((struct fixture *)arg)->started == 2;
}

/* Two run, three wait; more are refused. */
static void fill(struct fixture *f)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pool_submit(f->pool, wait_at_gate, count_done, f), ERR_OK);
    }
    while (!two_started(f)) {
        sched_yield();
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pool_submit(f->pool, wait_at_gate, count_done, f), ERR_OK);
    }
}

static void full_queue_refuses_and_all_taken_are_done(void **state)
{
    struct fixture *f = *state;
    fill(f);
    assert_int_equal(pool_submit(f->pool, wait_at_gate, count_done, f), ERR_OVERLOADED);
    for (int i = 0; i < 5; i++) {
        sem_post(&f->gate);
    }
    assert_true(loop_run_until(f->loop, all_done, f, 5000));
    assert_int_equal(f->ran, 5);
}

static void freeing_answers_for_what_did_not_run(void **state)
{
    struct fixture *f = *state;
    fill(f);
    /* All five may pass: how many are taken before the pool hears that it ends is for the
     * scheduler. */
    for (int i = 0; i < 5; i++) {
        sem_post(&f->gate);
    }
    pool_free(&f->pool);
    assert_int_equal(f->done, 5);
    assert_in_range(f->ran, 2, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_queue_refuses_and_all_taken_are_done, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_answers_for_what_did_not_run, setup, teardown),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
