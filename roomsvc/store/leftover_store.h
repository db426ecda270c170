/* Rows that nobody asks for any more, as who removes them sees it: an interface, implemented over
 * MySQL and mocked in the tests. They go in small steps, while all else goes on. */
#ifndef LYNKS_ROOMSVC_STORE_LEFTOVER_STORE_H
#define LYNKS_ROOMSVC_STORE_LEFTOVER_STORE_H

#include "proto/base/err.h"

#define LEFTOVER_ROWS_MAX 500 /* that one step removes */

enum leftover {
    LEFTOVER_PARTICIPANTS, /* who have been out for a day */
    LEFTOVER_STREAMS,      /* of which somebody said ten minutes ago that they are over */
    LEFTOVER_GATEWAYS,     /* that were not heard for ten minutes, and their streams */
    LEFTOVER_EVENTS,   /* of rooms: but those of the last ten minutes, the last 1,000 of each room
                          that are not for staff only, and those for staff since then, as far as they
                          are among the last 10,000; of rooms that have ended for good only those of
                          the last ten minutes */
    LEFTOVER_MESSAGES, /* of meetings that are over */
    LEFTOVER_INVITATIONS, /* that were revoked thirty days ago */
    LEFTOVER_BANS,        /* that held until thirty days ago */
    LEFTOVER_STREAM_KEYS, /* that were good until thirty days ago */
    LEFTOVER_CONNECTIONS, /* whose participants are gone: no bridge has the node any more */
    LEFTOVERS,
};

struct leftover_step {
    enum leftover what;
    uint64_t after; /* where the step before has come to; 0: from the start */
};

struct leftover_swept {
    uint64_t removed; /* rows */
    uint64_t kept;    /* of events: about as many rows stay, of the rooms that were looked at */
    uint64_t after;   /* for the next step */
    bool is_over;     /* there is no next one */
};

/* swept is NULL unless err is ERR_OK, and borrowed until fn returns. */
typedef void leftover_store_fn(void *arg, enum err err, const struct leftover_swept *swept);

struct leftover_store_ops {
    /* If it returns ERR_OK, it calls fn exactly once, later; else never. */
    enum err (*sweep)(void *self, const struct leftover_step *step, leftover_store_fn *fn,
                      void *arg);
};

struct leftover_store {
    const struct leftover_store_ops *ops;
    void *self;
};

#endif
