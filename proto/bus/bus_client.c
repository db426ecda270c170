#include "proto/bus/bus_client.h"

#include <assert.h>

#include "proto/base/log.h"
#include "proto/base/slots.h"
#include "proto/bus/bus_route.h"
#include "proto/bus/bus_service.h"
#include "proto/bus/bus_stats.h"

struct bus_client {
    struct bus_parts parts;
    struct bus_client_config config;
    const struct clock *clock;
    struct slots *calls; /* of struct bus_call, all that are in flight */
    struct bus_deadlines *deadlines;
    struct resolver *resolver;
    struct bus_service *services[SERVICE_COUNT]; /* NULL: not added */
    struct bus_stat stats[SERVICE_COUNT];
    struct frame *frame;         /* what is being encoded */
    struct arena *reply_arena;   /* the reply that is being handled */
    struct arena *request_arena; /* a request that is being encoded anew */
    bool is_closing;
    struct bus_refusals refusals;
    struct metric *in_flight;
    struct metric *late_replies;
};

static const struct bus_stat_names stat_names = {
    .total = "lynks_bus_calls_total",
    .total_help = "Calls to other services, by result.",
    .seconds = "lynks_bus_call_seconds",
    .seconds_help = "From the call to its answer.",
    .label = "service",
};

/* ---- the end of a call ---- */

static struct bus_service *service_of(struct bus_client *client, const struct bus_call *call)
{
    return client->services[call->type->service];
}

static void count_in_flight(struct bus_client *client)
{
    metric_set(client->in_flight, (int64_t)slots_used(client->calls));
}

/* A call that is no service's any more: frees it, counts, tells the caller. */
static void end_client_call(struct bus_client *client, struct bus_call *call, enum err err,
                            const struct msg *reply)
{
    struct bus_service *service = service_of(client, call);
    struct bus_stat *stat = &client->stats[call->type->service];
    bus_reply_fn *fn = call->fn;
    void *arg = call->arg;
    bus_deadline_clear(&call->deadline);
    bus_stat_observe(stat, call->started_us);
    bus_stat_count(stat, err);
    bus_call_fini(call);
    slots_release(client->calls, call);
    count_in_flight(client);
    fn(arg, err, reply);
    if (!client->is_closing) {
        bus_service_pump(service);
    }
}

static void finish_client_call(struct bus_client *client, struct bus_call *call, enum err err,
                               const struct msg *reply)
{
    bus_service_forget(service_of(client, call), call);
    end_client_call(client, call, err, reply);
}

static void on_call_deadline(void *arg, struct bus_deadline *deadline)
{
    struct bus_call *call = CONTAINER_OF(deadline, struct bus_call, deadline);
    finish_client_call(arg, call, call->sends > 0 ? ERR_DEADLINE : ERR_UNAVAILABLE, NULL);
}

static void on_call_ended(void *arg, struct bus_call *call, enum err err)
{
    end_client_call(arg, call, err, NULL);
}

/* ---- answers ---- */

static void refuse_frame(struct bus_client *client, const struct bus_endpoint *endpoint,
                         enum codec_fault fault)
{
    bus_refusals_add(&client->refusals, fault, endpoint->address, clock_mono_ms(client->clock));
}

/* A failure of the endpoint where the call waits no longer may be that endpoint's own. */
static bool is_outrun(const struct bus_call *call, const struct bus_endpoint *endpoint,
                      enum err status)
{
    return call->endpoint != endpoint && !err_is_refusal(status) && err_is_retryable(status);
}

/* Somewhere else than at endpoint, which has not done it. What an endpoint that is lost had is not
 * counted: mostly its process is no more, and nobody is to wait for that. */
static bool may_still_be_done(const struct bus_call *call, const struct bus_endpoint *endpoint)
{
    return call->type->retry == RETRY_KEYED &&
           (call->elsewhere > 0 || (call->endpoint != NULL && call->endpoint != endpoint));
}

/* Whoever is told that his command has failed is not to find out later that it was done. */
static void take_call_failure(struct bus_client *client, const struct bus_endpoint *endpoint,
                              struct bus_call *call, enum err status)
{
    struct bus_service *service = service_of(client, call);
    if (!may_still_be_done(call, endpoint)) {
        finish_client_call(client, call, status, NULL);
    } else if (call->endpoint == endpoint) {
        bus_service_forget(service, call);
        call->said = status;
        bus_service_pump(service);
    } else {
        metric_inc(client->late_replies);
    }
}

/* What is left are the endpoints where it may still be executed: this one has not done so. */
static void take_last_failure(struct bus_client *client, struct bus_service *service,
                              struct bus_endpoint *endpoint, struct bus_call *call, enum err status)
{
    if (err_is_refusal(status)) {
        bus_service_refused(service, endpoint, call, status);
    }
    if (call->elsewhere == 0) {
        finish_client_call(client, call, call->said, NULL);
    }
}

/* An answer that can be matched but not read ends its call: waiting would not make it better. */
static void take_reply(struct bus_client *client, struct bus_service *service,
                       struct bus_endpoint *endpoint, const struct envelope *envelope,
                       const struct msg *reply, enum codec_fault fault)
{
    struct bus_call *call = slots_find(client->calls, envelope->correlation_id);
    const bool is_known = call != NULL && call->type->service == bus_service_id(service);
    if (is_known && call->endpoint != endpoint && call->elsewhere > 0) {
        call->elsewhere--;
    }
    if (is_known && call->said != ERR_OK && envelope->status != ERR_OK) {
        take_last_failure(client, service, endpoint, call, envelope->status);
    } else if (is_known && envelope->status == ERR_NOT_MINE && call->home_hash != 0) {
        bus_service_not_mine(service, endpoint, call);
    } else if (!is_known || is_outrun(call, endpoint, envelope->status)) {
        metric_inc(client->late_replies);
    } else if (fault != CODEC_OK) {
        finish_client_call(client, call, ERR_PROTOCOL, NULL);
    } else if (envelope->status == ERR_NOT_MINE) {
        finish_client_call(client, call, ERR_NOT_MINE, NULL); /* it has no home: its caller knows */
    } else if (err_is_refusal(envelope->status)) {
        bus_service_refused(service, endpoint, call, envelope->status);
    } else if (envelope->status != ERR_OK) {
        take_call_failure(client, endpoint, call, envelope->status);
    } else if (reply->id != call->type->reply) {
        refuse_frame(client, endpoint, CODEC_UNKNOWN);
        finish_client_call(client, call, ERR_PROTOCOL, NULL);
    } else {
        finish_client_call(client, call, ERR_OK, reply);
    }
}

static void on_service_frame(void *arg, struct bus_service *service, struct bus_endpoint *endpoint,
                             struct str data)
{
    struct bus_client *client = arg;
    struct envelope envelope;
    struct msg reply;
    enum codec_fault fault = codec_decode(client->reply_arena, data, &envelope, &reply);
    if (fault != CODEC_OK) {
        refuse_frame(client, endpoint, fault);
    }
    if (fault == CODEC_OK || fault == CODEC_BODY || fault == CODEC_UNKNOWN) {
        bool is_trusted_again = bus_service_hear(service, endpoint, &envelope);
        take_reply(client, service, endpoint, &envelope, &reply, fault);
        if (is_trusted_again) {
            bus_service_go_on(service);
        }
    }
}

static const struct bus_service_events service_events = {.frame = on_service_frame,
                                                         .ended = on_call_ended};

/* ---- calls ---- */

/* Fills a fresh call in and sends it on its way. On an error the caller frees it. */
static enum err start_client_call(struct bus_client *client, struct bus_call *call,
                                  const struct msg *request, const struct call_context *context,
                                  uint64_t remaining_ms)
{
    const struct envelope envelope = {
        .correlation_id = slots_id(call),
        .remaining_ms = remaining_ms,
        .expiry_unix_ms = clock_unix_ms(client->clock) + remaining_ms,
        .request_id = context->request_id,
        .principal = context->principal,
    };
    if (call->route->key != NULL) {
        call->key_hash = bus_route_hash(msg_route_key(request, call->route));
    }
    call->home_hash = bus_route_home(msg_home(request));
    enum err err = bus_call_encode(call, client->frame, &envelope, request);
    if (err != ERR_OK) {
        return err;
    }
    call->started_us = system_mono_us();
    err = bus_service_send(service_of(client, call), call);
    if (err == ERR_OK) {
        bus_deadline_set(client->deadlines, &call->deadline, context->deadline_ms);
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
    struct bus_call *call = slots_take(client->calls);
    if (call == NULL) {
        return ERR_OVERLOADED;
    }
    bus_call_init(call, type, msg_route_get(type), fn, arg);
    enum err err = start_client_call(client, call, request, context, context->deadline_ms - now_ms);
    if (err != ERR_OK) {
        bus_call_fini(call);
        slots_release(client->calls, call);
        return err;
    }
    count_in_flight(client);
    return ERR_OK;
}

static enum err call_service(void *self, const struct msg *request,
                             const struct call_context *context, bus_reply_fn *fn, void *arg)
{
    struct bus_client *client = self;
    const struct msg_type *type = msg_type_find(request->id);
    if (type == NULL || type->kind != MSG_KIND_REQUEST) {
        return ERR_BAD_REQUEST;
    }
    if (client->services[type->service] == NULL) {
        return ERR_UNAVAILABLE; /* this process was not told where it is */
    }
    enum err err = try_call(client, type, request, context, fn, arg);
    if (err != ERR_OK) {
        bus_stat_count(&client->stats[type->service], err);
    }
    return err;
}

static const struct bus_ops client_ops = {call_service};

struct bus bus_client_bus(struct bus_client *client)
{
    return (struct bus){.ops = &client_ops, .self = client};
}

size_t bus_client_in_flight(const struct bus_client *client)
{
    return slots_used(client->calls);
}

/* ---- life ---- */

struct bus_client *bus_client_new(const struct bus_parts *parts,
                                  const struct bus_client_config *config)
{
    struct bus_client *client = mem_alloc(sizeof(*client));
    client->parts = *parts;
    client->config = *config;
    bus_patience_complete(&client->config.patience);
    client->clock = loop_clock(parts->loop);
    client->calls = slots_new(sizeof(struct bus_call), config->in_flight_max, NULL);
    client->deadlines = bus_deadlines_new(client->clock, on_call_deadline, client);
    client->resolver = resolver_new(parts->loop, &config->resolver);
    client->frame = frame_new();
    client->reply_arena = arena_new();
    client->request_arena = arena_new();
    bus_refusals_init(&client->refusals, parts->metrics);
    client->in_flight = metrics_gauge(parts->metrics, "lynks_bus_calls_in_flight",
                                      "Calls to other services that wait for an answer.", NULL);
    client->late_replies =
        metrics_counter(parts->metrics, "lynks_bus_late_replies_total",
                        "Replies that came late, twice, or to nothing that was asked.", NULL);
    return client;
}

void bus_client_free(struct bus_client **client)
{
    struct bus_client *self = *client;
    if (self == NULL) {
        return;
    }
    self->is_closing = true;
    for (struct bus_call *call = NULL; (call = slots_next(self->calls, call)) != NULL;) {
        finish_client_call(self, call, ERR_UNAVAILABLE, NULL);
    }
    resolver_free(&self->resolver);
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        bus_service_free(&self->services[i]);
    }
    bus_deadlines_free(&self->deadlines);
    slots_free(&self->calls);
    frame_free(&self->frame);
    arena_free(&self->reply_arena);
    arena_free(&self->request_arena);
    mem_free(client);
}

/* One service that is away may not take all places from the others: it gets half. */
enum err bus_client_add_service(struct bus_client *client, enum service_id id, const char *address)
{
    assert(id != SERVICE_NONE && client->services[id] == NULL);
    const char *public_key = NULL;
    if (client->parts.keys != NULL) {
        public_key = keys_find_public(client->parts.keys, service_name(id));
        if (public_key == NULL) {
            return ERR_BAD_REQUEST;
        }
    }
    const struct bus_service_parts parts = {
        .bus = client->parts,
        .patience = client->config.patience,
        .held_max = (client->config.in_flight_max + 1) / 2,
        .in_flight_endpoint_max = client->config.in_flight_endpoint_max,
        .scratch = client->frame,
        .arena = client->request_arena,
        .events = &service_events,
        .arg = client,
    };
    bus_stat_init(&client->stats[id], client->parts.metrics, &stat_names, service_name(id));
    client->services[id] = bus_service_new(&parts, id, public_key);
    enum err err =
        resolver_watch(client->resolver, address, bus_service_set_addresses, client->services[id]);
    if (err != ERR_OK) {
        bus_service_free(&client->services[id]);
    }
    return err;
}
