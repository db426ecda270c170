/* What the connections of clients are made of: the parts that they use, and their configuration. */
#ifndef LYNKS_JANUSBRIDGE_RTC_RTC_PARTS_H
#define LYNKS_JANUSBRIDGE_RTC_RTC_PARTS_H

#include "janusbridge/janus/janus_handle.h"
#include "janusbridge/lease/lease.h"
#include "janusbridge/rtc/sdp.h"
#include "proto/base/health.h"
#include "proto/bus/bus.h"

struct rtc_config {
    const char *node;               /* name of the Janus node */
    size_t connections_max;         /* of clients, at a time */
    uint64_t bitrate;               /* of publishers, where their room has none; 0: any */
    enum sdp_candidates candidates; /* of clients, that Janus is told */
};

/* How gateways are told a hint (rtc_hint in messages.def); tell NULL: nobody gets any. */
struct hint_teller {
    void (*tell)(void *arg, const struct msg *hint);
    void *arg;
};

struct rtc_parts {
    struct janus_session *session;
    struct janus_handles *handles;
    const struct clock *clock;
    struct metrics *metrics;
    const struct bus *bus; /* to roomsvc */
    struct lease *lease;   /* NULL: none is needed */
    struct hint_teller hints;
    struct health *health; /* says how many connections there are; NULL: it does not */
};

#endif
