#include "tests/support/c/raw_service.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/bus/bus_batch.h"
#include "tests/support/c/log_capture.h"

static void take_raw_frame(struct raw_service *raw, zmq_msg_t *route, struct str frame)
{
    struct envelope envelope;
    struct msg request;
    assert_int_equal(codec_decode(raw->arena, frame, &envelope, &request), CODEC_OK);
    raw->last_remaining_ms = envelope.remaining_ms;
    raw->first_remaining_ms = raw->seen == 0 ? envelope.remaining_ms : raw->first_remaining_ms;
    raw->seen++;
    if (raw->reply != NULL) {
        raw->reply(raw, route, envelope.correlation_id);
    }
}

static bool on_raw_message(void *arg)
{
    struct raw_service *raw = arg;
    void *socket = zsock_resolve(raw->service);
    zmq_msg_t route;
    zmq_msg_t message;
    zmq_msg_init(&route);
    zmq_msg_init(&message);
    while (zmq_msg_recv(&route, socket, ZMQ_DONTWAIT) >= 0 &&
           zmq_msg_recv(&message, socket, ZMQ_DONTWAIT) >= 0) {
        struct bus_frames frames;
        struct str frame;
        raw->messages++;
        assert_true(bus_frames_open(&frames, bus_frame_view(&message)));
        while (bus_frames_next(&frames, &frame)) {
            take_raw_frame(raw, &route, frame);
        }
    }
    zmq_msg_close(&route);
    zmq_msg_close(&message);
    return false;
}

int raw_service_setup(void **state)
{
    struct raw_service *raw = mem_alloc(sizeof(*raw));
    *state = raw;
    log_capture_setup(state);
    bus_pair_init(&raw->pair);
    raw->frame = frame_new();
    raw->arena = arena_new();
    bus_pair_open_client(&raw->pair, &(struct bus_client_config){0});
    return 0;
}

void raw_service_stop(struct raw_service *raw)
{
    if (raw->service != NULL) {
        bus_reader_free(&raw->reader);
        zsock_destroy(&raw->service);
        zap_forget(raw->pair.zap, "raw");
    }
}

int raw_service_teardown(void **state)
{
    struct raw_service *raw = *state;
    bus_client_free(&raw->pair.client);
    raw_service_stop(raw);
    bus_pair_fini(&raw->pair);
    frame_free(&raw->frame);
    arena_free(&raw->arena);
    mem_free(state);
    return log_capture_teardown(state);
}

void raw_service_connect(struct raw_service *raw, const char *address)
{
    enum err err = bus_client_add_service(raw->pair.client, SERVICE_AUTHSVC, address);
    assert_int_equal(err, ERR_OK);
}

void raw_service_start(struct raw_service *raw, raw_reply_fn *reply)
{
    raw->reply = reply;
    raw->service = bus_raw_service(&raw->pair, raw->endpoint, sizeof(raw->endpoint));
    raw->reader = bus_reader_new(raw->pair.loop, raw->service, on_raw_message, raw);
    raw_service_connect(raw, raw->endpoint + strlen("tcp://"));
    assert_true(bus_pair_until(&raw->pair, bus_pair_is_ready, &raw->pair));
}

void raw_service_send(struct raw_service *raw, zmq_msg_t *route, struct str data)
{
    void *socket = zsock_resolve(raw->service);
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, route);
    assert_true(zmq_msg_send(&copy, socket, ZMQ_SNDMORE) >= 0);
    assert_int_equal(zmq_send(socket, data.data, data.bytes, 0), data.bytes);
    bus_reader_look(raw->reader);
}

void raw_service_answer(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id,
                        enum err status, const struct msg *reply)
{
    const struct envelope envelope = {.correlation_id = correlation_id, .status = status};
    assert_int_equal(codec_encode(raw->frame, &envelope, reply), ERR_OK);
    raw_service_send(raw, route, frame_bytes(raw->frame));
}

void raw_service_answer_well(struct raw_service *raw, zmq_msg_t *route, uint64_t correlation_id)
{
    const struct msg reply = {.id = MSG_session_check_reply, .session_check_reply = {.user_id = 1}};
    raw_service_answer(raw, route, correlation_id, ERR_OK, &reply);
}

enum err raw_service_outcome(struct raw_service *raw, uint64_t timeout_ms)
{
    struct bus_asked *asked = &raw->asked[0];
    assert_int_equal(bus_ask(&raw->pair, asked, 1, timeout_ms), ERR_OK);
    assert_true(bus_pair_until(&raw->pair, bus_asked_is_done, asked));
    assert_int_equal(bus_client_in_flight(raw->pair.client), 0);
    return asked->err;
}

void raw_service_assert_works(struct raw_service *raw)
{
    raw->reply = raw_service_answer_well;
    assert_int_equal(raw_service_outcome(raw, RAW_SERVICE_MS), ERR_OK);
    assert_int_equal(raw->asked[0].answers, 1);
}

uint64_t raw_service_late(struct raw_service *raw)
{
    return bus_pair_metric(&raw->pair, "lynks_bus_late_replies_total", NULL);
}
