/* What one address may try at the doors of rooms: come in, guess codes, invitations and PINs. One
 * for the whole API, over all routes that name a room. Lives on the loop. */
#ifndef LYNKS_GATEWAY_API_ROOM_LIMITS_H
#define LYNKS_GATEWAY_API_ROOM_LIMITS_H

#include "gateway/http/exchange.h"

/* Of one address. */
struct room_limits_rate {
    uint64_t burst, per_minute; /* at least 1 each */
};

struct room_limits_config {
    struct room_limits_rate joins, codes;
    /* Wrong PINs, and likewise invitations that are none: at one room, and over all of them. */
    struct room_limits_rate secrets_of_room, secrets;
    uint64_t table_max;
};

struct room_limits;
struct room_limits *
room_limits_new(const struct clock *clock, struct metrics *metrics,
                const struct room_limits_config *config); /* clock is borrowed */
void room_limits_free(struct room_limits **limits);

/* For the dispatcher: who names rooms by codes that are none is refused after a while, whatever
 * code he names; who shows invitations that are none is refused where he does. A code counts from
 * when it comes, and no more once it is known to be one; an invitation once it is known to be none.
 * Who comes with a participant's token is told of no room but his own, and his codes are not
 * counted. A room counts apart by its id and by its code: which two are one room no gateway knows.
 */
struct route_guard room_limits_guard(struct room_limits *limits);

/* Takes a join, and the attempt at the room's PIN if one is given: until it is known whether it is
 * right, so that not more can be tried at a time. ERR_RATE_LIMITED: none is left. */
enum err room_limits_take_join(struct room_limits *limits, struct exchange *exchange, bool has_pin);
/* How it ended. is_made: it has made somebody, who was not there before and was not made by the
 * same request that came before. Only what goes well and makes nobody does not count: a refusal
 * costs the database as much, and what failed may have made somebody all the same. Of PINs only a
 * wrong one counts. */
void room_limits_end_join(struct room_limits *limits, const struct exchange *exchange, bool has_pin,
                          enum err err, bool is_made);

#endif
