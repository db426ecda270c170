/* Publishes what the observers learn (bridge_event in messages.def), and a sign of life in between.
 * Lives on the loop, belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_EVENTS_H
#define LYNKS_JANUSBRIDGE_ROOMS_EVENTS_H

#include "janusbridge/rooms/observers.h"
#include "proto/bus/bus_publisher.h"

#define EVENTS_LIFE_MS 100 /* between signs of life */

struct events_parts {
    struct bus_publisher *publisher; /* NULL: nothing is published */
    const struct clock *clock;
    const char *node;
    uint64_t (*age_ms)(void *arg); /* as of observers_age_ms */
    uint64_t (*epoch)(void *arg);  /* as of lease_epoch */
    void *arg;
};

struct events;

struct events *events_new(const struct events_parts *parts);
void events_free(struct events **events);

void events_tell(struct events *events, enum observed what, uint64_t room_id, uint64_t publisher);
/* The number of the last one; 0 if nothing is published. */
uint64_t events_last(const struct events *events);

#endif
