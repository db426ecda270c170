#include "proto/schema/rtc_id.h"

static const char marks[][RTC_ID_MARK_BYTES + 1] = {[RTC_WHIP] = "WHIP", [RTC_WHEP] = "WHEP"};

enum rtc_protocol rtc_id_protocol(const void *id)
{
    for (enum rtc_protocol protocol = RTC_WHIP; protocol <= RTC_WHEP; protocol++) {
        if (memcmp(id, marks[protocol], RTC_ID_MARK_BYTES) == 0) {
            return protocol;
        }
    }
    return RTC_LYNKS;
}

void rtc_id_mark(void *id, enum rtc_protocol protocol)
{
    if (protocol != RTC_LYNKS) {
        memcpy(id, marks[protocol], RTC_ID_MARK_BYTES);
    }
}
