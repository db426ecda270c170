/* The registry of rooms as the handlers see it: an interface, implemented over MySQL and mocked in
 * the tests. The registry is the truth about which rooms exist. */
#ifndef LYNKS_ROOMSVC_STORE_ROOM_STORE_H
#define LYNKS_ROOMSVC_STORE_ROOM_STORE_H

#include "proto/base/err.h"
#include "roomsvc/store/room.h"

/* What a caller wants to be made. */
struct room_draft {
    struct room room;
    uint64_t owner_id;
    bool has_key;        /* a fresh room: key tells repeats of one request apart from new ones */
    uint8_t key[16];     /* idempotency key; without one the id itself is it */
    uint64_t look_in_ms; /* when it is looked at first (life_store.h) */
    bool may_add;        /* false: only a room that was made before is given */
};

/* room is NULL unless err is ERR_OK, and borrowed until fn returns. */
typedef void room_store_fn(void *arg, enum err err, const struct room *room);
/* likewise. is_new: it was not there before. */
typedef void room_store_add_fn(void *arg, enum err err, const struct room *room, bool is_new);
typedef void room_store_count_fn(void *arg, enum err err, uint64_t count);
typedef void room_store_may_fn(void *arg, enum err err);
/* rooms: those of the asked ones that are open, in any order; borrowed until fn returns. */
typedef void room_store_some_fn(void *arg, enum err err, const struct room *rooms, size_t count);

#define ROOM_STORE_SOME_MAX 64

/* Each call that returns ERR_OK calls fn exactly once, later. Anything else (ERR_OVERLOADED,
 * ERR_UNAVAILABLE): fn is never called. deadline_ms is monotonic; what has not begun by then ends
 * with ERR_DEADLINE. */
struct room_store_ops {
    /* Makes the room, or gives the one that was made with this key (or, without a key, id) before.
     * ERR_CONFLICT: the id of a fresh room is taken; draw another. ERR_NO_SUCH_ROOM: none was
     * made before, and none may be added. */
    enum err (*add)(void *self, const struct room_draft *draft, uint64_t deadline_ms,
                    room_store_add_fn *fn, void *arg);
    /* ERR_NO_SUCH_ROOM: not there, or closed. */
    enum err (*find)(void *self, uint64_t room_id, uint64_t deadline_ms, room_store_fn *fn,
                     void *arg);
    /* Many at once, which costs hardly more than one. count: 1 to ROOM_STORE_SOME_MAX. */
    enum err (*find_some)(void *self, const uint64_t *room_ids, size_t count, uint64_t deadline_ms,
                          room_store_some_fn *fn, void *arg);
    /* How many rooms are open. */
    enum err (*count)(void *self, room_store_count_fn *fn, void *arg);
    /* May this user (not 0) ask who publishes in a room with a code? Its owner, its members and who
     * is in it may. ERR_NO_SUCH_ROOM: not he. */
    enum err (*may_list)(void *self, uint64_t room_id, uint64_t user_id, uint64_t deadline_ms,
                         room_store_may_fn *fn, void *arg);
    /* false: the registry is surely away; the others refuse with ERR_UNAVAILABLE. */
    bool (*is_up)(const void *self);
};

struct room_store {
    const struct room_store_ops *ops;
    void *self;
};

#endif
