#include "proto/bus/bus_publisher.h"

#include <assert.h>
#include <errno.h>

#include "proto/bus/bus_socket.h"
#include "proto/base/log.h"

#define ENDPOINT_BYTES 256
#define FIRST_NUMBER_SHIFT 12 /* 4096 messages a millisecond: no other gets as far */

struct bus_publisher {
    struct bus_parts parts;
    zsock_t *socket;
    char *domain; /* ZAP's name for this socket */
    char endpoint[ENDPOINT_BYTES];
    struct frame *frame;
    uint64_t last;
    struct metric *sent;
};

static void set_publisher_curve(struct bus_publisher *publisher, const char *const *allowed_roles)
{
    if (publisher->parts.keys == NULL) {
        return;
    }
    publisher->domain = mem_printf("publisher-%p", (void *)publisher);
    zap_allow(publisher->parts.zap, publisher->domain, allowed_roles);
    bus_socket_set_text(publisher->socket, ZMQ_ZAP_DOMAIN, publisher->domain);
    bus_socket_set(publisher->socket, ZMQ_CURVE_SERVER, 1);
    bus_socket_set_text(publisher->socket, ZMQ_CURVE_SECRETKEY, keys_secret(publisher->parts.keys));
}

static bool bind_publisher(struct bus_publisher *publisher, const char *address)
{
    void *socket = zsock_resolve(publisher->socket);
    size_t bytes = sizeof(publisher->endpoint);
    bus_socket_set_family(publisher->socket, address);
    if (zmq_bind(socket, address) != 0) {
        log_error("events address cannot be bound", LOG_Z("address", address),
                  LOG_Z("error", zmq_strerror(zmq_errno())));
        return false;
    }
    return zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, publisher->endpoint, &bytes) == 0;
}

struct bus_publisher *bus_publisher_new(const struct bus_parts *parts,
                                        const struct bus_publisher_config *config)
{
    AUTO(bus_publisher_free) struct bus_publisher *publisher = mem_alloc(sizeof(*publisher));
    publisher->parts = *parts;
    publisher->frame = frame_new();
    publisher->last = clock_unix_ms(loop_clock(parts->loop)) << FIRST_NUMBER_SHIFT;
    publisher->sent = metrics_counter(parts->metrics, "lynks_bus_published_total",
                                      "Messages published on the bus.", NULL);
    publisher->socket = bus_socket_new(ZMQ_PUB, /* linger_ms= */ 0, config->queue_max);
    set_publisher_curve(publisher, config->allowed_roles);
    return bind_publisher(publisher, config->bind) ? STEAL(publisher) : NULL;
}

void bus_publisher_free(struct bus_publisher **publisher_ref)
{
    struct bus_publisher *publisher = *publisher_ref;
    if (publisher == NULL) {
        return;
    }
    zsock_destroy(&publisher->socket);
    if (publisher->domain != NULL) {
        zap_forget(publisher->parts.zap, publisher->domain);
    }
    frame_free(&publisher->frame);
    mem_free(&publisher->domain);
    mem_free(publisher_ref);
}

uint64_t bus_publisher_send(struct bus_publisher *publisher, const struct msg *msg)
{
    const struct envelope envelope = {.correlation_id = ++publisher->last, .status = ERR_OK};
    enum err err = codec_encode(publisher->frame, &envelope, msg);
    assert(err == ERR_OK);
    (void)err;
    zmq_msg_t frame;
    bus_frame_init(&frame, frame_bytes(publisher->frame));
    if (zmq_msg_send(&frame, zsock_resolve(publisher->socket), ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&frame); /* its number is missing: whoever listens sees it */
    }
    metric_inc(publisher->sent);
    return publisher->last;
}

uint64_t bus_publisher_last(const struct bus_publisher *publisher)
{
    return publisher->last;
}

const char *bus_publisher_endpoint(const struct bus_publisher *publisher)
{
    return publisher->endpoint;
}
