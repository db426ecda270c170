/* /v1/rooms/{room}/bans: who does not come into a room. Messages asked: ban_add, ban_page,
 * ban_lift. */
#ifndef LYNKS_GATEWAY_API_BANS_H
#define LYNKS_GATEWAY_API_BANS_H

#include "gateway/http/route.h"

struct resource bans_resource(void);

#endif
