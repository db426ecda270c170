/* /v1/rooms/{room}/watch: what a participant wants to get of the others, by one connection for all
 * of it, which Janus makes offers for. Messages asked: rtc_watch, rtc_ask_offer, rtc_answer. */
#ifndef LYNKS_GATEWAY_API_WATCH_H
#define LYNKS_GATEWAY_API_WATCH_H

#include "gateway/http/route.h"

struct resource watch_resource(void);

#endif
