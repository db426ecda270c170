/* Publishes what the observers learn (bridge_event in messages.def), and a sign of life in between.
 * Lives on the loop, belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_EVENTS_H
#define LYNKS_JANUSBRIDGE_ROOMS_EVENTS_H

#include "janusbridge/lease/lease.h"
#include "janusbridge/rooms/feed.h"
#include "proto/bus/bus_publisher.h"

#define EVENTS_LIFE_MS 100 /* between signs of life */

struct events_parts {
    struct bus_publisher *publisher; /* NULL: nothing is published */
    const struct clock *clock;
    const char *node;
    const struct feed *feed;   /* whose age is told */
    const struct lease *lease; /* whose epoch is told; NULL: 0 */
};

struct events;

struct events *events_new(const struct events_parts *parts);
void events_free(struct events **events);

/* room_id and publisher are 0 where they have no meaning. */
void events_tell(struct events *events, enum bridge_news what, uint64_t room_id,
                 uint64_t publisher);
/* The number of the last one; 0 if nothing is published. */
uint64_t events_last(const struct events *events);

#endif
