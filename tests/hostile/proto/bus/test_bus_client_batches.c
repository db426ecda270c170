/* A client's calls of one turn in one message, and a service's replies likewise, well and badly
 * made. */
#include "proto/bus/bus_batch.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/raw_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SHORT_MS 300

static bool are_all_done(void *arg)
{
    const struct raw_service *raw = arg;
    size_t done = 0;
    for (size_t i = 0; i < RAW_SERVICE_CALLS; i++) {
        done += raw->asked[i].answers > 0;
    }
    return done == RAW_SERVICE_CALLS;
}

/* Gives in how many messages the calls of one turn came. */
static size_t ask_all(struct raw_service *raw)
{
    raw->messages = 0;
    for (size_t i = 0; i < RAW_SERVICE_CALLS; i++) {
        assert_int_equal(bus_ask(&raw->pair, &raw->asked[i], 1, RAW_SERVICE_MS), ERR_OK);
    }
    assert_true(bus_pair_until(&raw->pair, are_all_done, raw));
    for (size_t i = 0; i < RAW_SERVICE_CALLS; i++) {
        assert_true(bus_asked_is_right(&raw->asked[i]));
    }
    return raw->messages;
}

/* As a service of the first minor version does. */
static void answer_as_of_old(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    const struct envelope envelope = {.correlation_id = correlation_id};
    assert_int_equal(codec_encode(raw->frame, &envelope, &reply), ERR_OK);
    struct str frame = frame_bytes(raw->frame);
    AUTO(mem_free) char *bytes = mem_alloc(frame.bytes);
    memcpy(bytes, frame.data, frame.bytes);
    bytes[RAW_MINOR_AT] = 0;
    raw_service_send(raw, route, (struct str){bytes, frame.bytes});
}

/* Only to a service that has shown that it takes batches. */
static void test_calls_of_one_turn_leave_together(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, raw_service_answer_well);
    assert_int_equal(ask_all(raw), RAW_SERVICE_CALLS);
    assert_int_equal(ask_all(raw), 1);
    assert_int_equal(ask_all(raw), 1);
    raw->reply = answer_as_of_old;
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_OK);
    assert_int_equal(ask_all(raw), RAW_SERVICE_CALLS);
}

/* A call that has ended before the turn has is not sent at all. */
static void test_call_that_ends_in_its_own_turn_is_not_sent(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, raw_service_answer_well);
    assert_int_equal(bus_ask(&raw->pair, &raw->asked[0], 1, RAW_SERVICE_MS), ERR_OK);
    bus_client_free(&raw->pair.client);
    assert_int_equal(raw->asked[0].err, ERR_UNAVAILABLE);
    bus_raw_turn(&raw->pair, 20);
    assert_int_equal(raw->seen, 0);
}

/* The same reply twice, and one to nothing. */
static void answer_in_a_batch(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    struct bus_batch batch;
    zmq_msg_t frames[3];
    zmq_msg_t message;
    bus_batch_init(&batch);
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        const struct envelope envelope = {.correlation_id = i == 0 ? 4711 : correlation_id};
        assert_int_equal(codec_encode(raw->frame, &envelope, &reply), ERR_OK);
        bus_frame_init(&frames[i], frame_bytes(raw->frame));
        bus_batch_add(&batch, &frames[i]);
    }
    bus_batch_make(&batch, &message);
    raw_service_send(raw, route, bus_frame_view(&message));
    zmq_msg_close(&message);
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        zmq_msg_close(&frames[i]);
    }
}

static void test_replies_in_a_batch_are_matched_one_by_one(void **state)
{
    struct raw_service *raw = *state;
    raw_service_start(raw, answer_in_a_batch);
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_OK);
    assert_int_equal(raw->asked[0].answers, 1);
    assert_int_equal(raw_service_late(raw), 2);
    raw_service_assert_works(raw);
}

static void answer_with_bad_batches(struct raw_service *raw, zmq_msg_t *route,
                                    uint64_t correlation_id)
{
    (void)correlation_id;
    raw_service_send(raw, route, STR_LIT("\xc1"));
    raw_service_send(raw, route, STR_LIT("\xc1\0\0\0\2x"));
    raw_service_send(raw, route, STR_LIT("\xc1\0\0\0\5\xc1\0\0\0\0"));
}

static void test_bad_batches(void **state)
{
    struct raw_service *raw = *state;
    log_capture_expect("bus frame refused");
    raw_service_start(raw, answer_with_bad_batches);
    assert_int_equal(raw_service_outcome(raw, SHORT_MS), ERR_DEADLINE);
    assert_true(bus_raw_counted(&raw->pair, RAW_FRAMES, "reason=\"malformed\"", 3));
    raw_service_assert_works(raw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, raw_service_setup, raw_service_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_calls_of_one_turn_leave_together),
        TEST(test_call_that_ends_in_its_own_turn_is_not_sent),
        TEST(test_replies_in_a_batch_are_matched_one_by_one),
        TEST(test_bad_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
