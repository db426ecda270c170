#include "proto/bus/bus_socket.h"

#include <assert.h>
#include <sys/epoll.h>

#define HANDSHAKE_TIMEOUT_MS 3000 /* whoever connects and says nothing is cut */
/* More than any peer of ours can have outstanding, so that it is not reached unless the loop stands
 * still: libzmq 4.3.4 aborts the process when a connection that waits at this bound is reset and
 * then sends a heartbeat or answers one (stream_engine_base.cpp, out_event: assertion !_io_error;
 * its issue 4841). */
#define RECEIVE_QUEUE_MAX 100000
#define CURVE_OVERHEAD_BYTES 64 /* command name, nonce and MAC around each frame (RFC 26) */

struct bus_watch {
    struct loop *loop;
    int fd; /* the socket's ZMQ_FD */
    uint64_t timer;
    bus_take_fn *take;
    void *arg;
};

struct bus_monitor {
    zsock_t *watched;
    zsock_t *pair;
    struct bus_watch *watch;
    bus_monitor_fn *fn;
    void *arg;
};

void bus_socket_set(zsock_t *socket, int option, int value)
{
    int rc = zmq_setsockopt(zsock_resolve(socket), option, &value, sizeof(value));
    assert(rc == 0);
    (void)rc;
}

void bus_socket_set_text(zsock_t *socket, int option, const char *value)
{
    int rc = zmq_setsockopt(zsock_resolve(socket), option, value, strlen(value));
    assert(rc == 0);
    (void)rc;
}

zsock_t *bus_socket_new(int type, int linger_ms, int queue_max)
{
    zsock_t *socket = zsock_new(type);
    if (socket == NULL) {
        abort(); /* out of descriptors for libzmq's own needs: see base.h */
    }
    const int64_t frame_bytes_max = FRAME_BYTES_MAX + CURVE_OVERHEAD_BYTES;
    int rc = zmq_setsockopt(zsock_resolve(socket), ZMQ_MAXMSGSIZE, &frame_bytes_max,
                            sizeof(frame_bytes_max));
    assert(rc == 0);
    (void)rc;
    bus_socket_set(socket, ZMQ_LINGER, linger_ms);
    bus_socket_set(socket, ZMQ_SNDTIMEO, 0);
    bus_socket_set(socket, ZMQ_SNDHWM, queue_max);
    bus_socket_set(socket, ZMQ_RCVHWM, RECEIVE_QUEUE_MAX);
    bus_socket_set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_TIMEOUT_MS);
    return socket;
}

enum bus_received bus_socket_receive(void *socket, zmq_msg_t *frame)
{
    if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
        return BUS_NOTHING;
    }
    if (!zmq_msg_more(frame)) {
        return BUS_FRAME;
    }
    while (zmq_msg_more(frame) && zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) >= 0) {
    }
    return BUS_MULTIPART;
}

void bus_frame_init(zmq_msg_t *frame, struct str data)
{
    if (zmq_msg_init_size(frame, data.bytes) != 0) {
        abort(); /* out of memory: see base.h */
    }
    if (data.bytes > 0) {
        memcpy(zmq_msg_data(frame), data.data, data.bytes);
    }
}

/* ZMQ_FD tells of news, not of a state: after it the socket must be emptied, or nothing tells of
 * what is left. So what is over a turn's share is come back for. */
static void take_all(void *arg)
{
    struct bus_watch *watch = arg;
    watch->timer = 0;
    for (int i = 0; i < LOOP_BATCH; i++) {
        if (!watch->take(watch->arg)) {
            return;
        }
    }
    watch->timer = clock_after(loop_clock(watch->loop), 0, take_all, watch);
}

static void on_news(void *arg, uint32_t events)
{
    struct bus_watch *watch = arg;
    (void)events;
    clock_cancel(loop_clock(watch->loop), watch->timer);
    take_all(watch);
}

struct bus_watch *bus_watch_new(struct loop *loop, zsock_t *socket, bus_take_fn *take, void *arg)
{
    struct bus_watch *watch = mem_alloc(sizeof(*watch));
    *watch = (struct bus_watch){.loop = loop, .take = take, .arg = arg};
    size_t bytes = sizeof(watch->fd);
    int rc = zmq_getsockopt(zsock_resolve(socket), ZMQ_FD, &watch->fd, &bytes);
    assert(rc == 0);
    (void)rc;
    loop_fd_add(loop, watch->fd, EPOLLIN, on_news, watch);
    /* What came before this is told by nobody any more. */
    watch->timer = clock_after(loop_clock(loop), 0, take_all, watch);
    return watch;
}

void bus_watch_free(struct bus_watch **watch)
{
    struct bus_watch *self = *watch;
    if (self == NULL) {
        return;
    }
    clock_cancel(loop_clock(self->loop), self->timer);
    loop_fd_remove(self->loop, self->fd);
    mem_free(watch);
}

/* The first frame has the event's number, 16 bits in host order; the second the endpoint. */
static bool receive_event(void *pair, int *ret_event)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    uint16_t event = 0;
    bool received = zmq_msg_recv(&frame, pair, ZMQ_DONTWAIT) >= 0;
    if (received && zmq_msg_size(&frame) >= sizeof(event)) {
        memcpy(&event, zmq_msg_data(&frame), sizeof(event));
    }
    while (received && zmq_msg_more(&frame) && zmq_msg_recv(&frame, pair, ZMQ_DONTWAIT) >= 0) {
    }
    zmq_msg_close(&frame);
    *ret_event = event;
    return received;
}

static bool take_event(void *arg)
{
    struct bus_monitor *monitor = arg;
    int event;
    bool received = receive_event(zsock_resolve(monitor->pair), &event);
    if (received) {
        monitor->fn(monitor->arg, event);
    }
    return received;
}

/* The pair's queue has no bound: libzmq's own thread would block on a full one, holding a lock that
 * closing the socket needs. What fills it are failed handshakes, slower to make than to count. */
struct bus_monitor *bus_monitor_new(struct loop *loop, zsock_t *socket, int events,
                                    bus_monitor_fn *fn, void *arg)
{
    struct bus_monitor *monitor = mem_alloc(sizeof(*monitor));
    *monitor = (struct bus_monitor){.watched = socket, .fn = fn, .arg = arg};
    /* The time is part of the name because libzmq frees names in its own time, and malloc gives
     * addresses again. */
    AUTO(mem_free)
    char *endpoint =
        mem_printf("inproc://lynks-monitor-%p-%" PRId64, (void *)monitor, zclock_usecs());
    int rc = zmq_socket_monitor(zsock_resolve(socket), endpoint, events);
    monitor->pair = zsock_new(ZMQ_PAIR);
    if (rc != 0 || monitor->pair == NULL) {
        abort(); /* out of sockets at the start: see base.h */
    }
    bus_socket_set(monitor->pair, ZMQ_RCVHWM, 0);
    rc = zmq_connect(zsock_resolve(monitor->pair), endpoint);
    assert(rc == 0);
    (void)rc;
    monitor->watch = bus_watch_new(loop, monitor->pair, take_event, monitor);
    return monitor;
}

void bus_monitor_free(struct bus_monitor **monitor)
{
    struct bus_monitor *self = *monitor;
    if (self == NULL) {
        return;
    }
    bus_watch_free(&self->watch);
    zmq_socket_monitor(zsock_resolve(self->watched), NULL, 0);
    zsock_destroy(&self->pair);
    mem_free(monitor);
}
