#include "tests/support/c/raw_caller.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/support/c/log_capture.h"

int raw_caller_setup(void **state, size_t in_hand_max)
{
    struct raw_caller *raw = mem_alloc(sizeof(*raw));
    *state = raw;
    log_capture_setup(state);
    log_capture_expect("bus frame refused");
    bus_pair_init(&raw->pair);
    raw->server.in_hand_max = in_hand_max;
    bus_server_start(&raw->server, &raw->pair, "127.0.0.1");
    raw->frame = frame_new();
    raw->arena = arena_new();
    raw->peer = bus_raw_caller(&raw->server);
    return 0;
}

int raw_caller_teardown(void **state)
{
    struct raw_caller *raw = *state;
    zsock_destroy(&raw->peer);
    bus_client_free(&raw->pair.client);
    bus_server_fini(&raw->server);
    bus_pair_fini(&raw->pair);
    frame_free(&raw->frame);
    arena_free(&raw->arena);
    mem_free(state);
    return log_capture_teardown(state);
}

void raw_caller_send(struct raw_caller *raw, const void *data, size_t bytes)
{
    bus_raw_send(&raw->pair, raw->peer, (struct str){data, bytes});
}

void raw_caller_assert_refused(struct raw_caller *raw, const char *reason, uint64_t times)
{
    AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", reason);
    assert_true(bus_raw_counted(&raw->pair, RAW_FRAMES, labels, times));
    assert_int_equal(bus_pair_metric(&raw->pair, RAW_FRAMES, labels), times);
}

/* A good call on the same connection is answered, and it is the first thing that is. */
void raw_caller_assert_served(struct raw_caller *raw)
{
    static const uint64_t correlation_id = 4242;
    struct bus_raw_reply reply;
    bus_raw_request(raw->frame, correlation_id, 77);
    bus_raw_send(&raw->pair, raw->peer, frame_bytes(raw->frame));
    assert_true(bus_raw_receive(&raw->pair, raw->peer, raw->arena, &reply));
    assert_int_equal(reply.envelope.correlation_id, correlation_id);
    assert_int_equal(reply.envelope.status, ERR_OK);
    assert_int_equal(reply.msg.session_check_reply.user_id, 77);
    assert_int_equal(bus_worker_in_hand(raw->server.worker), 0);
}

void raw_caller_assert_answered(struct raw_caller *raw, enum err err, enum msg_id id)
{
    struct bus_raw_reply reply;
    assert_true(bus_raw_receive(&raw->pair, raw->peer, raw->arena, &reply));
    assert_int_equal(reply.envelope.status, err);
    assert_int_equal(reply.msg.id, id);
}
