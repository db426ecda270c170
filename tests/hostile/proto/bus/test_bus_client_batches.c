/* A client's calls of one turn in one message, and a service's replies likewise, well and badly
 * made. */
#include "proto/bus/bus_batch.h"
#include "tests/support/c/bus_raw.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMEOUT_MS 8000
#define SHORT_MS 300
#define CALLS 8

struct rig;
typedef void raw_reply_fn(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id);

/* A service by hand: what it answers is the test's business. */
struct rig {
    struct bus_pair pair;
    struct bus_asked asked[CALLS];
    struct frame *frame;
    struct arena *arena;
    char endpoint[256];
    zsock_t *service;
    struct bus_reader *reader; /* the service's */
    raw_reply_fn *reply;       /* NULL: silent */
    size_t seen, messages;     /* frames, and the messages they came in */
};

static void on_frame(struct rig *rig, zmq_msg_t *route, struct str frame)
{
    struct envelope envelope;
    struct msg request;
    assert_int_equal(codec_decode(rig->arena, frame, &envelope, &request), CODEC_OK);
    rig->seen++;
    if (rig->reply != NULL) {
        rig->reply(rig, route, envelope.correlation_id);
    }
}

static bool on_request(void *arg)
{
    struct rig *rig = arg;
    void *socket = zsock_resolve(rig->service);
    zmq_msg_t route;
    zmq_msg_t message;
    zmq_msg_init(&route);
    zmq_msg_init(&message);
    while (zmq_msg_recv(&route, socket, ZMQ_DONTWAIT) >= 0 &&
           zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0) {
        struct bus_frames frames;
        struct str frame;
        rig->messages++;
        assert_true(bus_frames_open(&frames, bus_frame_view(&message)));
        while (bus_frames_next(&frames, &frame)) {
            on_frame(rig, &route, frame);
        }
    }
    zmq_msg_close(&route);
    zmq_msg_close(&message);
    return false;
}

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init(&rig->pair);
    rig->frame = frame_new();
    rig->arena = arena_new();
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    return 0;
}

static void stop_service(struct rig *rig)
{
    if (rig->service != NULL) {
        bus_reader_free(&rig->reader);
        zsock_destroy(&rig->service);
        zap_forget(rig->pair.zap, "raw");
    }
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    bus_client_free(&rig->pair.client);
    stop_service(rig);
    bus_pair_fini(&rig->pair);
    frame_free(&rig->frame);
    arena_free(&rig->arena);
    mem_free(state);
    return log_capture_teardown(state);
}

static void connect_to(struct rig *rig, const char *address)
{
    enum err err = bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, address);
    assert_int_equal(err, ERR_OK);
}

static void start(struct rig *rig, raw_reply_fn *reply)
{
    rig->reply = reply;
    rig->service = bus_raw_service(&rig->pair, rig->endpoint, sizeof(rig->endpoint));
    rig->reader = bus_reader_new(rig->pair.loop, rig->service, on_request, rig);
    connect_to(rig, rig->endpoint + strlen("tcp://"));
    assert_true(bus_pair_until(&rig->pair, bus_pair_is_ready, &rig->pair));
}

static void send_to(struct rig *rig, zmq_msg_t *route, struct str data)
{
    void *socket = zsock_resolve(rig->service);
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, route);
    assert_true(zmq_msg_send(&copy, socket, ZMQ_SNDMORE) >= 0);
    assert_int_equal(zmq_send(socket, data.data, data.bytes, 0), data.bytes);
    bus_reader_look(rig->reader);
}

static void answer(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id, enum err status,
                   const struct msg *reply)
{
    const struct envelope envelope = {.correlation_id = correlation_id, .status = status};
    assert_int_equal(codec_encode(rig->frame, &envelope, reply), ERR_OK);
    send_to(rig, route, frame_bytes(rig->frame));
}

static void answer_well(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    answer(rig, route, correlation_id, ERR_OK, &reply);
}

static enum err outcome(struct rig *rig, uint64_t timeout_ms)
{
    struct bus_asked *asked = &rig->asked[0];
    assert_int_equal(bus_ask(&rig->pair, asked, 1, timeout_ms), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, asked));
    assert_int_equal(bus_client_in_flight(rig->pair.client), 0);
    return asked->err;
}

static void assert_still_works(struct rig *rig)
{
    rig->reply = answer_well;
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_OK);
    assert_int_equal(rig->asked[0].answers, 1);
}

static uint64_t late(struct rig *rig)
{
    return bus_pair_metric(&rig->pair, "lynks_bus_late_replies_total", NULL);
}

static bool are_all_done(void *arg)
{
    const struct rig *rig = arg;
    size_t done = 0;
    for (size_t i = 0; i < CALLS; i++) {
        done += rig->asked[i].answers > 0;
    }
    return done == CALLS;
}

/* Gives in how many messages the calls of one turn came. */
static size_t ask_all(struct rig *rig)
{
    rig->messages = 0;
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(bus_ask(&rig->pair, &rig->asked[i], 1, TIMEOUT_MS), ERR_OK);
    }
    assert_true(bus_pair_until(&rig->pair, are_all_done, rig));
    for (size_t i = 0; i < CALLS; i++) {
        assert_true(bus_asked_is_right(&rig->asked[i]));
    }
    return rig->messages;
}

/* As a service of the first minor version does. */
static void answer_as_of_old(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    const struct envelope envelope = {.correlation_id = correlation_id};
    assert_int_equal(codec_encode(rig->frame, &envelope, &reply), ERR_OK);
    struct str frame = frame_bytes(rig->frame);
    AUTO(mem_free) char *bytes = mem_alloc(frame.bytes);
    memcpy(bytes, frame.data, frame.bytes);
    bytes[RAW_MINOR_AT] = 0;
    send_to(rig, route, (struct str){bytes, frame.bytes});
}

/* Only to a service that has shown that it takes batches. */
static void test_calls_of_one_turn_leave_together(void **state)
{
    struct rig *rig = *state;
    start(rig, answer_well);
    assert_int_equal(ask_all(rig), CALLS);
    assert_int_equal(ask_all(rig), 1);
    assert_int_equal(ask_all(rig), 1);
    rig->reply = answer_as_of_old;
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_OK);
    assert_int_equal(ask_all(rig), CALLS);
}

/* A call that has ended before the turn has is not sent at all. */
static void test_call_that_ends_in_its_own_turn_is_not_sent(void **state)
{
    struct rig *rig = *state;
    start(rig, answer_well);
    assert_int_equal(bus_ask(&rig->pair, &rig->asked[0], 1, TIMEOUT_MS), ERR_OK);
    bus_client_free(&rig->pair.client);
    assert_int_equal(rig->asked[0].err, ERR_UNAVAILABLE);
    bus_raw_turn(&rig->pair, 20);
    assert_int_equal(rig->seen, 0);
}

/* The same reply twice, and one to nothing. */
static void answer_in_a_batch(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    struct bus_batch batch;
    zmq_msg_t frames[3];
    zmq_msg_t message;
    bus_batch_init(&batch);
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        const struct envelope envelope = {.correlation_id = i == 0 ? 4711 : correlation_id};
        assert_int_equal(codec_encode(rig->frame, &envelope, &reply), ERR_OK);
        bus_frame_init(&frames[i], frame_bytes(rig->frame));
        bus_batch_add(&batch, &frames[i]);
    }
    bus_batch_make(&batch, &message);
    send_to(rig, route, bus_frame_view(&message));
    zmq_msg_close(&message);
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        zmq_msg_close(&frames[i]);
    }
}

static void test_replies_in_a_batch_are_matched_one_by_one(void **state)
{
    struct rig *rig = *state;
    start(rig, answer_in_a_batch);
    assert_int_equal(outcome(rig, TIMEOUT_MS), ERR_OK);
    assert_int_equal(rig->asked[0].answers, 1);
    assert_int_equal(late(rig), 2);
    assert_still_works(rig);
}

static void answer_with_bad_batches(struct rig *rig, zmq_msg_t *route, uint64_t correlation_id)
{
    (void)correlation_id;
    send_to(rig, route, STR_LIT("\xc1"));
    send_to(rig, route, STR_LIT("\xc1\0\0\0\2x"));
    send_to(rig, route, STR_LIT("\xc1\0\0\0\5\xc1\0\0\0\0"));
}

static void test_bad_batches(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus frame refused");
    start(rig, answer_with_bad_batches);
    assert_int_equal(outcome(rig, SHORT_MS), ERR_DEADLINE);
    assert_true(bus_raw_counted(&rig->pair, RAW_FRAMES, "reason=\"malformed\"", 3));
    assert_still_works(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
