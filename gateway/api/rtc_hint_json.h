/* What bridges tell of participants' connections for media, as streams tell it: `rtc.offer` with
 * {"connection","seq"}, `rtc.closed` with {"connection","kind","reason"}, `rtc.layer` with
 * {"connection","mid","participant","source","layer"} and `rtc.resumed` with {"connection"}. They
 * have no ids: nobody goes on from there. */
#ifndef LYNKS_GATEWAY_API_RTC_HINT_JSON_H
#define LYNKS_GATEWAY_API_RTC_HINT_JSON_H

#include "proto/http/http_stream.h"
#include "proto/schema/msg.h"

/* For rtc_hints_new. Gives one reference. */
struct http_chunk *rtc_hint_event(const struct msg_rtc_hint *hint);

#endif
