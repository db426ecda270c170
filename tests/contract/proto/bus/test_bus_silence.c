/* Peers that fall silent without closing anything, as a paused machine or a cut cable does: seen by
 * heartbeats, on both sides. */
#include "tests/support/c/bus_pair.h"
#include "tests/support/c/log_capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TIMEOUT_MS 8000
#define RELAYED_MAX 8

/* A wire between client and server that can be cut: it then stays open and carries nothing. */
struct relay {
    struct loop *loop;
    int listener;
    uint16_t port, to_port;
    bool is_cut;
    struct leg {
        struct relay *relay;
        int from, to;
    } legs[2 * RELAYED_MAX];
    size_t leg_count;
};

static void on_bytes(void *arg, uint32_t events)
{
    struct leg *leg = arg;
    char bytes[65536];
    (void)events;
    if (leg->relay->is_cut) {
        loop_fd_remove(leg->relay->loop, leg->from);
        return;
    }
    ssize_t count = recv(leg->from, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (count > 0) {
        (void)!send(leg->to, bytes, (size_t)count, MSG_NOSIGNAL);
    } else if (count == 0 || errno != EAGAIN) {
        loop_fd_remove(leg->relay->loop, leg->from);
        shutdown(leg->to, SHUT_WR);
    }
}

static void add_leg(struct relay *relay, int from, int to)
{
    assert_true(relay->leg_count < ARRAY_LEN(relay->legs));
    struct leg *leg = &relay->legs[relay->leg_count++];
    *leg = (struct leg){.relay = relay, .from = from, .to = to};
    loop_fd_add(relay->loop, from, EPOLLIN, on_bytes, leg);
}

static void on_connection(void *arg, uint32_t events)
{
    struct relay *relay = arg;
    (void)events;
    int near = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
    int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(relay->to_port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_true(near >= 0 && far >= 0);
    assert_int_equal(connect(far, (const struct sockaddr *)&address, sizeof(address)), 0);
    add_leg(relay, near, far);
    add_leg(relay, far, near);
}

static void relay_start(struct relay *relay, struct loop *loop, uint16_t to_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(address);
    *relay = (struct relay){.loop = loop, .to_port = to_port};
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(relay->listener, (const struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(relay->listener, 8), 0);
    assert_int_equal(getsockname(relay->listener, (struct sockaddr *)&address, &bytes), 0);
    relay->port = ntohs(address.sin_port);
    loop_fd_add(loop, relay->listener, EPOLLIN, on_connection, relay);
}

static void relay_stop(struct relay *relay)
{
    loop_fd_remove(relay->loop, relay->listener);
    close(relay->listener);
    for (size_t i = 0; i < relay->leg_count; i++) {
        loop_fd_remove(relay->loop, relay->legs[i].from);
        close(relay->legs[i].from);
    }
}

struct rig {
    struct bus_pair pair;
    struct bus_server server;
    struct relay relay;
    struct bus_asked asked;
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init(&rig->pair);
    bus_server_start(&rig->server, &rig->pair, "127.0.0.1");
    const char *port = strrchr(rig->server.bind, ':') + 1;
    relay_start(&rig->relay, rig->pair.loop, (uint16_t)strtoul(port, NULL, 10));
    bus_pair_open_client(&rig->pair, &(struct bus_client_config){0});
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    bus_client_free(&rig->pair.client);
    bus_server_fini(&rig->server);
    relay_stop(&rig->relay);
    bus_pair_fini(&rig->pair);
    mem_free(state);
    return log_capture_teardown(state);
}

static void connect_to(struct rig *rig, const char *address)
{
    enum err err = bus_client_add_service(rig->pair.client, SERVICE_AUTHSVC, address);
    assert_int_equal(err, ERR_OK);
    assert_true(bus_pair_until(&rig->pair, bus_pair_is_ready, &rig->pair));
}

static bool has_kept(void *arg)
{
    const struct bus_server *server = arg;
    return server->kept_count > 0;
}

static bool is_not_ready(void *arg)
{
    const struct bus_pair *pair = arg;
    return !health_is_ready(pair->health);
}

/* The wire is cut while a call is in hand; the client connects anew, by a wire that works. */
static void test_silent_service_is_given_up_and_its_calls_sent_again(void **state)
{
    struct rig *rig = *state;
    AUTO(mem_free) char *address = mem_printf("127.0.0.1:%u", (unsigned)rig->relay.port);
    connect_to(rig, address);
    rig->server.mode = SERVE_KEEP;
    assert_int_equal(bus_ask(&rig->pair, &rig->asked, 5, TIMEOUT_MS), ERR_OK);
    assert_true(bus_pair_until(&rig->pair, has_kept, &rig->server));
    rig->server.mode = SERVE_ANSWER;
    rig->relay.is_cut = true;
    uint64_t cut_ms = clock_mono_ms(loop_clock(rig->pair.loop));
    assert_true(bus_pair_until(&rig->pair, is_not_ready, &rig->pair));
    assert_in_range(clock_mono_ms(loop_clock(rig->pair.loop)), cut_ms + 500, cut_ms + TIMEOUT_MS);
    assert_int_equal(rig->asked.answers, 0);
    rig->relay.is_cut = false;
    assert_true(bus_pair_until(&rig->pair, bus_asked_is_done, &rig->asked));
    assert_true(bus_asked_is_right(&rig->asked));
    assert_int_equal(rig->server.seen, 2);
}

static bool far_end_is_closed(void *arg)
{
    const struct relay *relay = arg;
    char byte;
    ssize_t count = recv(relay->legs[1].from, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    if (count > 0) {
        char rest[65536];
        (void)!recv(relay->legs[1].from, rest, sizeof(rest), MSG_DONTWAIT);
    }
    return count == 0 || (count < 0 && errno != EAGAIN);
}

static void tick(void *arg)
{
    struct rig *rig = arg;
    clock_after(loop_clock(rig->pair.loop), 20, tick, rig);
}

/* The worker sends no heartbeats; it goes by what the client's said of how long to wait for the
 * next. */
static void test_silent_caller_is_given_up(void **state)
{
    struct rig *rig = *state;
    AUTO(mem_free) char *address = mem_printf("127.0.0.1:%u", (unsigned)rig->relay.port);
    connect_to(rig, address);
    struct relay *relay = &rig->relay;
    (void)loop_run_until(rig->pair.loop, has_kept, &rig->server,
                         700); /* until the first heartbeat */
    relay->is_cut = true;
    tick(rig); /* so that the predicate is asked now and then */
    assert_true(bus_pair_until(&rig->pair, far_end_is_closed, relay));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_silent_service_is_given_up_and_its_calls_sent_again),
        TEST(test_silent_caller_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
