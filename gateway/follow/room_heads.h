/* Asks how far the journals of followed rooms go (journal_heads): the net under what is published.
 *
 * All are asked when something may have been missed (news_watch.h); besides, a thirtieth of them
 * each second. While roomsvc does not answer, it is asked later and later. At most HEADS_OUT_MAX
 * questions are out at a time. Lives on the loop. */
#ifndef LYNKS_GATEWAY_FOLLOW_ROOM_HEADS_H
#define LYNKS_GATEWAY_FOLLOW_ROOM_HEADS_H

#include "gateway/follow/news_watch.h"
#include "proto/base/metrics.h"
#include "proto/bus/bus.h"

#define HEADS_OUT_MAX 4
#define HEADS_NET_S 30 /* in which each room is asked for, whatever happens */

struct heads_question;

/* Of a room; embedded. All but room_id is the module's. */
struct head_place {
    struct list_link all, due;
    uint64_t room_id;
    struct heads_question *question; /* in which it is; NULL: none */
    size_t index;                    /* in the question */
    uint64_t seen;                   /* as it was asked with */
    uint64_t generation;             /* likewise */
    bool is_told;
    bool is_stale; /* it has to be asked for once more */
};

struct head_told {
    bool is_there; /* there is such a room */
    uint64_t generation, head;
};

struct room_heads_owner {
    /* The room's last event, as far as it is known, and the generation. false: nothing is known
     * that could be compared, do not ask. */
    bool (*look)(void *arg, struct head_place *place, uint64_t *ret_seen, uint64_t *ret_generation);
    /* What was answered to place->seen and place->generation. */
    void (*on_told)(void *arg, struct head_place *place, const struct head_told *told);
    void *arg;
};

struct room_heads_parts {
    const struct clock *clock;
    const struct bus *bus;
    struct metrics *metrics;
    struct news_watch *watch;
    const struct room_heads_owner *owner;
};

struct room_heads;

struct room_heads *room_heads_new(const struct room_heads_parts *parts); /* members borrowed */
void room_heads_free(struct room_heads **heads); /* the bus has ended before */

void room_heads_add(struct room_heads *heads, struct head_place *place, uint64_t room_id);
void room_heads_remove(struct room_heads *heads, struct head_place *place);
/* Asks for this one soon. */
void room_heads_ask(struct room_heads *heads, struct head_place *place);

#endif
