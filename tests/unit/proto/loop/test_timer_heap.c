/* The heap of timers against a plain array that does the same slowly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "proto/loop/timer_heap.h"

enum { TIMERS = 60, STEPS = 20000 };

struct model {
    uint64_t id[TIMERS];
    uint64_t due_ms[TIMERS]; /* 0: not set */
};

static void fire(void *arg)
{
    (void)arg;
}

static size_t earliest(const struct model *model)
{
    size_t found = TIMERS;
    for (size_t i = 0; i < TIMERS; i++) {
        if (model->due_ms[i] != 0 && (found == TIMERS || model->due_ms[i] < model->due_ms[found])) {
            found = i;
        }
    }
    return found;
}

static size_t count(const struct model *model)
{
    size_t n = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        n += model->due_ms[i] != 0;
    }
    return n;
}

static void pop_one(struct timer_heap *heap, struct model *model, uint64_t now_ms)
{
    size_t first = earliest(model);
    timer_fn *fn;
    void *arg;
    bool due = first != TIMERS && model->due_ms[first] <= now_ms;
    assert_int_equal(timer_heap_pop(heap, now_ms, &fn, &arg), due);
    if (due) {
        uint64_t *popped = arg;
        assert_int_equal(*popped, model->due_ms[first]); /* of two at one time, either */
        assert_ptr_equal(fn, fire);
        *popped = 0;
    }
}

static void agrees_with_a_simple_model(void **state)
{
    AUTO(timer_heap_free) struct timer_heap *heap = timer_heap_new();
    struct model model = {{0}, {0}};
    unsigned short seed[3] = {1, 2, 3};
    (void)state;
    for (uint64_t now_ms = 1; now_ms <= STEPS; now_ms++) {
        size_t i = (size_t)nrand48(seed) % TIMERS;
        if (model.due_ms[i] == 0) {
            model.due_ms[i] = now_ms + (uint64_t)nrand48(seed) % 100;
            model.id[i] = timer_heap_add(heap, model.due_ms[i], fire, &model.due_ms[i]);
            assert_int_not_equal(model.id[i], 0);
        } else if (nrand48(seed) % 2 == 0) {
            timer_heap_cancel(heap, model.id[i]);
            model.due_ms[i] = 0;
        }
        if (model.due_ms[i] == 0) {
            timer_heap_cancel(heap,
                              model.id[i]); /* an id of old is nobody's, whoever has its slot */
        }
        pop_one(heap, &model, now_ms);
        assert_int_equal(timer_heap_count(heap), count(&model));
        if (count(&model) > 0) {
            assert_int_equal(timer_heap_next_ms(heap), model.due_ms[earliest(&model)]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_a_simple_model)};
    return cmocka_run_group_tests_name("timer heap", tests, NULL, NULL);
}
