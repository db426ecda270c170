/* What is kept of the connections that participants have with Janus: the handlers of rtc_open,
 * rtc_update, rtc_end, rtc_page, rtc_due and rtc_where, which only bridges ask. What they do is
 * done by the store, in one transaction each, and told afterwards. */
#ifndef LYNKS_ROOMSVC_RTC_RTC_ROWS_H
#define LYNKS_ROOMSVC_RTC_RTC_ROWS_H

#include "proto/base/log.h"
#include "proto/base/metrics.h"
#include "proto/bus/call.h"
#include "roomsvc/journal/room_news.h"
#include "roomsvc/store/rtc_store.h"

struct rtc_rows;

/* All borrowed. */
struct rtc_rows_parts {
    const struct clock *clock;
    struct rtc_store store;
    struct room_news *news;
    struct metrics *metrics;
};

struct rtc_rows *rtc_rows_new(const struct rtc_rows_parts *parts);
/* All calls must have been answered: the store has ended before. */
void rtc_rows_free(struct rtc_rows **rows);

void rtc_rows_answer(struct rtc_rows *rows, struct call *call);

#endif
