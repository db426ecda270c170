/* What an id says of its connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/schema/rtc_id.h"

static void an_id_says_what_its_client_speaks(void **state)
{
    static const char drawn[RTC_ID_BYTES + 1] = "0123456789abcdef";
    (void)state;
    for (enum rtc_protocol protocol = RTC_LYNKS; protocol <= RTC_WHEP; protocol++) {
        char id[RTC_ID_BYTES];
        memcpy(id, drawn, sizeof(id));
        rtc_id_mark(id, protocol);
        assert_int_equal(rtc_id_protocol(id), protocol);
        assert_memory_equal(id + RTC_ID_MARK_BYTES, drawn + RTC_ID_MARK_BYTES,
                            RTC_ID_BYTES - RTC_ID_MARK_BYTES);
    }
    assert_int_equal(rtc_id_protocol("WHIPWHEPWHIPWHEP"), RTC_WHIP);
    assert_int_equal(rtc_id_protocol("whipWHIPWHEPWHEP"), RTC_LYNKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_id_says_what_its_client_speaks)};
    return cmocka_run_group_tests_name("rtc_id", tests, NULL, NULL);
}
