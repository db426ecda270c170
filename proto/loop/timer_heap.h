/* One-shot timers in order of time: a binary heap whose entries can be found again by id.
 *
 * Adding, cancelling and taking the earliest cost O(log n). An id holds a slot and the generation
 * of its use, so that the id of a timer that has fired is nobody's. */
#ifndef LYNKS_PROTO_LOOP_TIMER_HEAP_H
#define LYNKS_PROTO_LOOP_TIMER_HEAP_H

#include "proto/base/clock.h"

struct timer_heap;

struct timer_heap *timer_heap_new(void);
void timer_heap_free(struct timer_heap **heap);

/* Returns an id > 0. */
uint64_t timer_heap_add(struct timer_heap *heap, uint64_t due_ms, timer_fn *fn, void *arg);
void timer_heap_cancel(struct timer_heap *heap, uint64_t id); /* 0 and ids of old are ignored */

size_t timer_heap_count(const struct timer_heap *heap);
uint64_t
timer_heap_next_ms(const struct timer_heap *heap); /* when the earliest is due; not if empty */
/* Takes the earliest out, if it is due at now_ms. */
bool timer_heap_pop(struct timer_heap *heap, uint64_t now_ms, timer_fn **ret_fn, void **ret_arg);

#endif
