/* Ids of clients' connections for media (rtc_* in messages.def). A gateway draws them, and the
 * first bytes say what the client speaks: so every gateway knows how to answer him and every bridge
 * what it may ask of him, also after it has taken a connection over. Nobody else draws one. */
#ifndef LYNKS_PROTO_SCHEMA_RTC_ID_H
#define LYNKS_PROTO_SCHEMA_RTC_ID_H

#include "proto/base/base.h"

#define RTC_ID_BYTES 16
#define RTC_ID_MARK_BYTES 4 /* of its first bytes; the others are drawn at random */

enum rtc_protocol {
    RTC_LYNKS, /* our own, in JSON; any first bytes but those of the others */
    RTC_WHIP,  /* RFC 9725: sends */
    RTC_WHEP,  /* draft-ietf-wish-whep: watches one participant */
};

enum rtc_protocol rtc_id_protocol(const void *id);
/* Marks one that was drawn. */
void rtc_id_mark(void *id, enum rtc_protocol protocol);

#endif
