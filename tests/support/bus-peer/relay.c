#include "tests/support/bus-peer/relay.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/base/base.h"
#include "proto/bus/keys.h"

struct relay {
    void *in, *out;
    unsigned long percent;
    zmq_msg_t late;
    bool has_late;
    unsigned long lost, doubled, swapped;
};

static bool set_up_sockets(struct relay *relay, const struct relay_keys *keys, const char *from,
                           const char *to)
{
    char listener_public[KEY_Z85_BYTES + 1];
    const int yes = 1;
    const int none = 0;
    return zmq_curve_public(listener_public, keys->listener_secret) == 0 &&
           zmq_setsockopt(relay->in, ZMQ_CURVE_SERVERKEY, keys->publisher_public, KEY_Z85_BYTES) ==
               0 &&
           zmq_setsockopt(relay->in, ZMQ_CURVE_PUBLICKEY, listener_public, KEY_Z85_BYTES) == 0 &&
           zmq_setsockopt(relay->in, ZMQ_CURVE_SECRETKEY, keys->listener_secret, KEY_Z85_BYTES) ==
               0 &&
           zmq_setsockopt(relay->in, ZMQ_SUBSCRIBE, "", 0) == 0 &&
           zmq_setsockopt(relay->in, ZMQ_LINGER, &none, sizeof(none)) == 0 &&
           zmq_setsockopt(relay->out, ZMQ_CURVE_SERVER, &yes, sizeof(yes)) == 0 &&
           zmq_setsockopt(relay->out, ZMQ_CURVE_SECRETKEY, keys->publisher_secret, KEY_Z85_BYTES) ==
               0 &&
           zmq_setsockopt(relay->out, ZMQ_LINGER, &none, sizeof(none)) == 0 &&
           zmq_connect(relay->in, from) == 0 && zmq_bind(relay->out, to) == 0;
}

static void pass_on(struct relay *relay, zmq_msg_t *frame)
{
    if (zmq_msg_send(frame, relay->out, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(frame);
    }
}

static void pass_copy(struct relay *relay, zmq_msg_t *frame)
{
    zmq_msg_t copy;
    zmq_msg_init(&copy);
    (void)zmq_msg_copy(&copy, frame);
    pass_on(relay, &copy);
}

/* Takes the frame over. */
static void spoil(struct relay *relay, zmq_msg_t *frame)
{
    const unsigned long lot = randombytes_uniform(100);
    if (lot < relay->percent) {
        relay->lost++;
        zmq_msg_close(frame);
        return;
    }
    if (lot < 2 * relay->percent && !relay->has_late) {
        relay->swapped++;
        relay->has_late = true;
        zmq_msg_init(&relay->late);
        (void)zmq_msg_move(&relay->late, frame);
        zmq_msg_close(frame);
        return;
    }
    if (lot >= 100 - relay->percent) {
        relay->doubled++;
        pass_copy(relay, frame);
    }
    pass_on(relay, frame);
    if (relay->has_late) {
        relay->has_late = false;
        pass_on(relay, &relay->late);
    }
}

static void relay_all(struct relay *relay)
{
    for (;;) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, relay->in, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return;
        }
        spoil(relay, &frame);
    }
}

int relay_run(const struct relay_keys *keys, const char *from, const char *to,
              unsigned long percent)
{
    void *context = zmq_ctx_new();
    struct relay relay = {.in = zmq_socket(context, ZMQ_SUB),
                          .out = zmq_socket(context, ZMQ_PUB),
                          .percent = percent};
    zmq_pollitem_t items[] = {{.socket = relay.in, .events = ZMQ_POLLIN},
                              {.fd = STDIN_FILENO, .events = ZMQ_POLLIN}};
    const bool ok = set_up_sockets(&relay, keys, from, to);
    if (ok) {
        printf("RELAYS\n");
        (void)fflush(stdout);
        while (zmq_poll(items, ARRAY_LEN(items), -1) >= 0 && items[1].revents == 0) {
            relay_all(&relay);
        }
        printf("LOST %lu DOUBLED %lu SWAPPED %lu\n", relay.lost, relay.doubled, relay.swapped);
    } else {
        (void)fprintf(stderr, "bus-peer: %s\n", zmq_strerror(zmq_errno()));
    }
    if (relay.has_late) {
        zmq_msg_close(&relay.late);
    }
    zmq_close(relay.in);
    zmq_close(relay.out);
    zmq_ctx_term(context);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
