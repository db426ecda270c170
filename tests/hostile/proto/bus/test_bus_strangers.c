/* A worker against whoever reaches its port without being of the bus. */
#include "tests/support/c/bus_raw.h"
#include "tests/support/c/log_capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    struct bus_pair pair;
    struct bus_server server;
    zsock_t *peer; /* one that belongs here */
};

static int setup(void **state)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    *state = rig;
    log_capture_setup(state);
    bus_pair_init(&rig->pair);
    bus_server_start(&rig->server, &rig->pair, "127.0.0.1");
    rig->peer = bus_raw_caller(&rig->server);
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    zsock_destroy(&rig->peer);
    bus_server_fini(&rig->server);
    bus_pair_fini(&rig->pair);
    mem_free(state);
    return log_capture_teardown(state);
}

static void assert_still_serves(struct rig *rig)
{
    AUTO(frame_free) struct frame *frame = frame_new();
    AUTO(arena_free) struct arena *arena = arena_new();
    struct bus_raw_reply reply;
    bus_raw_request(frame, 1, 77);
    bus_raw_send(&rig->pair, rig->peer, frame_bytes(frame));
    assert_true(bus_raw_receive(&rig->pair, rig->peer, arena, &reply));
    assert_int_equal(reply.msg.session_check_reply.user_id, 77);
}

static int tcp_connect(const struct rig *rig)
{
    const char *port = strrchr(rig->server.bind, ':') + 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void write_tcp(int fd, const void *data, size_t bytes)
{
    (void)!send(fd, data, bytes, MSG_NOSIGNAL);
}

static void reset_and_close(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

static void test_strangers_that_speak_something_else(void **state)
{
    struct rig *rig = *state;
    static const char http[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    static const uint8_t zmtp1[] = {0x01, 0x00, 0x05, 0x00, 'h', 'e', 'l', 'l'};
    static const uint8_t zmtp2[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, 5, 0, 0, 0, 1, 'x'};
    static const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    const struct str openings[] = {{http, sizeof(http) - 1},
                                   {(const char *)zmtp1, sizeof(zmtp1)},
                                   {(const char *)zmtp2, sizeof(zmtp2)},
                                   {(const char *)endless, sizeof(endless)}};
    for (size_t i = 0; i < 100; i++) {
        struct str opening = openings[i % ARRAY_LEN(openings)];
        int fd = tcp_connect(rig);
        write_tcp(fd, opening.data, opening.bytes);
        if (i % 2 == 0) {
            close(fd);
        } else {
            reset_and_close(fd);
        }
    }
    /* Not each of them: libzmq says nothing of one that was reset before it was accepted. */
    assert_true(bus_raw_counted(&rig->pair, RAW_CONNECTIONS, "reason=\"handshake\"", 20));
    assert_still_serves(rig);
    assert_int_equal(rig->server.seen, 1);
}

struct silent {
    int fd;
    bool is_closed;
};

static bool is_closed(void *arg)
{
    struct silent *silent = arg;
    char byte[64];
    ssize_t bytes;
    while ((bytes = recv(silent->fd, byte, sizeof(byte), MSG_DONTWAIT)) > 0) {
    }
    silent->is_closed = bytes == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    return silent->is_closed;
}

static void test_stranger_that_says_nothing_is_cut(void **state)
{
    struct rig *rig = *state;
    struct silent silent = {.fd = tcp_connect(rig)};
    assert_still_serves(rig);
    assert_true(bus_raw_counted(&rig->pair, RAW_CONNECTIONS, "reason=\"handshake\"", 1));
    assert_true(bus_pair_until(&rig->pair, is_closed, &silent));
    close(silent.fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_strangers_that_speak_something_else),
        TEST(test_stranger_that_says_nothing_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
