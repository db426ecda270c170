/* Janus nodes at rest, as the handlers see them: an interface, implemented over MySQL and mocked in
 * the tests. Its calls follow the rules of room_store.h. */
#ifndef LYNKS_ROOMSVC_STORE_NODE_STORE_H
#define LYNKS_ROOMSVC_STORE_NODE_STORE_H

#include "proto/base/err.h"
#include "roomsvc/store/room.h"

struct node_lease {
    char node[NODE_NAME_BYTES_MAX + 1];
    uint8_t holder[16];
    uint64_t epoch;
    uint64_t remaining_ms; /* 0: over */
    uint64_t janus_session, janus_handle;
};

struct node_claim {
    char node[NODE_NAME_BYTES_MAX + 1];
    uint8_t holder[16];
    uint64_t janus_session, janus_handle; /* 0: not known, what is stored stays */
    uint64_t lease_ms;
    bool release;
};

/* lease: as it is after the claim; NULL unless err is ERR_OK. */
typedef void node_store_lease_fn(void *arg, enum err err, const struct node_lease *lease);
/* rooms: count of them, ascending by id; NULL unless err is ERR_OK. */
typedef void node_store_rooms_fn(void *arg, enum err err, const struct room *rooms, size_t count);

struct node_store_ops {
    /* Gives the lease to the claimant if it is his already, or over; in one step for all replicas,
     * by the database's clock. */
    enum err (*claim)(void *self, const struct node_claim *claim, uint64_t deadline_ms,
                      node_store_lease_fn *fn, void *arg);
    /* The node's open rooms with ids above after, at most ROOMS_PAGE. */
    enum err (*rooms)(void *self, struct str node, uint64_t after, uint64_t deadline_ms,
                      node_store_rooms_fn *fn, void *arg);
};

struct node_store {
    const struct node_store_ops *ops;
    void *self;
};

#endif
