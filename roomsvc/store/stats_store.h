/* How much there is, as the handlers see it: an interface, implemented over MySQL and mocked in the
 * tests. Its call follows the rules of room_store.h. */
#ifndef LYNKS_ROOMSVC_STORE_STATS_STORE_H
#define LYNKS_ROOMSVC_STORE_STATS_STORE_H

#include "proto/base/err.h"
#include "roomsvc/store/room.h"

struct stats_gateway {
    unsigned char gateway[16];
    uint64_t participants; /* who have a stream there */
    uint64_t seen_unix_ms;
};

struct stats_node {
    char node[NODE_NAME_BYTES_MAX + 1];
    uint64_t is_held; /* a bridge has its lease */
    uint64_t connections;
    uint64_t seen_unix_ms;
};

struct stats_counted {
    uint64_t rooms, meetings;      /* open; where somebody is in */
    uint64_t joined, waiting;      /* participants */
    uint64_t publishing, watching; /* connections for media */
    struct stats_gateway gateways[STATS_GATEWAYS];
    size_t gateway_count;
    struct stats_node nodes[STATS_NODES];
    size_t node_count;
};

/* counted is borrowed until fn returns, and NULL unless err is ERR_OK. */
typedef void stats_store_fn(void *arg, enum err err, const struct stats_counted *counted);

struct stats_store_ops {
    enum err (*count)(void *self, uint64_t deadline_ms, stats_store_fn *fn, void *arg);
};

struct stats_store {
    const struct stats_store_ops *ops;
    void *self;
};

#endif
