/* What one address may try at the doors of rooms: come in, guess codes, invitations and PINs. One
 * for the whole API, over all routes that name a room. Lives on the loop. */
#ifndef LYNKS_GATEWAY_API_ROOM_LIMITS_H
#define LYNKS_GATEWAY_API_ROOM_LIMITS_H

#include "gateway/http/exchange.h"

struct room_limits_config {
    uint64_t join_burst, join_per_minute;
    uint64_t code_burst, code_per_minute;
    uint64_t pin_burst, pin_per_minute;
    uint64_t table_max;
};

struct room_limits;
struct room_limits *
room_limits_new(const struct clock *clock, struct metrics *metrics,
                const struct room_limits_config *config); /* clock is borrowed */
void room_limits_free(struct room_limits **limits);

/* For the dispatcher: who names rooms by codes that are none, or shows invitations that are none,
 * is refused after a while, whatever he names. A code or an invitation counts from when it comes,
 * and no more once it is known to be one. Who comes with a participant's token is told of no room
 * but his own, and his codes are not counted. */
struct route_guard room_limits_guard(struct room_limits *limits);

/* Takes a join, and the attempt at a PIN if one is given: until it is known whether it is right, so
 * that not more can be tried at a time. ERR_RATE_LIMITED: none is left. */
enum err room_limits_take_join(struct room_limits *limits, struct exchange *exchange, bool has_pin);
/* How it ended. is_made: it has made somebody, who was not there before and was not made by the
 * same request that came before. Only what goes well and makes nobody does not count: a refusal
 * costs the database as much, and what failed may have made somebody all the same. Of PINs only a
 * wrong one counts. */
void room_limits_end_join(struct room_limits *limits, const struct exchange *exchange, bool has_pin,
                          enum err err, bool is_made);

#endif
