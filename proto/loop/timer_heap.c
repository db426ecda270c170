#include "proto/loop/timer_heap.h"

#include <assert.h>
#include <stdlib.h>

struct timer {
    uint64_t id;
    uint64_t due_ms;
    timer_fn *fn;
    void *arg;
};

/* Where a timer id is in the heap: ids are slot and generation, so that cancelling is O(log n) too.
 */
struct slot {
    uint32_t generation;
    uint32_t position; /* in the heap; next free slot while free */
};

struct timer_heap {
    struct timer *timers;
    size_t count, room;
    struct slot *slots;
    uint32_t slot_count, free_slot; /* free_slot == slot_count: none is free */
};

static uint32_t slot_of(uint64_t id)
{
    return (uint32_t)id;
}

static void put(struct timer_heap *heap, size_t position, struct timer timer)
{
    heap->timers[position] = timer;
    heap->slots[slot_of(timer.id)].position = (uint32_t)position;
}

static void move_up(struct timer_heap *heap, size_t position, struct timer timer)
{
    while (position > 0 && heap->timers[(position - 1) / 2].due_ms > timer.due_ms) {
        put(heap, position, heap->timers[(position - 1) / 2]);
        position = (position - 1) / 2;
    }
    put(heap, position, timer);
}

static void move_down(struct timer_heap *heap, size_t position, struct timer timer)
{
    for (size_t child; (child = 2 * position + 1) < heap->count; position = child) {
        if (child + 1 < heap->count &&
            heap->timers[child + 1].due_ms < heap->timers[child].due_ms) {
            child++;
        }
        if (heap->timers[child].due_ms >= timer.due_ms) {
            break;
        }
        put(heap, position, heap->timers[child]);
    }
    put(heap, position, timer);
}

static void remove_at(struct timer_heap *heap, size_t position)
{
    uint32_t slot = slot_of(heap->timers[position].id);
    heap->slots[slot].generation++;
    heap->slots[slot].position = heap->free_slot;
    heap->free_slot = slot;
    struct timer last = heap->timers[--heap->count];
    if (position == heap->count) {
        return;
    }
    if (position > 0 && heap->timers[(position - 1) / 2].due_ms > last.due_ms) {
        move_up(heap, position, last);
    } else {
        move_down(heap, position, last);
    }
}

static uint32_t take_slot(struct timer_heap *heap)
{
    if (heap->free_slot == heap->slot_count) {
        uint32_t count = heap->slot_count == 0 ? 64 : 2 * heap->slot_count;
        heap->slots = mem_realloc_array(heap->slots, count, sizeof(*heap->slots));
        for (uint32_t i = heap->slot_count; i < count; i++) {
            heap->slots[i] = (struct slot){.generation = 1, .position = i + 1};
        }
        heap->slot_count = count;
    }
    uint32_t slot = heap->free_slot;
    heap->free_slot = heap->slots[slot].position;
    return slot;
}

struct timer_heap *timer_heap_new(void)
{
    return mem_alloc(sizeof(struct timer_heap));
}

void timer_heap_free(struct timer_heap **heap)
{
    if (*heap != NULL) {
        free((*heap)->timers);
        free((*heap)->slots);
        mem_free(heap);
    }
}

uint64_t timer_heap_add(struct timer_heap *heap, uint64_t due_ms, timer_fn *fn, void *arg)
{
    if (heap->count == heap->room) {
        heap->room = heap->room == 0 ? 64 : 2 * heap->room;
        heap->timers = mem_realloc_array(heap->timers, heap->room, sizeof(*heap->timers));
    }
    uint32_t slot = take_slot(heap);
    const struct timer timer = {.id = (uint64_t)heap->slots[slot].generation << 32 | slot,
                                .due_ms = due_ms,
                                .fn = fn,
                                .arg = arg};
    move_up(heap, heap->count++, timer);
    return timer.id;
}

void timer_heap_cancel(struct timer_heap *heap, uint64_t id)
{
    uint32_t slot = slot_of(id);
    if (id != 0 && slot < heap->slot_count && heap->slots[slot].generation == id >> 32) {
        remove_at(heap, heap->slots[slot].position);
    }
}

size_t timer_heap_count(const struct timer_heap *heap)
{
    return heap->count;
}

uint64_t timer_heap_next_ms(const struct timer_heap *heap)
{
    assert(heap->count > 0);
    return heap->timers[0].due_ms;
}

bool timer_heap_pop(struct timer_heap *heap, uint64_t now_ms, timer_fn **ret_fn, void **ret_arg)
{
    if (heap->count == 0 || heap->timers[0].due_ms > now_ms) {
        return false;
    }
    *ret_fn = heap->timers[0].fn;
    *ret_arg = heap->timers[0].arg;
    remove_at(heap, 0);
    return true;
}
