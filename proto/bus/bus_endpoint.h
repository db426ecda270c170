/* One endpoint of a service as its callers see it: a DEALER with its one connection, whether that
 * is up, and the calls that were sent there. Lives on the loop. */
#ifndef LYNKS_PROTO_BUS_BUS_ENDPOINT_H
#define LYNKS_PROTO_BUS_BUS_ENDPOINT_H

#include "proto/base/list.h"
#include "proto/bus/bus_parts.h"
#include "proto/bus/bus_reader.h"
#include "proto/bus/bus_slots.h"
#include "proto/bus/bus_socket.h"
#include "proto/bus/resolve.h"

struct bus_endpoint;

/* What happens at an endpoint. fn may not free it. */
struct bus_endpoint_events {
    void (*up)(void *arg, struct bus_endpoint *endpoint);      /* connected and admitted */
    void (*down)(void *arg, struct bus_endpoint *endpoint);    /* what was sent may be lost */
    void (*refused)(void *arg, struct bus_endpoint *endpoint); /* the handshake failed */
    void (*stuck)(void *arg, struct bus_endpoint *endpoint);   /* it took none of its outbox */
    /* data is borrowed; without any: the message was not a single frame. */
    void (*frame)(void *arg, struct bus_endpoint *endpoint, struct str data);
};

/* In doubt, it gets one call at a time, on trial, and none until its time to be asked again. */
enum bus_trust {
    BUS_TRUSTED,
    BUS_DRAINING, /* has said so; it may be a stand-by that becomes active */
    BUS_SILENT,   /* has answered nothing while others did */
};

struct bus_endpoint {
    struct list_link link;            /* in its service */
    char address[RESOLVE_TEXT_BYTES]; /* "tcp://127.0.0.1:5701" */
    bool is_live;
    bool is_leaving;    /* its address is gone: closed when the last call is answered */
    bool is_blocked;    /* took no message although it is live: tried again soon */
    bool takes_batches; /* has said so on this connection */
    size_t in_flight;
    size_t costly_in_flight; /* of these */
    uint64_t address_hash;   /* bus_route_hash */

    enum bus_trust trust;
    bool is_on_trial;     /* in doubt, and its time to be asked again has come */
    uint64_t retry_ms;    /* when that is */
    uint64_t trial_id;    /* correlation id of the call on trial; 0: none */
    uint64_t answers;     /* all that came */
    uint64_t answers_old; /* as of the last tick */
    unsigned ticks;       /* without an answer while calls waited */
    unsigned light_ticks; /* without an answer while calls waited that are not costly */

    struct list_link calls;  /* of struct bus_slot */
    struct list_link outbox; /* those of them that are still to be sent */
    struct loop_late flush;

    struct loop *loop;
    const struct keys *keys;
    const char *public_key; /* the service's */
    int queue_max;
    uint64_t renew_timer; /* set while libzmq seems to have given the connection up */
    zsock_t *socket;
    struct bus_reader *reader;
    struct bus_monitor *monitor;
    const struct bus_endpoint_events *events;
    void *arg;
};

/* public_key: the service's, Z85; NULL without CURVE. It, events and arg are borrowed. Connects. */
struct bus_endpoint *bus_endpoint_new(const struct bus_parts *parts, const char *address,
                                      const char *public_key, size_t in_flight_max,
                                      const struct bus_endpoint_events *events, void *arg);
void bus_endpoint_free(struct bus_endpoint **endpoint); /* its calls must have been moved away */

static inline bool bus_endpoint_takes_trial(const struct bus_endpoint *endpoint)
{
    return endpoint->is_on_trial && endpoint->trial_id == 0;
}

/* A new call may go there, if only because there is no better one. */
static inline bool bus_endpoint_is_usable(const struct bus_endpoint *endpoint)
{
    return endpoint->is_live && !endpoint->is_leaving &&
           (endpoint->trust != BUS_DRAINING || bus_endpoint_takes_trial(endpoint));
}

/* Takes the slot into calls, and sends its frame at the end of this turn of the loop, together with
 * what else goes there. */
void bus_endpoint_send(struct bus_endpoint *endpoint, struct bus_slot *slot);
/* Sends slot's frame at once, if that is possible, without taking the slot. */
void bus_endpoint_send_copy(struct bus_endpoint *endpoint, struct bus_slot *slot);
/* Trusted from now on, or in doubt until retry_ms at least. */
void bus_endpoint_trust(struct bus_endpoint *endpoint, enum bus_trust trust, uint64_t retry_ms);
/* Takes a slot out of calls. One that is still in the outbox is not sent. */
void bus_endpoint_forget(struct bus_endpoint *endpoint, struct bus_slot *slot);

#endif
