/* Calls over the real bus with CURVE: answers, bounds, deadlines. */
#include "tests/support/c/bus_pair.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 5000
#define BRIEF_MS 1000 /* a deadline that comes, but not before the call has arrived */
#define MANY 10000

#define ASKED_MAX 200

struct rig {
    struct bus_pair pair;
    struct bus_server server;
    struct bus_asked asked[ASKED_MAX]; /* here, because a call may outlive the test's function */
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init(&rig->pair);
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    bus_server_fini(&rig->server);
    bus_pair_fini(&rig->pair);
    mem_free(state);
    return log_capture_teardown(state);
}

static void connect_with(struct rig *rig, const struct bus_client_config *config)
{
    bus_server_start(&rig->server, &rig->pair, "127.0.0.1");
    bus_pair_open_client(&rig->pair, config);
    enum err err =
        bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, bus_server_address(&rig->server));
    assert_int_equal(err, ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_pair_is_ready, &rig->pair));
}

static void connect(struct rig *rig)
{
    connect_with(rig, &(struct bus_client_config){0});
}

static bool has_kept(void *arg)
{
    const struct bus_server *server = arg;
    return server->kept_count > 0;
}

struct batch {
    struct bus_server *server;
    struct bus_asked *asked;
    size_t count;
};

static bool all_kept(void *arg)
{
    const struct batch *batch = arg;
    return batch->server->kept_count == batch->count;
}

static bool all_done(void *arg)
{
    const struct batch *batch = arg;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->asked[i].answers == 0) {
            return false;
        }
    }
    return true;
}

static void test_call_arrives_whole_and_is_answered(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    struct bus_asked *asked = rig->asked;
    uint64_t before_ms = clock_mono_ms(loop_clock(rig->pair.loop));
    assert_int_equal(bus_ask(&rig->pair, asked, 1234567, TIMEOUT_MS), ERR_OK);
    assert_int_equal(asked->answers, 0);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    uint64_t after_ms = clock_mono_ms(loop_clock(rig->pair.loop));
    assert_true(bus_asked_is_right(asked));
    assert_string_equal(rig->server.last_role, "gateway");
    assert_string_equal(rig->server.last_request_id, "req-1");
    assert_int_equal(rig->server.last_principal.user_id, 7);
    assert_int_equal(rig->server.last_principal.session_id, 8);
    assert_int_equal(rig->server.last_principal.kind, PRINCIPAL_USER);
    assert_int_equal(rig->server.last_principal.role, ROLE_ADMIN);
    /* What was left of its time counts from its arrival, by the server's own clock. */
    assert_in_range(rig->server.last_deadline_ms, before_ms + 1000, after_ms + TIMEOUT_MS);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
    assert_int_equal(bus_worker_in_hand(rig->server.worker), 0);
    assert_int_equal(
        bus_pair_metric(&rig->pair, "lynks_bus_calls_total", "service=\"authsvc\",result=\"ok\""),
        1);
    assert_int_equal(bus_pair_metric(&rig->pair, "lynks_bus_handled_total",
                                     "message=\"session_check\",result=\"ok\""),
                     1);
    assert_int_equal(
        bus_pair_metric(&rig->pair, "lynks_bus_call_seconds_count", "service=\"authsvc\""), 1);
}

static void test_answers_come_in_any_order(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    rig->server.mode = SERVE_KEEP;
    struct bus_asked *asked = rig->asked;
    struct batch batch = {&rig->server, asked, 100};
    for (size_t i = 0; i < batch.count; i++) {
        assert_int_equal(bus_ask(&rig->pair, &asked[i], i + 1, TIMEOUT_MS), ERR_OK);
    }
    assert_true(bus_pair_until(&rig->pair, all_kept, &batch));
    for (size_t i = batch.count; i-- > 0;) {
        bus_server_answer(&rig->server, (i * 37) % batch.count);
    }
    assert_true(bus_pair_until(&rig->pair, all_done, &batch));
    for (size_t i = 0; i < batch.count; i++) {
        assert_true(bus_asked_is_right(&asked[i]));
    }
}

static void test_ten_thousand_at_once(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    rig->server.mode = SERVE_KEEP;
    struct batch batch = {&rig->server, mem_alloc(MANY * sizeof(struct bus_asked)), MANY};
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(bus_ask(&rig->pair, &batch.asked[i], i + 1, 30000), ERR_OK);
    }
    assert_int_equal(bus_client_in_flight(rig->pair.client), MANY);
    assert_true(bus_pair_until(&rig->pair, all_kept, &batch));
    assert_int_equal(bus_worker_in_hand(rig->server.worker), MANY);
    for (size_t i = 0; i < MANY; i++) {
        bus_server_answer(&rig->server, i);
    }
    assert_true(bus_pair_until(&rig->pair, all_done, &batch));
    for (size_t i = 0; i < MANY; i++) {
        assert_true(bus_asked_is_right(&batch.asked[i]));
    }
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
    mem_free(&batch.asked);
}

static void test_in_flight_is_bounded_in_all(void **state)
{
    struct rig *rig = *state;
    connect_with(rig, &(struct bus_client_config){.in_flight_max = 3});
    rig->server.mode = SERVE_KEEP;
    struct bus_asked *asked = rig->asked;
    struct batch batch = {&rig->server, asked, 3};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(bus_ask(&rig->pair, &asked[i], i + 1, TIMEOUT_MS), ERR_OK);
    }
    assert_int_equal(bus_ask(&rig->pair, &asked[3], 4, TIMEOUT_MS), ERR_OVERLOADED);
    assert_true(bus_pair_until(&rig->pair, all_kept, &batch));
    bus_server_answer(&rig->server, 0);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &asked[0]));
    assert_int_equal(bus_ask(&rig->pair, &asked[3], 4, TIMEOUT_MS), ERR_OK);
    assert_int_equal(asked[3].answers, 0);
}

static void test_in_flight_is_bounded_per_endpoint(void **state)
{
    struct rig *rig = *state;
    connect_with(rig, &(struct bus_client_config){.in_flight_endpoint_max = 2});
    rig->server.mode = SERVE_KEEP;
    struct bus_asked *asked = rig->asked;
    assert_int_equal(bus_ask(&rig->pair, &asked[0], 1, TIMEOUT_MS), ERR_OK);
    assert_int_equal(bus_ask(&rig->pair, &asked[1], 2, TIMEOUT_MS), ERR_OK);
    assert_int_equal(bus_ask(&rig->pair, &asked[2], 3, TIMEOUT_MS), ERR_OVERLOADED);
    assert_int_equal(bus_pair_metric(&rig->pair, "lynks_bus_calls_total",
                                     "service=\"authsvc\",result=\"overloaded\""),
                     1);
}

static void test_worker_in_hand_is_bounded(void **state)
{
    struct rig *rig = *state;
    rig->server.in_hand_max = 1;
    connect(rig);
    rig->server.mode = SERVE_KEEP;
    struct bus_asked *asked = rig->asked;
    assert_int_equal(bus_ask(&rig->pair, &asked[0], 1, TIMEOUT_MS), ERR_OK);
    assert_int_equal(bus_ask(&rig->pair, &asked[1], 2, TIMEOUT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &asked[1]));
    assert_int_equal(asked[1].err, ERR_OVERLOADED);
    bus_server_answer(&rig->server, 0);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &asked[0]));
    assert_true(bus_asked_is_right(&asked[0]));
}

static void test_deadline_ends_a_call_and_its_answer_is_late(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    rig->server.mode = SERVE_KEEP;
    struct bus_asked *asked = rig->asked;
    uint64_t before_ms = clock_mono_ms(loop_clock(rig->pair.loop));
    assert_int_equal(bus_ask(&rig->pair, asked, 1, BRIEF_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(asked->err, ERR_DEADLINE);
    assert_in_range(clock_mono_ms(loop_clock(rig->pair.loop)), before_ms + BRIEF_MS,
                    before_ms + BRIEF_MS + TIMEOUT_MS);
    assert_int_equal(rig->server.kept_count, 1);
    bus_server_answer(&rig->server, 0);
    struct bus_asked *next =
        &rig->asked[1]; /* its answer comes after the late one, on the same connection */
    rig->server.mode = SERVE_ANSWER;
    assert_int_equal(bus_ask(&rig->pair, next, 2, TIMEOUT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, next));
    assert_true(bus_asked_is_right(next));
    assert_int_equal(asked->answers, 1);
    assert_int_equal(bus_pair_metric(&rig->pair, "lynks_bus_late_replies_total", NULL), 1);
}

static void test_deadline_that_is_past_is_refused_at_once(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    struct bus_asked *asked = rig->asked;
    assert_int_equal(bus_ask(&rig->pair, asked, 1, 0), ERR_DEADLINE);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
}

static void test_errors_of_the_handler_come_through(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    rig->server.mode = SERVE_FAIL;
    rig->server.failure = ERR_UNAUTHORIZED;
    struct bus_asked *asked = rig->asked;
    assert_int_equal(bus_ask(&rig->pair, asked, 1, TIMEOUT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(asked->err, ERR_UNAUTHORIZED);
}

static void test_reply_against_the_schema_is_an_internal_error(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("reply does not fit the schema");
    connect(rig);
    rig->server.mode = SERVE_KEEP;
    struct bus_asked *asked = rig->asked;
    assert_int_equal(bus_ask(&rig->pair, &asked[0], 1, TIMEOUT_MS), ERR_OK);
    assert_int_equal(bus_ask(&rig->pair, &asked[1], 2, TIMEOUT_MS), ERR_OK);
    struct batch batch = {&rig->server, asked, 2};
    assert_true(bus_pair_until(&rig->pair, all_kept, &batch));
    const struct msg out_of_bounds = {.id = MSG_session_check_reply}; /* user id 0 */
    call_reply(rig->server.kept[0], &out_of_bounds);
    const struct msg of_another_call = {.id = MSG_login_reply,
                                        .login_reply = {.user_id = 1, .expires_unix_ms = 1}};
    call_reply(rig->server.kept[1], &of_another_call);
    rig->server.kept_count = 0;
    assert_true(bus_pair_until(&rig->pair, all_done, &batch));
    assert_int_equal(asked[0].err, ERR_INTERNAL);
    assert_int_equal(asked[1].err, ERR_INTERNAL);
    assert_int_equal(log_capture_count("reply does not fit the schema"), 2);
}

static void test_request_against_the_schema_is_not_sent(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    const struct msg bad = {.id = MSG_session_check};
    const struct msg reply = {.id = MSG_session_check_reply};
    const struct call_context context = {.deadline_ms = UINT64_MAX / 4};
    const struct bus *bus = &rig->pair.bus;
    assert_int_equal(bus_call(bus, &bad, &context, NULL, NULL), ERR_BAD_REQUEST);
    assert_int_equal(bus_call(bus, &reply, &context, NULL, NULL), ERR_BAD_REQUEST);
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
}

static void test_service_that_was_not_added_is_unavailable(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    const struct msg request = {.id = MSG_room_participants, .room_participants = {.room_id = 1}};
    const struct call_context context = {.deadline_ms = UINT64_MAX / 4};
    assert_int_equal(bus_call(&rig->pair.bus, &request, &context, NULL, NULL), ERR_UNAVAILABLE);
}

static void test_calls_end_with_the_client(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    rig->server.mode = SERVE_KEEP;
    struct bus_asked *asked = rig->asked;
    assert_int_equal(bus_ask(&rig->pair, asked, 1, TIMEOUT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, has_kept, &rig->server));
    bus_client_free(&rig->pair.client);
    assert_int_equal(asked->answers, 1);
    assert_int_equal(asked->err, ERR_UNAVAILABLE);
}

static bool was_undelivered(void *arg)
{
    return bus_pair_metric(arg, "lynks_bus_undelivered_replies_total", NULL) > 0;
}

static bool answer_until_undelivered(void *arg)
{
    struct rig *rig = arg;
    if (rig->server.kept_count > 0) {
        bus_server_answer(&rig->server, --rig->server.kept_count);
    }
    return was_undelivered(&rig->pair);
}

/* When libzmq notices that the caller has gone is its business: answers until then are just lost.
 */
static void test_reply_to_a_caller_that_is_gone_is_counted(void **state)
{
    struct rig *rig = *state;
    connect(rig);
    rig->server.mode = SERVE_KEEP;
    struct bus_asked *asked = rig->asked;
    struct batch batch = {&rig->server, asked, ASKED_MAX};
    for (size_t i = 0; i < batch.count; i++) {
        assert_int_equal(bus_ask(&rig->pair, &asked[i], i + 1, TIMEOUT_MS), ERR_OK);
    }
    assert_true(bus_pair_until(&rig->pair, all_kept, &batch));
    bus_client_free(&rig->pair.client);
    for (uint64_t end_ms = clock_mono_ms(loop_clock(rig->pair.loop)) + TIMEOUT_MS;
         !was_undelivered(&rig->pair) && clock_mono_ms(loop_clock(rig->pair.loop)) < end_ms;) {
        (void)loop_run_until(rig->pair.loop, answer_until_undelivered, rig, 20);
    }
    assert_true(was_undelivered(&rig->pair));
}

static void test_names_are_resolved(void **state)
{
    struct rig *rig = *state;
    bus_server_start(&rig->server, &rig->pair, "127.0.0.1");
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    AUTO(mem_free)
    char *address = mem_printf("localhost:%s", strrchr(rig->server.bind, ':') + 1);
    assert_int_equal(bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, address), ERR_OK);
    struct bus_asked *asked = rig->asked;
    assert_int_equal(bus_ask(&rig->pair, asked, 5, TIMEOUT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_true(bus_asked_is_right(asked));
}

static void test_malformed_address_is_refused(void **state)
{
    struct rig *rig = *state;
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    struct bus_client *client = rig->pair.client;
    assert_int_equal(bus_client_add_service(client, SERVICE_AUTHSVC, "nowhere"), ERR_BAD_REQUEST);
    assert_int_equal(bus_client_add_service(client, SERVICE_AUTHSVC, "127.0.0.1:1"), ERR_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_call_arrives_whole_and_is_answered),
        TEST(test_answers_come_in_any_order),
        TEST(test_ten_thousand_at_once),
        TEST(test_in_flight_is_bounded_in_all),
        TEST(test_in_flight_is_bounded_per_endpoint),
        TEST(test_worker_in_hand_is_bounded),
        TEST(test_deadline_ends_a_call_and_its_answer_is_late),
        TEST(test_deadline_that_is_past_is_refused_at_once),
        TEST(test_errors_of_the_handler_come_through),
        TEST(test_reply_against_the_schema_is_an_internal_error),
        TEST(test_request_against_the_schema_is_not_sent),
        TEST(test_service_that_was_not_added_is_unavailable),
        TEST(test_calls_end_with_the_client),
        TEST(test_reply_to_a_caller_that_is_gone_is_counted),
        TEST(test_names_are_resolved),
        TEST(test_malformed_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
