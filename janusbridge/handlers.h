/* Who may call what of the bridge: roomsvc what is about rooms, gateways what is about connections
 * of their clients. */
#ifndef LYNKS_JANUSBRIDGE_HANDLERS_H
#define LYNKS_JANUSBRIDGE_HANDLERS_H

#include "janusbridge/rooms/bridge.h"
#include "janusbridge/rtc/rtc.h"

/* The service of the handlers. */
struct handlers {
    struct bridge *bridge;
    struct rtc *rtc;
};

extern const struct call_handler janusbridge_handlers[];

#endif
