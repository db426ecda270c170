/* A clock that only moves when a test says so. */
#ifndef LYNKS_TESTS_SUPPORT_C_FAKE_CLOCK_H
#define LYNKS_TESTS_SUPPORT_C_FAKE_CLOCK_H

#include "proto/base/clock.h"

struct fake_clock;
struct fake_clock *fake_clock_new(void); /* mono 1,000,000 ms; unix 1,700,000,000,000 ms */
void fake_clock_free(struct fake_clock **fake);

const struct clock *fake_clock_clock(struct fake_clock *fake);
/* Moves time and fires, in order, every timer that comes due, each at its own time. */
void fake_clock_advance(struct fake_clock *fake, uint64_t ms);
size_t fake_clock_timers(const struct fake_clock *fake); /* pending ones */

#endif
