/* The wheel of deadlines: each fires once, in time, and few timers are needed. */
#include "proto/bus/bus_deadlines.h"
#include "tests/support/c/fake_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 2000

struct item {
    struct bus_deadline deadline;
    uint64_t due_ms;
    uint64_t fired_ms; /* 0: not yet */
};

struct rig {
    struct fake_clock *fake;
    const struct clock *clock;
    struct bus_deadlines *deadlines;
    struct item items[MANY];
    size_t fired;
    struct item *clear_next; /* cleared by whichever fires first */
    struct item *set_next;   /* set, to now, likewise */
};

static void on_due(void *arg, struct bus_deadline *deadline)
{
    struct rig *rig = arg;
    struct item *item = CONTAINER_OF(deadline, struct item, deadline);
    assert_int_equal(item->fired_ms, 0);
    item->fired_ms = clock_mono_ms(rig->clock);
    rig->fired++;
    if (rig->clear_next != NULL) {
        bus_deadline_clear(&rig->clear_next->deadline);
        rig->clear_next = NULL;
    }
    if (rig->set_next != NULL) {
        struct item *next = rig->set_next;
        rig->set_next = NULL;
        bus_deadline_set(rig->deadlines, &next->deadline, clock_mono_ms(rig->clock));
    }
}

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    rig->fake = fake_clock_new();
    rig->clock = fake_clock_clock(rig->fake);
    rig->deadlines = bus_deadlines_new(rig->clock, on_due, rig);
    for (size_t i = 0; i < MANY; i++) {
        bus_deadline_init(&rig->items[i].deadline);
    }
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    bus_deadlines_free(&rig->deadlines);
    assert_int_equal(fake_clock_timers(rig->fake), 0);
    fake_clock_free(&rig->fake);
    mem_free(state);
    return 0;
}

static void set(struct rig *rig, size_t i, uint64_t delay_ms)
{
    rig->items[i].due_ms = clock_mono_ms(rig->clock) + delay_ms;
    bus_deadline_set(rig->deadlines, &rig->items[i].deadline, rig->items[i].due_ms);
}

static void test_each_fires_at_its_time(void **state)
{
    struct rig *rig = *state;
    uint64_t seed = 1;
    for (size_t i = 0; i < MANY; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        set(rig, i, (seed >> 33) % 60000); /* several rounds of the wheel */
    }
    while (rig->fired < MANY) {
        fake_clock_advance(rig->fake, 997);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(rig->items[i].fired_ms, rig->items[i].due_ms);
    }
}

static void test_cleared_ones_do_not_fire(void **state)
{
    struct rig *rig = *state;
    set(rig, 0, 100);
    set(rig, 1, 100);
    set(rig, 2, 100);
    bus_deadline_clear(&rig->items[0].deadline);
    bus_deadline_clear(&rig->items[0].deadline); /* harmless */
    rig->clear_next = &rig->items[2];            /* while it is due in the same sweep */
    fake_clock_advance(rig->fake, 200);
    assert_int_equal(rig->fired, 1);
    assert_int_not_equal(rig->items[1].fired_ms, 0);
}

static void test_one_that_is_set_by_another(void **state)
{
    struct rig *rig = *state;
    set(rig, 0, 100);
    rig->set_next = &rig->items[1];
    fake_clock_advance(rig->fake, 100);
    fake_clock_advance(rig->fake, 1);
    assert_int_equal(rig->fired, 2);
}

static void test_past_and_far_ones(void **state)
{
    struct rig *rig = *state;
    fake_clock_advance(rig->fake, 123456);
    bus_deadline_set(rig->deadlines, &rig->items[0].deadline, 1); /* long past */
    set(rig, 1, 3600000);
    set(rig, 2, UINT64_MAX / 4);
    fake_clock_advance(rig->fake, 1);
    assert_int_equal(rig->fired, 1);
    fake_clock_advance(rig->fake, 3599998);
    assert_int_equal(rig->fired, 1);
    fake_clock_advance(rig->fake, 1);
    assert_int_equal(rig->fired, 2);
}

/* The loop stood still (a paused process): all that came due meanwhile fires once. */
static void test_after_a_stall(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < MANY; i++) {
        set(rig, i, 1 + i * 10);
    }
    fake_clock_advance(rig->fake, 60000);
    assert_int_equal(rig->fired, MANY);
}

/* The reason for the wheel: calls that are answered in time cost no timers. */
static void test_calls_in_time_need_one_timer(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < MANY; i++) {
        set(rig, i, 4000);
        assert_int_equal(fake_clock_timers(rig->fake), 1);
        fake_clock_advance(rig->fake, 1);
        bus_deadline_clear(&rig->items[i].deadline);
    }
    assert_int_equal(rig->fired, 0);
    fake_clock_advance(rig->fake, 5000);
    assert_int_equal(fake_clock_timers(rig->fake), 0); /* idle: not even that one */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_fires_at_its_time),
        TEST(test_cleared_ones_do_not_fire),
        TEST(test_one_that_is_set_by_another),
        TEST(test_past_and_far_ones),
        TEST(test_after_a_stall),
        TEST(test_calls_in_time_need_one_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
