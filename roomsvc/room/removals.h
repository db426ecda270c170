/* The rooms of users who were removed: they end, or get a new owner, within seconds.
 *
 * authsvc leaves word of each removal in the database, in the transaction that removes the user. It
 * is looked at again and again for minutes, because a call of his that was under way may have made
 * a room since; and now and then all that is kept (a week) is, for what happened while no roomsvc
 * was there. Rooms are closed as those that nobody uses are, and room_life.h ends them in Janus;
 * those in which somebody may be are closed by room_ends.h. */
#ifndef LYNKS_ROOMSVC_ROOM_REMOVALS_H
#define LYNKS_ROOMSVC_ROOM_REMOVALS_H

#include "roomsvc/journal/room_news.h"
#include "roomsvc/room/rooms.h"
#include "roomsvc/store/removal_store.h"

#define REMOVALS_REST_MS 1000 /* while there is nothing to do */
#define REMOVALS_PAUSE_MS 20  /* from one part to the next */
#define REMOVALS_RECENT_MS 600000
#define REMOVALS_ALL_MS (8ULL * 86400000)
#define REMOVALS_ALL_EVERY 60 /* of so many looks one is at all of them; so is the first */

struct removals;

/* All borrowed. */
struct removals *removals_new(struct rooms *rooms, struct removal_store store,
                              struct room_news *news, struct metrics *metrics);
/* The store has ended before. */
void removals_free(struct removals **removals);

#endif
