/* What the bridge serves on the bus. Lives on the loop. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_BRIDGE_H
#define LYNKS_JANUSBRIDGE_ROOMS_BRIDGE_H

#include "janusbridge/lease/lease.h"
#include "janusbridge/rooms/observers.h"
#include "proto/bus/call.h"

struct bridge_config {
    const char *node;       /* name of the Janus node; 1..64 bytes */
    const char *admin_key;  /* of the VideoRoom plugin; "": none */
    size_t calls_max;       /* callers that may wait for Janus at a time */
    size_t connections_max; /* of clients, which are not the bridge's own, at a time */
    struct lease *lease;    /* NULL: none is needed */
    const struct bus *bus;  /* to roomsvc, which knows the rooms to restore; NULL: none are */
    struct health *health;  /* where "rooms" is reported, which then is tried; NULL: it is not */
    struct observers_config observers;
    uint64_t audit_interval_ms;      /* 0: no audit */
    struct bus_publisher *publisher; /* of what changes in rooms; NULL: none */
};

struct bridge;

/* All borrowed. Before the session is started. */
struct bridge *bridge_new(struct janus_session *session, const struct clock *clock,
                          struct metrics *metrics, const struct bridge_config *config);
/* After the session, whose end answers all who still wait. */
void bridge_free(struct bridge **bridge);

/* All handles on the session; whose they are, each of them says. */
struct janus_handles *bridge_handles(struct bridge *bridge);

/* Served with the bridge as the service. */
extern const struct call_handler bridge_handlers[];

#endif
