/* One endpoint of a service as its callers see it: a DEALER with its one connection, whether that
 * is up, and the calls that were sent there. Lives on the loop. */
#ifndef LYNKS_PROTO_BUS_BUS_ENDPOINT_H
#define LYNKS_PROTO_BUS_BUS_ENDPOINT_H

#include "proto/base/list.h"
#include "proto/bus/bus_call.h"
#include "proto/bus/bus_parts.h"
#include "proto/bus/bus_reader.h"
#include "proto/bus/bus_silence.h"
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

/* So many homes an endpoint is remembered not to have; of more, those told first are forgotten, and
 * may be asked for there once more. */
#define BUS_FOREIGN_MAX 64

/* What it is good for. "In doubt" are the REFUSING and SILENT ones: when they are due, they get one
 * call at a time, on trial. */
enum bus_endpoint_state {
    /* Not connected, and has no calls. */
    BUS_ENDPOINT_CONNECTING,
    /* Connected and admitted; gets calls. */
    BUS_ENDPOINT_TRUSTED,
    /* Would be trusted, but its socket took no message; gets no calls until it is tried again, very
     * soon. */
    BUS_ENDPOINT_BLOCKED,
    /* Has said that it takes no calls; gets none until retry_ms. It answers what it had in hand. */
    BUS_ENDPOINT_REFUSING,
    BUS_ENDPOINT_REFUSING_DUE,
    /* Answers nothing while others do; until retry_ms it gets calls only if there are no others. */
    BUS_ENDPOINT_SILENT,
    BUS_ENDPOINT_SILENT_DUE,
    /* Is silent, and its socket took no message: as blocked. */
    BUS_ENDPOINT_SILENT_BLOCKED,
    /* Its address is gone: gets no calls, and is freed when the last one is answered. */
    BUS_ENDPOINT_LEAVING,
};

struct bus_endpoint {
    struct list_link link;            /* in its service */
    char address[RESOLVE_TEXT_BYTES]; /* "tcp://127.0.0.1:5701" */
    enum bus_endpoint_state state;
    bool takes_batches; /* has said so on this connection */
    size_t in_flight;
    size_t costly_in_flight; /* of these */
    uint64_t address_hash;   /* bus_route_hash */
    uint64_t retry_ms;       /* while in doubt: when it is due to be asked again */
    uint64_t trial_id;       /* likewise: correlation id of the call on trial; 0: none */
    struct bus_silence silence;
    /* Homes (bus_route_home) that it has said are not its own, on this connection: a ring. */
    uint64_t foreign[BUS_FOREIGN_MAX];
    size_t foreign_count; /* ever told; the next one's place is this modulo BUS_FOREIGN_MAX */

    struct list_link calls;  /* of struct bus_call */
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

/* A connection is up, and what was sent there may be answered. */
bool bus_endpoint_is_live(const struct bus_endpoint *endpoint);
/* It is leaving, and nothing is left to wait for. */
bool bus_endpoint_has_left(const struct bus_endpoint *endpoint);
bool bus_endpoint_is_silent(const struct bus_endpoint *endpoint); /* due and blocked included */
bool bus_endpoint_is_blocked(const struct bus_endpoint *endpoint);
/* It is in doubt, its time to be asked again has come, and no call is on trial there. */
bool bus_endpoint_takes_trial(const struct bus_endpoint *endpoint);
/* A new call may go there, or may in a moment, if only because there is no better one. */
bool bus_endpoint_is_usable(const struct bus_endpoint *endpoint);

/* It has said on this connection that calls of this home, which is none of 0, are not its own. */
bool bus_endpoint_is_foreign(const struct bus_endpoint *endpoint, uint64_t home_hash);
void bus_endpoint_add_foreign(struct bus_endpoint *endpoint, uint64_t home_hash);

/* The one way to change the state; the log tells of it (debug). */
void bus_endpoint_change(struct bus_endpoint *endpoint, enum bus_endpoint_state state);
/* The same to a REFUSING or SILENT state, until retry_ms at least: the call on trial is forgotten.
 */
void bus_endpoint_doubt(struct bus_endpoint *endpoint, enum bus_endpoint_state state,
                        uint64_t retry_ms);

/* Takes the call into calls, and sends its frame at the end of this turn of the loop, together with
 * what else goes there. */
void bus_endpoint_send(struct bus_endpoint *endpoint, struct bus_call *call);
/* Sends call's frame at once, if that is possible, without taking the call. */
void bus_endpoint_send_copy(struct bus_endpoint *endpoint, struct bus_call *call);
/* Takes a call out of calls. One that is still in the outbox is not sent. */
void bus_endpoint_forget(struct bus_endpoint *endpoint, struct bus_call *call);

#endif
