#include "proto/bus/bus_subscriber.h"

#include "proto/bus/bus_reader.h"
#include "proto/bus/bus_socket.h"
#include "proto/bus/bus_stats.h"

#define KEEPALIVE_IDLE_S 2
#define KEEPALIVE_TRIES 3

struct bus_subscriber {
    struct bus_parts parts;
    struct bus_subscriber_config config;
    zsock_t *socket;
    struct bus_reader *reader;
    struct arena *arena;
    uint64_t last;
    struct metric *missed;
    struct bus_refusals refusals;
};

static void hear_publisher(struct bus_subscriber *subscriber, struct str data)
{
    struct envelope envelope;
    struct msg msg;
    const uint64_t now_ms = clock_mono_ms(loop_clock(subscriber->parts.loop));
    enum codec_fault fault = codec_decode(subscriber->arena, data, &envelope, &msg);
    if (fault == CODEC_OK && msg_type_find(msg.id)->kind != MSG_KIND_EVENT) {
        fault = CODEC_ENVELOPE;
    }
    if (fault != CODEC_OK) {
        /* Its number is missing: the next one shows it. */
        bus_refusals_add(&subscriber->refusals, fault, subscriber->config.role, now_ms);
        return;
    }
    const bool is_next = subscriber->last != 0 && envelope.correlation_id == subscriber->last + 1;
    if (!is_next) {
        metric_inc(subscriber->missed);
    }
    subscriber->last = envelope.correlation_id;
    subscriber->config.fn(subscriber->config.arg, &msg, envelope.correlation_id, is_next);
}

static bool on_subscriber_readable(void *arg)
{
    struct bus_subscriber *subscriber = arg;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    enum bus_received received = BUS_FRAME;
    for (int i = 0; i < LOOP_BATCH && received != BUS_NOTHING; i++) {
        received = bus_socket_receive(zsock_resolve(subscriber->socket), &frame);
        if (received == BUS_FRAME) {
            hear_publisher(subscriber, bus_frame_view(&frame));
        }
    }
    zmq_msg_close(&frame);
    return received != BUS_NOTHING;
}

/* A subscriber sends nothing, so it alone would never miss a publisher whose host is gone without a
 * word. Its system asks: after the first two seconds of silence, then each second. */
static void set_keepalive(zsock_t *socket)
{
    bus_socket_set(socket, ZMQ_TCP_KEEPALIVE, 1);
    bus_socket_set(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S);
    bus_socket_set(socket, ZMQ_TCP_KEEPALIVE_INTVL, 1);
    bus_socket_set(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_TRIES);
}

static void set_subscriber_curve(struct bus_subscriber *subscriber)
{
    const struct keys *keys = subscriber->parts.keys;
    if (keys == NULL) {
        return;
    }
    bus_socket_set_text(subscriber->socket, ZMQ_CURVE_SERVERKEY,
                        keys_find_public(keys, subscriber->config.role));
    bus_socket_set_text(subscriber->socket, ZMQ_CURVE_PUBLICKEY,
                        keys_find_public(keys, keys_role(keys)));
    bus_socket_set_text(subscriber->socket, ZMQ_CURVE_SECRETKEY, keys_secret(keys));
}

struct bus_subscriber *bus_subscriber_new(const struct bus_parts *parts,
                                          const struct bus_subscriber_config *config)
{
    AUTO(bus_subscriber_free) struct bus_subscriber *subscriber = mem_alloc(sizeof(*subscriber));
    subscriber->parts = *parts;
    subscriber->config = *config;
    subscriber->arena = arena_new();
    bus_refusals_init(&subscriber->refusals, parts->metrics);
    subscriber->missed =
        metrics_counter(parts->metrics, "lynks_bus_missed_events_total",
                        "Times at which published messages may have been missed.", NULL);
    subscriber->socket = bus_socket_new(ZMQ_SUB, /* linger_ms= */ 0, 1);
    bus_socket_set_text(subscriber->socket, ZMQ_SUBSCRIBE, "");
    set_keepalive(subscriber->socket);
    set_subscriber_curve(subscriber);
    if (zmq_connect(zsock_resolve(subscriber->socket), config->endpoint) != 0) {
        return NULL;
    }
    subscriber->reader =
        bus_reader_new(parts->loop, subscriber->socket, on_subscriber_readable, subscriber);
    return STEAL(subscriber);
}

void bus_subscriber_free(struct bus_subscriber **subscriber_ref)
{
    struct bus_subscriber *subscriber = *subscriber_ref;
    if (subscriber == NULL) {
        return;
    }
    bus_reader_free(&subscriber->reader);
    zsock_destroy(&subscriber->socket);
    arena_free(&subscriber->arena);
    mem_free(subscriber_ref);
}
