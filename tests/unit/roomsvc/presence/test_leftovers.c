/* Old rows go step by step, kind after kind, with the store played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/presence/leftovers.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct leftovers *leftovers;
    enum err refuse;
    struct leftover_step step;
    leftover_store_fn *fn; /* NULL: no step is under way */
    void *arg;
};

static enum err store_sweep(void *self, const struct leftover_step *step, leftover_store_fn *fn,
                            void *arg)
{
    struct fixture *f = self;
    assert_null(f->fn);
    f->step = *step;
    f->fn = f->refuse == ERR_OK ? fn : NULL;
    f->arg = arg;
    return f->refuse;
}

static const struct leftover_store_ops store_ops = {store_sweep};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->leftovers = leftovers_new(fake_clock_clock(f->clock),
                                 (struct leftover_store){.ops = &store_ops, .self = f}, f->metrics);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    leftovers_free(&f->leftovers);
    assert_int_equal(fake_clock_timers(f->clock), 0);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    mem_free(&f);
    return log_capture_teardown(NULL);
}

static leftover_store_fn *take_fn(struct fixture *f)
{
    leftover_store_fn *fn = f->fn;
    assert_non_null(fn);
    f->fn = NULL;
    return fn;
}

/* The step comes after so long, and not before; it is answered so. */
static void expect_step(struct fixture *f, uint64_t after_ms, enum leftover what, uint64_t after,
                        const struct leftover_swept *swept)
{
    fake_clock_advance(f->clock, after_ms - 1);
    assert_null(f->fn);
    fake_clock_advance(f->clock, 1);
    leftover_store_fn *fn = take_fn(f);
    assert_int_equal(f->step.what, what);
    assert_int_equal(f->step.after, after);
    fn(f->arg, swept == NULL ? ERR_OVERLOADED : ERR_OK, swept);
}

static uint64_t removed(struct fixture *f, const char *labels)
{
    return metric_value(metrics_counter(f->metrics, "lynks_rooms_swept_rows_total", "", labels));
}

static const struct leftover_swept over = {.is_over = true};

static void a_round_goes_through_all_kinds(void **state)
{
    static const struct leftover_swept more = {.removed = 500, .after = 77, .kept = 1000};
    static const struct leftover_swept last = {.removed = 3, .kept = 30, .is_over = true};
    struct fixture *f = *state;
    for (size_t round = 0; round < 2; round++) {
        for (enum leftover what = 0; what < LEFTOVERS; what++) {
            expect_step(f, what == 0 ? LEFTOVERS_REST_MS : LEFTOVERS_PAUSE_MS, what, 0, &more);
            expect_step(f, LEFTOVERS_PAUSE_MS, what, 77, &last);
        }
    }
    assert_int_equal(removed(f, "rows=\"participants\""), 2 * 503);
    assert_int_equal(removed(f, "rows=\"events\""), 2 * 503);
}

static void a_step_that_fails_is_done_again(void **state)
{
    static const struct leftover_swept more = {.after = 77};
    struct fixture *f = *state;
    expect_step(f, LEFTOVERS_REST_MS, LEFTOVER_PARTICIPANTS, 0, &over);
    expect_step(f, LEFTOVERS_PAUSE_MS, LEFTOVER_STREAMS, 0, &more);
    expect_step(f, LEFTOVERS_PAUSE_MS, LEFTOVER_STREAMS, 77, NULL);
    f->refuse = ERR_UNAVAILABLE;
    fake_clock_advance(f->clock, LEFTOVERS_REST_MS);
    f->refuse = ERR_OK;
    expect_step(f, LEFTOVERS_REST_MS, LEFTOVER_STREAMS, 77, &over);
    expect_step(f, LEFTOVERS_PAUSE_MS, LEFTOVER_GATEWAYS, 0, &over);
}

#define LEFTOVER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEFTOVER_TEST(a_round_goes_through_all_kinds),
        LEFTOVER_TEST(a_step_that_fails_is_done_again),
    };
    return cmocka_run_group_tests_name("leftovers", tests, NULL, NULL);
}
