#include "proto/bus/bus_slots.h"

#include <assert.h>

#define INDEX_BITS 16
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)

struct bus_slots {
    struct bus_slot *slots;
    size_t count;
    size_t used;
    uint32_t free_first; /* count: none is free */
};

struct bus_slots *bus_slots_new(size_t count)
{
    assert(count > 0 && count <= INDEX_MASK + 1);
    struct bus_slots *slots = mem_alloc(sizeof(*slots));
    slots->count = count;
    slots->slots = mem_realloc_array(NULL, count, sizeof(*slots->slots));
    for (size_t i = 0; i < count; i++) {
        /* Generation 1: no correlation id is ever 0. */
        slots->slots[i] = (struct bus_slot){.correlation_id = (UINT64_C(1) << INDEX_BITS) | i,
                                            .next_free = (uint32_t)i + 1};
    }
    return slots;
}

void bus_slots_free(struct bus_slots **slots)
{
    if (*slots != NULL) {
        assert((*slots)->used == 0);
        mem_free(&(*slots)->slots);
        mem_free(slots);
    }
}

struct bus_slot *bus_slots_take(struct bus_slots *slots)
{
    if (slots->free_first == slots->count) {
        return NULL;
    }
    struct bus_slot *slot = &slots->slots[slots->free_first];
    slots->free_first = slot->next_free;
    slots->used++;
    slot->is_used = true;
    slot->sends = 0;
    slot->endpoint = NULL;
    list_init(&slot->link);
    list_init(&slot->out);
    bus_deadline_init(&slot->deadline);
    zmq_msg_init(&slot->frame);
    return slot;
}

void bus_slots_release(struct bus_slots *slots, struct bus_slot *slot)
{
    assert(slot->is_used);
    zmq_msg_close(&slot->frame);
    slot->is_used = false;
    slot->correlation_id += UINT64_C(1) << INDEX_BITS;
    slot->next_free = slots->free_first;
    slots->free_first = (uint32_t)(slot - slots->slots);
    slots->used--;
}

struct bus_slot *bus_slots_find(struct bus_slots *slots, uint64_t correlation_id)
{
    size_t index = correlation_id & INDEX_MASK;
    if (index >= slots->count) {
        return NULL;
    }
    struct bus_slot *slot = &slots->slots[index];
    return slot->is_used && slot->correlation_id == correlation_id ? slot : NULL;
}

struct bus_slot *bus_slots_any(struct bus_slots *slots)
{
    for (size_t i = 0; slots->used > 0 && i < slots->count; i++) {
        if (slots->slots[i].is_used) {
            return &slots->slots[i];
        }
    }
    return NULL;
}

size_t bus_slots_used(const struct bus_slots *slots)
{
    return slots->used;
}
