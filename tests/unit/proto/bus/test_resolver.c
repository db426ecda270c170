/* Addresses are kept resolved; a look-up that hangs holds nobody up. */
#include "proto/bus/resolver.h"
#include "tests/support/c/dns_server.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WAIT_MS 5000

static void count(void *arg, const struct resolve_set *set)
{
    size_t *told = arg;
    *told = set->count;
}

static bool has_been_asked(void *arg)
{
    const struct dns_server *dns = arg;
    return dns->answered + dns->ignored > 0;
}

static bool is_told(void *arg)
{
    return *(const size_t *)arg > 0;
}

static void test_numeric_addresses_need_no_look_up(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct dns_server dns;
    dns_server_init(&dns, loop);
    struct resolver *resolver =
        resolver_new(loop, &(struct resolver_config){.servers = dns.endpoint});
    size_t told = 0;
    assert_int_equal(resolver_watch(resolver, "10.0.0.1:1,10.0.0.2:1,10.0.0.1:1", count, &told),
                     ERR_OK);
    assert_int_equal(told, 2);
    assert_int_equal(resolver_watch(resolver, "10.0.0.1:1,", count, &told), ERR_BAD_REQUEST);
    assert_false(loop_run_until(loop, has_been_asked, &dns, 20));
    resolver_free(&resolver);
    dns_server_fini(&dns);
    loop_free(&loop);
}

static void test_look_up_that_hangs(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct dns_server dns;
    dns_server_init(&dns, loop);
    dns.addresses[0] = "10.0.0.9";
    struct resolver *resolver =
        resolver_new(loop, &(struct resolver_config){.interval_ms = 10, .servers = dns.endpoint});
    size_t told = 0;
    size_t other = 0;
    assert_int_equal(resolver_watch(resolver, "10.0.0.1:1,silent.test:1", count, &told), ERR_OK);
    assert_int_equal(told, 1); /* what is known without it */
    assert_true(loop_run_until(loop, has_been_asked, &dns, WAIT_MS));
    assert_int_equal(resolver_watch(resolver, "name.test:1", count, &other), ERR_OK);
    assert_true(loop_run_until(loop, is_told, &other, WAIT_MS));
    assert_int_equal(told, 1);
    assert_true(dns.ignored <= 2); /* one look-up at a time, of the two kinds of addresses */
    resolver_free(&resolver);      /* does not wait */
    dns_server_fini(&dns);
    loop_free(&loop);
}

struct seen {
    size_t changes;
    char last[RESOLVE_TEXT_BYTES];
};

static void see(void *arg, const struct resolve_set *set)
{
    struct seen *seen = arg;
    seen->changes++;
    assert_int_equal(set->count, 1);
    (void)str_copy(seen->last, sizeof(seen->last), str_of(set->items[0]));
}

static bool has_changed(void *arg)
{
    struct seen *seen = arg;
    return seen->changes > 0;
}

static bool has_answered_thrice(void *arg)
{
    return ((struct dns_server *)arg)->answered >= 3;
}

static void test_names_are_looked_up_again(void **state)
{
    (void)state;
    log_capture_expect("host name not resolved");
    struct loop *loop = loop_new();
    struct dns_server dns;
    dns_server_init(&dns, loop);
    dns.addresses[0] = "10.0.0.1";
    struct seen seen = {0};
    struct resolver *resolver =
        resolver_new(loop, &(struct resolver_config){.interval_ms = 10, .servers = dns.endpoint});
    assert_int_equal(resolver_watch(resolver, "name.test:5701", see, &seen), ERR_OK);
    assert_int_equal(seen.changes, 0);
    assert_true(loop_run_until(loop, has_changed, &seen, WAIT_MS));
    assert_string_equal(seen.last, "tcp://10.0.0.1:5701");

    dns.addresses[0] = NULL; /* fails: the address is kept, and it is logged once */
    dns.answered = 0;
    assert_true(loop_run_until(loop, has_answered_thrice, &dns, WAIT_MS));
    assert_int_equal(seen.changes, 1);
    assert_int_equal(log_capture_count("host name not resolved"), 1);

    dns.addresses[0] = "10.0.0.2";
    seen.changes = 0;
    assert_true(loop_run_until(loop, has_changed, &seen, WAIT_MS));
    assert_string_equal(seen.last, "tcp://10.0.0.2:5701");
    resolver_free(&resolver);
    dns_server_fini(&dns);
    loop_free(&loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_capture_setup, log_capture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_numeric_addresses_need_no_look_up),
        TEST(test_look_up_that_hangs),
        TEST(test_names_are_looked_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
