/* A worker's replies of this turn of the loop: at its end those for one peer leave together. */
#ifndef LYNKS_PROTO_BUS_BUS_REPLIES_H
#define LYNKS_PROTO_BUS_BUS_REPLIES_H

#include "proto/base/list.h"
#include "proto/bus/bus_reader.h"
#include "proto/bus/bus_socket.h"

/* To be embedded in what is answered. Both messages are the owner's. */
struct bus_reply {
    struct list_link link;
    zmq_msg_t route;    /* to the peer's connection */
    zmq_msg_t frame;    /* the reply */
    bool takes_batches; /* the peer */
};

/* The reply has left, or there was nobody to take it. */
typedef void bus_reply_left_fn(void *arg, struct bus_reply *reply, bool is_sent);

struct bus_replies {
    struct loop *loop;
    zsock_t *socket;
    struct bus_reader *reader; /* the socket's */
    struct list_link waiting;
    struct loop_late flush;
    bus_reply_left_fn *left;
    void *arg;
};

void bus_replies_init(struct bus_replies *replies, struct loop *loop, bus_reply_left_fn *left,
                      void *arg);
/* socket: a ROUTER, which reader reads; both are borrowed. */
void bus_replies_set_socket(struct bus_replies *replies, zsock_t *socket,
                            struct bus_reader *reader);
/* To be sent at the end of the turn; left (arg, reply) is called then. */
void bus_replies_add(struct bus_replies *replies, struct bus_reply *reply);
/* Sends what waits at once; after this nothing comes any more. */
void bus_replies_fini(struct bus_replies *replies);

#endif
