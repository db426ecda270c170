/* What becomes of calls whose endpoint is lost or takes none, by kind: against a bare ROUTER. */
#include "proto/base/slots.h"
#include "proto/bus/bus_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <czmq.h>

#define WAIT_MS 8000
#define CALLS_MAX 4

/* No message of the schema is NEVER yet, so the type is made up. */
static const struct msg_type types[] = {
    {.id = MSG_session_check, .name = "never", .service = SERVICE_AUTHSVC, .retry = RETRY_NEVER},
    {.id = MSG_session_check, .name = "safe", .service = SERVICE_AUTHSVC, .retry = RETRY_SAFE},
    {.id = MSG_session_check, .name = "keyed", .service = SERVICE_AUTHSVC, .retry = RETRY_KEYED},
};

static const struct msg_route by_load = {.key = NULL};

struct rig {
    struct loop *loop;
    struct metrics *metrics;
    struct slots *calls;
    struct frame *scratch;
    struct arena *arena;
    struct bus_service *service;
    zsock_t *peer;
    size_t received; /* by the peer */
    size_t expected;
    struct bus_call *ended[CALLS_MAX];
    size_t ended_count;
};

static void on_frame(void *arg, struct bus_service *service, struct bus_endpoint *endpoint,
                     struct str data)
{
    (void)arg;
    (void)service;
    (void)endpoint;
    (void)data;
    fail();
}

static void on_ended(void *arg, struct bus_call *call, enum err err)
{
    struct rig *rig = arg;
    assert_int_equal(err, ERR_UNAVAILABLE);
    assert_null(call->endpoint);
    rig->ended[rig->ended_count++] = call;
}

static const struct bus_service_events events = {.frame = on_frame, .ended = on_ended};

static bool has_received(struct rig *rig)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    while (zmq_msg_recv(&part, zsock_resolve(rig->peer), ZMQ_DONTWAIT) >= 0) {
        rig->received += !zmq_msg_more(&part);
    }
    zmq_msg_close(&part);
    return rig->received == rig->expected;
}

static bool never_is(void *arg)
{
    (void)arg;
    return false;
}

/* Turns the loop until the peer, which is not on it, has all that was sent. */
static void deliver(struct rig *rig)
{
    for (int ms = 0; ms < WAIT_MS && !has_received(rig); ms++) {
        (void)loop_run_until(rig->loop, never_is, NULL, 1);
    }
    assert_int_equal(rig->received, rig->expected);
}

static bool is_live(void *arg)
{
    struct rig *rig = arg;
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(rig->metrics, &bytes);
    return strstr(text, "\nlynks_bus_endpoints_live{service=\"authsvc\"} 1\n") != NULL;
}

static bool is_away(void *arg)
{
    return !is_live(arg);
}

static void rig_init(struct rig *rig)
{
    *rig = (struct rig){.loop = loop_new(), .metrics = metrics_new()};
    rig->calls = slots_new(sizeof(struct bus_call), CALLS_MAX, NULL);
    rig->scratch = frame_new();
    rig->arena = arena_new();
    rig->peer = zsock_new_router("tcp://127.0.0.1:*");
    struct bus_service_parts parts = {
        .bus = {.loop = rig->loop, .metrics = rig->metrics},
        .held_max = CALLS_MAX,
        .in_flight_endpoint_max = CALLS_MAX,
        .scratch = rig->scratch,
        .arena = rig->arena,
        .events = &events,
        .arg = rig,
    };
    bus_patience_complete(&parts.patience);
    rig->service = bus_service_new(&parts, SERVICE_AUTHSVC, NULL);
    struct resolve_set set = {0};
    resolve_set_add(&set, zsock_endpoint(rig->peer));
    bus_service_set_addresses(rig->service, &set);
    assert_true(loop_run_until(rig->loop, is_live, rig, WAIT_MS));
}

static void rig_fini(struct rig *rig)
{
    for (struct bus_call *call = NULL; (call = slots_next(rig->calls, call)) != NULL;) {
        bus_call_fini(call);
        slots_release(rig->calls, call);
    }
    bus_service_free(&rig->service);
    zsock_destroy(&rig->peer);
    slots_free(&rig->calls);
    frame_free(&rig->scratch);
    arena_free(&rig->arena);
    metrics_free(&rig->metrics);
    loop_free(&rig->loop);
}

static struct bus_call *send_call(struct rig *rig, const struct msg_type *type,
                                  unsigned sent_before)
{
    struct bus_call *call = slots_take(rig->calls);
    bus_call_init(call, type, &by_load, NULL, NULL);
    call->sends = sent_before;
    assert_int_equal(bus_service_send(rig->service, call), ERR_OK);
    assert_non_null(call->endpoint);
    rig->expected++;
    return call;
}

static void only_what_may_be_sent_again_survives_its_endpoint(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct bus_call *never = send_call(&rig, &types[0], 0);
    struct bus_call *safe = send_call(&rig, &types[1], 0);
    struct bus_call *keyed = send_call(&rig, &types[2], 0);
    struct bus_call *often = send_call(&rig, &types[1], 3); /* safe, but this was the last time */
    deliver(&rig);
    zsock_destroy(&rig.peer);
    assert_true(loop_run_until(rig.loop, is_away, &rig, WAIT_MS));
    assert_int_equal(rig.ended_count, 2);
    assert_ptr_equal(rig.ended[0], never);
    assert_ptr_equal(rig.ended[1], often);
    assert_null(safe->endpoint);
    assert_null(keyed->endpoint);
    bus_service_forget(rig.service, safe);
    bus_service_forget(rig.service, keyed);
    rig_fini(&rig);
}

static void what_was_not_executed_is_held_whatever_it_is(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct bus_call *never = send_call(&rig, &types[0], 0);
    struct bus_call *other = send_call(&rig, &types[0], 0);
    deliver(&rig);
    struct bus_endpoint *endpoint = never->endpoint;
    assert_int_equal(endpoint->state, BUS_ENDPOINT_TRUSTED);
    bus_service_refused(rig.service, endpoint, never, ERR_STANDBY);
    assert_int_equal(endpoint->state, BUS_ENDPOINT_REFUSING);
    assert_int_equal(rig.ended_count, 0);
    assert_int_equal(never->sends, 0);
    assert_null(never->endpoint);
    assert_ptr_equal(other->endpoint, endpoint); /* it may have been taken before */
    bus_service_forget(rig.service, never);
    bus_service_forget(rig.service, other);
    rig_fini(&rig);
}

/* An endpoint whose address goes keeps its calls; one that comes back in time is trusted. */
static void addresses_come_and_go(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct bus_call *call = send_call(&rig, &types[1], 0);
    struct bus_endpoint *endpoint = call->endpoint;
    struct resolve_set none = {0}, one = {0};
    resolve_set_add(&one, endpoint->address);
    bus_service_set_addresses(rig.service, &none);
    assert_int_equal(endpoint->state, BUS_ENDPOINT_LEAVING);
    struct bus_call *held = slots_take(rig.calls);
    bus_call_init(held, &types[1], &by_load, NULL, NULL);
    assert_int_equal(bus_service_send(rig.service, held), ERR_OK);
    assert_null(held->endpoint);
    bus_service_set_addresses(rig.service, &one);
    assert_int_equal(endpoint->state, BUS_ENDPOINT_TRUSTED);
    assert_ptr_equal(call->endpoint, endpoint);
    bus_service_set_addresses(rig.service, &none);
    bus_service_forget(rig.service, call);
    assert_true(loop_run_until(rig.loop, is_away, &rig, WAIT_MS));
    bus_service_forget(rig.service, held);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_may_be_sent_again_survives_its_endpoint),
        cmocka_unit_test(what_was_not_executed_is_held_whatever_it_is),
        cmocka_unit_test(addresses_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
