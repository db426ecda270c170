/* Compares the connections of clients with their rows, and with what Janus says of who sends: again
 * and again, and at once when something may have been missed. Whatever has told of an end may have
 * been lost on its way: with the poll that it was given to, or with the bridge before.
 *
 *   idle ---> rows ---> feeds ---> idle
 *
 * A row without a connection ends; so does a connection without a row, and one that sends as far as
 * we know, but not as far as Janus knows. What only watches Janus does not tell of. Lives on the
 * loop, belongs to rtc.c. */
#ifndef LYNKS_JANUSBRIDGE_RTC_RTC_AUDIT_H
#define LYNKS_JANUSBRIDGE_RTC_RTC_AUDIT_H

#include "janusbridge/rtc/rtc_core.h"

#define RTC_AUDIT_PAUSE_MS 10000 /* from one round to the next */
#define RTC_AUDIT_LOOKS 3        /* in which Janus must not have a feed */
#define RTC_AUDIT_LOOK_MS 300    /* between them: its end may be on its way */

struct rtc_audit;

struct rtc_audit *rtc_audit_new(struct rtc *rtc);
void rtc_audit_free(struct rtc_audit **audit); /* after the session has ended all calls */
/* Something may have been missed: a round begins, after the one that is under way. */
void rtc_audit_now(struct rtc_audit *audit);

#endif
