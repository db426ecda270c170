/* Somebody is in a room in which nobody was: it has to be in Janus from now on. Who has come in
 * waits for that, but not for long: he is in all the same. What could not be made is tried again
 * for a while; a Janus that was away gets all rooms that somebody is in when it is back. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOM_ENTER_H
#define LYNKS_ROOMSVC_ROOM_ROOM_ENTER_H

#include "roomsvc/room/rooms.h"

/* For which he waits; for half of what his call has left, if that is less. */
#define ROOM_ENTER_WAIT_MS 500
#define ROOM_ENTER_CALL_MS 2000  /* for one try */
#define ROOM_ENTER_AGAIN_MS 2000 /* to the next one */
#define ROOM_ENTER_TRIES 10
#define ROOM_ENTER_MAX 4096 /* at a time; of others nobody waits, and none is made */

struct room_enters;

/* rooms is borrowed. */
struct room_enters *room_enters_new(struct rooms *rooms);
/* The store and the bus have ended before. */
void room_enters_free(struct room_enters **enters);

/* For participants_parts; arg is a struct room_enters. done (done_arg) is called once, later or
 * from inside. */
void room_enter(void *arg, uint64_t room_id, const struct call_context *context,
                void (*done)(void *done_arg), void *done_arg);

#endif
