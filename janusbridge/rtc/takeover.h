/* Takes over the connections of the bridge before: reads their rows when the session is ready, goes
 * on with those whose media can flow, and ends the others. What Janus tells in between is kept. */
#ifndef LYNKS_JANUSBRIDGE_RTC_TAKEOVER_H
#define LYNKS_JANUSBRIDGE_RTC_TAKEOVER_H

#include "janusbridge/rtc/rtc_core.h"

struct takeover;

/* Listens to the session of rtc. */
struct takeover *takeover_new(struct rtc *rtc);
void takeover_free(struct takeover **takeover);

#endif
