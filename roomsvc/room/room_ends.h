/* The life of rooms with a code: one whose time is up, whose owner was removed, or that nobody has
 * been in for a year, ends for good, and everybody who is in it is told and out. One that nobody is
 * in leaves Janus after a while; the next who comes in brings it back (room_enter.h).
 *
 * What becomes of a room is decided in the registry. From there on, what it takes may be done
 * twice: a room that is closed is ended in Janus by room_life.h, as all are; one that leaves Janus
 * is due again until that was noted. Somebody may come in while it is being ended there: then it is
 * made again. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOM_ENDS_H
#define LYNKS_ROOMSVC_ROOM_ROOM_ENDS_H

#include "roomsvc/journal/room_news.h"
#include "roomsvc/room/rooms.h"
#include "roomsvc/store/end_store.h"

#define ROOM_ENDS_PAUSE_MS 10  /* from room to room */
#define ROOM_ENDS_REST_MS 1000 /* while none is due */
#define ROOM_ENDS_CALL_MS 4000

struct room_ends;

/* All borrowed. */
struct room_ends *room_ends_new(struct rooms *rooms, struct end_store store, struct room_news *news,
                                struct metrics *metrics);
/* The store and the bus have ended before. */
void room_ends_free(struct room_ends **ends);

#endif
