/* Participants' connections for media (design.md, section 9): POST /v1/rooms/{room}/publish makes
 * the one by which a participant sends, /v1/rtc/{connection} is any of his. What a bridge does with
 * them is told on the streams of the room (rtc_hints.h). Messages asked: rtc_publish, rtc_offer,
 * rtc_get, rtc_trickle, rtc_restart, rtc_close; participant_change. */
#ifndef LYNKS_GATEWAY_API_RTC_H
#define LYNKS_GATEWAY_API_RTC_H

#include "gateway/http/route.h"

struct rtc_limits;
struct resource rtc_resource(struct rtc_limits *limits); /* borrowed */

#endif
