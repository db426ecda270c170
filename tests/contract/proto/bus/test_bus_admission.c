/* Who gets onto the bus, and who does not. */
#include "tests/support/c/bus_raw.h"
#include "tests/support/c/log_capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct rig {
    struct bus_pair pair;
    struct bus_server server;
    struct bus_asked asked;
    zsock_t *peer;
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init(&rig->pair);
    bus_server_start(&rig->server, &rig->pair, "127.0.0.1");
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    zsock_destroy(&rig->peer);
    bus_client_free(&rig->pair.client);
    bus_server_fini(&rig->server);
    bus_pair_fini(&rig->pair);
    mem_free(state);
    return log_capture_teardown(state);
}

static const char *server_key(const struct rig *rig)
{
    return keys_find_public(rig->pair.service_keys, "authsvc");
}

static void assert_refused(struct rig *rig, const char *labels)
{
    assert_true(bus_raw_counted(&rig->pair, RAW_CONNECTIONS, labels, 1));
    AUTO(frame_free) struct frame *frame = frame_new();
    bus_raw_request(frame, 1, 1);
    struct str bytes = frame_bytes(frame);
    int rc = zmq_send(zsock_resolve(rig->peer), bytes.data, bytes.bytes, ZMQ_DONTWAIT);
    assert_int_equal(rc, -1); /* no connection to put it on */
    assert_int_equal(rig->server.seen, 0);
}

static void test_listed_role_is_admitted(void **state)
{
    struct rig *rig = *state;
    rig->peer = bus_raw_caller(&rig->server);
    AUTO(frame_free) struct frame *frame = frame_new();
    AUTO(arena_free) struct arena *arena = arena_new();
    bus_raw_request(frame, 99, 5);
    bus_raw_send(&rig->pair, rig->peer, frame_bytes(frame));
    struct bus_raw_reply reply;
    assert_true(bus_raw_receive(&rig->pair, rig->peer, arena, &reply));
    assert_int_equal(reply.envelope.correlation_id, 99);
    assert_int_equal(reply.msg.session_check_reply.user_id, 5);
    assert_string_equal(rig->server.last_role, "gateway");
}

static void test_key_that_is_not_on_any_list_is_refused(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus connection refused");
    char public_z85[KEY_Z85_BYTES + 1];
    char secret[KEY_Z85_BYTES + 1];
    assert_int_equal(zmq_curve_keypair(public_z85, secret), 0);
    rig->peer = bus_raw_connect(rig->server.bind, secret, server_key(rig));
    assert_refused(rig, "reason=\"unknown_key\"");
    assert_int_equal(log_capture_count("bus connection refused"), 1); /* once a second */
}

static void test_role_that_may_not_call_is_refused(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus connection refused");
    const char *secret = bus_keyring_secret(&rig->pair.ring, "janusbridge");
    rig->peer = bus_raw_connect(rig->server.bind, secret, server_key(rig));
    assert_refused(rig, "reason=\"role_not_allowed\"");
}

static void test_peer_without_a_key_is_refused(void **state)
{
    struct rig *rig = *state;
    rig->peer = bus_raw_connect(rig->server.bind, NULL, NULL);
    assert_refused(rig, "reason=\"handshake\"");
}

static void test_peer_with_a_password_is_refused(void **state)
{
    struct rig *rig = *state;
    rig->peer = zsock_new(ZMQ_DEALER);
    zsock_set_plain_username(rig->peer, "gateway");
    zsock_set_plain_password(rig->peer, "guess");
    zsock_set_immediate(rig->peer, 1);
    zsock_set_reconnect_ivl(rig->peer, 50);
    assert_int_equal(zmq_connect(zsock_resolve(rig->peer), rig->server.bind), 0);
    assert_refused(rig, "reason=\"handshake\"");
}

static void test_peer_that_knows_another_server_key_is_refused(void **state)
{
    struct rig *rig = *state;
    const char *secret = bus_keyring_secret(&rig->pair.ring, "gateway");
    const char *another = keys_find_public(rig->pair.service_keys, "roomsvc");
    rig->peer = bus_raw_connect(rig->server.bind, secret, another);
    assert_refused(rig, "reason=\"handshake\"");
}

/* Each socket has its own list: what one admits counts for nothing at another. */
static void test_lists_are_each_sockets_own(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus connection refused");
    static const char *const others[] = {"janusbridge", NULL};
    static const struct call_handler none[] = {{0}};
    const struct bus_parts parts = {.loop = rig->pair.loop,
                                    .metrics = rig->pair.metrics,
                                    .keys = rig->pair.service_keys,
                                    .zap = rig->pair.zap};
    const struct bus_worker_config config = {
        .bind = "tcp://127.0.0.1:*", .in_hand_max = 1, .allowed_roles = others};
    AUTO(bus_worker_free)
    struct bus_worker *other = bus_worker_new(&parts, &config, none, NULL);
    assert_non_null(other);
    const char *secret = bus_keyring_secret(&rig->pair.ring, "gateway");
    rig->peer = bus_raw_connect(bus_worker_endpoint(other), secret, server_key(rig));
    assert_refused(rig, "reason=\"role_not_allowed\"");
}

/* Our own client with keys of another deployment: never ready, calls end, and it does not spin. */
static void test_client_of_another_deployment_is_not_ready(void **state)
{
    struct rig *rig = *state;
    struct bus_keyring others;
    bus_keyring_init(&others);
    keys_free(&rig->pair.caller_keys);
    rig->pair.caller_keys = bus_keyring_keys(&others, "gateway");
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    enum err err =
        bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, bus_server_address(&rig->server));
    assert_int_equal(err, ERR_OK);
    assert_int_equal(bus_ask(&rig->pair, &rig->asked, 1, 2000), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &rig->asked));
    assert_int_equal(rig->asked.err, ERR_UNAVAILABLE);
    assert_false(health_is_ready(rig->pair.health));
    assert_int_equal(rig->server.seen, 0);
    uint64_t tries = bus_pair_metric(&rig->pair, RAW_CONNECTIONS, "reason=\"handshake\"");
    assert_in_range(tries, 1, 50);
}

/* Refused by the list of one server, admitted by the next one on that port: nobody has to be
 * restarted. */
static void test_client_that_was_refused_tries_again(void **state)
{
    struct rig *rig = *state;
    log_capture_expect("bus connection refused");
    log_capture_expect("bus address cannot be bound");
    static const char *const others[] = {"janusbridge", NULL};
    rig->server.allowed_roles = others;
    bus_server_restart(&rig->server);
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    enum err err =
        bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, bus_server_address(&rig->server));
    assert_int_equal(err, ERR_OK);
    const char *labels = "reason=\"role_not_allowed\"";
    assert_true(bus_raw_counted(&rig->pair, RAW_CONNECTIONS, labels, 2));
    rig->server.allowed_roles = NULL;
    bus_server_restart(&rig->server);
    assert_int_equal(bus_ask(&rig->pair, &rig->asked, 1, 8000), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &rig->asked));
    assert_true(bus_asked_is_right(&rig->asked));
}

static void test_second_handler_in_a_process_is_refused(void **state)
{
    struct rig *rig = *state;
    assert_null(zap_new(rig->pair.loop, rig->pair.metrics, rig->pair.service_keys));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listed_role_is_admitted),
        TEST(test_key_that_is_not_on_any_list_is_refused),
        TEST(test_role_that_may_not_call_is_refused),
        TEST(test_peer_without_a_key_is_refused),
        TEST(test_peer_with_a_password_is_refused),
        TEST(test_peer_that_knows_another_server_key_is_refused),
        TEST(test_lists_are_each_sockets_own),
        TEST(test_client_of_another_deployment_is_not_ready),
        TEST(test_client_that_was_refused_tries_again),
        TEST(test_second_handler_in_a_process_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
