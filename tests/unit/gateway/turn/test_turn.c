#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/turn/turn.h"

#define SECRET "a secret of 25 bytes here"
#define URLS                                                                                       \
    "turn:192.0.2.7:3478?transport=udp, turns:turn.example.org?transport=tcp,turn:[2001:db8::7]"

/* By openssl dgst -sha1 -hmac SECRET -binary | base64. */
static void a_credential_is_what_coturn_takes(void **state)
{
    struct str bad;
    struct turn_credential credential;
    (void)state;
    AUTO(turn_free) struct turn *turn = turn_new(URLS, SECRET, 3600, &bad);
    turn_make_credential(turn, 42, 1700000000999, &credential);
    assert_string_equal(credential.username, "1700003600:42");
    assert_string_equal(credential.password, "lydP2ymdVycViJmVLmOdDIYaGZI=");
    turn_make_credential(turn, INT64_MAX, UINT64_MAX, &credential);
    assert_int_equal(strlen(credential.password), 28);
    assert_non_null(strstr(credential.username, ":9223372036854775807"));
}

static void urls_are_as_they_were_given(void **state)
{
    struct str bad;
    (void)state;
    AUTO(turn_free) struct turn *turn = turn_new(URLS, SECRET, 3600, &bad);
    assert_int_equal(turn_url_count(turn), 3);
    assert_true(str_eq(turn_url(turn, 0), STR_LIT("turn:192.0.2.7:3478?transport=udp")));
    assert_true(str_eq(turn_url(turn, 1), STR_LIT("turns:turn.example.org?transport=tcp")));
    assert_true(str_eq(turn_url(turn, 2), STR_LIT("turn:[2001:db8::7]")));
}

static void without_urls_there_are_no_servers(void **state)
{
    struct str bad;
    (void)state;
    AUTO(turn_free) struct turn *turn = turn_new("", SECRET, 3600, &bad);
    assert_int_equal(turn_url_count(turn), 0);
    AUTO(turn_free) struct turn *nothing = turn_new("", NULL, 3600, &bad);
    assert_int_equal(turn_url_count(nothing), 0);
}

static void what_is_no_url_of_turn_is_named(void **state)
{
    static const char *const rows[] = {
        "stun:192.0.2.7",
        "http://192.0.2.7",
        "turn:",
        "turn::3478",
        "turn:user@turn.example.org",
        "turn:turn.example.org:",
        "turn:turn.example.org:0",
        "turn:turn.example.org:65536",
        "turn:turn.example.org:123456",
        "turn:turn.example.org?transport=sctp",
        "turn:turn.example.org?transport=udp&x",
        "turn:turn.example.org/path",
        "turn:2001:db8::7",
        "turn:[2001:db8::7",
        "turn:[turn.example.org]",
        "turn:a b",
        "turn:a\"b",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str bad = STR_NONE;
        AUTO(mem_free) char *urls = mem_printf("turn:192.0.2.7,%s", rows[i]);
        assert_null(turn_new(urls, SECRET, 3600, &bad));
        assert_true(str_eq(bad, str_of(rows[i])));
    }
}

static void there_are_so_many_urls_at_most(void **state)
{
    struct str bad = STR_NONE;
    (void)state;
    AUTO(turn_free)
    struct turn *turn =
        turn_new("turn:a,turn:b,turn:c,turn:d,turn:e,turn:f,turn:g,turn:h", SECRET, 3600, &bad);
    assert_int_equal(turn_url_count(turn), TURN_URLS_MAX);
    assert_null(turn_new("turn:a,turn:b,turn:c,turn:d,turn:e,turn:f,turn:g,turn:h,turn:i", SECRET,
                         3600, &bad));
    assert_true(str_eq(bad, STR_LIT("turn:i")));
}

static void servers_need_a_secret(void **state)
{
    struct str bad = STR_LIT("before");
    (void)state;
    assert_null(turn_new("turn:192.0.2.7", "", 3600, &bad));
    assert_int_equal(bad.bytes, 0);
    assert_null(turn_new("turn:192.0.2.7", "fifteen bytes..", 3600, &bad));
    assert_null(turn_new("", "fifteen bytes..", 3600, &bad));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_is_what_coturn_takes),
        cmocka_unit_test(urls_are_as_they_were_given),
        cmocka_unit_test(without_urls_there_are_no_servers),
        cmocka_unit_test(what_is_no_url_of_turn_is_named),
        cmocka_unit_test(there_are_so_many_urls_at_most),
        cmocka_unit_test(servers_need_a_secret),
    };
    return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
