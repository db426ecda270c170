/* /v1/rooms: rooms of people, their options and members. Messages asked: room_add, room_get,
 * room_page, room_change, room_close, room_hand_over, member_page, member_set, member_remove. */
#ifndef LYNKS_GATEWAY_API_ROOMS_H
#define LYNKS_GATEWAY_API_ROOMS_H

#include "gateway/api/user_limit.h"
#include "gateway/http/route.h"
#include "proto/base/public_url.h"

struct rooms_api;
/* How often a user may make rooms, and name others to be members or owners. Borrowed. */
struct rooms_api_limits {
    struct user_limit *creates, *names;
};
struct rooms_api *rooms_api_new(const struct rooms_api_limits *limits,
                                const struct public_url *url);
void rooms_api_free(struct rooms_api **rooms);

struct resource rooms_api_resource(struct rooms_api *rooms);

#endif
