#include "proto/bus/bus_subscriber.h"

#include <assert.h>

#include "proto/bus/bus_reader.h"
#include "proto/bus/bus_socket.h"
#include "proto/bus/bus_stats.h"

/* A publisher tells something several times a second. */
#define SILENCE_MAX_MS 2000
#define SILENCE_CHECK_MS 500

struct bus_subscriber {
    struct bus_parts parts;
    struct bus_subscriber_config config;
    char *endpoint;
    zsock_t *socket;
    struct bus_reader *reader;
    struct arena *arena;
    uint64_t last;
    uint64_t heard_ms; /* the last message, or when it began to listen */
    uint64_t timer;
    struct metric *missed, *renewed;
    struct bus_refusals refusals;
};

static uint64_t subscriber_now_ms(const struct bus_subscriber *subscriber)
{
    return clock_mono_ms(loop_clock(subscriber->parts.loop));
}

static void hear_publisher(struct bus_subscriber *subscriber, struct str data)
{
    struct envelope envelope;
    struct msg msg;
    const uint64_t now_ms = subscriber_now_ms(subscriber);
    subscriber->heard_ms = now_ms;
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

/* False: libzmq takes no such endpoint. */
static bool open_subscription(struct bus_subscriber *subscriber)
{
    subscriber->socket = bus_socket_new(ZMQ_SUB, /* linger_ms= */ 0, 1);
    bus_socket_set_text(subscriber->socket, ZMQ_SUBSCRIBE, "");
    bus_socket_set_family(subscriber->socket, subscriber->endpoint);
    set_subscriber_curve(subscriber);
    if (zmq_connect(zsock_resolve(subscriber->socket), subscriber->endpoint) != 0) {
        return false;
    }
    subscriber->reader = bus_reader_new(subscriber->parts.loop, subscriber->socket,
                                        on_subscriber_readable, subscriber);
    subscriber->heard_ms = subscriber_now_ms(subscriber);
    return true;
}

static void close_subscription(struct bus_subscriber *subscriber)
{
    bus_reader_free(&subscriber->reader);
    zsock_destroy(&subscriber->socket);
}

/* libzmq connects again by itself, but not to what has broken the protocol, and it never misses a
 * host that is gone without a word, because a subscriber has nothing to send. */
static void watch_silence(void *arg)
{
    struct bus_subscriber *subscriber = arg;
    if (subscriber_now_ms(subscriber) - subscriber->heard_ms >= SILENCE_MAX_MS) {
        metric_inc(subscriber->renewed);
        close_subscription(subscriber);
        bool is_open = open_subscription(subscriber);
        assert(is_open); /* the endpoint was taken before */
        (void)is_open;
    }
    subscriber->timer = clock_after(loop_clock(subscriber->parts.loop), SILENCE_CHECK_MS,
                                    watch_silence, subscriber);
}

struct bus_subscriber *bus_subscriber_new(const struct bus_parts *parts,
                                          const struct bus_subscriber_config *config)
{
    AUTO(bus_subscriber_free) struct bus_subscriber *subscriber = mem_alloc(sizeof(*subscriber));
    subscriber->parts = *parts;
    subscriber->config = *config;
    subscriber->endpoint = mem_strdup(config->endpoint);
    subscriber->arena = arena_new();
    bus_refusals_init(&subscriber->refusals, parts->metrics);
    subscriber->missed =
        metrics_counter(parts->metrics, "lynks_bus_missed_events_total",
                        "Times at which published messages may have been missed.", NULL);
    subscriber->renewed =
        metrics_counter(parts->metrics, "lynks_bus_renewed_subscriptions_total",
                        "Times at which a publisher was silent and was connected to anew.", NULL);
    if (!open_subscription(subscriber)) {
        return NULL;
    }
    subscriber->timer =
        clock_after(loop_clock(parts->loop), SILENCE_CHECK_MS, watch_silence, subscriber);
    return STEAL(subscriber);
}

void bus_subscriber_free(struct bus_subscriber **subscriber_ref)
{
    struct bus_subscriber *subscriber = *subscriber_ref;
    if (subscriber == NULL) {
        return;
    }
    clock_cancel(loop_clock(subscriber->parts.loop), subscriber->timer);
    close_subscription(subscriber);
    arena_free(&subscriber->arena);
    mem_free(&subscriber->endpoint);
    mem_free(subscriber_ref);
}
