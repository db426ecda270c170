/* The caller's side of the bus: one DEALER for each live endpoint of each service it calls.
 *
 * Owns: the sockets, their monitors, and the table of calls in flight (bounded: per endpoint and in
 * all). The correlation id alone matches a reply to its call; late, unknown and duplicate replies
 * are counted and dropped. Lives on the loop.
 *
 * A request with a key (routes.def) goes to the endpoint that ranks highest for that key, any other
 * to the one with the least outstanding. An endpoint that answers with a refusal (errors.def)
 * has not executed the call: it goes elsewhere, or is held until one of them takes calls again. An
 * endpoint that says that a call's home (routes.def) is not its own has not executed it either: the
 * call goes elsewhere, and the endpoint gets no more of that home until it is connected anew. An
 * endpoint that answers nothing for a while, although another is there, gets no new calls until it
 * answers anything; what waits there and may be sent again is sent again elsewhere, and the first
 * answer counts. But that a command (KEYED) has failed counts only when it cannot be executed by
 * another one any more, to which it was sent, too; what became of it is not known (ERR_DEADLINE)
 * when that one does not say so in time. */
#ifndef LYNKS_PROTO_BUS_BUS_CLIENT_H
#define LYNKS_PROTO_BUS_BUS_CLIENT_H

#include "proto/bus/bus.h"
#include "proto/bus/bus_parts.h"
#include "proto/bus/bus_silence.h"
#include "proto/bus/resolver.h"

struct bus_client_config {
    size_t in_flight_max;            /* in all; 1..SLOTS_MAX */
    size_t in_flight_endpoint_max;   /* per endpoint */
    struct resolver_config resolver; /* zeroed: the system's, every 2 s */
    struct bus_patience patience;
};

struct bus_client;

struct bus_client *bus_client_new(const struct bus_parts *parts,
                                  const struct bus_client_config *config);
/* Calls in flight are answered ERR_UNAVAILABLE first. */
void bus_client_free(struct bus_client **client);

/* address: "host:port[,host:port...]"; "[::1]:port" for IPv6. Each host name stands for all its
 * addresses. The service's readiness is put into health under its name.
 * ERR_BAD_REQUEST: address is malformed. */
enum err bus_client_add_service(struct bus_client *client, enum service_id service,
                                const char *address);

struct bus bus_client_bus(struct bus_client *client); /* the interface */
size_t bus_client_in_flight(const struct bus_client *client);

#endif
