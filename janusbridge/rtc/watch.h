/* Connections by which participants get what others send: one for each, with one wish and one open
 * offer at a time. Janus makes the offers; while one waits for its answer nothing else is asked of
 * the handle, for Janus would not answer that (janus_videoroom.c of 1.1.2). */
#ifndef LYNKS_JANUSBRIDGE_RTC_WATCH_H
#define LYNKS_JANUSBRIDGE_RTC_WATCH_H

#include "janusbridge/rtc/rtc_core.h"

/* rtc_watch, rtc_ask_offer, rtc_answer and rtc_restart; calls may be taken. */
void watch_wish(struct rtc *rtc, struct call *call);
void watch_ask_offer(struct rtc *rtc, struct call *call);
void watch_answer(struct rtc *rtc, struct call *call);
void watch_restart(struct rtc *rtc, struct call *call);

/* One of WHEP (rtc_id.h) has one offer only, for its client could not hear of another. Who asks for
 * it waits for that; it ends when nothing more can come by it, and its client makes another. */

/* Of one that is up and was taken over: Janus waits for the answer to an offer of which only the
 * bridge before had the text. Who has fetched it there can answer it here. */
void watch_resume_offered(struct connection *watcher);

/* Whenever it is looked at: does it get what its client wants? If not, and Janus can be asked now,
 * it is. */
extern const struct rtc_kind_ops watch_ops;

#endif
