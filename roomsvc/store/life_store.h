/* How rooms end, as the registry does it: an interface, implemented over MySQL and mocked in the
 * tests. All times are of the database's clock, and each decision is one statement, so that any
 * number of replicas may ask for the same at once. */
#ifndef LYNKS_ROOMSVC_STORE_LIFE_STORE_H
#define LYNKS_ROOMSVC_STORE_LIFE_STORE_H

#include "proto/base/err.h"
#include "roomsvc/store/room.h"

#define LIFE_STORE_USED_MAX 64

struct life_turn {
    uint64_t standard_room; /* which never ends; 0: there is none */
    bool is_of_closed;      /* open ones do not end by themselves, and have no turn */
    uint64_t open_again_ms; /* when an open room is to be looked at again */
    uint64_t closed_again_ms;
};

/* A room whose turn it is. */
struct life_room {
    struct room room;
    uint64_t look_unix_ms; /* when it was to be looked at: names the turn */
    uint64_t is_closed;    /* in the registry; Janus may have it */
    uint64_t is_known;     /* since when it is not used is; for another it begins now */
};

/* room is NULL unless err is ERR_OK, and borrowed until fn returns. */
typedef void life_store_room_fn(void *arg, enum err err, const struct life_room *room);
typedef void life_store_fn(void *arg, enum err err);

/* Each call that returns ERR_OK calls fn exactly once, later; anything else: fn is never called. */
struct life_store_ops {
    /* Takes the room that is to be looked at first, which then has its next turn later.
     * ERR_NO_SUCH_ROOM: none is to be looked at yet. ERR_CONFLICT: another replica was faster. */
    enum err (*take)(void *self, const struct life_turn *turn, life_store_room_fn *fn, void *arg);
    /* Closes the room if nobody has used it for unused_ms; its idempotency key is free then.
     * ERR_NO_SUCH_ROOM: somebody has, or it is closed already. */
    enum err (*close)(void *self, uint64_t room_id, uint64_t unused_ms, uint64_t closed_again_ms,
                      life_store_fn *fn, void *arg);
    /* Removes the row of a room that was closed closed_ms ago or before. */
    enum err (*remove)(void *self, uint64_t room_id, uint64_t closed_ms, life_store_fn *fn,
                       void *arg);
    /* Open ones of these rooms are used now. count: 1 to LIFE_STORE_USED_MAX. */
    enum err (*use)(void *self, const uint64_t *room_ids, size_t count, life_store_fn *fn,
                    void *arg);
};

struct life_store {
    const struct life_store_ops *ops;
    void *self;
};

#endif
