/* The inside of the bus client, shared by its files and nobody else: bus_client.c (life, services,
 * calling), bus_client_send.c (choosing an endpoint, sending, holding, sending again),
 * bus_client_receive.c (answers) and bus_client_watch.c (endpoints that are left alone). */
#ifndef LYNKS_PROTO_BUS_BUS_CLIENT_PARTS_H
#define LYNKS_PROTO_BUS_BUS_CLIENT_PARTS_H

#include "proto/bus/bus_client.h"
#include "proto/bus/bus_endpoint.h"
#include "proto/bus/bus_stats.h"

struct bus_service {
    struct bus_client *client;
    enum service_id id; /* SERVICE_NONE: not added */
    const char *public_key;
    struct list_link endpoints; /* the one that was chosen last is at the end */
    bool is_ready;              /* as told to health */
    bool wants_probe;           /* a silent endpoint is to be asked again with the next call */
    struct list_link held;      /* calls that wait for an endpoint, oldest first */
    size_t held_count;
    struct bus_stat stat;
    struct metric *endpoints_live;
    struct metric *resent;
    struct metric *silent;
};

struct bus_client {
    struct bus_parts parts;
    struct bus_client_config config;
    const struct clock *clock;
    struct bus_slots *slots;
    struct bus_deadlines *deadlines;
    struct resolver *resolver;
    struct bus_service services[SERVICE_COUNT];
    struct frame *frame;         /* what is being encoded */
    struct arena *reply_arena;   /* the reply that is being handled */
    struct arena *request_arena; /* a request that is being encoded anew */
    uint64_t reap_timer;
    uint64_t unblock_timer;
    uint64_t watch_timer; /* one for all endpoints */
    uint64_t tick_ms;     /* its period */
    bool is_closing;
    struct bus_refusals refusals;
    struct log_gate handshake_gate;
    struct metric *in_flight;
    struct metric *late_replies;
    struct metric *handshakes_failed;
};

/* bus_client.c */

/* Ends a call: frees its slot, counts, tells the caller. */
void bus_client_finish(struct bus_client *client, struct bus_slot *slot, enum err err,
                       const struct msg *reply);
/* After any change of an endpoint's state: metrics, readiness, closing of what has left. */
void bus_client_review(struct bus_service *service);

static inline struct bus_service *bus_client_service_of(struct bus_client *client,
                                                        const struct bus_slot *slot)
{
    return &client->services[slot->type->service];
}

/* bus_client_send.c */

enum err bus_client_encode(struct bus_client *client, struct bus_slot *slot,
                           const struct envelope *envelope, const struct msg *request);
/* Sends a new call or holds it. ERR_OVERLOADED, ERR_UNAVAILABLE: neither, slot is as before. */
enum err bus_client_dispatch(struct bus_service *service, struct bus_slot *slot);
void bus_client_pump(struct bus_service *service); /* sends held calls as far as there is room */
/* The endpoint's calls go elsewhere, or end if they may not be sent again. */
void bus_client_fail_over(struct bus_service *service, struct bus_endpoint *endpoint);
/* The endpoint takes no message for now, although it is live. */
void bus_client_leave_stuck(struct bus_service *service, struct bus_endpoint *endpoint);
/* A call that endpoint has not executed goes elsewhere. */
void bus_client_redirect(struct bus_service *service, struct bus_slot *slot);

void bus_client_hold(struct bus_service *service, struct bus_slot *slot);
bool bus_client_may_send_again(const struct bus_slot *slot);

/* bus_client_watch.c */

void bus_client_watch_init(struct bus_client *client); /* defaults of the configuration */
/* Looks at all endpoints a tick from now, if it was not to be done anyway. */
void bus_client_watch_soon(struct bus_client *client);
/* Asks a silent endpoint again, with a copy of a call that has just been sent to another. */
void bus_client_probe(struct bus_service *service, struct bus_slot *slot);
/* Leaves an endpoint that has said ERR_DRAINING alone for a while. */
void bus_client_leave_draining(struct bus_service *service, struct bus_endpoint *endpoint);
/* An endpoint in doubt has answered. True: it is trusted again; the caller reviews and pumps. */
bool bus_client_regain(struct bus_service *service, struct bus_endpoint *endpoint,
                       const struct envelope *answer);

/* Silence only matters where there is another to turn to. */
static inline void bus_client_watch(struct bus_service *service)
{
    struct bus_client *client = service->client;
    if (client->watch_timer == 0 && service->endpoints.next != service->endpoints.previous) {
        bus_client_watch_soon(client);
    }
}

/* bus_client_receive.c */

void bus_client_on_frame(void *service, struct bus_endpoint *endpoint, struct str data);

#endif
