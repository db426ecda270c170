/* The Janus nodes: which bridge may act on each, and which rooms it has to have there. */
#ifndef LYNKS_ROOMSVC_NODE_NODES_H
#define LYNKS_ROOMSVC_NODE_NODES_H

#include "proto/bus/call.h"
#include "proto/base/log.h"
#include "roomsvc/node/node_fence.h"
#include "roomsvc/store/node_store.h"

/* A holder renews every second; one that is dead is followed by another within 3 s. */
#define NODE_LEASE_MS 2000
/* A claim that the database has not judged by then is answered ERR_UNAVAILABLE, while the bridge
 * still waits for it: a database that hangs is as good as away, and the holder goes on. */
#define NODE_ANSWER_MS 500
#define NODE_RETURN_MS 150 /* kept for the answer's way back */

struct nodes {
    const struct clock *clock;
    struct node_store store;  /* borrowed */
    struct node_fence *fence; /* borrowed */
    struct log_gate failures;
};

/* Answer node_renew and node_rooms, later. */
void nodes_renew(struct nodes *nodes, struct call *call);
void nodes_rooms(struct nodes *nodes, struct call *call);

#endif
