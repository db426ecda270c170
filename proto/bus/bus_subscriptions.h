/* All publishers at an address: a bus_subscriber for each endpoint that it stands for now. They
 * come and go as the names are looked up again (resolver.h). Lives on the loop. */
#ifndef LYNKS_PROTO_BUS_BUS_SUBSCRIPTIONS_H
#define LYNKS_PROTO_BUS_BUS_SUBSCRIPTIONS_H

#include "proto/bus/bus_subscriber.h"
#include "proto/bus/resolver.h"

struct bus_subscriptions_config {
    const char *address; /* "host:port[,host:port...]" */
    const char *role;    /* of the publishers, whose key they must have; static */
    struct resolver_config resolver;
    /* As bus_event_fn, of the publisher at endpoint. */
    void (*on_event)(void *arg, const char *endpoint, const struct msg *msg, uint64_t number,
                     bool is_next);
    /* That endpoint is not subscribed to any more. Not called by bus_subscriptions_free. NULL:
     * nobody cares. */
    void (*on_gone)(void *arg, const char *endpoint);
    void *arg;
};

struct bus_subscriptions;

/* NULL: the address is malformed. */
struct bus_subscriptions *bus_subscriptions_new(const struct bus_parts *parts,
                                                const struct bus_subscriptions_config *config);
void bus_subscriptions_free(struct bus_subscriptions **subscriptions);

#endif
