/* How much there is of rooms, of who is in them and of what they run on, for admins.
 *
 * Lives on the loop. What it is given is borrowed. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOM_STATS_H
#define LYNKS_ROOMSVC_ROOM_ROOM_STATS_H

#include "proto/base/clock.h"
#include "proto/bus/call.h"
#include "roomsvc/store/stats_store.h"

struct room_stats;

struct room_stats *room_stats_new(const struct clock *clock, struct stats_store store);
void room_stats_free(struct room_stats **stats); /* after the store's pool */

/* Answers a room_stats, now or later. ERR_FORBIDDEN. */
void room_stats_tell(struct room_stats *stats, struct call *call);

#endif
