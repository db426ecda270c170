#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define NAME_BURST 3
#define ADDRESS_BURST 20

static struct ask *login_from(struct api_fixture *f, const char *name, uint8_t address)
{
    char body[128];
    (void)snprintf(body, sizeof(body), "{\"username\":\"%s\",\"password\":\"secret\"}", name);
    struct ask *ask = ask_new("POST", "/login", NULL, str_of(body));
    ask->request.client[15] = address;
    api_handle(f->api, &ask->request);
    return ask;
}

/* Tries and fails with err (ERR_OK: succeeds); false if it is limited before. */
static bool try_login(struct api_fixture *f, const char *name, uint8_t address, enum err err)
{
    struct ask *ask = login_from(f, name, address);
    bool limited = ask->answers == 1 && ask->status == 429;
    if (!limited) {
        if (err == ERR_OK) {
            answer_login(f);
        } else {
            fail_call(f, MSG_login, err);
        }
    }
    ask_free(&ask);
    return !limited;
}

static void test_login(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_send(f, "/login", NULL,
                               "{\"username\":\"testuser\",\"password\":\"test123\",\"more\":[]}");
    const struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_login);
    assert_non_null(call);
    assert_true(str_eq(call->request.login.username, STR_LIT("testuser")));
    assert_true(str_eq(call->request.login.password, STR_LIT("test123")));
    assert_int_equal(call->context.principal.user_id, 0);
    char hash[32];
    memcpy(hash, call->request.login.token_hash.data, sizeof(hash));
    answer_login(f);
    assert_int_equal(ask->status, 200);
    static const char before[] = "{\"action\":\"succesful\",\"token\":\"";
    assert_int_equal(strlen(ask->body), strlen(before) + 64 + 2);
    assert_memory_equal(ask->body, before, strlen(before));
    assert_string_equal(ask->body + strlen(before) + 64, "\"}");
    uint8_t own_hash[32];
    crypto_hash_sha256(own_hash, (const unsigned char *)ask->body + strlen(before), 64);
    assert_memory_equal(own_hash, hash, 32);
    ask_free(&ask);
}

static void test_tokens_differ(void **state)
{
    struct api_fixture *f = *state;
    struct ask *first = login_from(f, "a", 1);
    struct ask *second = login_from(f, "b", 1);
    answer_login(f);
    answer_login(f);
    assert_string_not_equal(first->body, second->body);
    ask_free(&first);
    ask_free(&second);
}

static void test_wrong_password(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = login_from(f, "testuser", 1);
    fail_call(f, MSG_login, ERR_BAD_CREDENTIALS);
    assert_failed(ask, 400, "bad_credentials");
    ask_free(&ask);
    assert_int_equal(log_capture_count("secret"), 0);
}

static void test_name_limit(void **state)
{
    struct api_fixture *f = *state;
    for (int i = 0; i < NAME_BURST; i++) {
        assert_true(try_login(f, "victim", 1, ERR_BAD_CREDENTIALS));
    }
    struct ask *ask = login_from(f, "victim", 1);
    assert_failed(ask, 429, "rate_limited");
    char value[16];
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "10");
    ask_free(&ask);
    /* The same name from elsewhere, and another name from here, are not touched. */
    assert_true(try_login(f, "victim", 2, ERR_OK));
    assert_true(try_login(f, "other", 1, ERR_OK));
    fake_clock_advance(f->clock, 9999);
    assert_false(try_login(f, "victim", 1, ERR_OK));
    fake_clock_advance(f->clock, 1);
    assert_true(try_login(f, "victim", 1, ERR_OK));
}

/* Attempts that run at the same moment are counted when they begin. */
static void test_attempts_at_the_same_moment(void **state)
{
    struct api_fixture *f = *state;
    struct ask *asks[NAME_BURST + 1];
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = login_from(f, "victim", 1);
    }
    assert_int_equal(f->bus.count, NAME_BURST);
    assert_failed(asks[NAME_BURST], 429, "rate_limited");
    for (size_t i = 0; i < NAME_BURST; i++) {
        fail_call(f, MSG_login, ERR_BAD_CREDENTIALS);
    }
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        ask_free(&asks[i]);
    }
}

/* Only a wrong password counts against a name: neither success nor our own failures. */
static void test_what_counts(void **state)
{
    static const enum err free_of_charge[] = {ERR_OK, ERR_UNAVAILABLE, ERR_DEADLINE, ERR_INTERNAL};
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (size_t i = 0; i < 16; i++) {
        assert_true(try_login(f, "someone", 1, free_of_charge[i % ARRAY_LEN(free_of_charge)]));
    }
    f->bus.refuse = ERR_OVERLOADED;
    for (size_t i = 0; i < NAME_BURST + 1; i++) {
        struct ask *ask = login_from(f, "else", 2);
        assert_failed(ask, 503, "overloaded");
        ask_free(&ask);
    }
}

static void test_address_limit(void **state)
{
    struct api_fixture *f = *state;
    char name[16];
    for (int i = 0; i < ADDRESS_BURST; i++) {
        (void)snprintf(name, sizeof(name), "user%d", i);
        assert_true(try_login(f, name, 1, ERR_BAD_CREDENTIALS));
    }
    struct ask *ask = login_from(f, "another", 1);
    assert_failed(ask, 429, "rate_limited");
    char value[16];
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "1");
    ask_free(&ask);
    assert_true(try_login(f, "another", 2, ERR_OK));
    /* What was refused for the address did not count against the name. */
    fake_clock_advance(f->clock, 60000);
    for (int i = 0; i < NAME_BURST; i++) {
        assert_true(try_login(f, "another", 1, ERR_BAD_CREDENTIALS));
    }
}

/* Who hammers one name does not use up what others behind the same address have. */
static void test_limited_name_spares_the_address(void **state)
{
    struct api_fixture *f = *state;
    for (int i = 0; i < 10 * ADDRESS_BURST; i++) {
        bool allowed = try_login(f, "victim", 1, ERR_BAD_CREDENTIALS);
        assert_int_equal(allowed, i < NAME_BURST);
    }
    assert_true(try_login(f, "colleague", 1, ERR_OK));
}

static void test_ipv6_counts_by_64_bits(void **state)
{
    struct api_fixture *f = *state;
    for (int i = 0; i <= NAME_BURST; i++) {
        struct ask *ask = ask_new("POST", "/login", NULL,
                                  STR_LIT("{\"username\":\"victim\",\"password\":\"x\"}"));
        const uint8_t client[16] = {0x20, 1, 0x0d, 0xb8, [8] = (uint8_t)i, [15] = (uint8_t)i};
        memcpy(ask->request.client, client, 16);
        api_handle(f->api, &ask->request);
        if (i < NAME_BURST) {
            fail_call(f, MSG_login, ERR_BAD_CREDENTIALS);
        }
        assert_int_equal(ask->status, i < NAME_BURST ? 400 : 429);
        ask_free(&ask);
    }
}

static void test_bad_bodies_are_not_attempts(void **state)
{
    struct api_fixture *f = *state;
    for (int i = 0; i < 2 * ADDRESS_BURST; i++) {
        struct ask *ask = ask_send(f, "/login", NULL, "{\"username\":\"victim\"}");
        assert_failed(ask, 400, "bad_request");
        ask_free(&ask);
    }
    assert_int_equal(f->bus.count, 0);
}

#define API_TEST(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(test_login),
        API_TEST(test_tokens_differ),
        API_TEST(test_wrong_password),
        API_TEST(test_name_limit),
        API_TEST(test_attempts_at_the_same_moment),
        API_TEST(test_what_counts),
        API_TEST(test_address_limit),
        API_TEST(test_limited_name_spares_the_address),
        API_TEST(test_ipv6_counts_by_64_bits),
        API_TEST(test_bad_bodies_are_not_attempts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
