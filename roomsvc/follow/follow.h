/* Follows the bridges: their events make a copy of who publishes (room_copy.h), so that most lists
 * are answered here, without another hop.
 *
 * What is asked for here the bridge does not see, and it hears of rooms only while somebody asks.
 * So the rooms that were asked for are named to their node each second, in batches; its answers
 * also tell how far its clock is, without which no copy is vouched for. A bridge whose lease is
 * over is not believed (node_fence.h). Whatever is in doubt is the bridge's to answer. */
#ifndef LYNKS_ROOMSVC_FOLLOW_FOLLOW_H
#define LYNKS_ROOMSVC_FOLLOW_FOLLOW_H

#include "proto/bus/bus.h"
#include "roomsvc/node/node_fence.h"

struct follow_parts {
    const struct clock *clock;
    const struct bus *bus;
    struct metrics *metrics;
    struct node_fence *fence;
};

struct follow;

/* Parts' members are borrowed. rooms_max: of each bridge and of each node; at least 1. */
struct follow *follow_new(const struct follow_parts *parts, size_t rooms_max);
/* The bus has ended before. */
void follow_free(struct follow **follow);

/* Of the bridge that publishes at endpoint: an event, and that it is not followed any more. */
void follow_hear(struct follow *follow, const char *endpoint, const struct msg_bridge_event *event,
                 uint64_t number, bool is_next);
void follow_leave(struct follow *follow, const char *endpoint);

/* True: who publishes in the room of this node; borrowed until anything else is called. False: ask
 * a bridge of the node, and give its answer to follow_take. */
bool follow_answer(struct follow *follow, struct str node, uint64_t room_id,
                   struct u64_list *ret_publishers);
void follow_take(struct follow *follow, struct str node, uint64_t room_id,
                 const struct msg_bridge_participants_reply *reply);

#endif
