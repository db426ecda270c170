/* The publishing side of the bus: one PUB socket, messages that nobody answers (EVENT in
 * messages.def).
 *
 * The envelope's correlation id is the message's number, one more than that of the one before, so
 * that a subscriber sees when it missed some; the first number of a publisher is drawn from the
 * time, so that those of another one after it do not go on from there. Nothing waits for a
 * subscriber: one that does not read loses what is over its queue's bound, and sees it. Lives on
 * the loop. */
#ifndef LYNKS_PROTO_BUS_BUS_PUBLISHER_H
#define LYNKS_PROTO_BUS_BUS_PUBLISHER_H

#include "proto/bus/bus_parts.h"
#include "proto/schema/codec.h"

struct bus_publisher_config {
    const char *bind;                 /* "tcp://127.0.0.1:5713"; port * picks a free one */
    const char *const *allowed_roles; /* NULL-terminated; must outlive the publisher */
    int queue_max;                    /* messages that may wait for one subscriber */
};

struct bus_publisher;

/* NULL if the address cannot be bound (logged). */
struct bus_publisher *bus_publisher_new(const struct bus_parts *parts,
                                        const struct bus_publisher_config *config);
void bus_publisher_free(struct bus_publisher **publisher);

/* To whoever listens. The number of this message; msg must be within its bounds. */
uint64_t bus_publisher_send(struct bus_publisher *publisher, const struct msg *msg);
uint64_t bus_publisher_last(const struct bus_publisher *publisher);        /* number given last */
const char *bus_publisher_endpoint(const struct bus_publisher *publisher); /* port filled in */

#endif
