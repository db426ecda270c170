/* The gateway: HTTP in, bus out. Owns the HTTP server and the API, and carries requests from one to
 * the other; sees through trusted proxies on the way. */
#ifndef LYNKS_GATEWAY_GATEWAY_H
#define LYNKS_GATEWAY_GATEWAY_H

#include "gateway/config.h"
#include "proto/bus/bus.h"
#include "proto/process/service.h"

/* Borrowed. */
struct gateway_parts {
    struct loop *loop;
    struct metrics *metrics;
    const struct bus *bus;
    struct health *health; /* NULL: nobody is told */
};

struct gateway;

/* Listens at once, on the socket that was handed over (LISTEN_FDS) or on its own. NULL (logged) if
 * the port or the configuration cannot be used. config is borrowed. */
struct gateway *gateway_new(const struct gateway_parts *parts, const struct gateway_config *config);
/* Requests without an answer get 503. */
void gateway_free(struct gateway **gateway);

/* Hears what authsvc, roomsvc and janusbridge publish at the addresses of config, until the service
 * is freed; "": does not. false (logged): an address is malformed. */
bool gateway_subscribe(struct gateway *gateway, struct service *service,
                       const struct gateway_config *config);

uint16_t gateway_port(const struct gateway *gateway);
size_t gateway_open_connections(const struct gateway *gateway);

/* For service_on_health: do clients get in? arg is the gateway, as below. */
bool gateway_is_accepting(void *arg);

/* For service_on_drain. */
void gateway_drain(void *arg);
bool gateway_is_drained(void *arg);

#endif
