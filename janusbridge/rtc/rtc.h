/* Connections of clients with Janus, for their media: what gateways ask for (rtc_* in messages.def)
 * is done with Janus here, and roomsvc keeps a row of each, so that whoever takes over goes on with
 * them. Lives on the loop.
 *
 * A connection is a handle of its own, which is never used twice. Its row is there before Janus is
 * asked to take it into a room, and goes after its handle. What a participant may do is decided by
 * roomsvc: when it makes the row, and from then on by what it says is due. */
#ifndef LYNKS_JANUSBRIDGE_RTC_RTC_H
#define LYNKS_JANUSBRIDGE_RTC_RTC_H

#include "janusbridge/janus/janus_handle.h"
#include "janusbridge/lease/lease.h"
#include "janusbridge/rtc/sdp.h"
#include "proto/bus/bus_publisher.h"
#include "proto/bus/call.h"

struct rtc_config {
    const char *node;               /* name of the Janus node */
    size_t connections_max;         /* of clients, at a time */
    uint64_t bitrate;               /* bits a second that a publisher is asked for; 0: any */
    enum sdp_candidates candidates; /* of clients, that Janus is told */
};

struct rtc_parts {
    struct janus_session *session;
    struct janus_handles *handles;
    const struct clock *clock;
    struct metrics *metrics;
    const struct bus *bus;           /* to roomsvc */
    struct lease *lease;             /* NULL: none is needed */
    struct bus_publisher *publisher; /* of hints; NULL: nobody gets any */
};

struct rtc;

/* Parts are borrowed. Listens to the session, after its handles do. Before the session is started.
 */
struct rtc *rtc_new(const struct rtc_parts *parts, const struct rtc_config *config);
/* After the session, before its handles. Who waits is answered ERR_UNAVAILABLE. Rows stay. */
void rtc_free(struct rtc **rtc);

/* Served with the rtc as the service, to gateways. */
extern const struct call_handler rtc_handlers[];

#endif
