/* The serving side of the bus: one ROUTER, a table of handlers, bounded calls in hand.
 *
 * What does not decode is counted, logged at most once a second, and dropped, or answered with an
 * error where the envelope could be read. What has expired is dropped and counted. Lives on the
 * loop. */
#ifndef LYNKS_PROTO_BUS_BUS_WORKER_H
#define LYNKS_PROTO_BUS_BUS_WORKER_H

#include "proto/bus/bus_parts.h"
#include "proto/bus/call.h"

struct bus_worker_config {
    const char *bind;   /* "tcp://127.0.0.1:5701"; port * picks a free one */
    size_t in_hand_max; /* calls accepted and not answered yet; past it ERR_OVERLOADED */
    const char *const *allowed_roles; /* NULL-terminated; must outlive the worker */
};

struct bus_worker;

/* handlers is ended by MSG_NONE and borrowed, like service. NULL if the address cannot be bound
 * (logged). */
struct bus_worker *bus_worker_new(const struct bus_parts *parts,
                                  const struct bus_worker_config *config,
                                  const struct call_handler *handlers, void *service);
/* Calls in hand are dropped: their finish does nothing any more but free. Sends what is queued
 * within a bounded linger. */
void bus_worker_free(struct bus_worker **worker);

/* From now on new calls are answered ERR_DRAINING; those in hand go on. */
void bus_worker_drain(struct bus_worker *worker);
size_t bus_worker_in_hand(const struct bus_worker *worker);
const char *bus_worker_endpoint(const struct bus_worker *worker); /* as bound, port filled in */

#endif
