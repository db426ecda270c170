/* Programs that know nothing of Lynks: by WHIP (RFC 9725) they send to a room (POST
 * /v1/rooms/{room}/whip), by WHEP (draft-ietf-wish-whep) they watch somebody who sends there (POST
 * /v1/rooms/{room}/whep/{participant}). What is done with a connection that was made is in rtc.h,
 * as with all of them. WHIP.md says how they are used. */
#ifndef LYNKS_GATEWAY_API_WHIP_H
#define LYNKS_GATEWAY_API_WHIP_H

#include "gateway/http/route.h"

struct rtc_limits; /* borrowed */

struct resource whip_resource(struct rtc_limits *limits);
struct resource whep_resource(struct rtc_limits *limits);

#endif
