#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "gateway/http/proxies.h"

static void parse(const char *text, uint8_t ret_address[16])
{
    uint8_t v4[4];
    memset(ret_address, 0, 16);
    if (inet_pton(AF_INET, text, v4) == 1) {
        ret_address[10] = 0xff;
        ret_address[11] = 0xff;
        memcpy(ret_address + 12, v4, 4);
        return;
    }
    assert_int_equal(inet_pton(AF_INET6, text, ret_address), 1);
}

static void test_lists(void **state)
{
    static const char *const good[] = {"",
                                       "10.0.0.1",
                                       "10.0.0.0/8, ::1 ,fd00::/7",
                                       "0.0.0.0/0",
                                       "::/0",
                                       "192.168.1.1/32",
                                       "2001:db8::1/128"};
    static const char *const bad[] = {
        "x",           "10.0.0.1/33",     "10.0.0.0/",    "10.0.0/8",    "::1/129",
        ",",           "1.1.1.1,,x",      "10.0.0.1/8/8", "::1/99999",   "localhost",
        "1.1.1.1/-1",  "1.1.1.1 2.2.2.2", "10.0.0.0/x",   "10.0.0.0/8x", "10.0.0.0/1a",
        "10.0.0.0/+8", "10.0.0.0/8:",     "::/6a",        "::/0x10",     "10.0.0.0/1e1"};
    (void)state;
    struct str entry;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct proxies *proxies = proxies_new(good[i], &entry);
        assert_non_null(proxies);
        proxies_free(&proxies);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(proxies_new(bad[i], &entry));
    }
    assert_null(proxies_new("10.0.0.1, nonsense ,::1", &entry));
    assert_true(str_eq(entry, STR_LIT("nonsense")));
}

static void test_has(void **state)
{
    static const struct {
        const char *list, *address;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true}, {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.128/25", "10.1.2.129", true},  {"10.1.2.128/25", "10.1.2.127", false},
        {"1.2.3.4", "1.2.3.4", true},           {"1.2.3.4", "1.2.3.5", false},
        {"fd00::/8", "fdff::1", true},          {"fd00::/8", "fe00::1", false},
        {"::1,10.0.0.1", "10.0.0.1", true},     {"", "127.0.0.1", false},
        {"0.0.0.0/0", "8.8.8.8", true},         {"0.0.0.0/0", "2001:db8::1", false},
        {"::ffff:0:0/96", "8.8.8.8", true},
    };
    (void)state;
    struct str entry;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct proxies *proxies = proxies_new(rows[i].list, &entry);
        uint8_t address[16];
        parse(rows[i].address, address);
        assert_non_null(proxies);
        assert_int_equal(proxies_has(proxies, address), rows[i].has);
        proxies_free(&proxies);
    }
}

/* One line of X-Forwarded-For, the peer is 10.0.0.1, trusted are 10/8 and ::1. */
static void test_follow(void **state)
{
    static const struct {
        const char *line, *client;
    } rows[] = {
        {"9.9.9.9", "9.9.9.9"},
        {"1.1.1.1, 9.9.9.9", "9.9.9.9"},  /* the left one can be made up */
        {"9.9.9.9, 10.0.0.2", "9.9.9.9"}, /* a chain of proxies */
        {"1.1.1.1,9.9.9.9 ,10.0.0.2,::1", "9.9.9.9"},
        {"10.0.0.3,10.0.0.2", "10.0.0.3"}, /* all trusted: the furthest */
        {"9.9.9.9:8080", "9.9.9.9"},
        {"[2001:db8::7]:443", "2001:db8::7"},
        {"2001:db8::7", "2001:db8::7"},
        {"9.9.9.9, unknown", "10.0.0.1"}, /* what cannot be read ends the chain */
        {"9.9.9.9, unknown, 10.0.0.2", "10.0.0.2"},
        {"", "10.0.0.1"},
        {",", "10.0.0.1"},
        {"[", "10.0.0.1"},
        {"[]", "10.0.0.1"},
        {"9.9.9.9, 9999.1.1.1", "10.0.0.1"},
    };
    (void)state;
    struct str entry;
    struct proxies *proxies = proxies_new("10.0.0.0/8, ::1", &entry);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t address[16];
        uint8_t client[16];
        parse("10.0.0.1", address);
        parse(rows[i].client, client);
        (void)proxies_follow(proxies, str_of(rows[i].line), address);
        assert_memory_equal(address, client, 16);
    }
    proxies_free(&proxies);
}

static void test_untrusted_peer(void **state)
{
    (void)state;
    struct str entry;
    struct proxies *proxies = proxies_new("10.0.0.0/8", &entry);
    uint8_t address[16];
    uint8_t peer[16];
    parse("8.8.8.8", peer);
    parse("8.8.8.8", address);
    assert_false(proxies_follow(proxies, STR_LIT("1.1.1.1"), address));
    assert_memory_equal(address, peer, 16);
    proxies_free(&proxies);
}

/* Lines of several proxies, from the last to the first: trusted all along goes on to the next. */
static void test_several_lines(void **state)
{
    (void)state;
    struct str entry;
    struct proxies *proxies = proxies_new("10.0.0.0/8", &entry);
    uint8_t address[16];
    uint8_t client[16];
    parse("10.0.0.1", address);
    parse("9.9.9.9", client);
    assert_true(proxies_follow(proxies, STR_LIT("10.0.0.2"), address));
    assert_true(proxies_follow(proxies, STR_LIT("1.1.1.1, 9.9.9.9, 10.0.0.3"), address) == false);
    assert_memory_equal(address, client, 16);
    proxies_free(&proxies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),         cmocka_unit_test(test_has),
        cmocka_unit_test(test_follow),        cmocka_unit_test(test_untrusted_peer),
        cmocka_unit_test(test_several_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
