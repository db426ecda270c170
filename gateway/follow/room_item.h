/* An event of a room as streams send it: encoded once, with what decides who gets it. */
#ifndef LYNKS_GATEWAY_FOLLOW_ROOM_ITEM_H
#define LYNKS_GATEWAY_FOLLOW_ROOM_ITEM_H

#include "proto/http/http_stream.h"
#include "proto/schema/msg.h"

struct room_item {
    struct http_chunk *chunk; /* owned */
    uint64_t seq;
    enum room_event_type type;
    enum room_audience audience;
    enum room_reason reason; /* 0: none is told */
    uint64_t about;          /* the participant; 0: nobody in particular */
    enum room_role role;     /* his as of then */
    uint64_t named[PARTICIPANTS_NAMED_MAX];
    size_t named_count;
};

/* Takes *chunk. */
void room_item_init(struct room_item *item, const struct msg_room_event *event,
                    struct http_chunk **chunk);
void room_item_fini(struct room_item *item);

/* Does this participant hear of it? role: as it is now; 0: he waits to be let in, and hears of what
 * becomes of himself. */
bool room_item_is_for(const struct room_item *item, uint64_t participant_id, enum room_role role);
/* Is he out by it? */
bool room_item_puts_out(const struct room_item *item, uint64_t participant_id);

#endif
