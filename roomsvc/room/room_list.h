/* The flow of room_participants: is the room open, who publishes in it, and what if Janus has lost
 * it. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOM_LIST_H
#define LYNKS_ROOMSVC_ROOM_ROOM_LIST_H

#include "roomsvc/room/rooms.h"

/* Answers call, a room_participants, now or later. */
void room_list(struct rooms *rooms, struct call *call);

#endif
