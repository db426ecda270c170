/* Connections by which participants send: offers of theirs, what arrives of it at Janus, and what
 * Janus is not to pass on. */
#ifndef LYNKS_JANUSBRIDGE_RTC_PUBLISH_H
#define LYNKS_JANUSBRIDGE_RTC_PUBLISH_H

#include "janusbridge/rtc/rtc_core.h"

/* rtc_publish and rtc_offer; calls may be taken. */
void publish_begin(struct rtc *rtc, struct call *call);
void publish_offer(struct rtc *rtc, struct call *call);
/* rtc_trickle, of any connection; those of one that watches only say where its client is. */
void publish_trickle(struct rtc *rtc, struct call *call);

/* Tells Janus what is to be passed on and is not, or the other way. */
void publish_moderate(struct connection *connection);
/* Tells Janus how much may be sent, if it was told otherwise. */
void publish_limit(struct connection *connection);
extern const struct rtc_kind_ops publish_ops;

#endif
