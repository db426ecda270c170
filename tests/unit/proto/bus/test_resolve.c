/* Addresses of services as text, and sets of endpoints. */
#include "proto/bus/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_host(const char *text, const char *name, uint16_t port, bool is_numeric)
{
    const char *rest = text;
    struct resolve_host host;
    assert_int_equal(resolve_next_host(&rest, &host), ERR_OK);
    assert_string_equal(host.name, name);
    assert_int_equal(host.port, port);
    assert_int_equal(host.is_numeric, is_numeric);
    assert_null(rest);
}

static void test_hosts(void **state)
{
    (void)state;
    assert_host("127.0.0.1:5701", "127.0.0.1", 5701, true);
    assert_host("[::1]:1", "::1", 1, true);
    assert_host("[fe80::1%lo]:65535", "fe80::1%lo", 65535, true);
    assert_host("authsvc:5701", "authsvc", 5701, false);
    assert_host("auth-svc_1.example.org:80", "auth-svc_1.example.org", 80, false);
}

static void test_lists(void **state)
{
    (void)state;
    const char *rest = "a:1,[::1]:2,10.0.0.1:3";
    struct resolve_host host;
    assert_int_equal(resolve_next_host(&rest, &host), ERR_OK);
    assert_string_equal(host.name, "a");
    assert_int_equal(resolve_next_host(&rest, &host), ERR_OK);
    assert_string_equal(host.name, "::1");
    assert_int_equal(resolve_next_host(&rest, &host), ERR_OK);
    assert_int_equal(host.port, 3);
    assert_null(rest);
}

static void test_malformed_hosts(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "host",        "host:",        ":1",          "host:0",   "host:65536",
        "host:99999", "host:000001", "host:1x",      "host: 1",     "host:-1",  " host:1",
        "ho st:1",    "host:1 ",     "tcp://host:1", "::1:5701",    "[::1]",    "[]:1",
        "[host]:1",   "[::1:1",      "::1]:1",       "host/x:1",    "host\n:1", "h\xc3\xa4:1",
        ",host:1",    "[1.2.3.4:1",  "a%b:1",        "[::1%\"x]:1", "[:::]:1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *rest = bad[i];
        struct resolve_host host;
        if (resolve_next_host(&rest, &host) != ERR_BAD_REQUEST) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
    const char *rest = "a:1,";
    struct resolve_host host;
    assert_int_equal(resolve_next_host(&rest, &host), ERR_OK);
    assert_int_equal(resolve_next_host(&rest, &host), ERR_BAD_REQUEST);
}

static void test_host_names_are_bounded(void **state)
{
    (void)state;
    char text[RESOLVE_HOST_BYTES_MAX + 8];
    memset(text, 'a', sizeof(text));
    struct resolve_host host;
    const char *rest = text;
    (void)snprintf(text + RESOLVE_HOST_BYTES_MAX, 8, ":1");
    assert_int_equal(resolve_next_host(&rest, &host), ERR_OK);
    rest = text;
    (void)snprintf(text + RESOLVE_HOST_BYTES_MAX, 8, "a:1");
    assert_int_equal(resolve_next_host(&rest, &host), ERR_BAD_REQUEST);
}

static void test_numbers_need_no_look_up(void **state)
{
    (void)state;
    struct resolve_set set = {.count = 0};
    assert_true(resolve_number("10.1.2.3", &set));
    assert_true(resolve_number("0:0::1", &set));
    assert_int_equal(set.count, 2);
    assert_string_equal(set.items[0], "10.1.2.3");
    assert_string_equal(set.items[1], "::1");
    assert_false(resolve_number("localhost", &set));
    assert_int_equal(set.count, 2); /* untouched */
}

static void test_sets_are_sorted_and_without_duplicates(void **state)
{
    (void)state;
    struct resolve_set set = {.count = 0};
    struct resolve_set other = {.count = 0};
    static const char *const items[] = {"c", "a", "b", "a", "c"};
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        resolve_set_add(&set, items[i]);
        resolve_set_add(&other, items[ARRAY_LEN(items) - 1 - i]);
    }
    assert_int_equal(set.count, 3);
    assert_string_equal(set.items[0], "a");
    assert_string_equal(set.items[2], "c");
    assert_true(resolve_set_is_equal(&set, &other));
    assert_true(resolve_set_has(&set, "b"));
    assert_false(resolve_set_has(&set, "d"));
    resolve_set_add(&other, "d");
    assert_false(resolve_set_is_equal(&set, &other));
}

/* Whatever the order in which DNS tells of them, the same ones are left out. */
static void test_sets_are_bounded_alike_in_any_order(void **state)
{
    (void)state;
    struct resolve_set up = {.count = 0};
    struct resolve_set down = {.count = 0};
    char item[16];
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(item, sizeof(item), "%03u", i);
        resolve_set_add(&up, item);
        (void)snprintf(item, sizeof(item), "%03u", 199 - i);
        resolve_set_add(&down, item);
    }
    assert_int_equal(up.count, RESOLVE_SET_MAX);
    assert_true(resolve_set_is_equal(&up, &down));
    assert_string_equal(up.items[RESOLVE_SET_MAX - 1], "063");
}

static void test_items_that_are_too_long_stay_out(void **state)
{
    (void)state;
    struct resolve_set set = {.count = 0};
    char item[RESOLVE_TEXT_BYTES + 1];
    memset(item, 'x', sizeof(item));
    item[RESOLVE_TEXT_BYTES] = '\0';
    resolve_set_add(&set, item);
    assert_int_equal(set.count, 0);
    item[RESOLVE_TEXT_BYTES - 1] = '\0';
    resolve_set_add(&set, item);
    assert_string_equal(set.items[0], item);
}

static void test_endpoints(void **state)
{
    (void)state;
    struct resolve_set addresses = {.count = 0};
    struct resolve_set endpoints = {.count = 0};
    resolve_set_add(&addresses, "10.0.0.1");
    resolve_set_add(&addresses, "fe80::1%eth0");
    resolve_set_add_endpoints(&endpoints, &addresses, 5701);
    assert_int_equal(endpoints.count, 2);
    assert_string_equal(endpoints.items[0], "tcp://10.0.0.1:5701");
    assert_string_equal(endpoints.items[1], "tcp://[fe80::1%eth0]:5701");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_malformed_hosts),
        cmocka_unit_test(test_host_names_are_bounded),
        cmocka_unit_test(test_numbers_need_no_look_up),
        cmocka_unit_test(test_sets_are_sorted_and_without_duplicates),
        cmocka_unit_test(test_sets_are_bounded_alike_in_any_order),
        cmocka_unit_test(test_items_that_are_too_long_stay_out),
        cmocka_unit_test(test_endpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
