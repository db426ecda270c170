/* Rooms of people: the handlers of room_add, room_get, room_page, room_change, room_close,
 * room_hand_over, member_page, member_set and member_remove. What they do is done by the store, in
 * one transaction each. */
#ifndef LYNKS_ROOMSVC_ROOM_MANAGED_ROOMS_H
#define LYNKS_ROOMSVC_ROOM_MANAGED_ROOMS_H

#include "proto/base/log.h"
#include "proto/base/metrics.h"
#include "proto/bus/call.h"
#include "roomsvc/journal/room_news.h"
#include "roomsvc/room/room_cache.h"
#include "roomsvc/store/managed_store.h"

struct managed_rooms;

struct managed_rooms_parts {
    const struct clock *clock;
    struct managed_store store;
    struct room_cache *cache; /* of the registry: forgets what is closed */
    struct room_news *news;   /* is told what has happened */
    struct metrics *metrics;
    /* As of participants_parts: who waited before a room may be let in by its change. */
    void (*enter)(void *arg, uint64_t room_id, const struct call_context *context,
                  void (*done)(void *done_arg), void *done_arg);
    void *enter_arg;
};

/* parts' members are borrowed. */
struct managed_rooms *managed_rooms_new(const struct managed_rooms_parts *parts);
/* All calls must have been answered: the store has ended before. */
void managed_rooms_free(struct managed_rooms **rooms);

void managed_rooms_run(struct managed_rooms *rooms, struct call *call);
void managed_rooms_page(struct managed_rooms *rooms, struct call *call);
void managed_rooms_members(struct managed_rooms *rooms, struct call *call);

#endif
