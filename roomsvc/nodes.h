/* The Janus nodes: which bridge may act on each, and which rooms it has to have there. */
#ifndef LYNKS_ROOMSVC_NODES_H
#define LYNKS_ROOMSVC_NODES_H

#include "proto/call.h"
#include "proto/log.h"
#include "roomsvc/epochs.h"
#include "roomsvc/node_store.h"

/* A holder renews every second; one that is dead is followed by another within 3 s. */
#define NODE_LEASE_MS 2000

struct nodes {
    struct node_store store; /* borrowed */
    struct epochs *epochs;   /* borrowed */
    struct log_gate failures;
};

/* Answer node_renew and node_rooms, later. */
void nodes_renew(struct nodes *nodes, struct call *call);
void nodes_rooms(struct nodes *nodes, struct call *call);

#endif
