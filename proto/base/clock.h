/* Time and timers as an interface, so that tests can move time. The loop provides the real one. */
#ifndef LYNKS_PROTO_BASE_CLOCK_H
#define LYNKS_PROTO_BASE_CLOCK_H

#include "proto/base/base.h"

typedef void timer_fn(void *arg);

/* Now on the system's monotonic clock, which the loop's clock shows too: for measuring how long
 * something took, and on threads that have no loop. */
uint64_t system_mono_us(void);
uint64_t system_mono_ms(void);
uint64_t system_unix_ms(void); /* the wall clock */

struct clock_ops {
    uint64_t (*mono_ms)(void *self);
    uint64_t (*unix_ms)(void *self);
    uint64_t (*after)(void *self, uint64_t delay_ms, timer_fn *fn, void *arg);
    void (*cancel)(void *self, uint64_t timer_id);
};

struct clock {
    const struct clock_ops *ops;
    void *self;
};

/* Monotonic milliseconds: for every duration and deadline. */
static inline uint64_t clock_mono_ms(const struct clock *clock)
{
    return clock->ops->mono_ms(clock->self);
}

/* Wall clock, milliseconds since 1970: for what is stored or compared between machines. */
static inline uint64_t clock_unix_ms(const struct clock *clock)
{
    return clock->ops->unix_ms(clock->self);
}

/* Calls fn (arg) once, not before delay_ms have passed, never from inside this call.
 * Returns an id > 0. */
static inline uint64_t clock_after(const struct clock *clock, uint64_t delay_ms, timer_fn *fn,
                                   void *arg)
{
    return clock->ops->after(clock->self, delay_ms, fn, arg);
}

/* The timer will not fire any more; 0 and ids that have fired are ignored. */
static inline void clock_cancel(const struct clock *clock, uint64_t timer_id)
{
    clock->ops->cancel(clock->self, timer_id);
}

#endif
