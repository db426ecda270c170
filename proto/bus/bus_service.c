#include "proto/bus/bus_service.h"

#include "proto/base/log.h"
#include "proto/bus/bus_batch.h"
#include "proto/bus/bus_route.h"
#include "proto/bus/bus_stats.h"

/* How soon an endpoint that took no message although it is live is tried again. */
#define UNBLOCK_MS 10

/* A call that was told so often that it belongs elsewhere ends: as many endpoints as there can be
 * have been asked, and more homes are in use than they can be remembered not to have. */
#define STRAYED_MAX RESOLVE_SET_MAX

/* Held calls of one home, oldest first: what none takes does not hold up the others. Has one at
 * least. */
struct bus_line {
    struct list_link link; /* in its service */
    uint64_t home_hash;
    struct list_link calls;
};

struct bus_service {
    struct bus_service_parts parts;
    const struct clock *clock;
    enum service_id id;
    const char *public_key;
    struct list_link endpoints; /* the one that was chosen last is at the end */
    bool is_ready;              /* as told to health */
    bool wants_probe;           /* a silent endpoint is to be asked again with the next call */
    struct list_link lines;     /* calls that wait for an endpoint: of struct bus_line */
    size_t held_count;          /* all of them */
    uint64_t reap_timer;
    uint64_t unblock_timer;
    uint64_t tick_timer;
    struct log_gate handshake_gate;
    struct metric *endpoints_live, *resent, *silent, *handshakes_failed, *not_mine;
};

enum service_id bus_service_id(const struct bus_service *service)
{
    return service->id;
}

static uint64_t service_now_ms(const struct bus_service *service)
{
    return clock_mono_ms(service->clock);
}

static void log_endpoint(const struct bus_service *service, const struct bus_endpoint *endpoint,
                         const char *event)
{
    log_info(event, LOG_Z("service", service_name(service->id)),
             LOG_Z("endpoint", endpoint->address), LOG_U64("in_flight", endpoint->in_flight));
}

/* ---- reviewing: what follows from any change of an endpoint's state ---- */

static void review_endpoints(struct bus_service *service);

/* From a timer, because an endpoint may not be freed from inside its own events. */
static void on_reap(void *arg)
{
    struct bus_service *service = arg;
    service->reap_timer = 0;
    LIST_EACH (struct bus_endpoint, endpoint, &service->endpoints, link) {
        if (bus_endpoint_has_left(endpoint)) {
            bus_endpoint_free(&endpoint);
        }
    }
    review_endpoints(service);
}

static void review_endpoints(struct bus_service *service)
{
    size_t live = 0;
    bool is_ready = false;
    bool has_left = false;
    LIST_EACH (const struct bus_endpoint, endpoint, &service->endpoints, link) {
        live += bus_endpoint_is_live(endpoint);
        is_ready = is_ready || bus_endpoint_is_usable(endpoint);
        has_left = has_left || bus_endpoint_has_left(endpoint);
    }
    metric_set(service->endpoints_live, (int64_t)live);
    if (is_ready != service->is_ready && service->parts.bus.health != NULL) {
        health_set(service->parts.bus.health, service_name(service->id), is_ready,
                   live > 0 ? "shutting down" : "not connected");
    }
    service->is_ready = is_ready;
    if (has_left && service->reap_timer == 0) {
        service->reap_timer = clock_after(service->clock, 0, on_reap, service);
    }
}

/* ---- which endpoint ---- */

/* By rank for its key, or by load; of several, the one that was chosen longest ago. */
static bool is_better(const struct bus_call *call, const struct bus_endpoint *endpoint,
                      const struct bus_endpoint *best)
{
    if (best == NULL) {
        return true;
    }
    if (call->route->key == NULL) {
        return endpoint->in_flight < best->in_flight;
    }
    return bus_route_weight(call->key_hash, endpoint->address_hash) >
           bus_route_weight(call->key_hash, best->address_hash);
}

/* NULL if there is none; then *ret_is_full says whether that is only because of the bound per
 * endpoint. A silent one gets calls if there are no others at all, and one on trial if the others
 * take none. Those where the call has no home do not count for it. */
static struct bus_endpoint *select_endpoint(struct bus_service *service,
                                            const struct bus_call *call, bool *ret_is_full)
{
    struct bus_endpoint *best = NULL, *silent = NULL;
    bool has_full = false;  /* one would have been taken but for the bound per endpoint */
    bool has_other = false; /* one is there that is not silent, though it may take nothing now */
    LIST_EACH (struct bus_endpoint, endpoint, &service->endpoints, link) {
        if (!bus_endpoint_is_live(endpoint) || endpoint->state == BUS_ENDPOINT_LEAVING ||
            bus_endpoint_is_foreign(endpoint, call->home_hash)) {
            continue;
        }
        bool is_silent = bus_endpoint_is_silent(endpoint);
        struct bus_endpoint **place = is_silent ? &silent : &best;
        has_other = has_other || !is_silent;
        if (bus_endpoint_is_blocked(endpoint) || !bus_endpoint_is_usable(endpoint)) {
            continue;
        }
        if (endpoint->in_flight >= service->parts.in_flight_endpoint_max) {
            has_full = true;
        } else if (is_better(call, endpoint, *place)) {
            *place = endpoint;
        }
    }
    if (best == NULL && silent != NULL && !has_full &&
        (!has_other || bus_endpoint_takes_trial(silent))) {
        return silent;
    }
    *ret_is_full = has_full;
    return best;
}

/* ---- sending, holding, sending again ---- */

static void tick_if_several(struct bus_service *service);

static void hold_call(struct bus_service *service, struct bus_call *call)
{
    struct bus_line *line = NULL;
    LIST_EACH (struct bus_line, each, &service->lines, link) {
        line = each->home_hash == call->home_hash ? each : line;
    }
    if (line == NULL) {
        line = mem_alloc(sizeof(*line));
        line->home_hash = call->home_hash;
        list_init(&line->calls);
        list_add(&service->lines, &line->link);
    }
    call->line = line;
    list_add(&line->calls, &call->link);
    service->held_count++;
}

/* Frees the line with its last call. */
static void take_from_line(struct bus_service *service, struct bus_call *call)
{
    struct bus_line *line = call->line;
    call->line = NULL;
    list_remove(&call->link);
    service->held_count--;
    if (list_is_empty(&line->calls)) {
        list_remove(&line->link);
        mem_free(&line);
    }
}

/* Away from its endpoint, to be sent again. */
static void hold_again(struct bus_service *service, struct bus_call *call)
{
    bus_endpoint_forget(call->endpoint, call);
    hold_call(service, call);
}

/* False if there is none that takes calls. */
static bool send_somewhere(struct bus_service *service, struct bus_call *call, bool *ret_is_full)
{
    struct bus_endpoint *endpoint = select_endpoint(service, call, ret_is_full);
    if (endpoint == NULL) {
        return false;
    }
    bus_endpoint_send(endpoint, call);
    list_remove(&endpoint->link);
    list_add(&service->endpoints, &endpoint->link);
    tick_if_several(service);
    return true;
}

/* Asks silent endpoints again, with a copy of a call that has just been sent to another. */
static void probe_silent(struct bus_service *service, struct bus_call *call)
{
    if (call->type->retry != RETRY_SAFE || call->route->is_costly) {
        return;
    }
    service->wants_probe = false;
    LIST_EACH (struct bus_endpoint, endpoint, &service->endpoints, link) {
        if (endpoint != call->endpoint && bus_endpoint_is_silent(endpoint) &&
            bus_endpoint_takes_trial(endpoint)) {
            bus_endpoint_send_copy(endpoint, call);
            bus_endpoint_doubt(endpoint, BUS_ENDPOINT_SILENT,
                               service_now_ms(service) + service->parts.patience.probe_ms);
        }
    }
    tick_if_several(service);
}

enum err bus_service_send(struct bus_service *service, struct bus_call *call)
{
    bool is_full;
    if (send_somewhere(service, call, &is_full)) {
        if (service->wants_probe) {
            probe_silent(service, call);
        }
        return ERR_OK;
    }
    if (is_full) {
        return ERR_OVERLOADED;
    }
    if (service->held_count >= service->parts.held_max) {
        return ERR_UNAVAILABLE;
    }
    hold_call(service, call);
    return ERR_OK;
}

void bus_service_forget(struct bus_service *service, struct bus_call *call)
{
    struct bus_endpoint *endpoint = call->endpoint;
    if (endpoint == NULL && call->line != NULL) {
        take_from_line(service, call);
    }
    if (endpoint == NULL) {
        return;
    }
    bus_endpoint_forget(endpoint, call);
    if (bus_endpoint_has_left(endpoint)) {
        review_endpoints(service);
    }
}

/* Until none takes the next one. A call whose time is up stays where it is: its deadline ends it in
 * a moment. The line is gone when its last call is sent. */
static void pump_line(struct bus_service *service, struct bus_line *line)
{
    bool is_full;
    for (struct bus_call *call = LIST_FIRST(struct bus_call, &line->calls, link), *next;
         call != NULL && select_endpoint(service, call, &is_full) != NULL; call = next) {
        next = LIST_AT(struct bus_call, call->link.next, &line->calls, link);
        if (!bus_call_refresh(call, service->parts.scratch, service->parts.arena,
                              service_now_ms(service))) {
            continue;
        }
        take_from_line(service, call);
        (void)send_somewhere(service, call, &is_full); /* the one that was selected takes it */
        if (call->sends > 1) {
            metric_inc(service->resent);
        }
    }
}

void bus_service_pump(struct bus_service *service)
{
    LIST_EACH (struct bus_line, line, &service->lines, link) {
        pump_line(service, line);
    }
}

/* What has not been sent yet goes elsewhere, whatever its kind. */
static void empty_outbox(struct bus_service *service, struct bus_endpoint *endpoint)
{
    LIST_EACH (struct bus_call, call, &endpoint->outbox, out) {
        hold_again(service, call);
    }
}

static void on_unblock(void *arg)
{
    struct bus_service *service = arg;
    service->unblock_timer = 0;
    LIST_EACH (struct bus_endpoint, endpoint, &service->endpoints, link) {
        if (endpoint->state == BUS_ENDPOINT_BLOCKED) {
            bus_endpoint_change(endpoint, BUS_ENDPOINT_TRUSTED);
        } else if (endpoint->state == BUS_ENDPOINT_SILENT_BLOCKED) {
            bus_endpoint_change(endpoint, BUS_ENDPOINT_SILENT);
        }
    }
    bus_service_pump(service);
}

/* ---- once a tick: who is silent, who is due to be asked again ---- */

/* One to turn to with a call of this home (0: with any): those that take no calls do not count,
 * because they would only say so again. */
static bool has_trusted_besides(struct bus_service *service, const struct bus_endpoint *endpoint,
                                uint64_t home_hash)
{
    LIST_EACH (const struct bus_endpoint, other, &service->endpoints, link) {
        if (other != endpoint && !bus_endpoint_is_foreign(other, home_hash) &&
            (other->state == BUS_ENDPOINT_TRUSTED || other->state == BUS_ENDPOINT_BLOCKED)) {
            return true;
        }
    }
    return false;
}

/* Its calls keep their correlation ids, so that whoever answers first answers them. */
static void leave_silent(struct bus_service *service, struct bus_endpoint *endpoint,
                         bool with_costly)
{
    if (!bus_endpoint_is_silent(endpoint) && endpoint->state != BUS_ENDPOINT_LEAVING) {
        log_endpoint(service, endpoint, "bus endpoint is silent");
        metric_inc(service->silent);
    }
    LIST_EACH (struct bus_call, call, &endpoint->calls, link) {
        if (bus_call_may_be_sent_again(call) && (with_costly || !call->route->is_costly) &&
            has_trusted_besides(service, endpoint, call->home_hash)) {
            const bool is_there = list_is_empty(&call->out);
            call->elsewhere += call->type->retry == RETRY_KEYED && is_there;
            hold_again(service, call);
        }
    }
    if (endpoint->state != BUS_ENDPOINT_LEAVING) {
        bus_endpoint_doubt(endpoint,
                           bus_endpoint_is_blocked(endpoint) ? BUS_ENDPOINT_SILENT_BLOCKED
                                                             : BUS_ENDPOINT_SILENT,
                           service_now_ms(service) + service->parts.patience.probe_ms);
    }
    bus_silence_restart_light(&endpoint->silence);
}

/* True: its time to be asked again is still to come. */
static bool wait_for_trial(struct bus_service *service, struct bus_endpoint *endpoint)
{
    bool is_due = endpoint->retry_ms <= service_now_ms(service);
    switch (endpoint->state) {
    case BUS_ENDPOINT_REFUSING:
        if (is_due) {
            bus_endpoint_change(endpoint, BUS_ENDPOINT_REFUSING_DUE);
        }
        return !is_due;
    case BUS_ENDPOINT_SILENT:
        if (is_due) {
            bus_endpoint_change(endpoint, BUS_ENDPOINT_SILENT_DUE);
            service->wants_probe = true;
        }
        return !is_due;
    case BUS_ENDPOINT_SILENT_DUE:
        service->wants_probe = true;
        return false;
    case BUS_ENDPOINT_SILENT_BLOCKED:
        return true;
    default:
        return false;
    }
}

static void tick_soon(struct bus_service *service);

static void on_silence_tick(void *arg)
{
    struct bus_service *service = arg;
    size_t in_flight = 0;
    bool is_waiting = false;
    service->tick_timer = 0;
    service->wants_probe = false;
    LIST_EACH (struct bus_endpoint, endpoint, &service->endpoints, link) {
        enum bus_verdict verdict =
            bus_silence_tick(&endpoint->silence, &service->parts.patience, endpoint->in_flight,
                             endpoint->costly_in_flight);
        in_flight += endpoint->in_flight;
        if (verdict != BUS_VERDICT_WELL &&
            has_trusted_besides(service, endpoint, /* home_hash= */ 0)) {
            leave_silent(service, endpoint, verdict == BUS_VERDICT_SILENT);
        }
        is_waiting = wait_for_trial(service, endpoint) || is_waiting;
    }
    bus_service_pump(service);
    review_endpoints(service);
    if (is_waiting || (in_flight > 0 && list_has_several(&service->endpoints))) {
        tick_soon(service);
    }
}

/* Looks at all endpoints a tick from now, if it was not to be done anyway. */
static void tick_soon(struct bus_service *service)
{
    if (service->tick_timer == 0) {
        service->tick_timer =
            clock_after(service->clock, bus_patience_tick_ms(&service->parts.patience),
                        on_silence_tick, service);
    }
}

/* Silence only matters where there is another to turn to. */
static void tick_if_several(struct bus_service *service)
{
    if (list_has_several(&service->endpoints)) {
        tick_soon(service);
    }
}

/* ---- what answers tell ---- */

/* Any answer shows that a silent one lives. One that refuses goes on answering what it had in hand,
 * so there only the call on trial shows that it takes calls again. */
bool bus_service_hear(struct bus_service *service, struct bus_endpoint *endpoint,
                      const struct envelope *answer)
{
    endpoint->silence.answers++;
    endpoint->takes_batches = answer->minor >= BATCH_MINOR;
    bool is_refusing =
        endpoint->state == BUS_ENDPOINT_REFUSING || endpoint->state == BUS_ENDPOINT_REFUSING_DUE;
    if (is_refusing ? err_is_refusal(answer->status) || answer->correlation_id != endpoint->trial_id
                    : !bus_endpoint_is_silent(endpoint)) {
        return false;
    }
    log_endpoint(service, endpoint, "bus endpoint answers again");
    bus_silence_restart(&endpoint->silence);
    endpoint->trial_id = 0;
    bus_endpoint_change(endpoint, bus_endpoint_is_blocked(endpoint) ? BUS_ENDPOINT_BLOCKED
                                                                    : BUS_ENDPOINT_TRUSTED);
    return true;
}

void bus_service_go_on(struct bus_service *service)
{
    review_endpoints(service);
    bus_service_pump(service);
}

void bus_service_refused(struct bus_service *service, struct bus_endpoint *endpoint,
                         struct bus_call *call, enum err why)
{
    if (bus_endpoint_is_live(endpoint) && endpoint->state != BUS_ENDPOINT_LEAVING) {
        if (endpoint->state != BUS_ENDPOINT_REFUSING &&
            endpoint->state != BUS_ENDPOINT_REFUSING_DUE) {
            log_info("bus endpoint takes no calls", LOG_Z("service", service_name(service->id)),
                     LOG_Z("endpoint", endpoint->address), LOG_Z("error", err_code(why)));
        }
        bus_endpoint_doubt(endpoint, BUS_ENDPOINT_REFUSING,
                           service_now_ms(service) + service->parts.patience.refusing_ms);
        bus_silence_restart(&endpoint->silence);
        tick_soon(service);
    }
    review_endpoints(service);
    if (call->endpoint == endpoint) {
        call->sends--;
        hold_again(service, call);
        bus_service_pump(service);
    }
}

void bus_service_not_mine(struct bus_service *service, struct bus_endpoint *endpoint,
                          struct bus_call *call)
{
    metric_inc(service->not_mine);
    bus_endpoint_add_foreign(endpoint, call->home_hash);
    if (call->endpoint != endpoint) {
        return;
    }
    call->sends--;
    if (++call->strayed < STRAYED_MAX) {
        hold_again(service, call);
        bus_service_pump(service);
        return;
    }
    bus_service_forget(service, call);
    service->parts.events->ended(service->parts.arg, call, ERR_UNAVAILABLE);
}

/* ---- what happens at endpoints ---- */

static void on_endpoint_up(void *arg, struct bus_endpoint *endpoint)
{
    struct bus_service *service = arg;
    log_endpoint(service, endpoint, "bus endpoint connected");
    tick_if_several(service);
    bus_service_go_on(service);
}

/* The endpoint is not usable any more, so nothing is added to its calls meanwhile. */
static void on_endpoint_down(void *arg, struct bus_endpoint *endpoint)
{
    struct bus_service *service = arg;
    log_endpoint(service, endpoint, "bus endpoint lost");
    empty_outbox(service, endpoint);
    for (struct bus_call *call;
         (call = LIST_FIRST(struct bus_call, &endpoint->calls, link)) != NULL;) {
        if (bus_call_may_be_sent_again(call)) {
            hold_again(service, call);
        } else {
            bus_endpoint_forget(endpoint, call);
            service->parts.events->ended(service->parts.arg, call, ERR_UNAVAILABLE);
        }
    }
    bus_service_go_on(service);
}

/* Also what connecting to a port gives that nobody serves any more; so it is no warning. */
static void on_endpoint_refused(void *arg, struct bus_endpoint *endpoint)
{
    struct bus_service *service = arg;
    metric_inc(service->handshakes_failed);
    log_info_limited(&service->handshake_gate, service_now_ms(service), "bus handshake failed",
                     LOG_Z("service", service_name(service->id)),
                     LOG_Z("endpoint", endpoint->address));
}

static void on_endpoint_stuck(void *arg, struct bus_endpoint *endpoint)
{
    struct bus_service *service = arg;
    switch (endpoint->state) {
    case BUS_ENDPOINT_TRUSTED:
        bus_endpoint_change(endpoint, BUS_ENDPOINT_BLOCKED);
        break;
    case BUS_ENDPOINT_SILENT:
    case BUS_ENDPOINT_SILENT_DUE:
        bus_endpoint_change(endpoint, BUS_ENDPOINT_SILENT_BLOCKED);
        break;
    case BUS_ENDPOINT_REFUSING_DUE:
        bus_endpoint_doubt(endpoint, BUS_ENDPOINT_REFUSING,
                           service_now_ms(service) + service->parts.patience.refusing_ms);
        tick_soon(service);
        break;
    default:
        break;
    }
    if (service->unblock_timer == 0) {
        service->unblock_timer = clock_after(service->clock, UNBLOCK_MS, on_unblock, service);
    }
    empty_outbox(service, endpoint);
    bus_service_pump(service);
}

static void on_endpoint_frame(void *arg, struct bus_endpoint *endpoint, struct str data)
{
    struct bus_service *service = arg;
    service->parts.events->frame(service->parts.arg, service, endpoint, data);
}

static const struct bus_endpoint_events endpoint_events = {.up = on_endpoint_up,
                                                           .down = on_endpoint_down,
                                                           .refused = on_endpoint_refused,
                                                           .stuck = on_endpoint_stuck,
                                                           .frame = on_endpoint_frame};

/* ---- life ---- */

static bool has_endpoint(struct bus_service *service, const char *address)
{
    LIST_EACH (const struct bus_endpoint, endpoint, &service->endpoints, link) {
        if (strcmp(endpoint->address, address) == 0) {
            return true;
        }
    }
    return false;
}

/* What has calls is connected; so one that comes back in time is as good as the others. */
void bus_service_set_addresses(void *arg, const struct resolve_set *set)
{
    struct bus_service *service = arg;
    LIST_EACH (struct bus_endpoint, endpoint, &service->endpoints, link) {
        if (bus_endpoint_has_left(endpoint)) {
            bus_endpoint_free(&endpoint);
        } else if (!resolve_set_has(set, endpoint->address)) {
            bus_endpoint_change(endpoint, BUS_ENDPOINT_LEAVING);
        } else if (endpoint->state == BUS_ENDPOINT_LEAVING) {
            bus_endpoint_change(endpoint, BUS_ENDPOINT_TRUSTED);
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        if (!has_endpoint(service, set->items[i])) {
            struct bus_endpoint *endpoint =
                bus_endpoint_new(&service->parts.bus, set->items[i], service->public_key,
                                 service->parts.in_flight_endpoint_max, &endpoint_events, service);
            list_add(&service->endpoints, &endpoint->link);
        }
    }
    bus_service_go_on(service);
}

struct bus_service *bus_service_new(const struct bus_service_parts *parts, enum service_id id,
                                    const char *public_key)
{
    struct metrics *metrics = parts->bus.metrics;
    AUTO(mem_free) char *labels = mem_printf("service=\"%s\"", service_name(id));
    struct bus_service *service = mem_alloc(sizeof(*service));
    service->parts = *parts;
    service->clock = loop_clock(parts->bus.loop);
    service->id = id;
    service->public_key = public_key;
    list_init(&service->endpoints);
    list_init(&service->lines);
    service->endpoints_live =
        metrics_gauge(metrics, "lynks_bus_endpoints_live", "Endpoints that are connected.", labels);
    service->resent =
        metrics_counter(metrics, "lynks_bus_resent_total",
                        "Calls sent again because an endpoint went or fell silent.", labels);
    service->silent = metrics_counter(metrics, "lynks_bus_endpoints_silent_total",
                                      "Endpoints left alone because they fell silent.", labels);
    service->not_mine =
        metrics_counter(metrics, "lynks_bus_not_mine_total",
                        "Answers of endpoints that have not the home a call names.", labels);
    service->handshakes_failed =
        metrics_counter(metrics, "lynks_bus_handshakes_failed_total",
                        "Connections to other services that were not admitted there.", NULL);
    if (parts->bus.health != NULL) {
        health_set(parts->bus.health, service_name(id), false, "not connected");
    }
    return service;
}

void bus_service_free(struct bus_service **service)
{
    struct bus_service *self = *service;
    if (self == NULL) {
        return;
    }
    clock_cancel(self->clock, self->reap_timer);
    clock_cancel(self->clock, self->unblock_timer);
    clock_cancel(self->clock, self->tick_timer);
    LIST_EACH (struct bus_endpoint, endpoint, &self->endpoints, link) {
        bus_endpoint_free(&endpoint);
    }
    mem_free(service);
}
