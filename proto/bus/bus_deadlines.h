/* The deadlines of all calls in flight, behind one timer of the clock.
 *
 * A wheel of buckets by time: setting and clearing a deadline is O(1), and because nearly every
 * call is answered long before its deadline, the timer fires once in a few seconds under any load,
 * where a timer for each call would go through the clock's heap twice for each. Lives on the loop.
 */
#ifndef LYNKS_PROTO_BUS_BUS_DEADLINES_H
#define LYNKS_PROTO_BUS_BUS_DEADLINES_H

#include "proto/base/list.h"
#include "proto/base/clock.h"

/* To be embedded in what has a deadline. */
struct bus_deadline {
    struct list_link link;
    uint64_t due_ms; /* monotonic */
};

struct bus_deadlines;

/* fn (arg, deadline) is called once for each that comes due, from a timer; it has been cleared
 * then. fn may set and clear any. */
typedef void bus_deadline_fn(void *arg, struct bus_deadline *deadline);
struct bus_deadlines *bus_deadlines_new(const struct clock *clock, bus_deadline_fn *fn, void *arg);
void bus_deadlines_free(struct bus_deadlines **deadlines); /* those still set never fire */

void bus_deadline_init(struct bus_deadline *deadline); /* not set */
void bus_deadline_set(struct bus_deadlines *deadlines, struct bus_deadline *deadline,
                      uint64_t due_ms);                 /* one that is not set */
void bus_deadline_clear(struct bus_deadline *deadline); /* harmless if it is not set */

#endif
