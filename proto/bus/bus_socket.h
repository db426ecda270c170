/* Sockets of the bus with the options that both sides share, and their monitors. */
#ifndef LYNKS_PROTO_BUS_BUS_SOCKET_H
#define LYNKS_PROTO_BUS_BUS_SOCKET_H

#include "proto/schema/codec.h"
#include "proto/bus/keys.h"
#include "proto/loop/loop.h"

#include <czmq.h>

/* A socket of the bus that never blocks and refuses over-long frames before they are read.
 * linger_ms: how long what is queued may still be sent after zsock_destroy. queue_max: messages
 * that may wait to be sent to one peer. */
zsock_t *bus_socket_new(int type, int linger_ms, int queue_max);
/* A socket with libzmq's defaults, for use within the process. */
zsock_t *bus_socket_new_plain(int type);
void bus_socket_set(zsock_t *socket, int option, int value);
void bus_socket_set_text(zsock_t *socket, int option, const char *value);
/* Before it is bound or connected to this address: libzmq takes IPv6 only where it is told to. */
void bus_socket_set_family(zsock_t *socket, const char *address);

/* Takes the next message, which must be a single frame; the caller has initialised frame.
 * BUS_MULTIPART: it had several, and all are gone. */
enum bus_received { BUS_NOTHING, BUS_FRAME, BUS_MULTIPART };
enum bus_received bus_socket_receive(void *socket, zmq_msg_t *frame);

static inline struct str bus_frame_view(zmq_msg_t *frame)
{
    return (struct str){zmq_msg_data(frame), zmq_msg_size(frame)};
}

/* A message that holds a copy of data. frame must not be initialised. */
void bus_frame_init(zmq_msg_t *frame, struct str data);

/* What happens to a socket's connections (ZMQ_EVENT_*), told on the loop. */
struct bus_monitor;
typedef void bus_monitor_fn(void *arg, int event);
struct bus_monitor *bus_monitor_new(struct loop *loop, zsock_t *socket, int events,
                                    bus_monitor_fn *fn, void *arg);
void bus_monitor_free(struct bus_monitor **monitor); /* before its socket */

#endif
