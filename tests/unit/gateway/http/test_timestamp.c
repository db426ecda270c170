/* Times as clients write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gateway/http/timestamp.h"

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t unix_ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-29T01:02:03Z", 1795914123000},
        {"2026-11-29T01:02:03.004Z", 1795914123004},
        {"2026-11-29T01:02:03.5Z", 1795914123500},
        {"2026-11-29T01:02:03.123456789Z", 1795914123123},
        {"2026-11-29T01:02:03+00:00", 1795914123000},
        {"2026-11-29T02:32:03+01:30", 1795914123000},
        {"2026-11-28T17:02:03-08:00", 1795914123000},
        {"2028-02-29T00:00:00Z", 1835395200000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t unix_ms = 1;
        assert_true(timestamp_read(str_of(rows[i].text), &unix_ms));
        assert_int_equal(unix_ms, rows[i].unix_ms);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const rows[] = {"",
                                       "soon",
                                       "2026-11-29",
                                       "2026-11-29T01:02:03",
                                       "2026-11-29 01:02:03Z",
                                       "2026-11-29T01:02:03z",
                                       "2026-11-29T01:02:03.Z",
                                       "2026-11-29T01:02:03ZZ",
                                       "2026-11-29T01:02:03+1:00",
                                       "2026-11-29T01:02:03+24:00",
                                       "2026-11-29T01:02:03+00:60",
                                       "2026-11-29T01:02:03+0000",
                                       "2026-02-30T01:02:03Z",
                                       "2027-02-29T01:02:03Z",
                                       "2026-13-01T01:02:03Z",
                                       "2026-00-01T01:02:03Z",
                                       "2026-11-29T24:00:00Z",
                                       "2026-11-29T01:60:03Z",
                                       "2026-11-29T01:02:60Z",
                                       "1969-12-31T23:59:59Z",
                                       "+026-11-29T01:02:03Z",
                                       " 2026-11-29T01:02:03Z"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t unix_ms = 4711;
        assert_false(timestamp_read(str_of(rows[i]), &unix_ms));
        assert_int_equal(unix_ms, 4711);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
