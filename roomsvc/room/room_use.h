/* Notes in the registry that rooms are asked for, so that they do not end (room_life.h): many in
 * one statement, and each room once in a while only. What could not be noted is tried again. */
#ifndef LYNKS_ROOMSVC_ROOM_ROOM_USE_H
#define LYNKS_ROOMSVC_ROOM_ROOM_USE_H

#include "roomsvc/room/room_cache.h"
#include "roomsvc/store/life_store.h"

/* Rooms that wait to be noted. One that finds no place is noted when it is asked for again. */
#define ROOM_USE_WAITING_MAX 4096

struct room_use_config {
    const struct clock *clock; /* borrowed */
    struct life_store store;   /* borrowed */
    struct room_cache *cache;  /* borrowed */
    uint64_t every_ms;         /* a room is noted once in this time at most */
};

struct room_use;

struct room_use *room_use_new(const struct room_use_config *config);
/* After the store, which answers for its calls before it ends. */
void room_use_free(struct room_use **use);

/* Somebody asks for the room; one that is not in the cache is not noted. */
void room_use_note(struct room_use *use, uint64_t room_id);

#endif
