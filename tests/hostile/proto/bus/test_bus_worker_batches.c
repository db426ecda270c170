/* A worker that is sent batches: several calls in one message, well and badly made. */
#include "proto/bus/bus_batch.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/raw_caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
    return raw_caller_setup(state, 0);
}

static int setup_small(void **state)
{
    return raw_caller_setup(state, 2);
}

/* count calls; the frames say that their sender takes batches, or that it does not. */
static size_t write_batch(struct raw_caller *raw, char *bytes, size_t count, char minor)
{
    size_t used = 0;
    bytes[used++] = (char)BATCH_MARK;
    for (size_t i = 0; i < count; i++) {
        bus_raw_request(raw->frame, 100 + i, 500 + i);
        struct str frame = frame_bytes(raw->frame);
        const char length[] = {0, 0, 0, (char)frame.bytes};
        memcpy(bytes + used, length, sizeof(length));
        memcpy(bytes + used + sizeof(length), frame.data, frame.bytes);
        bytes[used + sizeof(length) + RAW_MINOR_AT] = minor;
        used += sizeof(length) + frame.bytes;
    }
    return used;
}

#define BATCH_BYTES ((size_t)(BATCH_FRAMES_MAX + 1) * 256)

static void assert_right(struct raw_caller *raw, struct str frame, size_t i)
{
    struct bus_raw_reply reply;
    assert_int_equal(codec_decode(raw->arena, frame, &reply.envelope, &reply.msg), CODEC_OK);
    assert_int_equal(reply.envelope.correlation_id, 100 + i);
    assert_int_equal(reply.envelope.status, ERR_OK);
    assert_int_equal(reply.msg.session_check_reply.user_id, 500 + i);
}

static void test_batch_is_answered_with_a_batch(void **state)
{
    struct raw_caller *raw = *state;
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    raw_caller_send(raw, bytes, write_batch(raw, bytes, BATCH_FRAMES_MAX, BATCH_MINOR));
    zmq_msg_t message;
    assert_true(bus_raw_receive_message(&raw->pair, raw->peer, &message));
    struct bus_frames frames;
    struct str frame;
    assert_true(bus_frames_open(&frames, bus_frame_view(&message)));
    for (size_t i = 0; i < BATCH_FRAMES_MAX; i++) {
        assert_true(bus_frames_next(&frames, &frame));
        assert_right(raw, frame, i);
    }
    assert_false(bus_frames_next(&frames, &frame));
    zmq_msg_close(&message);
    raw_caller_assert_served(raw);
}

static void test_peer_that_takes_no_batches_gets_none(void **state)
{
    struct raw_caller *raw = *state;
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    raw_caller_send(raw, bytes, write_batch(raw, bytes, 10, 0));
    for (size_t i = 0; i < 10; i++) {
        zmq_msg_t message;
        assert_true(bus_raw_receive_message(&raw->pair, raw->peer, &message));
        assert_right(raw, bus_frame_view(&message), i);
        zmq_msg_close(&message);
    }
    raw_caller_assert_served(raw);
}

/* A batch of which the lengths do not fit is refused whole. */
static void test_malformed_batches(void **state)
{
    struct raw_caller *raw = *state;
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    size_t whole = write_batch(raw, bytes, 3, 0);
    raw_caller_send(raw, bytes, 1);
    raw_caller_send(raw, bytes, whole - 1);
    bytes[4]++;
    raw_caller_send(raw, bytes, whole);
    raw_caller_send(raw, bytes, write_batch(raw, bytes, BATCH_FRAMES_MAX + 1, 0));
    raw_caller_assert_refused(raw, "malformed", 4);
    assert_int_equal(raw->server.seen, 0);
    raw_caller_assert_served(raw);
}

/* A frame in a batch is judged as if it had come alone, and the others count. */
static void test_bad_frames_in_a_batch(void **state)
{
    struct raw_caller *raw = *state;
    static const char bad[] = "\xc1\0\0\0\0" /* a batch in a batch: of one empty frame */
                              "\0\0\0\6\xc1\0\0\0\1x"
                              "\0\0\0\3abc";
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    size_t used = sizeof(bad) - 1;
    size_t good = write_batch(raw, bytes + used, 1, 0);
    memcpy(bytes, bad, used);
    memmove(bytes + used, bytes + used + 1, good - 1);
    raw_caller_send(raw, bytes, used + good - 1);
    raw_caller_assert_answered(raw, ERR_OK, MSG_session_check_reply);
    raw_caller_assert_refused(raw, "malformed", 3);
    assert_int_equal(raw->server.seen, 1);
    raw_caller_assert_served(raw);
}

/* Each call of a batch takes a place of its own. */
static void test_batch_past_the_bound_of_calls_in_hand(void **state)
{
    struct raw_caller *raw = *state;
    raw->server.mode = SERVE_KEEP;
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    raw_caller_send(raw, bytes, write_batch(raw, bytes, 3, 0));
    raw_caller_assert_answered(raw, ERR_OVERLOADED, MSG_session_check_reply);
    assert_int_equal(raw->server.seen, 2);
    bus_server_answer(&raw->server, 1);
    bus_server_answer(&raw->server, 0);
    raw_caller_assert_answered(raw, ERR_OK, MSG_session_check_reply);
    raw_caller_assert_answered(raw, ERR_OK, MSG_session_check_reply);
    raw->server.kept_count = 0;
    raw->server.mode = SERVE_ANSWER;
    raw_caller_assert_served(raw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, raw_caller_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_batch_is_answered_with_a_batch),
        TEST(test_peer_that_takes_no_batches_gets_none),
        TEST(test_malformed_batches),
        TEST(test_bad_frames_in_a_batch),
        cmocka_unit_test_setup_teardown(test_batch_past_the_bound_of_calls_in_hand, setup_small,
                                        raw_caller_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
