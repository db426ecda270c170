/* Whose session was ended, by himself or somebody else, is out of the rooms that he came into by
 * it. A session that has only run out of time takes nobody out.
 *
 * authsvc numbers the sessions that were ended; those of the last while are looked at again and
 * again, because a number may become visible after a higher one, and because somebody may have been
 * on his way into a room when his session ended. Now and then, and at first, all are. */
#ifndef LYNKS_ROOMSVC_PRESENCE_SESSION_ENDS_H
#define LYNKS_ROOMSVC_PRESENCE_SESSION_ENDS_H

#include "roomsvc/presence/take_outs.h"

#define SESSION_ENDS_LOOK_MS 400
#define SESSION_ENDS_LOOKS 25 /* what was the last number so many looks ago is where one begins */
#define SESSION_ENDS_ALL_EVERY 150 /* of so many looks one is at all of them; so is the first */

struct session_ends;

struct session_ends *session_ends_new(const struct take_outs_parts *parts);
/* The store has ended before. */
void session_ends_free(struct session_ends **ends);

#endif
