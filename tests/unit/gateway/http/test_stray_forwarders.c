#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/http/stray_forwarders.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"

static const uint8_t PROXY[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 7};

static void assert_health(const struct health *health, const char *expected)
{
    AUTO(mem_free) char *json = health_json(health);
    assert_string_equal(json, expected);
}

static void test_is_told_as_long_as_there_are_any(void **state)
{
    (void)state;
    static const char told[] = "{\"ready\":true,\"dependencies\":{\"proxies\":{\"ready\":true,"
                               "\"reason\":\"\",\"note\":\"192.0.2.7 passes "
                               "on what others ask and is not in LYNKS_TRUSTED_PROXIES: its "
                               "clients count as one address\"}}}";
    AUTO(fake_clock_free) struct fake_clock *fake = fake_clock_new();
    AUTO(health_free) struct health *health = health_new();
    AUTO(stray_forwarders_free)
    struct stray_forwarders *strays = stray_forwarders_new(fake_clock_clock(fake), health);
    assert_health(health, "{\"ready\":true,\"dependencies\":{}}");
    log_capture_expect("no trusted proxy");
    stray_forwarders_see(strays, PROXY);
    assert_health(health, told);
    fake_clock_advance(fake, STRAY_FORWARDERS_TOLD_MS / 2);
    stray_forwarders_see(strays, PROXY);
    fake_clock_advance(fake, STRAY_FORWARDERS_TOLD_MS / 2);
    assert_health(health, told);
    assert_int_equal(fake_clock_timers(fake), 1);
    fake_clock_advance(fake, STRAY_FORWARDERS_TOLD_MS / 2);
    assert_health(
        health, "{\"ready\":true,\"dependencies\":{\"proxies\":{\"ready\":true,\"reason\":\"\"}}}");
    assert_int_equal(fake_clock_timers(fake), 0);
    stray_forwarders_see(strays, PROXY);
    assert_health(health, told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_is_told_as_long_as_there_are_any, log_capture_setup,
                                        log_capture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
