/* Tokens that gateways have drawn and that are of no session: how often one address may come with
 * them, and that nobody with a session suffers from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define BURST 3
#define RETRY_MS 10000 /* 6 in a minute */

static int setup(void **state)
{
    int failed = api_fixture_setup(state);
    struct api_fixture *f = *state;
    f->config.auth.unknown_burst = BURST;
    f->config.auth.unknown_per_minute = 6;
    api_fixture_restart(f);
    return failed;
}

static void draw(char ret_token[TOKEN_HEX + 1])
{
    struct token_keys *keys = token_keys_new(TOKEN_KEY);
    token_draw(keys, TOKEN_SESSION, ret_token);
    token_keys_free(&keys);
}

/* From 127.0.0.last. */
static struct ask *send_from(struct api_fixture *f, const char *token, uint8_t last)
{
    struct ask *ask = ask_new("POST", "/create", token, STR_LIT("{}"));
    ask->request.client[15] = last;
    api_handle(f->api, &ask->request);
    return ask;
}

static struct ask *send_unknown(struct api_fixture *f)
{
    char token[TOKEN_HEX + 1];
    draw(token);
    return send_from(f, token, 1);
}

static void assert_asked_and_refused(struct api_fixture *f, struct ask *ask)
{
    fail_call(f, MSG_session_check, ERR_UNAUTHORIZED);
    assert_failed(ask, 401, "unauthorized");
    ask_free(&ask);
}

static void assert_limited(struct api_fixture *f, struct ask *ask)
{
    char value[16];
    assert_null(mock_bus_pending(&f->bus, MSG_session_check));
    assert_failed(ask, 429, "rate_limited");
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "10");
    ask_free(&ask);
}

static void use_up(struct api_fixture *f)
{
    for (int i = 0; i < BURST; i++) {
        assert_asked_and_refused(f, send_unknown(f));
    }
    assert_limited(f, send_unknown(f));
}

static void use_well(struct api_fixture *f, const char *token)
{
    struct ask *ask = send_from(f, token, 1);
    answer_session(f, 42);
    answer_create(f, 1);
    assert_int_equal(ask->status, 200);
    ask_free(&ask);
}

static void test_burst_then_rate(void **state)
{
    struct api_fixture *f = *state;
    use_up(f);
    assert_int_equal(
        metric_value(metrics_counter(f->metrics, "lynks_gateway_limited_tokens_total", "", NULL)),
        1);
    struct ask *ask = send_from(f, TOKEN, 2);
    assert_asked_and_refused(f, ask);
    fake_clock_advance(f->clock, RETRY_MS);
    assert_asked_and_refused(f, send_unknown(f));
    assert_limited(f, send_unknown(f));
}

/* What is still on its way when the limit is reached is answered as it is. */
static void test_those_that_fail_count_when_they_fail(void **state)
{
    struct api_fixture *f = *state;
    struct ask *asks[BURST + 2];
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = send_unknown(f);
    }
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        assert_asked_and_refused(f, asks[i]);
    }
    assert_limited(f, send_unknown(f));
}

static void test_good_ones_go_on(void **state)
{
    struct api_fixture *f = *state;
    char other[TOKEN_HEX + 1];
    draw(other);
    use_well(f, TOKEN);
    use_up(f);
    use_well(f, TOKEN);
    assert_limited(f, send_from(f, other, 1)); /* it may be good, but nobody here knows */
    fake_clock_advance(f->clock, RETRY_MS);
    use_well(f, other);
    assert_asked_and_refused(f, send_unknown(f));
    assert_limited(f, send_unknown(f));
    use_well(f, other);
}

/* However many good ones come for the first time at once. */
static void test_good_ones_do_not_count(void **state)
{
    struct api_fixture *f = *state;
    struct ask *asks[4 * BURST];
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = send_unknown(f);
    }
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        answer_session(f, 42);
        answer_create(f, 1);
        assert_int_equal(asks[i]->status, 200);
        ask_free(&asks[i]);
    }
    use_up(f);
}

/* A failure of ours says nothing about a token. */
static void test_failures_of_services_do_not_count(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (int i = 0; i < 2 * BURST; i++) {
        struct ask *ask = send_unknown(f);
        fail_call(f, MSG_session_check, ERR_UNAVAILABLE);
        assert_failed(ask, 503, "unavailable");
        ask_free(&ask);
    }
    use_up(f);
}

/* Who signs in gets in, whatever others of his address have sent before. */
static void test_who_signs_in_gets_in(void **state)
{
    struct api_fixture *f = *state;
    use_up(f);
    struct ask *login =
        ask_send(f, "/login", NULL, "{\"username\":\"ann\",\"password\":\"sesame\"}");
    answer_login(f);
    static const char before[] = "\"token\":\"";
    const char *token = strstr(login->body, before);
    assert_non_null(token);
    AUTO(mem_free)
    char *own = str_dup((struct str){.data = token + strlen(before), .bytes = TOKEN_HEX});
    ask_free(&login);
    use_well(f, own);
    assert_limited(f, send_unknown(f));
}

/* One that was good and whose session has ended is one of many. */
static void test_one_that_is_good_no_more(void **state)
{
    struct api_fixture *f = *state;
    use_well(f, TOKEN);
    use_up(f);
    assert_asked_and_refused(f, send_from(f, TOKEN, 1));
    assert_limited(f, send_from(f, TOKEN, 1));
}

/* Refusing is work, too: who comes in masses is told later, and everybody in the end. */
static void test_masses_of_foreign_ones_wait_for_their_turn(void **state)
{
    struct api_fixture *f = *state;
    static struct ask *asks[AUTH_REFUSALS_AT_ONCE + 30];
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = send_from(f, FOREIGN_TOKEN, 1);
        assert_int_equal(asks[i]->status, i < AUTH_REFUSALS_AT_ONCE ? 401 : 0);
    }
    /* Who has a session does not wait. */
    struct ask *own = ask_new("POST", "/create", TOKEN, STR_LIT("{}"));
    api_handle(f->api, &own->request);
    answer_session(f, 7);
    answer_create(f, 5);
    assert_int_equal(own->status, 200);
    ask_free(&own);
    fake_clock_advance(f->clock, 1000 * AUTH_REFUSALS_AT_ONCE / AUTH_REFUSALS_PER_S);
    assert_int_equal(asks[AUTH_REFUSALS_AT_ONCE]->status, 401);
    assert_int_equal(asks[ARRAY_LEN(asks) - 1]->status, 0);
    fake_clock_advance(f->clock, 10);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        assert_failed(asks[i], 401, "unauthorized");
        ask_free(&asks[i]);
    }
}

/* A gateway that ends answers them all the same. */
static void test_who_waits_is_answered_when_the_gateway_ends(void **state)
{
    struct api_fixture *f = *state;
    static struct ask *asks[AUTH_REFUSALS_AT_ONCE + 1];
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        asks[i] = send_from(f, FOREIGN_TOKEN, 1);
    }
    api_fixture_restart(f);
    assert_int_equal(asks[AUTH_REFUSALS_AT_ONCE]->status, 503);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        ask_free(&asks[i]);
    }
}

/* What no gateway has drawn is refused anyhow, and takes nothing from those that one has. */
static void test_foreign_ones_do_not_count(void **state)
{
    struct api_fixture *f = *state;
    for (int i = 0; i < 2 * BURST; i++) {
        struct ask *ask = send_from(f, FOREIGN_TOKEN, 1);
        assert_failed(ask, 401, "unauthorized");
        ask_free(&ask);
    }
    use_up(f);
    struct ask *ask = send_from(f, FOREIGN_TOKEN, 1);
    assert_failed(ask, 401, "unauthorized");
    ask_free(&ask);
}

#define TOKEN_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(test_burst_then_rate),
        TOKEN_TEST(test_those_that_fail_count_when_they_fail),
        TOKEN_TEST(test_good_ones_go_on),
        TOKEN_TEST(test_good_ones_do_not_count),
        TOKEN_TEST(test_failures_of_services_do_not_count),
        TOKEN_TEST(test_who_signs_in_gets_in),
        TOKEN_TEST(test_one_that_is_good_no_more),
        TOKEN_TEST(test_foreign_ones_do_not_count),
        TOKEN_TEST(test_masses_of_foreign_ones_wait_for_their_turn),
        TOKEN_TEST(test_who_waits_is_answered_when_the_gateway_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
