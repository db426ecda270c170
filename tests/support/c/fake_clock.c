#include "tests/support/c/fake_clock.h"

#include <assert.h>

#define TIMERS_MAX 4096
#define START_MONO_MS 1000000
#define START_UNIX_MS 1700000000000

struct timer {
    uint64_t id; /* 0: free */
    uint64_t due_ms;
    timer_fn *fn;
    void *arg;
};

struct fake_clock {
    struct clock clock;
    uint64_t now_ms;
    uint64_t last_id;
    struct timer timers[TIMERS_MAX];
};

static uint64_t mono_ms(void *self)
{
    const struct fake_clock *fake = self;
    return fake->now_ms;
}

static uint64_t unix_ms(void *self)
{
    const struct fake_clock *fake = self;
    return START_UNIX_MS + (fake->now_ms - START_MONO_MS);
}

static uint64_t after(void *self, uint64_t delay_ms, timer_fn *fn, void *arg)
{
    struct fake_clock *fake = self;
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        if (fake->timers[i].id == 0) {
            fake->timers[i] = (struct timer){
                .id = ++fake->last_id, .due_ms = fake->now_ms + delay_ms, .fn = fn, .arg = arg};
            return fake->last_id;
        }
    }
    assert(false && "more timers than a test should need");
    return 0;
}

static void cancel(void *self, uint64_t timer_id)
{
    struct fake_clock *fake = self;
    for (size_t i = 0; timer_id != 0 && i < TIMERS_MAX; i++) {
        if (fake->timers[i].id == timer_id) {
            fake->timers[i].id = 0;
        }
    }
}

static const struct clock_ops ops = {mono_ms, unix_ms, after, cancel};

struct fake_clock *fake_clock_new(void)
{
    struct fake_clock *fake = mem_alloc(sizeof(*fake));
    fake->clock = (struct clock){.ops = &ops, .self = fake};
    fake->now_ms = START_MONO_MS;
    return fake;
}

void fake_clock_free(struct fake_clock **fake)
{
    mem_free(fake);
}

const struct clock *fake_clock_clock(struct fake_clock *fake)
{
    return &fake->clock;
}

/* The timer that is due first and not after limit_ms; of two at one time, the older. */
static struct timer *find_next(struct fake_clock *fake, uint64_t limit_ms)
{
    struct timer *next = NULL;
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        struct timer *t = &fake->timers[i];
        if (t->id == 0 || t->due_ms > limit_ms) {
            continue;
        }
        if (next == NULL || t->due_ms < next->due_ms ||
            (t->due_ms == next->due_ms && t->id < next->id)) {
            next = t;
        }
    }
    return next;
}

void fake_clock_advance(struct fake_clock *fake, uint64_t ms)
{
    uint64_t end_ms = fake->now_ms + ms;
    for (struct timer *t; (t = find_next(fake, end_ms)) != NULL;) {
        struct timer due = *t;
        t->id = 0;
        fake->now_ms = due.due_ms;
        due.fn(due.arg);
    }
    fake->now_ms = end_ms;
}

size_t fake_clock_timers(const struct fake_clock *fake)
{
    size_t count = 0;
    for (size_t i = 0; i < TIMERS_MAX; i++) {
        count += fake->timers[i].id != 0;
    }
    return count;
}
