/* The table of calls in flight, and what may be sent again. */
#include "proto/bus/bus_client_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_bound_and_ids(void **state)
{
    (void)state;
    struct bus_slots *slots = bus_slots_new(3);
    struct bus_slot *taken[3];
    for (size_t i = 0; i < 3; i++) {
        taken[i] = bus_slots_take(slots);
        assert_non_null(taken[i]);
        assert_int_not_equal(taken[i]->correlation_id, 0);
        assert_ptr_equal(bus_slots_find(slots, taken[i]->correlation_id), taken[i]);
    }
    assert_null(bus_slots_take(slots));
    assert_int_equal(bus_slots_used(slots), 3);
    assert_int_not_equal(taken[0]->correlation_id, taken[1]->correlation_id);
    for (size_t i = 0; i < 3; i++) {
        bus_slots_release(slots, taken[i]);
    }
    assert_null(bus_slots_any(slots));
    bus_slots_free(&slots);
    assert_null(slots);
}

static void test_old_ids_find_nothing(void **state)
{
    (void)state;
    struct bus_slots *slots = bus_slots_new(1);
    uint64_t seen[100];
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        struct bus_slot *slot = bus_slots_take(slots);
        seen[i] = slot->correlation_id;
        for (size_t k = 0; k < i; k++) {
            assert_null(bus_slots_find(slots, seen[k]));
        }
        assert_ptr_equal(bus_slots_any(slots), slot);
        bus_slots_release(slots, slot);
        assert_null(bus_slots_find(slots, seen[i])); /* nor its present one, once released */
    }
    assert_null(bus_slots_find(slots, 0));
    assert_null(bus_slots_find(slots, UINT64_MAX));
    assert_null(bus_slots_find(slots, 1)); /* a slot that does not exist */
    bus_slots_free(&slots);
}

static void test_the_largest_table(void **state)
{
    (void)state;
    enum { LARGEST = 65536 };
    struct bus_slots *slots = bus_slots_new(LARGEST);
    struct bus_slot **taken = mem_realloc_array(NULL, LARGEST, sizeof(struct bus_slot *));
    for (size_t i = 0; i < LARGEST; i++) {
        taken[i] = bus_slots_take(slots);
        assert_non_null(taken[i]);
    }
    assert_null(bus_slots_take(slots));
    for (size_t i = 0; i < LARGEST; i++) {
        assert_ptr_equal(bus_slots_find(slots, taken[i]->correlation_id), taken[i]);
        bus_slots_release(slots, taken[i]);
    }
    bus_slots_free(&slots);
    mem_free(&taken);
}

/* No message of the schema is NEVER yet, so the type is made up. */
static const struct msg_type types[] = {
    {.id = MSG_session_check, .name = "never", .service = SERVICE_AUTHSVC, .retry = RETRY_NEVER},
    {.id = MSG_session_check, .name = "safe", .service = SERVICE_AUTHSVC, .retry = RETRY_SAFE},
    {.id = MSG_session_check, .name = "keyed", .service = SERVICE_AUTHSVC, .retry = RETRY_KEYED},
};

struct ended {
    unsigned answers;
    enum err err;
};

static void on_end(void *arg, enum err err, const struct msg *reply)
{
    struct ended *ended = arg;
    assert_null(reply);
    ended->answers++;
    ended->err = err;
}

struct rig {
    struct loop *loop;
    struct metrics *metrics;
    struct bus_client *client;
    struct bus_service *service;
    struct bus_endpoint *endpoint;
};

/* Nothing listens at port 1: the endpoint never comes up, and the calls are put there by hand. */
static void rig_init(struct rig *rig)
{
    rig->loop = loop_new();
    rig->metrics = metrics_new();
    const struct bus_parts parts = {.loop = rig->loop, .metrics = rig->metrics};
    const struct bus_client_config config = {.in_flight_max = 10, .in_flight_endpoint_max = 10};
    rig->client = bus_client_new(&parts, &config);
    assert_int_equal(bus_client_add_service(rig->client, SERVICE_AUTHSVC, "127.0.0.1:1"), ERR_OK);
    rig->service = &rig->client->services[SERVICE_AUTHSVC];
    rig->endpoint = CONTAINER_OF(rig->service->endpoints.next, struct bus_endpoint, link);
}

static void rig_fini(struct rig *rig)
{
    bus_client_free(&rig->client);
    metrics_free(&rig->metrics);
    loop_free(&rig->loop);
}

static struct bus_slot *put_call(struct rig *rig, const struct msg_type *type, unsigned sends,
                                 struct ended *ended)
{
    struct bus_slot *slot = bus_slots_take(rig->client->slots);
    static const struct msg_route by_load = {.key = NULL};
    slot->type = type;
    slot->route = &by_load;
    slot->sends = sends;
    slot->fn = on_end;
    slot->arg = ended;
    slot->endpoint = rig->endpoint;
    list_add(&rig->endpoint->calls, &slot->link);
    rig->endpoint->in_flight++;
    return slot;
}

static void test_only_what_may_be_sent_again_survives_its_endpoint(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct ended ended[4] = {{0}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        put_call(&rig, &types[i], 1, &ended[i]);
    }
    put_call(&rig, &types[1], 4, &ended[3]); /* safe, but it was sent often enough */
    bus_client_fail_over(rig.service, rig.endpoint);
    assert_int_equal(ended[0].answers, 1);
    assert_int_equal(ended[0].err, ERR_UNAVAILABLE);
    assert_int_equal(ended[1].answers, 0);
    assert_int_equal(ended[2].answers, 0);
    assert_int_equal(ended[3].answers, 1);
    assert_int_equal(ended[3].err, ERR_UNAVAILABLE);
    assert_int_equal(rig.service->held_count, 2);
    assert_int_equal(rig.endpoint->in_flight, 0);
    rig_fini(&rig);
    assert_int_equal(ended[1].err, ERR_UNAVAILABLE); /* ended with the client */
    assert_int_equal(ended[1].answers, 1);
}

static void test_what_was_not_executed_is_sent_again_whatever_it_is(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct ended ended = {0};
    struct bus_slot *slot = put_call(&rig, &types[0], 1, &ended);
    bus_client_redirect(rig.service, slot);
    assert_int_equal(ended.answers, 0);
    assert_int_equal(slot->sends, 0);
    assert_null(slot->endpoint);
    assert_int_equal(rig.service->held_count, 1);
    rig_fini(&rig);
    assert_int_equal(ended.answers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound_and_ids),
        cmocka_unit_test(test_old_ids_find_nothing),
        cmocka_unit_test(test_the_largest_table),
        cmocka_unit_test(test_only_what_may_be_sent_again_survives_its_endpoint),
        cmocka_unit_test(test_what_was_not_executed_is_sent_again_whatever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
