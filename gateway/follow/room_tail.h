/* The last events of a room, encoded, for those who were cut off and come again. A row without a
 * gap: ROOM_TAIL_EVENTS at most, and those for staff only that came among them, which so push no
 * others out (ROOM_TAIL_PLACES at most); what all tails hold is bounded in bytes, past which the
 * oldest event of all rooms goes first. What is not here is in the journal. */
#ifndef LYNKS_GATEWAY_FOLLOW_ROOM_TAIL_H
#define LYNKS_GATEWAY_FOLLOW_ROOM_TAIL_H

#include "gateway/follow/room_item.h"
#include "proto/base/list.h"

#define ROOM_TAIL_EVENTS 1000
#define ROOM_TAIL_PLACES 4096

/* Of all tails. */
struct tail_budget {
    struct list_link entries; /* the oldest first */
    size_t bytes, bytes_max;
};

void tail_budget_init(struct tail_budget *budget, size_t bytes_max);

struct tail_entry;

struct room_tail {
    struct tail_budget *budget;
    struct tail_entry **ring; /* a power of two of places */
    size_t places, first, count;
    size_t for_all;    /* of them are for more than staff */
    uint64_t last_seq; /* of the last event, also if it is not here any more */
    uint64_t bytes_in; /* of all that ever came in */
};

/* Empty, after the event last_seq. */
void room_tail_init(struct room_tail *tail, struct tail_budget *budget);
void room_tail_fini(struct room_tail *tail);
void room_tail_clear(struct room_tail *tail, uint64_t last_seq);

/* event: last_seq + 1. Takes *chunk. */
void room_tail_add(struct room_tail *tail, const struct msg_room_event *event,
                   struct http_chunk **chunk);
/* NULL: it is not here, or not yet. Good until the next is added to any tail. */
const struct room_item *room_tail_find(const struct room_tail *tail, uint64_t seq);
/* Of the events after this one that are here. */
uint64_t room_tail_bytes_after(const struct room_tail *tail, uint64_t seq);

#endif
