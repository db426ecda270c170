#include "proto/bus/bus_client.h"
#include "proto/bus/bus_client_parts.h"
#include "proto/bus/bus_route.h"

#include <assert.h>

static const struct bus_stat_names stat_names = {
    .total = "lynks_bus_calls_total",
    .total_help = "Calls to other services, by result.",
    .seconds = "lynks_bus_call_seconds",
    .seconds_help = "From the call to its answer.",
    .label = "service",
};

/* ---- endpoints ---- */

static struct bus_endpoint *endpoint_of(struct list_link *link)
{
    return CONTAINER_OF(link, struct bus_endpoint, link);
}

static void close_left(struct bus_service *service)
{
    struct list_link *link = service->endpoints.next;
    while (link != &service->endpoints) {
        struct bus_endpoint *endpoint = endpoint_of(link);
        link = link->next;
        if (endpoint->is_leaving && endpoint->in_flight == 0) {
            bus_endpoint_free(&endpoint);
        }
    }
}

/* From a timer, because an endpoint may not be freed from inside its own events. */
static void on_reap(void *arg)
{
    struct bus_client *client = arg;
    client->reap_timer = 0;
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (client->services[i].id != SERVICE_NONE) {
            close_left(&client->services[i]);
            bus_client_review(&client->services[i]);
        }
    }
}

void bus_client_review(struct bus_service *service)
{
    struct bus_client *client = service->client;
    size_t live = 0;
    bool is_ready = false;
    bool has_left = false;
    for (struct list_link *l = service->endpoints.next; l != &service->endpoints; l = l->next) {
        const struct bus_endpoint *endpoint = endpoint_of(l);
        live += endpoint->is_live;
        is_ready = is_ready || bus_endpoint_is_usable(endpoint);
        has_left = has_left || (endpoint->is_leaving && endpoint->in_flight == 0);
    }
    metric_set(service->endpoints_live, (int64_t)live);
    if (is_ready != service->is_ready && client->parts.health != NULL) {
        health_set(client->parts.health, service_name(service->id), is_ready,
                   live > 0 ? "shutting down" : "not connected");
    }
    service->is_ready = is_ready;
    if (has_left && client->reap_timer == 0) {
        client->reap_timer = clock_after(client->clock, 0, on_reap, client);
    }
}

static void on_up(void *arg, struct bus_endpoint *endpoint)
{
    struct bus_service *service = arg;
    log_info("bus endpoint connected", LOG_Z("service", service_name(service->id)),
             LOG_Z("endpoint", endpoint->address));
    bus_client_watch(service);
    bus_client_review(service);
    bus_client_pump(service);
}

static void on_down(void *arg, struct bus_endpoint *endpoint)
{
    struct bus_service *service = arg;
    log_info("bus endpoint lost", LOG_Z("service", service_name(service->id)),
             LOG_Z("endpoint", endpoint->address), LOG_U64("in_flight", endpoint->in_flight));
    bus_client_fail_over(service, endpoint);
    bus_client_review(service);
}

/* Also what connecting to a port gives that nobody serves any more; so it is no warning. */
static void on_refused(void *arg, struct bus_endpoint *endpoint)
{
    struct bus_service *service = arg;
    struct bus_client *client = service->client;
    metric_inc(client->handshakes_failed);
    log_info_limited(&client->handshake_gate, clock_mono_ms(client->clock), "bus handshake failed",
                     LOG_Z("service", service_name(service->id)),
                     LOG_Z("endpoint", endpoint->address));
}

static void on_stuck(void *arg, struct bus_endpoint *endpoint)
{
    bus_client_leave_stuck(arg, endpoint);
}

static const struct bus_endpoint_events endpoint_events = {.up = on_up,
                                                           .down = on_down,
                                                           .refused = on_refused,
                                                           .stuck = on_stuck,
                                                           .frame = bus_client_on_frame};

static bool has_endpoint(struct bus_service *service, const char *address)
{
    for (struct list_link *l = service->endpoints.next; l != &service->endpoints; l = l->next) {
        if (strcmp(endpoint_of(l)->address, address) == 0) {
            return true;
        }
    }
    return false;
}

/* What is not in the set any more finishes what it has in hand; what is back in it stays. */
static void on_resolved(void *arg, const struct resolve_set *set)
{
    struct bus_service *service = arg;
    struct bus_client *client = service->client;
    for (struct list_link *l = service->endpoints.next; l != &service->endpoints; l = l->next) {
        struct bus_endpoint *endpoint = endpoint_of(l);
        endpoint->is_leaving = !resolve_set_has(set, endpoint->address);
    }
    for (size_t i = 0; i < set->count; i++) {
        if (!has_endpoint(service, set->items[i])) {
            struct bus_endpoint *endpoint =
                bus_endpoint_new(&client->parts, set->items[i], service->public_key,
                                 client->config.in_flight_endpoint_max, &endpoint_events, service);
            list_add(&service->endpoints, &endpoint->link);
        }
    }
    bus_client_review(service);
    bus_client_pump(service);
}

/* ---- calls ---- */

void bus_client_finish(struct bus_client *client, struct bus_slot *slot, enum err err,
                       const struct msg *reply)
{
    struct bus_service *service = bus_client_service_of(client, slot);
    struct bus_endpoint *endpoint = slot->endpoint;
    bus_reply_fn *fn = slot->fn;
    void *arg = slot->arg;
    if (endpoint != NULL) {
        bus_endpoint_forget(endpoint, slot);
    } else {
        list_remove(&slot->link);
        service->held_count--;
    }
    bus_deadline_clear(&slot->deadline);
    bus_stat_observe(&service->stat, slot->started_us);
    bus_stat_count(&service->stat, err);
    bus_slots_release(client->slots, slot);
    metric_set(client->in_flight, (int64_t)bus_slots_used(client->slots));
    if (endpoint != NULL && endpoint->is_leaving) {
        bus_client_review(service);
    }
    fn(arg, err, reply);
    if (service->held_count > 0 && !client->is_closing) {
        bus_client_pump(service);
    }
}

static void on_deadline(void *arg, struct bus_deadline *deadline)
{
    struct bus_slot *slot = CONTAINER_OF(deadline, struct bus_slot, deadline);
    bus_client_finish(arg, slot, slot->sends > 0 ? ERR_DEADLINE : ERR_UNAVAILABLE, NULL);
}

/* Fills a fresh slot in and sends it on its way. On an error the slot is released by the caller. */
static enum err start(struct bus_client *client, struct bus_slot *slot, const struct msg *request,
                      const struct call_context *context, uint64_t remaining_ms)
{
    const struct envelope envelope = {
        .correlation_id = slot->correlation_id,
        .remaining_ms = remaining_ms,
        .expiry_unix_ms = clock_unix_ms(client->clock) + remaining_ms,
        .request_id = context->request_id,
        .principal = context->principal,
    };
    enum err err = bus_client_encode(client, slot, &envelope, request);
    if (err != ERR_OK) {
        return err;
    }
    slot->started_us = system_mono_us();
    err = bus_client_dispatch(bus_client_service_of(client, slot), slot);
    if (err == ERR_OK) {
        bus_deadline_set(client->deadlines, &slot->deadline, context->deadline_ms);
    }
    return err;
}

static enum err try_call(struct bus_client *client, const struct msg_type *type,
                         const struct msg *request, const struct call_context *context,
                         bus_reply_fn *fn, void *arg)
{
    if (client->is_closing) {
        return ERR_UNAVAILABLE;
    }
    uint64_t now_ms = clock_mono_ms(client->clock);
    if (context->deadline_ms <= now_ms) {
        return ERR_DEADLINE;
    }
    struct bus_slot *slot = bus_slots_take(client->slots);
    if (slot == NULL) {
        return ERR_OVERLOADED;
    }
    slot->type = type;
    slot->route = msg_route_get(type);
    if (slot->route->key != NULL) {
        slot->key_hash = bus_route_hash(msg_route_key(request, slot->route));
    }
    slot->fn = fn;
    slot->arg = arg;
    enum err err = start(client, slot, request, context, context->deadline_ms - now_ms);
    if (err != ERR_OK) {
        bus_slots_release(client->slots, slot);
        return err;
    }
    metric_set(client->in_flight, (int64_t)bus_slots_used(client->slots));
    return ERR_OK;
}

static enum err call(void *self, const struct msg *request, const struct call_context *context,
                     bus_reply_fn *fn, void *arg)
{
    struct bus_client *client = self;
    const struct msg_type *type = msg_type_find(request->id);
    if (type == NULL || type->service == SERVICE_NONE) {
        return ERR_BAD_REQUEST;
    }
    struct bus_service *service = &client->services[type->service];
    if (service->id == SERVICE_NONE) {
        return ERR_UNAVAILABLE; /* this process was not told where it is */
    }
    enum err err = try_call(client, type, request, context, fn, arg);
    if (err != ERR_OK) {
        bus_stat_count(&service->stat, err);
    }
    return err;
}

static const struct bus_ops ops = {call};

struct bus bus_client_bus(struct bus_client *client)
{
    return (struct bus){.ops = &ops, .self = client};
}

size_t bus_client_in_flight(const struct bus_client *client)
{
    return bus_slots_used(client->slots);
}

/* ---- life ---- */

static void make_metrics(struct bus_client *client)
{
    struct metrics *metrics = client->parts.metrics;
    bus_refusals_init(&client->refusals, metrics);
    client->in_flight = metrics_gauge(metrics, "lynks_bus_calls_in_flight",
                                      "Calls to other services that wait for an answer.", NULL);
    client->late_replies =
        metrics_counter(metrics, "lynks_bus_late_replies_total",
                        "Replies that came late, twice, or to nothing that was asked.", NULL);
    client->handshakes_failed =
        metrics_counter(metrics, "lynks_bus_handshakes_failed_total",
                        "Connections to other services that were not admitted there.", NULL);
}

struct bus_client *bus_client_new(const struct bus_parts *parts,
                                  const struct bus_client_config *config)
{
    struct bus_client *client = mem_alloc(sizeof(*client));
    client->parts = *parts;
    client->config = *config;
    client->clock = loop_clock(parts->loop);
    client->slots = bus_slots_new(config->in_flight_max);
    client->deadlines = bus_deadlines_new(client->clock, on_deadline, client);
    client->resolver = resolver_new(parts->loop, &config->resolver);
    client->frame = frame_new();
    client->reply_arena = arena_new();
    client->request_arena = arena_new();
    make_metrics(client);
    bus_client_watch_init(client);
    return client;
}

static void close_service(struct bus_service *service)
{
    while (!list_is_empty(&service->endpoints)) {
        struct bus_endpoint *endpoint = endpoint_of(service->endpoints.next);
        bus_endpoint_free(&endpoint);
    }
}

void bus_client_free(struct bus_client **client)
{
    struct bus_client *self = *client;
    if (self == NULL) {
        return;
    }
    self->is_closing = true;
    for (struct bus_slot *slot; (slot = bus_slots_any(self->slots)) != NULL;) {
        bus_client_finish(self, slot, ERR_UNAVAILABLE, NULL);
    }
    clock_cancel(self->clock, self->reap_timer);
    clock_cancel(self->clock, self->unblock_timer);
    clock_cancel(self->clock, self->watch_timer);
    resolver_free(&self->resolver);
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        if (self->services[i].id != SERVICE_NONE) {
            close_service(&self->services[i]);
        }
    }
    bus_deadlines_free(&self->deadlines);
    bus_slots_free(&self->slots);
    frame_free(&self->frame);
    arena_free(&self->reply_arena);
    arena_free(&self->request_arena);
    mem_free(client);
}

static void service_init(struct bus_service *service, struct bus_client *client, enum service_id id,
                         const char *public_key)
{
    struct metrics *metrics = client->parts.metrics;
    AUTO(mem_free) char *labels = mem_printf("service=\"%s\"", service_name(id));
    service->client = client;
    service->id = id;
    service->public_key = public_key;
    list_init(&service->endpoints);
    list_init(&service->held);
    bus_stat_init(&service->stat, metrics, &stat_names, service_name(id));
    service->endpoints_live =
        metrics_gauge(metrics, "lynks_bus_endpoints_live", "Endpoints that are connected.", labels);
    service->resent =
        metrics_counter(metrics, "lynks_bus_resent_total",
                        "Calls sent again because an endpoint went or fell silent.", labels);
    service->silent = metrics_counter(metrics, "lynks_bus_endpoints_silent_total",
                                      "Endpoints left alone because they fell silent.", labels);
    if (client->parts.health != NULL) {
        health_set(client->parts.health, service_name(id), false, "not connected");
    }
}

enum err bus_client_add_service(struct bus_client *client, enum service_id service,
                                const char *address)
{
    struct bus_service *added = &client->services[service];
    assert(service != SERVICE_NONE && added->id == SERVICE_NONE);
    const char *public_key = NULL;
    if (client->parts.keys != NULL) {
        public_key = keys_find_public(client->parts.keys, service_name(service));
        if (public_key == NULL) {
            return ERR_BAD_REQUEST;
        }
    }
    service_init(added, client, service, public_key);
    enum err err = resolver_watch(client->resolver, address, on_resolved, added);
    if (err != ERR_OK) {
        added->id = SERVICE_NONE;
    }
    return err;
}
