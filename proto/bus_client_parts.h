/* The inside of the bus client, shared by its files and nobody else: bus_client.c (life, services,
 * calling), bus_client_send.c (choosing an endpoint, sending, holding, sending again) and
 * bus_client_receive.c (answers). */
#ifndef LYNKS_PROTO_BUS_CLIENT_PARTS_H
#define LYNKS_PROTO_BUS_CLIENT_PARTS_H

#include "proto/bus_client.h"
#include "proto/bus_endpoint.h"
#include "proto/bus_stats.h"

struct bus_service {
    struct bus_client *client;
    enum service_id id; /* SERVICE_NONE: not added */
    const char *public_key;
    struct bus_link endpoints; /* the one that was chosen last is at the end */
    bool is_ready;             /* as told to health */
    struct bus_link held;      /* calls that wait for an endpoint, oldest first */
    size_t held_count;
    struct bus_stat stat;
    struct metric *endpoints_live;
    struct metric *resent;
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
/* A call that endpoint has not executed goes elsewhere. */
void bus_client_redirect(struct bus_service *service, struct bus_slot *slot);

/* bus_client_receive.c */

void bus_client_on_frame(void *service, struct bus_endpoint *endpoint, struct str data);

#endif
