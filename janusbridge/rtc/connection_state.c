#include "janusbridge/rtc/connection_state.h"

static enum rtc_state after_its_life(enum rtc_state state, enum connection_event event)
{
    if (state == RTC_GONE || (event == CONNECTION_FORGOTTEN && state == RTC_CLOSING)) {
        return RTC_GONE;
    }
    return event == CONNECTION_ENDS ? RTC_CLOSING : state;
}

enum rtc_state connection_state_after(enum rtc_state state, enum connection_event event,
                                      bool was_up)
{
    switch (state) {
    case RTC_ATTACHING:
        if (event == CONNECTION_ATTACHED) {
            return RTC_STORING;
        }
        break;
    case RTC_STORING:
        if (event == CONNECTION_STORED) {
            return RTC_JOINING;
        }
        break;
    case RTC_JOINING:
        if (event == CONNECTION_OFFERED) {
            return RTC_OFFERED;
        }
        if (event == CONNECTION_AGREED) {
            return RTC_CONNECTING;
        }
        break;
    case RTC_OFFERED:
        if (event == CONNECTION_AGREED) {
            return was_up ? RTC_UP : RTC_CONNECTING;
        }
        break;
    case RTC_CONNECTING:
        if (event == CONNECTION_THROUGH) {
            return RTC_UP;
        }
        break;
    case RTC_UP:
        if (event == CONNECTION_OFFERED) {
            return RTC_OFFERED;
        }
        break;
    case RTC_CLOSING:
    case RTC_GONE:
        break;
    }
    return after_its_life(state, event);
}
