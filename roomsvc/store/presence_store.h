/* Who has a stream at which gateway, at rest, as the handlers see it: an interface, implemented
 * over MySQL and mocked in the tests. Its calls follow the rules of room_store.h. */
#ifndef LYNKS_ROOMSVC_STORE_PRESENCE_STORE_H
#define LYNKS_ROOMSVC_STORE_PRESENCE_STORE_H

#include "proto/base/err.h"
#include "proto/schema/msg.h"

/* For so long a report keeps its gateway's lease, by the database's clock. */
#define PRESENCE_LEASE_MS 5000
/* A stream that was opened is told of within this time; for statements. */
#define PRESENCE_SOON_MS "2000"

/* is_new: the gateway had no lease, or one that was over. */
typedef void presence_store_fn(void *arg, enum err err, bool is_new);

struct presence_store_ops {
    /* Keeps the gateway's lease and writes what has changed, in one statement. A report that comes
     * after a later one of the same gateway undoes nothing of that. report is borrowed for this
     * call only. */
    enum err (*report)(void *self, const struct msg_presence_report *report, uint64_t deadline_ms,
                       presence_store_fn *fn, void *arg);
};

struct presence_store {
    const struct presence_store_ops *ops;
    void *self;
};

#endif
