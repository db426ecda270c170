/* The listening side of a publisher (bus_publisher.h): one SUB socket to one endpoint.
 *
 * It connects again by itself, also to who is silent for two seconds, because a publisher has
 * something to say all the time. Whatever it may have missed shows in the numbers. Lives on the
 * loop. */
#ifndef LYNKS_PROTO_BUS_BUS_SUBSCRIBER_H
#define LYNKS_PROTO_BUS_BUS_SUBSCRIBER_H

#include "proto/bus/bus_parts.h"
#include "proto/schema/codec.h"

/* msg is borrowed until this returns. is_next: its number follows the one before; false: messages
 * may have been missed (always for the first one). */
typedef void bus_event_fn(void *arg, const struct msg *msg, uint64_t number, bool is_next);

struct bus_subscriber_config {
    const char *endpoint; /* "tcp://127.0.0.1:5713"; copied */
    const char *role;     /* of the publisher, whose key it must have; static */
    bus_event_fn *fn;
    void *arg;
};

struct bus_subscriber;

/* NULL: libzmq does not take the endpoint. What parts names is borrowed, and so is the role. */
struct bus_subscriber *bus_subscriber_new(const struct bus_parts *parts,
                                          const struct bus_subscriber_config *config);
void bus_subscriber_free(struct bus_subscriber **subscriber);

#endif
