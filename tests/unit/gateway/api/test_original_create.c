/* How many rooms a user may add with POST /create. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

#define BURST 3
#define EARNS_ONE_MS 10000 /* 6 a minute */

/* Up to the service; whether it is asked for a room that is there already. */
static struct ask *ask_create(struct api_fixture *f, uint64_t user_id, bool *ret_only_known)
{
    struct ask *ask = ask_send(f, "/create", TOKEN, "{}");
    answer_session(f, user_id);
    const struct mock_bus_call *call = mock_bus_pending(&f->bus, MSG_room_create);
    assert_non_null(call);
    *ret_only_known = call->request.room_create.only_known;
    return ask;
}

/* False: the user may add none, and is refused. */
static bool add_room(struct api_fixture *f, uint64_t user_id)
{
    bool only_known;
    struct ask *ask = ask_create(f, user_id, &only_known);
    if (only_known) {
        fail_call(f, MSG_room_create, ERR_RATE_LIMITED);
    } else {
        answer_added(f, 5);
    }
    assert_int_equal(ask->status, only_known ? 429 : 200);
    ask_free(&ask);
    return !only_known;
}

static void add_all(struct api_fixture *f, uint64_t user_id)
{
    for (int i = 0; i < BURST; i++) {
        assert_true(add_room(f, user_id));
    }
}

static void each_user_may_add_so_many(void **state)
{
    struct api_fixture *f = *state;
    add_all(f, 42);
    assert_false(add_room(f, 42));
    assert_false(add_room(f, 42));
    assert_true(add_room(f, 43));
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(f->metrics, &bytes);
    assert_non_null(strstr(text, "lynks_gateway_limited_creates_total 2\n"));
}

static void who_has_added_too_many_is_told_when_to_come_again(void **state)
{
    struct api_fixture *f = *state;
    bool only_known;
    char value[16];
    add_all(f, 42);
    struct ask *ask = ask_create(f, 42, &only_known);
    assert_true(only_known);
    fail_call(f, MSG_room_create, ERR_RATE_LIMITED);
    assert_failed(ask, 429, "rate_limited");
    assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "10");
    ask_free(&ask);
    fake_clock_advance(f->clock, EARNS_ONE_MS);
    assert_true(add_room(f, 42));
    assert_false(add_room(f, 42));
}

/* The standard room, and what a proxy sends again. */
static void rooms_that_are_there_are_not_counted(void **state)
{
    struct api_fixture *f = *state;
    bool only_known;
    for (int i = 0; i < 3 * BURST; i++) {
        struct ask *ask = ask_create(f, 42, &only_known);
        assert_false(only_known);
        answer_create(f, 5);
        ask_free(&ask);
    }
    add_all(f, 42);
    for (int i = 0; i < 2; i++) { /* and one given to who may add none earns nothing */
        struct ask *ask = ask_create(f, 42, &only_known);
        assert_true(only_known);
        answer_create(f, 5);
        assert_int_equal(ask->status, 200);
        ask_free(&ask);
    }
}

/* The room may be in the registry, though Janus did not get it. */
static void a_create_that_failed_is_counted(void **state)
{
    struct api_fixture *f = *state;
    bool only_known;
    log_capture_expect("request failed");
    for (int i = 0; i <= BURST; i++) {
        struct ask *ask = ask_create(f, 42, &only_known);
        assert_int_equal(only_known, i == BURST);
        fail_call(f, MSG_room_create, ERR_UNAVAILABLE);
        assert_failed(ask, 503, "unavailable");
        char value[16];
        assert_string_equal(ask_header(ask, "Retry-After", value, sizeof(value)), "1");
        ask_free(&ask);
    }
}

#define API_TEST(fn) cmocka_unit_test_setup_teardown(fn, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(each_user_may_add_so_many),
        API_TEST(who_has_added_too_many_is_told_when_to_come_again),
        API_TEST(rooms_that_are_there_are_not_counted),
        API_TEST(a_create_that_failed_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
