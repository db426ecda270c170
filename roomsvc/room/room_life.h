/* The end of rooms that nobody uses: the registry closes such a room, Janus loses it, and its row
 * goes. The standard room never ends. Where rooms do not end by themselves, those that were closed
 * for another reason still go this way.
 *
 *   open --- unused for idle_ms ---> closed --- not in Janus, KEEP later ---> gone
 *
 * A room is used when somebody asks for it (room_create, room_participants), and when somebody is
 * in it at the moment when its bridge is asked, which is ROOMS_LOOKS times in idle_ms. What is
 * decided is decided by one statement in the registry, and every step may be done twice: replicas
 * share the work, and of what one leaves behind when it dies the next turn is another's. A room
 * whose node is away is looked at again later. Closed rooms are destroyed twice at least, because a
 * call that began before the end may bring one back into Janus. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOM_LIFE_H
#define LYNKS_ROOMSVC_ROOM_ROOM_LIFE_H

#include "roomsvc/room/rooms.h"
#include "roomsvc/store/life_store.h"

/* No answer of a bridge for so many times idle_ms: its node is given up, and so is the room. */
#define LIFE_AWAY 8
/* Where rooms do not end by themselves this stands for idle_ms. */
#define LIFE_IDLE_MS 86400000
/* A closed room's row is kept for idle_ms, but not longer than this: longer than any call takes. */
#define LIFE_KEEP_MS 120000
#define LIFE_PAUSE_MS 20 /* from room to room */
/* When there is no room to look at, the registry is asked again after a part of the time between
 * two looks, within these bounds. */
#define LIFE_REST_MIN_MS 50
#define LIFE_REST_MAX_MS 5000
#define LIFE_CALL_MS 4000

struct room_life;

/* Borrowed. */
struct room_life *room_life_new(struct rooms *rooms, struct life_store store,
                                struct metrics *metrics);
/* The store and the bus have ended before. */
void room_life_free(struct room_life **life);

#endif
