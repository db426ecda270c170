/* Rooms that nobody ends by hand, as who sees to their end sees them: an interface,
 * implemented over MySQL and mocked in the tests. What becomes of a room is decided, and told in
 * its journal, in one transaction, so that any number of replicas may look at the same time, and be
 * killed anywhere. */
#ifndef LYNKS_ROOMSVC_STORE_END_STORE_H
#define LYNKS_ROOMSVC_STORE_END_STORE_H

#include "proto/base/err.h"
#include "roomsvc/store/journal.h"
#include "roomsvc/store/room.h"

#define ROOM_UNUSED_MS "31536000000" /* a year; for statements */

enum end_outcome {
    END_NONE_IS_DUE,
    END_LATER,  /* a room was due, but it is not time yet; it is looked at again when it is */
    END_CLOSED, /* it has ended for good, and everybody is out of it */
    END_LEAVES, /* nobody is in it: it is to be ended in Janus, and then to be told gone */
};

struct end_step {
    enum end_outcome outcome;
    enum room_reason reason;       /* of END_CLOSED */
    struct room room;              /* of END_CLOSED and END_LEAVES */
    const struct journal *journal; /* of END_CLOSED: what was written there */
};

/* What a room was when it was to be noted that Janus does not have it any more. */
enum end_gone {
    END_GONE_NOTED,   /* nobody is in it, and it has left Janus */
    END_GONE_ENTERED, /* somebody has come in meanwhile, so it has to be in Janus */
    END_GONE_CLOSED,  /* it has ended for good meanwhile: room_life.h sees to it */
    END_GONE_BEFORE,  /* another replica has noted it, or it is no more */
};

/* step is NULL unless err is ERR_OK, and borrowed until fn returns. */
typedef void end_store_fn(void *arg, enum err err, const struct end_step *step);
typedef void end_store_gone_fn(void *arg, enum err err, enum end_gone gone); /* of ERR_OK */

/* Each call that returns ERR_OK calls fn exactly once, later; anything else: fn is never called. */
struct end_store_ops {
    /* Looks at the room that is due for longest. */
    enum err (*look)(void *self, end_store_fn *fn, void *arg);
    /* The room is not in Janus any more. Without this it is due again soon. */
    enum err (*gone)(void *self, uint64_t room_id, end_store_gone_fn *fn, void *arg);
};

struct end_store {
    const struct end_store_ops *ops;
    void *self;
};

#endif
