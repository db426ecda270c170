/* Connections that this bridge does not know: those of other nodes, and those that there are none.
 * Callers do not know which node a connection is on; they try another bridge when they are told
 * that it is not this one's. */
#ifndef LYNKS_JANUSBRIDGE_RTC_ELSEWHERE_H
#define LYNKS_JANUSBRIDGE_RTC_ELSEWHERE_H

#include "janusbridge/rtc/rtc_core.h"

/* Answers a call about a connection that was not found here, later: ERR_NOT_MINE if another node
 * has it, as roomsvc says; else ERR_NOT_FOUND, or why that cannot be told. connection STR_NONE: it
 * is the one by which who asks watches. */
void elsewhere_fail(struct rtc *rtc, struct call *call, struct str connection,
                    const struct msg_asker *asker);

/* Likewise of one that is to end: one that there is not any more has ended, which is success. */
void elsewhere_end(struct rtc *rtc, struct call *call, struct str connection,
                   const struct msg_asker *asker);

#endif
