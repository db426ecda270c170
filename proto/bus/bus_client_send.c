#include "proto/bus/bus_client_parts.h"
#include "proto/bus/bus_route.h"

/* A call that takes down whoever executes it does not get to take down everybody. */
#define SENDS_MAX 4
/* How soon an endpoint that took no message although it is live is tried again. */
#define UNBLOCK_MS 10

static struct bus_slot *slot_of(struct list_link *link)
{
    return CONTAINER_OF(link, struct bus_slot, link);
}

/* ---- which endpoint ---- */

/* By rank for its key, or by load; of several, the one that was chosen longest ago. */
static bool is_better(const struct bus_slot *slot, const struct bus_endpoint *endpoint,
                      const struct bus_endpoint *best)
{
    if (best == NULL) {
        return true;
    }
    if (slot->route->key == NULL) {
        return endpoint->in_flight < best->in_flight;
    }
    return bus_route_weight(slot->key_hash, endpoint->address_hash) >
           bus_route_weight(slot->key_hash, best->address_hash);
}

/* What is known after a look at some endpoints. */
struct choice {
    struct bus_endpoint *best;
    struct bus_endpoint *best_silent;
    bool has_full;  /* one would have been taken but for the bound per endpoint */
    bool has_other; /* one is there that is not silent, though it may take nothing right now */
};

static void consider(struct choice *choice, const struct bus_slot *slot,
                     struct bus_endpoint *endpoint, size_t in_flight_max)
{
    bool is_silent = endpoint->trust == BUS_SILENT;
    struct bus_endpoint **best = is_silent ? &choice->best_silent : &choice->best;
    choice->has_other = choice->has_other || !is_silent;
    if (endpoint->is_blocked || !bus_endpoint_is_usable(endpoint)) {
        return;
    }
    if (endpoint->in_flight >= in_flight_max) {
        choice->has_full = true;
    } else if (is_better(slot, endpoint, *best)) {
        *best = endpoint;
    }
}

/* NULL if there is none; then *ret_is_full says whether that is only because of the bound per
 * endpoint. A silent one gets calls if there are no others at all, and one on trial if the others
 * take none. */
static struct bus_endpoint *select_endpoint(struct bus_service *service,
                                            const struct bus_slot *slot, bool *ret_is_full)
{
    size_t in_flight_max = service->client->config.in_flight_endpoint_max;
    struct choice choice = {.best = NULL};
    for (struct list_link *l = service->endpoints.next; l != &service->endpoints; l = l->next) {
        struct bus_endpoint *endpoint = CONTAINER_OF(l, struct bus_endpoint, link);
        if (endpoint->is_live && !endpoint->is_leaving) {
            consider(&choice, slot, endpoint, in_flight_max);
        }
    }
    struct bus_endpoint *silent = choice.best_silent;
    if (choice.best == NULL && silent != NULL && !choice.has_full &&
        (!choice.has_other || bus_endpoint_takes_trial(silent))) {
        return silent;
    }
    *ret_is_full = choice.has_full;
    return choice.best;
}

/* ---- sending ---- */

enum err bus_client_encode(struct bus_client *client, struct bus_slot *slot,
                           const struct envelope *envelope, const struct msg *request)
{
    enum err err = codec_encode(client->frame, envelope, request);
    if (err == ERR_OK) {
        zmq_msg_close(&slot->frame);
        bus_frame_init(&slot->frame, frame_bytes(client->frame));
    }
    return err;
}

static void on_unblock(void *arg)
{
    struct bus_client *client = arg;
    client->unblock_timer = 0;
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        struct bus_service *service = &client->services[i];
        if (service->id == SERVICE_NONE) {
            continue;
        }
        for (struct list_link *l = service->endpoints.next; l != &service->endpoints; l = l->next) {
            CONTAINER_OF(l, struct bus_endpoint, link)->is_blocked = false;
        }
        bus_client_pump(service);
    }
}

/* False if there is none that takes calls. */
static bool send_somewhere(struct bus_service *service, struct bus_slot *slot, bool *ret_is_full)
{
    struct bus_endpoint *endpoint = select_endpoint(service, slot, ret_is_full);
    if (endpoint == NULL) {
        return false;
    }
    bus_endpoint_send(endpoint, slot);
    list_remove(&endpoint->link);
    list_add(&service->endpoints, &endpoint->link);
    bus_client_watch(service);
    return true;
}

void bus_client_hold(struct bus_service *service, struct bus_slot *slot)
{
    list_add(&service->held, &slot->link);
    service->held_count++;
}

/* One service that is away may not take all places from the others: it gets half. */
enum err bus_client_dispatch(struct bus_service *service, struct bus_slot *slot)
{
    bool is_full;
    if (send_somewhere(service, slot, &is_full)) {
        if (service->wants_probe) {
            bus_client_probe(service, slot);
        }
        return ERR_OK;
    }
    if (is_full) {
        return ERR_OVERLOADED;
    }
    if (service->held_count >= (service->client->config.in_flight_max + 1) / 2) {
        return ERR_UNAVAILABLE;
    }
    bus_client_hold(service, slot);
    return ERR_OK;
}

/* ---- sending later, and again ---- */

/* The frame is read back and written anew with what is left of the time. That happens only when
 * something has failed, so it costs the ordinary call nothing. */
static bool refresh(struct bus_client *client, struct bus_slot *slot)
{
    uint64_t now_ms = clock_mono_ms(client->clock);
    struct envelope envelope;
    struct msg request;
    if (slot->deadline.due_ms <= now_ms ||
        codec_decode(client->request_arena, bus_frame_view(&slot->frame), &envelope, &request) !=
            CODEC_OK) {
        return false;
    }
    envelope.remaining_ms = slot->deadline.due_ms - now_ms;
    return bus_client_encode(client, slot, &envelope, &request) == ERR_OK;
}

/* A call whose time is up stays where it is: its deadline ends it in a moment. */
void bus_client_pump(struct bus_service *service)
{
    bool is_full;
    struct list_link *link = service->held.next;
    while (link != &service->held && select_endpoint(service, slot_of(link), &is_full) != NULL) {
        struct bus_slot *slot = slot_of(link);
        link = link->next;
        if (!refresh(service->client, slot)) {
            continue;
        }
        list_remove(&slot->link);
        service->held_count--;
        if (!send_somewhere(service, slot, &is_full)) {
            bus_client_hold(service, slot);
            return;
        }
        if (slot->sends > 1) {
            metric_inc(service->resent);
        }
    }
}

bool bus_client_may_send_again(const struct bus_slot *slot)
{
    return slot->type->retry != RETRY_NEVER && slot->sends < SENDS_MAX;
}

/* What has not been sent yet goes elsewhere, whatever its kind. */
static void empty_outbox(struct bus_service *service, struct bus_endpoint *endpoint)
{
    while (!list_is_empty(&endpoint->outbox)) {
        struct bus_slot *slot = CONTAINER_OF(endpoint->outbox.next, struct bus_slot, out);
        bus_endpoint_forget(endpoint, slot);
        bus_client_hold(service, slot);
    }
}

void bus_client_leave_stuck(struct bus_service *service, struct bus_endpoint *endpoint)
{
    struct bus_client *client = service->client;
    endpoint->is_blocked = true;
    if (client->unblock_timer == 0) {
        client->unblock_timer = clock_after(client->clock, UNBLOCK_MS, on_unblock, client);
    }
    empty_outbox(service, endpoint);
    bus_client_pump(service);
}

/* The endpoint is not usable any more, so nothing is added to its calls meanwhile. */
void bus_client_fail_over(struct bus_service *service, struct bus_endpoint *endpoint)
{
    empty_outbox(service, endpoint);
    while (!list_is_empty(&endpoint->calls)) {
        struct bus_slot *slot = slot_of(endpoint->calls.next);
        if (bus_client_may_send_again(slot)) {
            bus_endpoint_forget(endpoint, slot);
            bus_client_hold(service, slot);
        } else {
            bus_client_finish(service->client, slot, ERR_UNAVAILABLE, NULL);
        }
    }
    bus_client_pump(service);
}

void bus_client_redirect(struct bus_service *service, struct bus_slot *slot)
{
    slot->sends--;
    bus_endpoint_forget(slot->endpoint, slot);
    bus_client_hold(service, slot);
    bus_client_pump(service);
}
