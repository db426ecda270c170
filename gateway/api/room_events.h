/* GET /v1/rooms/{room}/events: what happens in a room, for a participant of it; a stream
 * (text/event-stream), or a long poll for who accepts JSON. First comes a snapshot, or what is
 * after the event that he has seen last; among that, what bridges tell of his connections for media
 * (rtc_hints.h). Message asked: stream_open. */
#ifndef LYNKS_GATEWAY_API_ROOM_EVENTS_H
#define LYNKS_GATEWAY_API_ROOM_EVENTS_H

#include "gateway/api/room_visit.h"
#include "gateway/http/exchange.h"

struct room_events_parts {
    const struct clock *clock;
    struct metrics *metrics;
    struct room_follow *rooms;
    struct presence *presence;
    struct rtc_hints *hints;
};

struct room_events_api;

/* Parts' members are borrowed. */
struct room_events_api *room_events_api_new(const struct room_events_parts *parts,
                                            const struct room_visits_config *config);
/* Ends all streams. The exchanges have been answered. */
void room_events_api_free(struct room_events_api **events);

/* Long polls are answered: the server drains. */
void room_events_api_drain(struct room_events_api *events);

struct resource room_events_api_resource(struct room_events_api *events);

#endif
