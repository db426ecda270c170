#include "gateway/follow/room_tail.h"

#include <assert.h>
#include <stdlib.h>

struct tail_entry {
    struct list_link age; /* of budget->entries */
    struct room_tail *tail;
    struct room_item item;
    uint64_t bytes_before; /* of those that came into the tail before */
};

void tail_budget_init(struct tail_budget *budget, size_t bytes_max)
{
    *budget = (struct tail_budget){.bytes_max = bytes_max};
    list_init(&budget->entries);
}

static size_t cost_of(const struct tail_entry *entry)
{
    return sizeof(*entry) + http_chunk_data(entry->item.chunk).bytes;
}

static struct tail_entry *entry_at(const struct room_tail *tail, size_t i)
{
    return tail->ring[(tail->first + i) & (tail->places - 1)];
}

static void drop_first(struct room_tail *tail)
{
    struct tail_entry *entry = entry_at(tail, 0);
    tail->first++;
    tail->count--;
    tail->for_all -= entry->item.audience != AUDIENCE_STAFF;
    tail->budget->bytes -= cost_of(entry);
    list_remove(&entry->age);
    room_item_fini(&entry->item);
    free(entry);
}

void room_tail_init(struct room_tail *tail, struct tail_budget *budget)
{
    *tail = (struct room_tail){.budget = budget};
}

void room_tail_clear(struct room_tail *tail, uint64_t last_seq)
{
    while (tail->count > 0) {
        drop_first(tail);
    }
    tail->last_seq = last_seq;
}

void room_tail_fini(struct room_tail *tail)
{
    room_tail_clear(tail, 0);
    free(tail->ring);
    tail->ring = NULL;
}

static void make_tail_place(struct room_tail *tail)
{
    if (tail->count == ROOM_TAIL_PLACES) {
        drop_first(tail);
    }
    if (tail->count < tail->places) {
        return;
    }
    const size_t places = tail->places == 0 ? 16 : 2 * tail->places;
    struct tail_entry **ring = mem_realloc_array(NULL, places, sizeof(struct tail_entry *));
    for (size_t i = 0; i < tail->count; i++) {
        ring[i] = entry_at(tail, i);
    }
    free(tail->ring);
    tail->ring = ring;
    tail->places = places;
    tail->first = 0;
}

void room_tail_add(struct room_tail *tail, const struct msg_room_event *event,
                   struct http_chunk **chunk)
{
    struct tail_budget *budget = tail->budget;
    struct tail_entry *entry = mem_alloc(sizeof(*entry));
    assert(event->seq == tail->last_seq + 1);
    make_tail_place(tail);
    entry->tail = tail;
    entry->bytes_before = tail->bytes_in;
    room_item_init(&entry->item, event, chunk);
    tail->ring[(tail->first + tail->count++) & (tail->places - 1)] = entry;
    tail->for_all += event->audience != AUDIENCE_STAFF;
    tail->last_seq = event->seq;
    tail->bytes_in += http_chunk_data(entry->item.chunk).bytes;
    list_add(&budget->entries, &entry->age);
    budget->bytes += cost_of(entry);
    while (tail->for_all > ROOM_TAIL_EVENTS) {
        drop_first(tail);
    }
    for (struct tail_entry *oldest;
         budget->bytes > budget->bytes_max &&
         (oldest = LIST_FIRST(struct tail_entry, &budget->entries, age)) != NULL;) {
        drop_first(oldest->tail);
    }
}

/* Where the event is, if it is here: the first one has last_seq - count + 1. */
static bool place_of_seq(const struct room_tail *tail, uint64_t seq, size_t *ret_place)
{
    if (seq > tail->last_seq || tail->last_seq - seq >= tail->count) {
        return false;
    }
    *ret_place = tail->count - 1 - (size_t)(tail->last_seq - seq);
    return true;
}

const struct room_item *room_tail_find(const struct room_tail *tail, uint64_t seq)
{
    size_t place;
    return place_of_seq(tail, seq, &place) ? &entry_at(tail, place)->item : NULL;
}

uint64_t room_tail_bytes_after(const struct room_tail *tail, uint64_t seq)
{
    size_t place;
    if (seq >= tail->last_seq || tail->count == 0) {
        return 0;
    }
    return tail->bytes_in -
           entry_at(tail, place_of_seq(tail, seq + 1, &place) ? place : 0)->bytes_before;
}
