#include "tests/support/c/bus_raw.h"

#include <stdio.h>
#include <stdlib.h>

#define SEND_TIMEOUT_MS 5000
#define SEND_RETRY_MS 2
#define SEND_TRIES 2500
#define FAR_MS 60000

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void set_text(zsock_t *socket, int option, const char *value)
{
    if (zmq_setsockopt(zsock_resolve(socket), option, value, strlen(value)) != 0) {
        abort();
    }
}

zsock_t *bus_raw_connect(const char *endpoint, const char *secret, const char *server_public)
{
    zsock_t *socket = zsock_new(ZMQ_DEALER);
    zsock_set_sndtimeo(socket, SEND_TIMEOUT_MS);
    zsock_set_immediate(socket, 1);
    zsock_set_reconnect_ivl(socket, 50);
    if (secret != NULL) {
        char public_z85[KEY_Z85_BYTES + 1];
        zmq_curve_public(public_z85, secret);
        set_text(socket, ZMQ_CURVE_SERVERKEY, server_public);
        set_text(socket, ZMQ_CURVE_PUBLICKEY, public_z85);
        set_text(socket, ZMQ_CURVE_SECRETKEY, secret);
    }
    if (zmq_connect(zsock_resolve(socket), endpoint) != 0) {
        abort();
    }
    return socket;
}

zsock_t *bus_raw_caller(const struct bus_server *server)
{
    const struct bus_pair *pair = server->pair;
    return bus_raw_connect(server->bind, bus_keyring_secret(&pair->ring, "gateway"),
                           keys_find_public(pair->service_keys, "authsvc"));
}

zsock_t *bus_raw_service(struct bus_pair *pair, char *ret_endpoint, size_t endpoint_bytes)
{
    static const char *const callers[] = {"gateway", NULL};
    zsock_t *socket = zsock_new(ZMQ_ROUTER);
    zsock_set_sndtimeo(socket, SEND_TIMEOUT_MS);
    zap_allow(pair->zap, "raw", callers);
    zsock_set_zap_domain(socket, "raw");
    zsock_set_curve_server(socket, 1);
    set_text(socket, ZMQ_CURVE_SECRETKEY, keys_secret(pair->service_keys));
    if (zmq_bind(zsock_resolve(socket), "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(zsock_resolve(socket), ZMQ_LAST_ENDPOINT, ret_endpoint, &endpoint_bytes) !=
            0) {
        abort();
    }
    return socket;
}

void bus_raw_turn(struct bus_pair *pair, uint64_t ms)
{
    (void)loop_run_until(pair->loop, never, NULL, ms);
}

/* The ZAP handler is on our own loop, so the loop turns while the connection is being made. */
void bus_raw_send(struct bus_pair *pair, zsock_t *socket, struct str frame)
{
    for (int i = 0; i < SEND_TRIES; i++) {
        if (zmq_send(zsock_resolve(socket), frame.data, frame.bytes, ZMQ_DONTWAIT) >= 0) {
            return;
        }
        bus_raw_turn(pair, SEND_RETRY_MS);
    }
    (void)fprintf(stderr, "bus_raw_send: %s\n", zmq_strerror(zmq_errno()));
    abort();
}

void bus_raw_request(struct frame *frame, uint64_t correlation_id, uint64_t user_id)
{
    uint8_t token_hash[32] = {0};
    memcpy(token_hash, &user_id, sizeof(user_id));
    const struct msg request = {
        .id = MSG_session_check,
        .session_check = {.token_hash = {(const char *)token_hash, sizeof(token_hash)}}};
    const struct envelope envelope = {.correlation_id = correlation_id,
                                      .remaining_ms = FAR_MS,
                                      .expiry_unix_ms = (uint64_t)zclock_time() + FAR_MS,
                                      .request_id = STR_LIT("raw")};
    if (codec_encode(frame, &envelope, &request) != ERR_OK) {
        abort();
    }
    /* As a peer of the first minor version, so that answers come one by one. */
    char *minor = (char *)(uintptr_t)frame_bytes(frame).data + RAW_MINOR_AT;
    *minor = 0;
}

struct count_wait {
    struct bus_pair *pair;
    const char *name, *labels;
    uint64_t at_least;
};

static bool has_counted(void *arg)
{
    const struct count_wait *wait = arg;
    return bus_pair_metric(wait->pair, wait->name, wait->labels) >= wait->at_least;
}

bool bus_raw_counted(struct bus_pair *pair, const char *name, const char *labels, uint64_t at_least)
{
    struct count_wait wait = {pair, name, labels, at_least};
    return bus_pair_until(pair, has_counted, &wait);
}

struct receive_wait {
    zsock_t *socket;
    zmq_msg_t frame;
    bool received;
};

static bool on_readable(void *arg)
{
    struct receive_wait *wait = arg;
    if (!wait->received) {
        wait->received = zmq_msg_recv(&wait->frame, zsock_resolve(wait->socket), ZMQ_DONTWAIT) >= 0;
        return wait->received;
    }
    return false;
}

static bool has_received(void *arg)
{
    const struct receive_wait *wait = arg;
    return wait->received;
}

bool bus_raw_receive_message(struct bus_pair *pair, zsock_t *socket, zmq_msg_t *ret_message)
{
    struct receive_wait wait = {.socket = socket};
    zmq_msg_init(&wait.frame);
    struct bus_reader *reader = bus_reader_new(pair->loop, socket, on_readable, &wait);
    bool received = bus_pair_until(pair, has_received, &wait);
    bus_reader_free(&reader);
    zmq_msg_init(ret_message);
    zmq_msg_move(ret_message, &wait.frame);
    zmq_msg_close(&wait.frame);
    return received;
}

bool bus_raw_receive(struct bus_pair *pair, zsock_t *socket, struct arena *arena,
                     struct bus_raw_reply *ret_reply)
{
    zmq_msg_t message;
    bool received = bus_raw_receive_message(pair, socket, &message);
    if (received) {
        struct str data = {zmq_msg_data(&message), zmq_msg_size(&message)};
        received = codec_decode(arena, data, &ret_reply->envelope, &ret_reply->msg) == CODEC_OK;
    }
    zmq_msg_close(&message);
    return received;
}
