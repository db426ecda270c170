/* POST /v1/registration: closed unless it was opened, always a member, and so often per address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define BURST 3
#define GOOD "{\"username\":\"carol\",\"password\":\"open it now\",\"display_name\":\"Carol\"}"

static int setup(void **state)
{
    int failed = api_fixture_setup(state);
    struct api_fixture *f = *state;
    f->config.registration = (struct registration_config){
        .is_open = true, .burst = BURST, .per_minute = 6, .table_max = 64};
    api_fixture_restart(f);
    return failed;
}

/* From 192.0.2.last. */
static struct ask *begin_from(struct api_fixture *f, const char *body, uint8_t last)
{
    struct ask *ask = ask_new("POST", "/v1/registration", NULL, str_of(body));
    ask_set_header(ask, "Content-Type", "application/json");
    memcpy(ask->request.client + 12, (const uint8_t[]){192, 0, 2, last}, 4);
    api_handle(f->api, &ask->request);
    return ask;
}

static void answer_registered(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_user_register_reply,
                              .user_register_reply = {.user = {.id = 41,
                                                               .username = STR_LIT("carol"),
                                                               .display_name = STR_LIT("Carol"),
                                                               .role = ROLE_MEMBER,
                                                               .version = 1}}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_user_register), ERR_OK, &reply);
}

static void test_somebody_adds_himself(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin_from(f, GOOD, 1);
    const struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_user_register);
    assert_non_null(call);
    const struct msg_user_register *request = &call->request.user_register;
    assert_true(str_eq(request->username, STR_LIT("carol")));
    assert_true(str_eq(request->password, STR_LIT("open it now")));
    assert_true(str_eq(request->display_name, STR_LIT("Carol")));
    assert_int_equal(request->idempotency_key.bytes, 16);
    assert_int_equal(call->context.principal.kind, PRINCIPAL_NONE);
    answer_registered(f);
    assert_int_equal(ask->status, 201);
    assert_string_equal(ask->body, "{\"id\":\"41\",\"username\":\"carol\","
                                   "\"display_name\":\"Carol\",\"role\":\"member\"}");
    char value[64];
    assert_null(ask_header(ask, "Set-Cookie", value, sizeof(value)));
    ask_free(&ask);
    assert_int_equal(log_capture_count("open it now"), 0);
}

static void test_what_is_refused_asks_nobody(void **state)
{
    static const char *const wrong[] = {
        "{\"username\":\"carol\",\"password\":\"open it now\",\"role\":\"admin\"}",
        "{\"username\":\"carol\",\"password\":\"open it now\",\"disabled\":false}",
        "{\"username\":\"carol\",\"password\":\"too short\"}",
        "{\"username\":\"ca\\u202erol\",\"password\":\"open it now\"}",
        "{\"username\":\"carol\"}",
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct ask *ask = begin_from(f, wrong[i], 1);
        assert_problem(ask, 422, "wrong_member");
        ask_free(&ask);
    }
    f->config.registration.is_open = false;
    api_fixture_restart(f);
    struct ask *ask = begin_from(f, GOOD, 1);
    assert_problem(ask, 403, "registration_closed");
    ask_free(&ask);
    assert_int_equal(f->bus.count, 0);
}

static void test_what_authsvc_refuses_is_told(void **state)
{
    static const struct {
        enum err err;
        int status;
        const char *code;
    } rows[] = {
        {ERR_CONFLICT, 409, "conflict"},
        {ERR_WEAK_PASSWORD, 422, "weak_password"},
        {ERR_REGISTRATION_CLOSED, 403, "registration_closed"},
    };
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask *ask = begin_from(f, GOOD, 1);
        fail_call(f, MSG_user_register, rows[i].err);
        assert_problem(ask, rows[i].status, rows[i].code);
        ask_free(&ask);
    }
}

/* All that were judged count, good or not; what failed on our side does not. */
static void test_an_address_is_limited(void **state)
{
    struct api_fixture *f = *state;
    log_capture_expect("request failed");
    for (int i = 0; i < 2 * BURST; i++) {
        struct ask *ask = begin_from(f, GOOD, 1);
        fail_call(f, MSG_user_register, ERR_OVERLOADED);
        assert_int_equal(ask->status, 503);
        ask_free(&ask);
    }
    for (int i = 0; i < BURST; i++) {
        struct ask *ask = begin_from(f, GOOD, 1);
        if (i % 2 == 0) {
            answer_registered(f);
        } else {
            fail_call(f, MSG_user_register, ERR_CONFLICT);
        }
        ask_free(&ask);
    }
    struct ask *ask = begin_from(f, GOOD, 1);
    char value[16];
    assert_problem(ask, 429, "rate_limited");
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "10");
    ask_free(&ask);
    assert_null(mock_bus_pending(&f->bus, MSG_user_register));
    ask = begin_from(f, GOOD, 2);
    answer_registered(f);
    assert_int_equal(ask->status, 201);
    ask_free(&ask);
    fake_clock_advance(f->clock, 10000);
    ask = begin_from(f, GOOD, 1);
    answer_registered(f);
    assert_int_equal(ask->status, 201);
    ask_free(&ask);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, api_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_somebody_adds_himself),
        TEST(test_what_is_refused_asks_nobody),
        TEST(test_what_authsvc_refuses_is_told),
        TEST(test_an_address_is_limited),
    };
    return cmocka_run_group_tests_name("registration", tests, NULL, NULL);
}
