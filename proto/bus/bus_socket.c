#include "proto/bus/bus_socket.h"
#include "proto/bus/bus_reader.h"

#include <assert.h>

#define HANDSHAKE_TIMEOUT_MS 3000 /* whoever connects and says nothing is cut */
/* More than any peer of ours can have outstanding, so that it is not reached unless the loop stands
 * still: libzmq 4.3.4 aborts the process when a connection that waits at this bound is reset and
 * then sends a heartbeat or answers one (stream_engine_base.cpp, out_event: assertion !_io_error;
 * its issue 4841). */
#define RECEIVE_QUEUE_MAX 100000
#define CURVE_OVERHEAD_BYTES 64 /* command name, nonce and MAC around each frame (RFC 26) */

struct bus_monitor {
    zsock_t *watched;
    zsock_t *pair;
    struct bus_reader *reader;
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

void bus_socket_set_family(zsock_t *socket, const char *address)
{
    bus_socket_set(socket, ZMQ_IPV6, strchr(address, '[') != NULL);
}

/* Signals are the loop's business: czmq would take SIGINT and SIGTERM with its first socket. */
zsock_t *bus_socket_new_plain(int type)
{
    zsys_handler_set(NULL);
    zsock_t *socket = zsock_new(type);
    if (socket == NULL) {
        abort(); /* out of descriptors for libzmq's own needs: see base.h */
    }
    return socket;
}

zsock_t *bus_socket_new(int type, int linger_ms, int queue_max)
{
    zsock_t *socket = bus_socket_new_plain(type);
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

static bool on_monitor_readable(void *arg)
{
    struct bus_monitor *monitor = arg;
    for (int i = 0; i < LOOP_BATCH; i++) {
        int event;
        if (!receive_event(zsock_resolve(monitor->pair), &event)) {
            return false;
        }
        monitor->fn(monitor->arg, event);
    }
    return true;
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
    monitor->pair = bus_socket_new_plain(ZMQ_PAIR);
    if (rc != 0) {
        abort(); /* out of sockets at the start: see base.h */
    }
    bus_socket_set(monitor->pair, ZMQ_RCVHWM, 0);
    rc = zmq_connect(zsock_resolve(monitor->pair), endpoint);
    assert(rc == 0);
    (void)rc;
    monitor->reader = bus_reader_new(loop, monitor->pair, on_monitor_readable, monitor);
    return monitor;
}

void bus_monitor_free(struct bus_monitor **monitor)
{
    struct bus_monitor *self = *monitor;
    if (self == NULL) {
        return;
    }
    bus_reader_free(&self->reader);
    zmq_socket_monitor(zsock_resolve(self->watched), NULL, 0);
    zsock_destroy(&self->pair);
    mem_free(monitor);
}
