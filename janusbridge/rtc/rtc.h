/* Connections of clients with Janus, for their media: what gateways ask for (rtc_* in messages.def)
 * is done with Janus here, and roomsvc keeps a row of each, so that whoever takes over goes on with
 * them. Lives on the loop.
 *
 * A connection is a handle of its own, which is never used twice. Its row is there before Janus is
 * asked to take it into a room, and goes after its handle. What a participant may do is decided by
 * roomsvc: when it makes the row, and from then on by what it says is due. */
#ifndef LYNKS_JANUSBRIDGE_RTC_RTC_H
#define LYNKS_JANUSBRIDGE_RTC_RTC_H

#include "janusbridge/rtc/rtc_parts.h"
#include "proto/bus/call.h"

struct rtc;

/* Parts are borrowed. Listens to the session, after its handles do. Before the session is started.
 */
struct rtc *rtc_new(const struct rtc_parts *parts, const struct rtc_config *config);
/* After the session, before its handles. Who waits is answered ERR_UNAVAILABLE. Rows stay. */
void rtc_free(struct rtc **rtc);

/* Served with the rtc as the service, to gateways. */
extern const struct call_handler rtc_handlers[];

#endif
