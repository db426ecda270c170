/* What becomes of the rooms of users who were removed, as the registry does it: an interface,
 * implemented over MySQL and mocked in the tests. authsvc says who was removed and who his heir is
 * (the table user_removals, which is only read here). Each
 * part is one transaction, so that any number of replicas may do the same at once, and be killed
 * anywhere. */
#ifndef LYNKS_ROOMSVC_STORE_REMOVAL_STORE_H
#define LYNKS_ROOMSVC_STORE_REMOVAL_STORE_H

#include "proto/base/err.h"
#include "roomsvc/store/journal.h"
#include "roomsvc/store/room.h"

#define REMOVAL_ROOMS_MAX 100

struct removal_look {
    uint64_t standard_room; /* which is nobody's, and never ends; 0: there is none */
    uint64_t within_ms;     /* of users who were removed so long ago, or later */
};

/* A part of one user's rooms. */
struct removal_step {
    uint64_t user_id;
    uint64_t heir_id; /* who has them now; 0: nobody, and they end */
    struct removal_room {
        uint64_t id;
        bool is_closed; /* without an heir; else the room is due, and room_ends.h closes it */
    } rooms[REMOVAL_ROOMS_MAX];
    size_t count;
    /* Of rooms that the heir has got: what was written there. */
    const struct journal *journals;
    size_t journal_count;
};

/* step is NULL unless err is ERR_OK, and borrowed until fn returns. */
typedef void removal_store_fn(void *arg, enum err err, const struct removal_step *step);

struct removal_store_ops {
    /* Closes rooms of one who was removed, or gives them to his heir; there may be more.
     * ERR_NO_SUCH_ROOM: nobody who was removed has any, or another replica was faster. If it
     * returns ERR_OK, it calls fn exactly once, later; else never. */
    enum err (*settle)(void *self, const struct removal_look *look, removal_store_fn *fn,
                       void *arg);
};

struct removal_store {
    const struct removal_store_ops *ops;
    void *self;
};

#endif
