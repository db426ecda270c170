/* One service as its callers see it: its endpoints, which of them gets a call, and the calls that
 * are held until one takes them.
 *
 * Belongs to a bus_client, which it tells what it hears and which calls end; knows nothing of it
 * else. Lives on the loop. A call is in the hands of the service from bus_service_send until
 * bus_service_forget or the event `ended`. */
#ifndef LYNKS_PROTO_BUS_BUS_SERVICE_H
#define LYNKS_PROTO_BUS_BUS_SERVICE_H

#include "proto/bus/bus_endpoint.h"

struct bus_service;

struct bus_service_events {
    /* data is borrowed; without any: the message was not a single frame. */
    void (*frame)(void *arg, struct bus_service *service, struct bus_endpoint *endpoint,
                  struct str data);
    /* Its endpoint is lost, and it may not be sent again. */
    void (*ended)(void *arg, struct bus_call *call, enum err err);
};

/* All borrowed. */
struct bus_service_parts {
    struct bus_parts bus;
    struct bus_patience patience; /* a complete one */
    size_t held_max;
    size_t in_flight_endpoint_max;
    struct frame *scratch; /* for frames that are made anew */
    struct arena *arena;   /* likewise */
    const struct bus_service_events *events;
    void *arg;
};

/* public_key: Z85; NULL without CURVE; borrowed. Readiness goes into health under its name. */
struct bus_service *bus_service_new(const struct bus_service_parts *parts, enum service_id id,
                                    const char *public_key);
void bus_service_free(struct bus_service **service); /* its calls must have been forgotten */
enum service_id bus_service_id(const struct bus_service *service);
/* A resolver_fn. Endpoints that are not in the set finish what they have in hand. */
void bus_service_set_addresses(void *service, const struct resolve_set *set);

/* Sends a new call or holds it. ERR_OVERLOADED, ERR_UNAVAILABLE: neither, call is as before. */
enum err bus_service_send(struct bus_service *service, struct bus_call *call);
/* Takes a call back, wherever it is, if it is anywhere. Something else is held: pump. */
void bus_service_forget(struct bus_service *service, struct bus_call *call);
/* Sends held calls as far as there is room. */
void bus_service_pump(struct bus_service *service);

/* An answer has come from endpoint, whatever it says. True: the endpoint is trusted again, so that
 * once the answer is dealt with bus_service_go_on has to be called. */
bool bus_service_hear(struct bus_service *service, struct bus_endpoint *endpoint,
                      const struct envelope *answer);
void bus_service_go_on(struct bus_service *service);
/* endpoint has said, and why, that it takes no calls and has not executed this one: the call goes
 * elsewhere, whatever its kind, unless it has been sent elsewhere already. */
void bus_service_refused(struct bus_service *service, struct bus_endpoint *endpoint,
                         struct bus_call *call, enum err why);
/* endpoint has said that the home of this call, which has one, is not its own, and has not executed
 * it: the call goes elsewhere, whatever its kind, unless it has been sent elsewhere already. */
void bus_service_not_mine(struct bus_service *service, struct bus_endpoint *endpoint,
                          struct bus_call *call);

#endif
