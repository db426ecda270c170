/* GET /v1/stats: what is asked for it, what is told when not all of them answer, and to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/gateway/api/api_fixture.h"

static struct ask *begin_stats(struct api_fixture *f, enum role role)
{
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {
            .user_id = 1, .expires_unix_ms = 1, .role = role, .has_role = true}};
    struct ask *ask = ask_new("GET", "/v1/stats", TOKEN, STR_NONE);
    api_handle(f->api, &ask->request);
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_check), ERR_OK, &reply);
    return ask;
}

static void answer_users(struct api_fixture *f)
{
    const struct msg reply = {.id = MSG_auth_stats_reply,
                              .auth_stats_reply = {.users = 5, .disabled = 1, .sessions = 8}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_auth_stats), ERR_OK, &reply);
}

static void answer_rooms(struct api_fixture *f)
{
    static const struct msg_gateway_stats gateways[] = {
        {.gateway = {.data = (const char *)connection_bytes, .bytes = sizeof(connection_bytes)},
         .participants = 5}};
    static const struct msg_node_stats nodes[] = {
        {.node = STR_LIT("a"), .held = true, .connections = 7, .seen_unix_ms = 1000},
        {.node = STR_LIT("b")}};
    const struct msg reply = {.id = MSG_room_stats_reply,
                              .room_stats_reply = {.rooms = 9,
                                                   .meetings = 2,
                                                   .joined = 5,
                                                   .waiting = 1,
                                                   .publishing = 4,
                                                   .watching = 3,
                                                   .gateways = {.items = gateways, .count = 1},
                                                   .nodes = {.items = nodes, .count = 2}}};
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_room_stats), ERR_OK, &reply);
}

static void assert_has(const struct ask *ask, const char *text)
{
    if (strstr(ask->body, text) == NULL) {
        fail_msg("no %s in %s", text, ask->body);
    }
}

static void assert_has_not(const struct ask *ask, const char *text)
{
    if (strstr(ask->body, text) != NULL) {
        fail_msg("%s in %s", text, ask->body);
    }
}

static void test_members_are_refused(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin_stats(f, ROLE_MEMBER);
    assert_problem(ask, 403, "forbidden");
    ask_free(&ask);
    assert_null(mock_bus_pending(&f->bus, MSG_auth_stats));
    ask = ask_new("GET", "/v1/stats", NULL, STR_NONE);
    api_handle(f->api, &ask->request);
    assert_problem(ask, 401, "unauthorized");
    ask_free(&ask);
}

static void test_all_is_told(void **state)
{
    struct api_fixture *f = *state;
    char cache[32];
    health_set(f->health, "authsvc", true, "was away");
    health_set(f->health, "roomsvc", false, "none of 2 replicas answers");
    struct ask *ask = begin_stats(f, ROLE_ADMIN);
    answer_users(f);
    answer_rooms(f);
    assert_int_equal(ask->status, 200);
    assert_string_equal(ask_header(ask, "Cache-Control", cache, sizeof(cache)), "no-store");
    assert_has(ask, "\"rooms\":{\"total\":9,\"with_people\":2},"
                    "\"participants\":{\"joined\":5,\"waiting\":1},"
                    "\"media\":{\"publishing\":4,\"watching\":3},");
    assert_has(ask, "\"users\":{\"total\":5,\"disabled\":1,\"sessions\":8}");
    assert_has(ask, "\"gateways\":[{\"id\":\"" CONNECTION_HEX "\",\"participants\":5,\"seen_at\":");
    assert_has(ask, "\"nodes\":[{\"name\":\"a\",\"held\":true,\"connections\":7,"
                    "\"seen_at\":\"1970-01-01T00:00:01.000Z\"},"
                    "{\"name\":\"b\",\"held\":false,\"connections\":0,\"seen_at\":null}]");
    assert_has(ask, "\"services\":[{\"name\":\"authsvc\",\"ready\":true},"
                    "{\"name\":\"roomsvc\",\"ready\":false,"
                    "\"reason\":\"none of 2 replicas answers\"}]");
    assert_has(ask, "\"warnings\":[{\"code\":\"not_ready\",\"text\":\"roomsvc cannot be used: none "
                    "of 2 replicas answers.\"},{\"code\":\"node_without_bridge\",");
    assert_has_not(ask, "not_counted");
    ask_free(&ask);
}

/* Asked one after the other, and neither keeps the other's word back. */
static void test_who_does_not_answer_is_left_out(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = begin_stats(f, ROLE_ADMIN);
    fail_call(f, MSG_auth_stats, ERR_DEADLINE);
    answer_rooms(f);
    assert_int_equal(ask->status, 200);
    assert_has(ask, "\"rooms\":{\"total\":9");
    assert_has_not(ask, "\"users\":");
    assert_has(ask, "{\"code\":\"not_counted\",\"text\":\"Users and sessions could not be counted");
    ask_free(&ask);
    ask = begin_stats(f, ROLE_ADMIN);
    answer_users(f);
    fail_call(f, MSG_room_stats, ERR_UNAVAILABLE);
    assert_int_equal(ask->status, 200);
    assert_has(ask, "\"users\":{\"total\":5");
    assert_has_not(ask, "\"rooms\":");
    assert_has_not(ask, "\"gateways\":");
    assert_has(ask, "{\"code\":\"not_counted\",\"text\":\"Rooms could not be counted");
    ask_free(&ask);
}

static void test_nobody_can_be_asked(void **state)
{
    struct api_fixture *f = *state;
    struct ask *ask = ask_new("GET", "/v1/stats", TOKEN, STR_NONE);
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {
            .user_id = 1, .expires_unix_ms = 1, .role = ROLE_ADMIN, .has_role = true}};
    api_handle(f->api, &ask->request);
    f->bus.refuse = ERR_OVERLOADED;
    mock_bus_answer(mock_bus_pending(&f->bus, MSG_session_check), ERR_OK, &reply);
    f->bus.refuse = ERR_OK;
    assert_int_equal(ask->status, 200);
    assert_has_not(ask, "\"rooms\":");
    assert_has_not(ask, "\"users\":");
    ask_free(&ask);
}

/* The gateway ends in the middle: what comes then only frees the exchange. */
static void test_gateway_ends_meanwhile(void **state)
{
    static const bool has_users[] = {false, true};
    struct api_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(has_users); i++) {
        struct ask *ask = begin_stats(f, ROLE_ADMIN);
        if (has_users[i]) {
            answer_users(f);
        }
        api_fixture_restart(f);
        assert_int_equal(ask->status, 503);
        ask_free(&ask);
        fail_call(f, has_users[i] ? MSG_room_stats : MSG_auth_stats, ERR_UNAVAILABLE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, api_fixture_setup, api_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_members_are_refused),
        TEST(test_all_is_told),
        TEST(test_who_does_not_answer_is_left_out),
        TEST(test_nobody_can_be_asked),
        TEST(test_gateway_ends_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
