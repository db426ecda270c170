/* WHIP (RFC 9725): programs that send to a room and know nothing of Lynks. POST
 * /v1/rooms/{room}/whip makes the connection; what is done with it is in rtc.h, as with all of
 * them. */
#ifndef LYNKS_GATEWAY_API_WHIP_H
#define LYNKS_GATEWAY_API_WHIP_H

#include "gateway/http/route.h"

struct resource whip_resource(void);

#endif
