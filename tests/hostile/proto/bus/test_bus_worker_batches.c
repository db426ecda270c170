/* A worker that is sent batches: several calls in one message, well and badly made. */
#include "proto/bus/bus_batch.h"
#include "tests/support/c/bus_raw.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct rig {
    struct bus_pair pair;
    struct bus_server server;
    struct frame *frame;
    struct arena *arena;
    zsock_t *peer;
};

static int setup_with(void **state, size_t in_hand_max)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    log_capture_expect("bus frame refused");
    bus_pair_init(&rig->pair);
    rig->server.in_hand_max = in_hand_max;
    bus_server_start(&rig->server, &rig->pair, "127.0.0.1");
    rig->frame = frame_new();
    rig->arena = arena_new();
    rig->peer = bus_raw_caller(&rig->server);
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, 0);
}

static int setup_small(void **state)
{
    return setup_with(state, 2);
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    zsock_destroy(&rig->peer);
    bus_client_free(&rig->pair.client);
    bus_server_fini(&rig->server);
    bus_pair_fini(&rig->pair);
    frame_free(&rig->frame);
    arena_free(&rig->arena);
    mem_free(state);
    return log_capture_teardown(state);
}

static void send_bytes(struct rig *rig, const void *data, size_t bytes)
{
    bus_raw_send(&rig->pair, rig->peer, (struct str){data, bytes});
}

static void assert_refused(struct rig *rig, const char *reason, uint64_t times)
{
    AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", reason);
    assert_true(bus_raw_counted(&rig->pair, RAW_FRAMES, labels, times));
    assert_int_equal(bus_pair_metric(&rig->pair, RAW_FRAMES, labels), times);
}

/* A good call on the same connection is answered, and it is the first thing that is. */
static void assert_still_serves(struct rig *rig)
{
    static const uint64_t correlation_id = 4242;
    struct bus_raw_reply reply;
    bus_raw_request(rig->frame, correlation_id, 77);
    bus_raw_send(&rig->pair, rig->peer, frame_bytes(rig->frame));
    assert_true(bus_raw_receive(&rig->pair, rig->peer, rig->arena, &reply));
    assert_int_equal(reply.envelope.correlation_id, correlation_id);
    assert_int_equal(reply.envelope.status, ERR_OK);
    assert_int_equal(reply.msg.session_check_reply.user_id, 77);
    assert_int_equal(bus_worker_in_hand(rig->server.worker), 0);
}

static void assert_answered(struct rig *rig, enum err err, enum msg_id id)
{
    struct bus_raw_reply reply;
    assert_true(bus_raw_receive(&rig->pair, rig->peer, rig->arena, &reply));
    assert_int_equal(reply.envelope.status, err);
    assert_int_equal(reply.msg.id, id);
}

/* count calls; the frames say that their sender takes batches, or that it does not. */
static size_t write_batch(struct rig *rig, char *bytes, size_t count, char minor)
{
    size_t used = 0;
    bytes[used++] = (char)BATCH_MARK;
    for (size_t i = 0; i < count; i++) {
        bus_raw_request(rig->frame, 100 + i, 500 + i);
        struct str frame = frame_bytes(rig->frame);
        const char length[] = {0, 0, 0, (char)frame.bytes};
        memcpy(bytes + used, length, sizeof(length));
        memcpy(bytes + used + sizeof(length), frame.data, frame.bytes);
        bytes[used + sizeof(length) + RAW_MINOR_AT] = minor;
        used += sizeof(length) + frame.bytes;
    }
    return used;
}

#define BATCH_BYTES ((size_t)(BATCH_FRAMES_MAX + 1) * 256)

static void assert_right(struct rig *rig, struct str frame, size_t i)
{
    struct bus_raw_reply reply;
    assert_int_equal(codec_decode(rig->arena, frame, &reply.envelope, &reply.msg), CODEC_OK);
    assert_int_equal(reply.envelope.correlation_id, 100 + i);
    assert_int_equal(reply.envelope.status, ERR_OK);
    assert_int_equal(reply.msg.session_check_reply.user_id, 500 + i);
}

static void test_batch_is_answered_with_a_batch(void **state)
{
    struct rig *rig = *state;
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    send_bytes(rig, bytes, write_batch(rig, bytes, BATCH_FRAMES_MAX, BATCH_MINOR));
    zmq_msg_t message;
    assert_true(bus_raw_receive_message(&rig->pair, rig->peer, &message));
    struct bus_frames frames;
    struct str frame;
    assert_true(bus_frames_open(&frames, bus_frame_view(&message)));
    for (size_t i = 0; i < BATCH_FRAMES_MAX; i++) {
        assert_true(bus_frames_next(&frames, &frame));
        assert_right(rig, frame, i);
    }
    assert_false(bus_frames_next(&frames, &frame));
    zmq_msg_close(&message);
    assert_still_serves(rig);
}

static void test_peer_that_takes_no_batches_gets_none(void **state)
{
    struct rig *rig = *state;
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    send_bytes(rig, bytes, write_batch(rig, bytes, 10, 0));
    for (size_t i = 0; i < 10; i++) {
        zmq_msg_t message;
        assert_true(bus_raw_receive_message(&rig->pair, rig->peer, &message));
        assert_right(rig, bus_frame_view(&message), i);
        zmq_msg_close(&message);
    }
    assert_still_serves(rig);
}

/* A batch of which the lengths do not fit is refused whole. */
static void test_malformed_batches(void **state)
{
    struct rig *rig = *state;
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    size_t whole = write_batch(rig, bytes, 3, 0);
    send_bytes(rig, bytes, 1);
    send_bytes(rig, bytes, whole - 1);
    bytes[4]++;
    send_bytes(rig, bytes, whole);
    send_bytes(rig, bytes, write_batch(rig, bytes, BATCH_FRAMES_MAX + 1, 0));
    assert_refused(rig, "malformed", 4);
    assert_int_equal(rig->server.seen, 0);
    assert_still_serves(rig);
}

/* A frame in a batch is judged as if it had come alone, and the others count. */
static void test_bad_frames_in_a_batch(void **state)
{
    struct rig *rig = *state;
    static const char bad[] = "\xc1\0\0\0\0" /* a batch in a batch: of one empty frame */
                              "\0\0\0\6\xc1\0\0\0\1x"
                              "\0\0\0\3abc";
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    size_t used = sizeof(bad) - 1;
    size_t good = write_batch(rig, bytes + used, 1, 0);
    memcpy(bytes, bad, used);
    memmove(bytes + used, bytes + used + 1, good - 1);
    send_bytes(rig, bytes, used + good - 1);
    assert_answered(rig, ERR_OK, MSG_session_check_reply);
    assert_refused(rig, "malformed", 3);
    assert_int_equal(rig->server.seen, 1);
    assert_still_serves(rig);
}

/* Each call of a batch takes a place of its own. */
static void test_batch_past_the_bound_of_calls_in_hand(void **state)
{
    struct rig *rig = *state;
    rig->server.mode = SERVE_KEEP;
    AUTO(mem_free) char *bytes = mem_alloc(BATCH_BYTES);
    send_bytes(rig, bytes, write_batch(rig, bytes, 3, 0));
    assert_answered(rig, ERR_OVERLOADED, MSG_session_check_reply);
    assert_int_equal(rig->server.seen, 2);
    bus_server_answer(&rig->server, 1);
    bus_server_answer(&rig->server, 0);
    assert_answered(rig, ERR_OK, MSG_session_check_reply);
    assert_answered(rig, ERR_OK, MSG_session_check_reply);
    rig->server.kept_count = 0;
    rig->server.mode = SERVE_ANSWER;
    assert_still_serves(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_batch_is_answered_with_a_batch),
        TEST(test_peer_that_takes_no_batches_gets_none),
        TEST(test_malformed_batches),
        TEST(test_bad_frames_in_a_batch),
        cmocka_unit_test_setup_teardown(test_batch_past_the_bound_of_calls_in_hand, setup_small,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
