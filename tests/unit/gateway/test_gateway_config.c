#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/config.h"
#include "tests/support/c/config_defaults.h"

#define KEY "0123456789abcdef0123456789abcdef"

/* A configuration owns its strings; these are only looked at. */
static char *text_of(const char *z)
{
    return (char *)(uintptr_t)z;
}

/* Of all tests. Each has a copy, whose strings it may replace. */
static struct gateway_config the_defaults;

static int make_defaults(void **state)
{
    (void)state;
    config_set_defaults(&the_defaults, gateway_options);
    return 0;
}

static int free_defaults(void **state)
{
    (void)state;
    config_free(&the_defaults, gateway_options);
    return 0;
}

static struct gateway_config defaults(void)
{
    struct gateway_config config = the_defaults;
    config.token_key = text_of(KEY);
    return config;
}

static void test_address(void **state)
{
    static const struct {
        const char *url, *domain, *published, *host, *text;
    } rows[] = {
        {"", "", "", "127.0.0.1", "http://127.0.0.1:60001"},
        {"", "", "", "0.0.0.0", "http://127.0.0.1:60001"},
        {"", "", "192.0.2.7:80", "0.0.0.0", "http://192.0.2.7"},
        {"", "", "0.0.0.0:61000", "0.0.0.0", "http://127.0.0.1:61000"},
        {"", "", "[::]:61000", "0.0.0.0", "http://127.0.0.1:61000"},
        {"", "meet.example.org", "192.0.2.7:80", "0.0.0.0", "https://meet.example.org"},
        {"http://m.example:81", "meet.example.org", "192.0.2.7:80", "::", "http://m.example:81"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct gateway_config config = defaults();
        config.public_url = text_of(rows[i].url);
        config.domain = text_of(rows[i].domain);
        config.published = text_of(rows[i].published);
        config.http_host = text_of(rows[i].host);
        struct public_url url = gateway_config_url(&config, 60001);
        AUTO(mem_free) char *text = public_url_text(&url);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_reachable_by_others(void **state)
{
    static const struct {
        const char *url, *domain, *published, *host, *proxies;
        bool is_reachable;
    } rows[] = {
        {"", "", "", "127.0.0.1", "", false},
        {"", "", "", "::1", "", false},
        {"http://localhost:60000", "", "", "127.0.0.1", "", false},
        {"", "", "127.0.0.1:60000", "0.0.0.0", "", false},
        {"", "", "", "0.0.0.0", "", true},
        {"", "", "", "::", "", true},
        {"", "", "", "192.0.2.7", "", true},
        {"", "", "0.0.0.0:60000", "0.0.0.0", "", true},
        {"https://meet.example.org", "", "", "127.0.0.1", "", true},
        {"", "meet.example.org", "", "127.0.0.1", "", true},
        {"http://localhost", "", "", "127.0.0.1", "10.0.0.0/8", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct gateway_config config = defaults();
        config.public_url = text_of(rows[i].url);
        config.domain = text_of(rows[i].domain);
        config.published = text_of(rows[i].published);
        config.http_host = text_of(rows[i].host);
        config.trusted_proxies = text_of(rows[i].proxies);
        config.own_front = text_of("10.0.0.0/8"); /* does not count */
        assert_int_equal(gateway_config_is_reachable(&config), rows[i].is_reachable);
    }
}

static void test_what_the_table_cannot_tell(void **state)
{
    static const struct {
        const char *url, *domain, *published;
        bool is_valid;
    } rows[] = {
        {"", "", "", true},
        {"https://meet.example.org/", "meet.example.org", "[::]:60000", true},
        {"meet.example.org", "", "", false},
        {"https://meet.example.org/path", "", "", false},
        {"", "https://meet.example.org", "", false},
        {"", "meet example", "", false},
        {"", "", "127.0.0.1:60000:60000", false},
        {"", "", "127.0.0.1:x", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct gateway_config config = defaults();
        config.public_url = text_of(rows[i].url);
        config.domain = text_of(rows[i].domain);
        config.published = text_of(rows[i].published);
        assert_int_equal(gateway_config_is_valid(&config), rows[i].is_valid);
    }
}

static void test_keys_of_tokens(void **state)
{
    static const struct {
        const char *key;
        bool is_valid;
    } rows[] = {
        {KEY, true},
        {KEY "," KEY "x", true},
        {"", false},
        {"0123456789abcdef0123456789abcde", false},
        {KEY ",", false},
        {"," KEY, false},
        {KEY "," KEY "," KEY, false},
        {KEY " ", false},
        {KEY "\xc3\xa4", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct gateway_config config = defaults();
        config.token_key = text_of(rows[i].key);
        assert_int_equal(gateway_config_is_valid(&config), rows[i].is_valid);
    }
}

static void test_turn(void **state)
{
    static const struct {
        const char *urls, *secret;
        bool is_valid;
    } rows[] = {
        {"", "", true},
        {"", KEY, true},
        {"turn:turn.example.org,turn:[2001:db8::1]:3478?transport=tcp", KEY, true},
        {"turn:turn.example.org", "", false},
        {"turn.example.org", KEY, false},
        {"turn:turn.example.org", "short", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct gateway_config config = defaults();
        config.turn_urls = text_of(rows[i].urls);
        config.turn_secret = text_of(rows[i].secret);
        assert_int_equal(gateway_config_is_valid(&config), rows[i].is_valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address), cmocka_unit_test(test_reachable_by_others),
        cmocka_unit_test(test_what_the_table_cannot_tell), cmocka_unit_test(test_keys_of_tokens),
        cmocka_unit_test(test_turn)};
    return cmocka_run_group_tests(tests, make_defaults, free_defaults);
}
