/* Bare ZeroMQ sockets that speak to the bus as badly as a test likes, and waiting for what comes of
 * it. */
#ifndef LYNKS_TESTS_SUPPORT_C_BUS_RAW_H
#define LYNKS_TESTS_SUPPORT_C_BUS_RAW_H

#include "proto/bus/bus_reader.h"
#include "tests/support/c/bus_pair.h"

#include <czmq.h>

/* A DEALER that is connected to endpoint ("tcp://..."), with this secret key and this idea of the
 * server's public key; without CURVE if secret is NULL. */
zsock_t *bus_raw_connect(const char *endpoint, const char *secret, const char *server_public);
/* A caller that is admitted: the gateway's key. */
zsock_t *bus_raw_caller(const struct bus_server *server);
/* A ROUTER with authsvc's key and no ZAP domain list but ours: admits the gateway. endpoint is
 * filled in. */
zsock_t *bus_raw_service(struct bus_pair *pair, char *ret_endpoint, size_t endpoint_bytes);

void bus_raw_turn(struct bus_pair *pair, uint64_t ms); /* turns the loop this long */
/* Sends one message of one frame, turning the loop until it is taken. */
void bus_raw_send(struct bus_pair *pair, zsock_t *socket, struct str frame);
/* The session_check that bus_ask would send, with an envelope of the caller's choice, in frame. It
 * says that its sender does not take batches. */
#define RAW_MINOR_AT 2 /* of the envelope the first items are one byte each */
void bus_raw_request(struct frame *frame, uint64_t correlation_id, uint64_t user_id);

/* True when the metric has reached at_least within the time that a test waits. */
bool bus_raw_counted(struct bus_pair *pair, const char *name, const char *labels,
                     uint64_t at_least);
#define RAW_CONNECTIONS "lynks_bus_refused_connections_total"
#define RAW_FRAMES "lynks_bus_refused_frames_total"

/* Turns the pair's loop until a message arrives; the caller closes it in any case. */
bool bus_raw_receive_message(struct bus_pair *pair, zsock_t *socket, zmq_msg_t *ret_message);

/* Turns the pair's loop until a reply arrives, and decodes it; its strings are gone on return. */
struct bus_raw_reply {
    struct envelope envelope;
    struct msg msg;
};
bool bus_raw_receive(struct bus_pair *pair, zsock_t *socket, struct arena *arena,
                     struct bus_raw_reply *ret_reply);

#endif
