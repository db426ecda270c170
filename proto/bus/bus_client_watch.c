#include "proto/bus/bus_client_parts.h"

#define SILENT_MS 150
#define SILENT_COSTLY_MS 1000
#define PROBE_MS 500
#define DRAINING_MS 200
/* Ticks within the time after which an endpoint counts as silent. Ticks without an answer are
 * counted, not milliseconds: when this process itself was stopped or busy for a second, that is one
 * tick, and the answers that came meanwhile are read before the next. */
#define TICKS 6

static struct bus_endpoint *endpoint_of(struct list_link *link)
{
    return CONTAINER_OF(link, struct bus_endpoint, link);
}

/* ---- silence ---- */

static void count_silence(struct bus_endpoint *endpoint)
{
    if (endpoint->answers != endpoint->answers_old) {
        endpoint->answers_old = endpoint->answers;
        endpoint->ticks = 0;
        endpoint->light_ticks = 0;
        return;
    }
    bool has_light = endpoint->in_flight > endpoint->costly_in_flight;
    endpoint->ticks = endpoint->in_flight > 0 ? endpoint->ticks + 1 : 0;
    endpoint->light_ticks = has_light ? endpoint->light_ticks + 1 : 0;
}

/* The first tick may have come right after the call, so that it does not count. */
static bool is_over(const struct bus_client *client, unsigned ticks, uint64_t limit_ms)
{
    return ticks > 0 && (ticks - 1) * client->tick_ms >= limit_ms;
}

/* Light calls are answered soon by whoever is well; costly ones need not be, so that an endpoint
 * that has only those gets more time. */
static bool is_costly_over(const struct bus_client *client, const struct bus_endpoint *endpoint)
{
    return is_over(client, endpoint->ticks, client->config.patience.silent_costly_ms);
}

static bool is_silent(const struct bus_client *client, const struct bus_endpoint *endpoint)
{
    return endpoint->is_live &&
           (is_over(client, endpoint->light_ticks, client->config.patience.silent_ms) ||
            is_costly_over(client, endpoint));
}

/* One to turn to: draining ones do not count, because they would only say so again. */
static bool has_trusted_besides(struct bus_service *service, const struct bus_endpoint *endpoint)
{
    for (struct list_link *l = service->endpoints.next; l != &service->endpoints; l = l->next) {
        const struct bus_endpoint *other = endpoint_of(l);
        if (other != endpoint && other->is_live && !other->is_leaving &&
            other->trust == BUS_TRUSTED) {
            return true;
        }
    }
    return false;
}

/* The calls keep their correlation ids, so that whoever answers first answers them. */
static void move_calls(struct bus_service *service, struct bus_endpoint *endpoint, bool with_costly)
{
    struct list_link *link = endpoint->calls.next;
    while (link != &endpoint->calls) {
        struct bus_slot *slot = CONTAINER_OF(link, struct bus_slot, link);
        link = link->next;
        if (bus_client_may_send_again(slot) && (with_costly || !slot->route->is_costly)) {
            bus_endpoint_forget(endpoint, slot);
            bus_client_hold(service, slot);
        }
    }
}

/* The count of ticks goes on for the costly calls that stay. */
static void leave_silent(struct bus_service *service, struct bus_endpoint *endpoint)
{
    struct bus_client *client = service->client;
    unsigned ticks = endpoint->ticks;
    if (endpoint->trust != BUS_SILENT) {
        log_info("bus endpoint is silent", LOG_Z("service", service_name(service->id)),
                 LOG_Z("endpoint", endpoint->address), LOG_U64("in_flight", endpoint->in_flight));
        metric_inc(service->silent);
    }
    move_calls(service, endpoint, is_costly_over(client, endpoint));
    bus_endpoint_trust(endpoint, BUS_SILENT,
                       clock_mono_ms(client->clock) + client->config.patience.probe_ms);
    endpoint->ticks = ticks;
}

void bus_client_probe(struct bus_service *service, struct bus_slot *slot)
{
    struct bus_client *client = service->client;
    if (slot->type->retry != RETRY_SAFE || slot->route->is_costly) {
        return;
    }
    service->wants_probe = false;
    for (struct list_link *l = service->endpoints.next; l != &service->endpoints; l = l->next) {
        struct bus_endpoint *endpoint = endpoint_of(l);
        if (endpoint != slot->endpoint && endpoint->is_live && endpoint->trust == BUS_SILENT &&
            bus_endpoint_takes_trial(endpoint)) {
            bus_endpoint_send_copy(endpoint, slot);
            endpoint->is_on_trial = false;
            endpoint->retry_ms = clock_mono_ms(client->clock) + client->config.patience.probe_ms;
        }
    }
    bus_client_watch(service);
}

/* ---- doubt ---- */

void bus_client_leave_draining(struct bus_service *service, struct bus_endpoint *endpoint)
{
    struct bus_client *client = service->client;
    if (endpoint->trust != BUS_DRAINING) {
        log_info("bus endpoint is draining", LOG_Z("service", service_name(service->id)),
                 LOG_Z("endpoint", endpoint->address));
    }
    bus_endpoint_trust(endpoint, BUS_DRAINING,
                       clock_mono_ms(client->clock) + client->config.patience.draining_ms);
    bus_client_watch_soon(client);
}

/* Any answer shows that a silent one lives. One that is draining goes on answering what it had in
 * hand, so there only the call on trial shows that it takes calls again. */
bool bus_client_regain(struct bus_service *service, struct bus_endpoint *endpoint,
                       const struct envelope *answer)
{
    if (endpoint->trust == BUS_DRAINING &&
        (answer->status == ERR_DRAINING || answer->correlation_id != endpoint->trial_id)) {
        return false;
    }
    log_info("bus endpoint answers again", LOG_Z("service", service_name(service->id)),
             LOG_Z("endpoint", endpoint->address));
    bus_endpoint_trust(endpoint, BUS_TRUSTED, 0);
    return true;
}

/* True: its time to be asked again is still to come. */
static bool wait_for_trial(struct bus_service *service, struct bus_endpoint *endpoint,
                           uint64_t now_ms)
{
    if (!endpoint->is_live || endpoint->trust == BUS_TRUSTED) {
        return false;
    }
    endpoint->is_on_trial = endpoint->is_on_trial || endpoint->retry_ms <= now_ms;
    if (endpoint->is_on_trial && endpoint->trust == BUS_SILENT) {
        service->wants_probe = true;
    }
    return !endpoint->is_on_trial;
}

/* ---- ticks ---- */

/* True: there is more to wait for. */
static bool watch(struct bus_service *service)
{
    struct bus_client *client = service->client;
    uint64_t now_ms = clock_mono_ms(client->clock);
    size_t in_flight = 0;
    bool is_waiting = false;
    service->wants_probe = false;
    for (struct list_link *l = service->endpoints.next; l != &service->endpoints; l = l->next) {
        struct bus_endpoint *endpoint = endpoint_of(l);
        count_silence(endpoint);
        in_flight += endpoint->in_flight;
        if (is_silent(client, endpoint) && has_trusted_besides(service, endpoint)) {
            leave_silent(service, endpoint);
        }
        is_waiting = wait_for_trial(service, endpoint, now_ms) || is_waiting;
    }
    bus_client_pump(service);
    bus_client_review(service);
    return is_waiting || (in_flight > 0 && service->endpoints.next != service->endpoints.previous);
}

static void on_tick(void *arg)
{
    struct bus_client *client = arg;
    client->watch_timer = 0;
    bool is_waiting = false;
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        struct bus_service *service = &client->services[i];
        if (service->id != SERVICE_NONE) {
            is_waiting = watch(service) || is_waiting;
        }
    }
    if (is_waiting) {
        bus_client_watch_soon(client);
    }
}

void bus_client_watch_soon(struct bus_client *client)
{
    if (client->watch_timer == 0) {
        client->watch_timer = clock_after(client->clock, client->tick_ms, on_tick, client);
    }
}

static void set_default(uint64_t *value, uint64_t standard)
{
    *value = *value != 0 ? *value : standard;
}

void bus_client_watch_init(struct bus_client *client)
{
    struct bus_patience *patience = &client->config.patience;
    set_default(&patience->silent_ms, SILENT_MS);
    set_default(&patience->silent_costly_ms, SILENT_COSTLY_MS);
    set_default(&patience->probe_ms, PROBE_MS);
    set_default(&patience->draining_ms, DRAINING_MS);
    client->tick_ms = (patience->silent_ms + TICKS - 1) / TICKS;
}
