/* Publishing and listening over real sockets with CURVE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/bus/bus_publisher.h"
#include "proto/bus/bus_socket.h"
#include "proto/bus/bus_subscriptions.h"
#include "tests/support/c/bus_raw.h"
#include "tests/support/c/log_capture.h"

#define REFUSED "lynks_bus_refused_connections_total"

/* authsvc publishes, the gateway listens: the pair's two roles. */
static const char *const gateway[] = {"gateway", NULL};
static const char *const roomsvc[] = {"roomsvc", NULL};

struct scene {
    struct bus_pair pair;
    struct bus_publisher *publisher;
    struct bus_subscriber *subscriber;
    size_t heard, jumps;
    uint64_t last_number, last_room;
};

static void on_event(void *arg, const struct msg *msg, uint64_t number, bool is_next)
{
    struct scene *scene = arg;
    assert_int_equal(msg->id, MSG_bridge_event);
    scene->heard++;
    scene->jumps += !is_next;
    scene->last_number = number;
    scene->last_room = msg->bridge_event.room_id;
}

static struct bus_parts parts(struct scene *scene, const struct keys *keys)
{
    return (struct bus_parts){.loop = scene->pair.loop,
                              .metrics = scene->pair.metrics,
                              .keys = keys,
                              .zap = scene->pair.zap};
}

static void publish_at(struct scene *scene, const char *bind, const char *const *roles,
                       int queue_max)
{
    const struct bus_parts service = parts(scene, scene->pair.service_keys);
    const struct bus_publisher_config config = {
        .bind = bind, .allowed_roles = roles, .queue_max = queue_max};
    scene->publisher = bus_publisher_new(&service, &config);
    assert_non_null(scene->publisher);
}

static void listen_to(struct scene *scene, const char *endpoint, const struct keys *keys)
{
    const struct bus_parts caller = parts(scene, keys);
    const struct bus_subscriber_config config = {
        .endpoint = endpoint, .role = "authsvc", .fn = on_event, .arg = scene};
    scene->subscriber = bus_subscriber_new(&caller, &config);
    assert_non_null(scene->subscriber);
}

static void listen_with(struct scene *scene, const struct keys *keys)
{
    listen_to(scene, bus_publisher_endpoint(scene->publisher), keys);
}

static uint64_t tell(struct scene *scene, uint64_t room_id)
{
    const struct msg msg = {.id = MSG_bridge_event,
                            .bridge_event = {.node = STR_LIT("node1"),
                                             .what = BRIDGE_PUBLISHES,
                                             .room_id = room_id,
                                             .has_room_id = true,
                                             .publisher = 7,
                                             .has_publisher = true}};
    return bus_publisher_send(scene->publisher, &msg);
}

static bool has_heard_last(void *arg)
{
    struct scene *scene = arg;
    return scene->last_number == bus_publisher_last(scene->publisher);
}

/* A subscription takes its time to arrive. */
static void until_connected(struct scene *scene)
{
    scene->heard = 0;
    for (int i = 0; i < 2000 && scene->heard == 0; i++) {
        tell(scene, 1);
        bus_raw_turn(&scene->pair, 10);
    }
    assert_true(loop_run_until(scene->pair.loop, has_heard_last, scene, 20000));
}

static int set_up(void **state)
{
    struct scene *scene = mem_alloc(sizeof(*scene));
    *state = scene;
    log_capture_setup(NULL);
    bus_pair_init(&scene->pair);
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    bus_subscriber_free(&scene->subscriber);
    bus_publisher_free(&scene->publisher);
    bus_pair_fini(&scene->pair);
    mem_free(&scene);
    return log_capture_teardown(NULL);
}

static void test_every_message_comes_in_order(void **state)
{
    struct scene *scene = *state;
    publish_at(scene, "tcp://127.0.0.1:*", gateway, 1000);
    listen_with(scene, scene->pair.caller_keys);
    until_connected(scene);
    assert_int_equal(scene->jumps, 1); /* the first one */
    const size_t before = scene->heard;
    for (uint64_t i = 1; i <= 500; i++) {
        tell(scene, i);
    }
    assert_true(loop_run_until(scene->pair.loop, has_heard_last, scene, 20000));
    assert_int_equal(scene->heard, before + 500);
    assert_int_equal(scene->jumps, 1);
    assert_int_equal(scene->last_room, 500);
}

static void expect_refused(struct scene *scene, const char *reason)
{
    for (int i = 0; i < 200 && bus_pair_metric(&scene->pair, REFUSED, reason) == 0; i++) {
        tell(scene, 1);
        bus_raw_turn(&scene->pair, 20);
    }
    assert_true(bus_pair_metric(&scene->pair, REFUSED, reason) > 0);
    assert_int_equal(scene->heard, 0);
}

static void test_a_publisher_is_heard_by_ipv6(void **state)
{
    struct scene *scene = *state;
    publish_at(scene, "tcp://[::1]:*", gateway, 1000);
    listen_with(scene, scene->pair.caller_keys);
    until_connected(scene);
}

static void test_a_role_that_may_not_listen_is_refused(void **state)
{
    struct scene *scene = *state;
    log_capture_expect("bus connection refused");
    publish_at(scene, "tcp://127.0.0.1:*", roomsvc, 1000);
    listen_with(scene, scene->pair.caller_keys);
    expect_refused(scene, "reason=\"role_not_allowed\"");
}

static void test_a_key_that_nobody_knows_is_refused(void **state)
{
    struct scene *scene = *state;
    struct bus_keyring other;
    log_capture_expect("bus connection refused");
    bus_keyring_init(&other);
    publish_at(scene, "tcp://127.0.0.1:*", gateway, 1000);
    AUTO(keys_free) struct keys *keys = bus_keyring_keys(&other, "gateway");
    /* It knows the publisher's key all the same. */
    zsock_t *socket = zsock_new(ZMQ_SUB);
    bus_socket_set_text(socket, ZMQ_SUBSCRIBE, "");
    bus_socket_set_text(socket, ZMQ_CURVE_SERVERKEY,
                        keys_find_public(scene->pair.caller_keys, "authsvc"));
    bus_socket_set_text(socket, ZMQ_CURVE_PUBLICKEY, keys_find_public(keys, "gateway"));
    bus_socket_set_text(socket, ZMQ_CURVE_SECRETKEY, keys_secret(keys));
    assert_int_equal(zmq_connect(zsock_resolve(socket), bus_publisher_endpoint(scene->publisher)),
                     0);
    expect_refused(scene, "reason=\"unknown_key\"");
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    assert_int_equal(bus_socket_receive(zsock_resolve(socket), &frame), BUS_NOTHING);
    zmq_msg_close(&frame);
    zsock_destroy(&socket);
}

static void test_without_curve_nobody_hears(void **state)
{
    struct scene *scene = *state;
    publish_at(scene, "tcp://127.0.0.1:*", gateway, 1000);
    zsock_t *socket = zsock_new(ZMQ_SUB);
    bus_socket_set_text(socket, ZMQ_SUBSCRIBE, "");
    assert_int_equal(zmq_connect(zsock_resolve(socket), bus_publisher_endpoint(scene->publisher)),
                     0);
    listen_with(scene, scene->pair.caller_keys);
    until_connected(scene); /* who came later hears */
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    assert_int_equal(bus_socket_receive(zsock_resolve(socket), &frame), BUS_NOTHING);
    zmq_msg_close(&frame);
    zsock_destroy(&socket);
}

/* libzmq closes a listening socket some time after the socket it belonged to. */
static void until_free(const char *endpoint)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = {htonl(INADDR_LOOPBACK)},
        .sin_port = htons((uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10))};
    int rc = -1;
    for (int i = 0; i < 1000 && rc != 0; i++) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        const int reuse = 1; /* as libzmq does: what was connected to it may linger */
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)), 0);
        rc = bind(fd, (const struct sockaddr *)&address, sizeof(address));
        assert_int_equal(close(fd), 0);
        if (rc != 0) {
            (void)poll(NULL, 0, 10);
        }
    }
    assert_int_equal(rc, 0);
}

/* libzmq does not connect again to what has broken the protocol. */
static void test_something_else_was_at_the_publishers_place(void **state)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    struct scene *scene = *state;
    publish_at(scene, "tcp://127.0.0.1:*", gateway, 1000);
    AUTO(mem_free) char *endpoint = mem_strdup(bus_publisher_endpoint(scene->publisher));
    bus_publisher_free(&scene->publisher);
    until_free(endpoint);

    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = {htonl(INADDR_LOOPBACK)},
        .sin_port = htons((uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10))};
    const int reuse = 1;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    listen_to(scene, endpoint, scene->pair.caller_keys);
    const int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, answer, strlen(answer), MSG_NOSIGNAL), strlen(answer));
    char bin[256];
    while (recv(fd, bin, sizeof(bin), 0) > 0) { /* until libzmq has had enough */
    }
    close(fd);
    close(listener);
    until_free(endpoint);

    publish_at(scene, endpoint, gateway, 1000);
    until_connected(scene);
}

static void test_another_publisher_at_the_same_place_is_a_jump(void **state)
{
    struct scene *scene = *state;
    publish_at(scene, "tcp://127.0.0.1:*", gateway, 1000);
    listen_with(scene, scene->pair.caller_keys);
    until_connected(scene);
    AUTO(mem_free) char *endpoint = mem_strdup(bus_publisher_endpoint(scene->publisher));
    const uint64_t last = bus_publisher_last(scene->publisher);
    bus_publisher_free(&scene->publisher);
    until_free(endpoint);
    publish_at(scene, endpoint, gateway, 1000);
    assert_true(bus_publisher_last(scene->publisher) != last);
    scene->jumps = 0;
    until_connected(scene);
    assert_int_equal(scene->jumps, 1);
}

/* Nobody turns the loop that would read: what is over the queues' bounds is lost, the publisher
 * goes on, and the numbers tell. */
static void test_a_slow_listener_sees_what_it_lost(void **state)
{
    struct scene *scene = *state;
    publish_at(scene, "tcp://127.0.0.1:*", gateway, 10);
    listen_with(scene, scene->pair.caller_keys);
    until_connected(scene);
    scene->jumps = 0;
    const size_t before = scene->heard;
    for (uint64_t i = 1; i <= 300000; i++) {
        tell(scene, i);
    }
    for (int i = 0; i < 1000 && scene->jumps == 0; i++) {
        tell(scene, 1);
        bus_raw_turn(&scene->pair, 10);
    }
    assert_true(scene->heard - before < 300000);
    assert_true(scene->jumps > 0);
}

/* Of two publishers at one address, one that cannot be reached and one that is there. */
struct audience {
    struct scene *scene;
    size_t heard;
    char endpoint[RESOLVE_TEXT_BYTES]; /* of the last event */
};

static void on_audience_event(void *arg, const char *endpoint, const struct msg *msg,
                              uint64_t number, bool is_next)
{
    struct audience *audience = arg;
    assert_int_equal(msg->id, MSG_bridge_event);
    audience->scene->last_number = number;
    audience->scene->jumps += !is_next;
    audience->heard++;
    assert_true(str_copy(audience->endpoint, sizeof(audience->endpoint), str_of(endpoint)));
}

static void on_audience_gone(void *arg, const char *endpoint)
{
    (void)arg;
    fail_msg("%s is gone", endpoint);
}

static void test_all_publishers_at_an_address_are_heard(void **state)
{
    struct scene *scene = *state;
    struct audience audience = {.scene = scene};
    publish_at(scene, "tcp://127.0.0.1:*", gateway, 1000);
    const char *endpoint = bus_publisher_endpoint(scene->publisher);
    AUTO(mem_free) char *address = mem_printf("127.0.0.1:1,%s", endpoint + strlen("tcp://"));
    const struct bus_parts caller = parts(scene, scene->pair.caller_keys);
    const struct bus_subscriptions_config config = {.address = address,
                                                    .role = "authsvc",
                                                    .on_event = on_audience_event,
                                                    .on_gone = on_audience_gone,
                                                    .arg = &audience};
    AUTO(bus_subscriptions_free)
    struct bus_subscriptions *subscriptions = bus_subscriptions_new(&caller, &config);
    assert_non_null(subscriptions);
    for (int i = 0; i < 2000 && audience.heard == 0; i++) {
        tell(scene, 1);
        bus_raw_turn(&scene->pair, 10);
    }
    assert_true(loop_run_until(scene->pair.loop, has_heard_last, scene, 20000));
    assert_int_equal(scene->jumps, 1);
    assert_string_equal(audience.endpoint, endpoint);
}

static void test_a_malformed_address_is_refused(void **state)
{
    struct scene *scene = *state;
    const struct bus_parts caller = parts(scene, scene->pair.caller_keys);
    const struct bus_subscriptions_config config = {.address = "127.0.0.1", .role = "authsvc"};
    assert_null(bus_subscriptions_new(&caller, &config));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(test_every_message_comes_in_order),
        T(test_a_publisher_is_heard_by_ipv6),
        T(test_a_role_that_may_not_listen_is_refused),
        T(test_a_key_that_nobody_knows_is_refused),
        T(test_without_curve_nobody_hears),
        T(test_another_publisher_at_the_same_place_is_a_jump),
        T(test_something_else_was_at_the_publishers_place),
        T(test_a_slow_listener_sees_what_it_lost),
        T(test_all_publishers_at_an_address_are_heard),
        T(test_a_malformed_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
