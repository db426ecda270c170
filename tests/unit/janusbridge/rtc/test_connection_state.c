/* Every state of a connection with every event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "janusbridge/rtc/connection_state.h"

#define SAME 0

/* What it becomes; SAME: the event means nothing then. */
static const enum rtc_state expected[RTC_GONE + 1][CONNECTION_EVENT_COUNT] = {
    [RTC_ATTACHING] = {[CONNECTION_ATTACHED] = RTC_STORING, [CONNECTION_ENDS] = RTC_CLOSING},
    [RTC_STORING] = {[CONNECTION_STORED] = RTC_JOINING, [CONNECTION_ENDS] = RTC_CLOSING},
    [RTC_JOINING] = {[CONNECTION_OFFERED] = RTC_OFFERED,
                     [CONNECTION_AGREED] = RTC_CONNECTING,
                     [CONNECTION_ENDS] = RTC_CLOSING},
    [RTC_OFFERED] = {[CONNECTION_AGREED] = RTC_CONNECTING, [CONNECTION_ENDS] = RTC_CLOSING},
    [RTC_CONNECTING] = {[CONNECTION_THROUGH] = RTC_UP, [CONNECTION_ENDS] = RTC_CLOSING},
    [RTC_UP] = {[CONNECTION_OFFERED] = RTC_OFFERED, [CONNECTION_ENDS] = RTC_CLOSING},
    [RTC_CLOSING] = {[CONNECTION_FORGOTTEN] = RTC_GONE},
    [RTC_GONE] = {0},
};

static void every_event_in_every_state(void **state)
{
    (void)state;
    for (enum rtc_state from = RTC_ATTACHING; from <= RTC_GONE; from++) {
        for (enum connection_event event = 0; event < CONNECTION_EVENT_COUNT; event++) {
            const enum rtc_state to = expected[from][event];
            assert_int_equal(connection_state_after(from, event, false), to == SAME ? from : to);
        }
    }
}

/* One that was up, and gets something else, has no way to go before it is up again. */
static void what_was_up_is_so_once_it_has_agreed(void **state)
{
    (void)state;
    for (enum rtc_state from = RTC_ATTACHING; from <= RTC_GONE; from++) {
        for (enum connection_event event = 0; event < CONNECTION_EVENT_COUNT; event++) {
            const bool differs = from == RTC_OFFERED && event == CONNECTION_AGREED;
            assert_int_equal(connection_state_after(from, event, true),
                             differs ? RTC_UP : connection_state_after(from, event, false));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_state),
        cmocka_unit_test(what_was_up_is_so_once_it_has_agreed),
    };
    return cmocka_run_group_tests_name("connection_state", tests, NULL, NULL);
}
