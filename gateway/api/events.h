/* GET /v1/events: what a signed-in user hears of as long as his session goes on. A stream
 * (text/event-stream) that begins with a snapshot: who he is, and in which of his rooms somebody
 * is; then it tells in which that changes. When he has another role, which session_follow.h tells
 * within a second, he hears of other rooms, and is told so. When the session ends, the last event
 * says so. Message asked: user_get. */
#ifndef LYNKS_GATEWAY_API_EVENTS_H
#define LYNKS_GATEWAY_API_EVENTS_H

#include "gateway/follow/user_meetings.h"
#include "gateway/http/exchange.h"
#include "proto/session/session_follow.h"

struct events_parts {
    const struct clock *clock;
    struct metrics *metrics;
    struct session_follow *sessions;
    struct user_meetings *meetings;
};

struct events_config {
    size_t users_max;      /* that have streams at a time: as many as there may be streams */
    uint64_t per_user_max; /* streams */
};

struct events_api;

/* Parts' members are borrowed. */
struct events_api *events_api_new(const struct events_parts *parts,
                                  const struct events_config *config);
/* Ends all streams. */
void events_api_free(struct events_api **events);

struct resource events_api_resource(struct events_api *events);

#endif
