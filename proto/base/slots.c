#include "proto/base/slots.h"

#include <assert.h>

/* The low bits of an id are its place, counted from 1; the others are the generation. */
#define PLACE_BITS 20
#define PLACE_MASK ((UINT64_C(1) << PLACE_BITS) - 1)
#define CHUNK_ITEMS 64

/* Stands before each item. */
struct slot_head {
    uint64_t id;        /* of its present or its last use */
    uint32_t next_free; /* a place; 0: none */
    bool is_used;
} __attribute__((aligned(16)));

struct slots {
    size_t stride; /* bytes of a head and its item */
    size_t items_max;
    size_t made; /* places that were used at least once */
    size_t used;
    uint32_t free_first; /* a place; 0: none */
    random_fn *random;
    char **chunks; /* CHUNK_ITEMS of them each */
};

static struct slot_head *slot_head_of(const void *item)
{
    return (struct slot_head *)((uintptr_t)item - sizeof(struct slot_head));
}

static void *item_of(struct slot_head *head)
{
    return head + 1;
}

static struct slot_head *head_at(const struct slots *slots, size_t place)
{
    size_t index = place - 1;
    char *chunk = slots->chunks[index / CHUNK_ITEMS];
    return (struct slot_head *)(void *)(chunk + (index % CHUNK_ITEMS) * slots->stride);
}

struct slots *slots_new(size_t item_bytes, size_t items_max, random_fn *random)
{
    assert(items_max > 0 && items_max <= SLOTS_MAX);
    struct slots *slots = mem_alloc(sizeof(*slots));
    size_t align = sizeof(struct slot_head);
    slots->stride = sizeof(struct slot_head) + (item_bytes + align - 1) / align * align;
    slots->items_max = items_max;
    slots->random = random;
    return slots;
}

void slots_free(struct slots **slots_ref)
{
    struct slots *slots = *slots_ref;
    if (slots == NULL) {
        return;
    }
    assert(slots->used == 0);
    for (size_t i = 0; i * CHUNK_ITEMS < slots->made; i++) {
        mem_free(&slots->chunks[i]);
    }
    mem_free(&slots->chunks);
    mem_free(slots_ref);
}

static struct slot_head *make_place(struct slots *slots)
{
    if (slots->made % CHUNK_ITEMS == 0) {
        size_t chunk = slots->made / CHUNK_ITEMS;
        slots->chunks = mem_realloc_array(slots->chunks, chunk + 1, sizeof(*slots->chunks));
        slots->chunks[chunk] = mem_alloc(CHUNK_ITEMS * slots->stride);
    }
    uint64_t place = ++slots->made;
    uint64_t generation = 1;
    if (slots->random != NULL) {
        generation = (uint64_t)slots->random() << 32 | slots->random();
    }
    struct slot_head *head = head_at(slots, place);
    head->id = generation << PLACE_BITS | place;
    return head;
}

void *slots_take(struct slots *slots)
{
    struct slot_head *head;
    if (slots->free_first != 0) {
        head = head_at(slots, slots->free_first);
        slots->free_first = head->next_free;
    } else if (slots->made < slots->items_max) {
        head = make_place(slots);
    } else {
        return NULL;
    }
    head->is_used = true;
    slots->used++;
    return item_of(head);
}

void slots_release(struct slots *slots, void *item)
{
    struct slot_head *head = slot_head_of(item);
    assert(head->is_used);
    head->is_used = false;
    head->id += UINT64_C(1) << PLACE_BITS;
    head->next_free = slots->free_first;
    slots->free_first = (uint32_t)(head->id & PLACE_MASK);
    slots->used--;
}

void *slots_find(const struct slots *slots, uint64_t id)
{
    size_t place = id & PLACE_MASK;
    if (place == 0 || place > slots->made) {
        return NULL;
    }
    struct slot_head *head = head_at(slots, place);
    return head->is_used && head->id == id ? item_of(head) : NULL;
}

uint64_t slots_id(const void *item)
{
    return slot_head_of(item)->id;
}

void *slots_next(const struct slots *slots, const void *item)
{
    size_t place = item == NULL ? 0 : slot_head_of(item)->id & PLACE_MASK;
    while (++place <= slots->made) {
        struct slot_head *head = head_at(slots, place);
        if (head->is_used) {
            return item_of(head);
        }
    }
    return NULL;
}

size_t slots_used(const struct slots *slots)
{
    return slots->used;
}
