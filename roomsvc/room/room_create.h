/* The flow of room_create: the registry takes the room, then Janus gets it. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOM_CREATE_H
#define LYNKS_ROOMSVC_ROOM_ROOM_CREATE_H

#include "roomsvc/room/rooms.h"

/* Answers call, a room_create, now or later. */
void room_create(struct rooms *rooms, struct call *call);

#endif
