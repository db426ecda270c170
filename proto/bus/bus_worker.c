#include "proto/bus/bus_worker.h"
#include "proto/bus/bus_admit.h"
#include "proto/bus/bus_batch.h"
#include "proto/bus/bus_replies.h"
#include "proto/bus/bus_skew.h"
#include "proto/bus/bus_socket.h"
#include "proto/bus/bus_stats.h"
#include "proto/base/log.h"

#include <assert.h>

#define LINGER_MS 1000
#define BACKLOG 1024
#define QUEUE_MIN 1024
#define MESSAGE_NUMBER_MAX 4096
#define SPARE_MAX 128 /* calls kept for reuse; more are freed when they are answered */
#define ENDPOINT_BYTES 256
/* Callers of an earlier minor version know one refusal, ERR_DRAINING. */
#define REFUSALS_MINOR 2

static const struct bus_stat_names stat_names = {
    .total = "lynks_bus_handled_total",
    .total_help = "Calls that were served, by result.",
    .seconds = "lynks_bus_handle_seconds",
    .seconds_help = "From a call's arrival to its answer.",
    .label = "message",
};

/* One message that this worker serves. */
struct served_type {
    const struct msg_type *type;
    call_handler_fn *fn;
    struct bus_stat stat;
};

struct worker_call {
    struct call call; /* what the handler sees */
    struct bus_worker *worker;
    struct list_link link; /* in the worker's spare ones */
    struct served_type *served;
    uint64_t correlation_id;
    uint64_t minor; /* the caller's */
    uint64_t started_us;
    struct bus_reply reply;
    zmq_msg_t message; /* in which it came; call.request borrows from it */
    struct str frame;  /* its part of that */
    struct arena *arena;
};

/* Stays until the last call in hand has come back, also after bus_worker_free. */
struct bus_worker {
    struct bus_parts parts;
    const struct clock *clock;
    void *service;
    size_t in_hand_max;
    size_t in_hand;
    bool is_draining;
    bool is_closed;
    zsock_t *socket;
    struct bus_reader *reader;
    struct bus_monitor *monitor;
    char *domain; /* ZAP's name for this socket */
    char endpoint[ENDPOINT_BYTES];
    struct served_type *served;
    size_t served_count;
    struct served_type **by_number; /* NULL: not served here */
    size_t number_count;
    struct list_link spare;
    size_t spare_count;
    struct frame *frame; /* the reply that is being encoded */
    struct bus_replies replies;
    struct bus_refusals refusals;
    struct bus_skew *skew;
    struct metric *expired, *undelivered, *in_hand_now, *handshakes_failed;
};

/* ---- call objects ---- */

static void finish_worker_call(struct call *call, enum err err, const struct msg *reply);

static struct worker_call *take_call(struct bus_worker *worker)
{
    struct worker_call *call;
    if (list_is_empty(&worker->spare)) {
        call = mem_alloc(sizeof(*call));
        call->worker = worker;
        call->arena = arena_new();
        list_init(&call->link);
        list_init(&call->reply.link);
    } else {
        call = LIST_FIRST(struct worker_call, &worker->spare, link);
        list_remove(&call->link);
        worker->spare_count--;
    }
    zmq_msg_init(&call->reply.route);
    zmq_msg_init(&call->reply.frame);
    zmq_msg_init(&call->message);
    return call;
}

static void free_call(struct worker_call *call)
{
    arena_free(&call->arena);
    mem_free(&call);
}

static void give_back_call(struct worker_call *call)
{
    struct bus_worker *worker = call->worker;
    zmq_msg_close(&call->reply.route);
    zmq_msg_close(&call->reply.frame);
    zmq_msg_close(&call->message);
    if (worker->is_closed || worker->spare_count == SPARE_MAX) {
        free_call(call);
        return;
    }
    list_add(&worker->spare, &call->link);
    worker->spare_count++;
}

/* ---- replies ---- */

static void on_left(void *arg, struct bus_reply *reply, bool is_sent)
{
    struct bus_worker *worker = arg;
    if (!is_sent) {
        metric_inc(worker->undelivered);
    }
    give_back_call(CONTAINER_OF(reply, struct worker_call, reply));
}

/* The call is given back when its reply has left. */
static void deliver_call(struct bus_worker *worker, struct worker_call *call)
{
    bus_frame_init(&call->reply.frame, frame_bytes(worker->frame));
    bus_replies_add(&worker->replies, &call->reply);
}

static enum err encode(struct bus_worker *worker, const struct worker_call *call, enum err status,
                       const struct msg *reply)
{
    const struct envelope envelope = {
        .correlation_id = call->correlation_id, .request_id = STR_NONE, .status = status};
    return codec_encode(worker->frame, &envelope, reply);
}

/* During a rolling restart the caller may be of the version before. */
static void send_failure(struct worker_call *call, enum err err)
{
    struct bus_worker *worker = call->worker;
    if (err_is_refusal(err) && call->minor < REFUSALS_MINOR) {
        err = ERR_DRAINING;
    }
    const struct msg reply = {.id = call->served != NULL ? call->served->type->reply : MSG_NONE};
    enum err rc = encode(worker, call, err, &reply);
    assert(rc == ERR_OK);
    (void)rc;
    deliver_call(worker, call);
}

/* Gives what the caller gets to know: a reply that breaks the schema is our own mistake. */
static enum err send_reply(struct worker_call *call, const struct msg *reply)
{
    enum err err = ERR_INTERNAL;
    if (reply->id == call->served->type->reply) {
        err = encode(call->worker, call, ERR_OK, reply);
    }
    if (err == ERR_OK) {
        deliver_call(call->worker, call);
        return ERR_OK;
    }
    log_error("reply does not fit the schema", LOG_Z("message", call->served->type->name),
              LOG_Z("error", err_code(err)), LOG_STR("request_id", call->call.context.request_id));
    send_failure(call, ERR_INTERNAL);
    return ERR_INTERNAL;
}

static void free_shell(struct bus_worker *worker);

static void finish_worker_call(struct call *base, enum err err, const struct msg *reply)
{
    struct worker_call *call = CONTAINER_OF(base, struct worker_call, call);
    struct bus_worker *worker = call->worker;
    assert((err == ERR_OK) == (reply != NULL));
    worker->in_hand--;
    if (worker->is_closed) {
        give_back_call(call);
        if (worker->in_hand == 0) {
            free_shell(worker);
        }
        return;
    }
    enum err result = err;
    if (err == ERR_OK) {
        result = send_reply(call, reply);
    } else {
        send_failure(call, err);
    }
    log_debug("call answered", LOG_Z("message", call->served->type->name),
              LOG_Z("result", err_code(result)), LOG_STR("request_id", base->context.request_id));
    bus_stat_count(&call->served->stat, result);
    bus_stat_observe(&call->served->stat, call->started_us);
    metric_set(worker->in_hand_now, (int64_t)worker->in_hand);
}

/* ---- requests ---- */

static void refuse_request(struct bus_worker *worker, enum codec_fault fault, const char *role)
{
    bus_refusals_add(&worker->refusals, fault, role, clock_mono_ms(worker->clock));
}

static struct served_type *find_served(const struct bus_worker *worker, enum msg_id id)
{
    return (size_t)id < worker->number_count ? worker->by_number[id] : NULL;
}

/* Is there a reason not to let the handler see it? Faults are counted by the caller. */
static enum err judge_call(const struct bus_worker *worker, const struct worker_call *call,
                           enum codec_fault fault)
{
    if (call->served == NULL) {
        return ERR_PROTOCOL;
    }
    if (fault != CODEC_OK) {
        return ERR_BAD_REQUEST;
    }
    if (worker->is_draining) {
        return ERR_DRAINING;
    }
    return worker->in_hand >= worker->in_hand_max ? ERR_OVERLOADED : ERR_OK;
}

static void hand_over(struct bus_worker *worker, struct worker_call *call,
                      const struct envelope *envelope, const char *role)
{
    call->started_us = system_mono_us();
    call->call.context.request_id = envelope->request_id;
    call->call.context.principal = envelope->principal;
    call->call.peer_role = role;
    call->call.finish = finish_worker_call;
    worker->in_hand++;
    metric_set(worker->in_hand_now, (int64_t)worker->in_hand);
    call->served->fn(worker->service, &call->call);
}

/* Hands the call over, or answers why not. What is too late has nobody who waits for an answer. */
static void take_on(struct bus_worker *worker, struct worker_call *call,
                    const struct envelope *envelope, enum codec_fault fault, const char *role)
{
    if (!bus_admit_deadline(worker->clock, envelope, &call->call.context.deadline_ms)) {
        metric_inc(worker->expired);
        give_back_call(call);
        return;
    }
    call->correlation_id = envelope->correlation_id;
    call->minor = envelope->minor;
    call->reply.takes_batches = envelope->minor >= BATCH_MINOR;
    call->served = find_served(worker, call->call.request.id);
    enum err err = judge_call(worker, call, fault);
    if (err == ERR_OK) {
        hand_over(worker, call, envelope, role);
        return;
    }
    send_failure(call, err);
    if (call->served != NULL) {
        bus_stat_count(&call->served->stat, err);
    }
}

/* A reply's message, or one of another service, is as unknown here as one that does not exist; what
 * is not a request at all (its status says failed) is no use to answer. */
static enum codec_fault decode(struct bus_worker *worker, struct worker_call *call,
                               struct envelope *ret_envelope)
{
    enum codec_fault fault =
        codec_decode(call->arena, call->frame, ret_envelope, &call->call.request);
    if (fault != CODEC_OK) {
        return fault;
    }
    if (ret_envelope->status != ERR_OK) {
        return CODEC_ENVELOPE;
    }
    return find_served(worker, call->call.request.id) == NULL ? CODEC_UNKNOWN : CODEC_OK;
}

/* libzmq names each connection by five bytes of its own. */
static uint64_t peer_of(struct worker_call *call)
{
    uint64_t peer = 0;
    const size_t bytes = zmq_msg_size(&call->reply.route);
    memcpy(&peer, zmq_msg_data(&call->reply.route), bytes < sizeof(peer) ? bytes : sizeof(peer));
    return peer;
}

static void on_worker_frame(struct bus_worker *worker, struct worker_call *call, const char *role)
{
    struct envelope envelope;
    enum codec_fault fault = decode(worker, call, &envelope);
    if (fault == CODEC_OK) {
        bus_skew_hear(worker->skew, peer_of(call), role, &envelope);
    } else {
        refuse_request(worker, fault, role);
    }
    if (fault == CODEC_OK || fault == CODEC_UNKNOWN || fault == CODEC_BODY) {
        take_on(worker, call, &envelope, fault, role);
    } else {
        give_back_call(call);
    }
}

/* Each call of a message has a reference to it, so that it stays until the last is answered. A
 * short message lies within the reference itself, and each call's frame within its own. */
static size_t take_request_message(struct bus_worker *worker, zmq_msg_t *route, zmq_msg_t *message)
{
    const char *role = bus_admit_role(worker->parts.keys, message);
    struct str data = bus_frame_view(message);
    struct bus_frames frames;
    struct str frame = STR_NONE;
    size_t count = 0;
    if (!bus_frames_open(&frames, data)) {
        refuse_request(worker, CODEC_MALFORMED, role);
        return 1;
    }
    while (bus_frames_next(&frames, &frame)) {
        struct worker_call *call = take_call(worker);
        zmq_msg_copy(&call->reply.route, route);
        zmq_msg_copy(&call->message, message);
        const char *own = zmq_msg_data(&call->message);
        call->frame = (struct str){.data = own + (frame.data - data.data), .bytes = frame.bytes};
        on_worker_frame(worker, call, role);
        count++;
    }
    return count;
}

/* Gives how many frames came; 0: there is nothing more. The first part is the route, which libzmq
 * puts there. */
static size_t receive_requests(struct bus_worker *worker, zmq_msg_t *route, zmq_msg_t *message)
{
    void *socket = zsock_resolve(worker->socket);
    if (zmq_msg_recv(route, socket, ZMQ_DONTWAIT) < 0) {
        return 0;
    }
    if (bus_socket_receive(socket, message) == BUS_FRAME) {
        return take_request_message(worker, route, message);
    }
    refuse_request(worker, CODEC_MALFORMED, bus_admit_role(worker->parts.keys, message));
    return 1;
}

static bool on_worker_readable(void *arg)
{
    struct bus_worker *worker = arg;
    zmq_msg_t route;
    zmq_msg_t message;
    zmq_msg_init(&route);
    zmq_msg_init(&message);
    size_t received = 1;
    for (size_t taken = 0; received > 0 && taken < LOOP_BATCH; taken += received) {
        received = receive_requests(worker, &route, &message);
    }
    zmq_msg_close(&route);
    zmq_msg_close(&message);
    return received > 0;
}

/* Peers without CURVE never get as far as the ZAP handler; here they are seen. */
static void on_handshake_failed(void *arg, int event)
{
    struct bus_worker *worker = arg;
    (void)event;
    metric_inc(worker->handshakes_failed);
}

/* ---- life ---- */

static void make_worker_metrics(struct bus_worker *worker)
{
    struct metrics *metrics = worker->parts.metrics;
    bus_refusals_init(&worker->refusals, metrics);
    worker->expired = metrics_counter(metrics, "lynks_bus_expired_total",
                                      "Calls that came after their deadline; dropped.", NULL);
    worker->undelivered = metrics_counter(metrics, "lynks_bus_undelivered_replies_total",
                                          "Replies whose caller was gone or did not read.", NULL);
    worker->in_hand_now = metrics_gauge(metrics, "lynks_bus_calls_in_hand",
                                        "Calls that were taken on and not answered yet.", NULL);
    worker->handshakes_failed =
        metrics_counter(metrics, "lynks_bus_refused_connections_total",
                        "Connections to the bus that were not admitted.", "reason=\"handshake\"");
}

static void add_handlers(struct bus_worker *worker, const struct call_handler *handlers)
{
    for (const struct call_handler *h = handlers; h->request != MSG_NONE; h++) {
        size_t number = (size_t)h->request;
        assert(number < MESSAGE_NUMBER_MAX);
        worker->number_count = number >= worker->number_count ? number + 1 : worker->number_count;
        worker->served_count++;
    }
    worker->served = mem_alloc(worker->served_count * sizeof(*worker->served));
    worker->by_number = mem_alloc(worker->number_count * sizeof(struct served_type *));
    for (size_t i = 0; i < worker->served_count; i++) {
        struct served_type *served = &worker->served[i];
        served->type = msg_type_find(handlers[i].request);
        served->fn = handlers[i].fn;
        assert(served->type != NULL && served->type->kind == MSG_KIND_REQUEST);
        bus_stat_init(&served->stat, worker->parts.metrics, &stat_names, served->type->name);
        worker->by_number[handlers[i].request] = served;
    }
}

static void set_worker_curve(struct bus_worker *worker, const char *const *allowed_roles)
{
    if (worker->parts.keys == NULL) {
        return;
    }
    worker->domain = mem_printf("worker-%p", (void *)worker);
    zap_allow(worker->parts.zap, worker->domain, allowed_roles);
    bus_socket_set_text(worker->socket, ZMQ_ZAP_DOMAIN, worker->domain);
    bus_socket_set(worker->socket, ZMQ_CURVE_SERVER, 1);
    bus_socket_set_text(worker->socket, ZMQ_CURVE_SECRETKEY, keys_secret(worker->parts.keys));
}

static bool bind_worker(struct bus_worker *worker, const char *address)
{
    void *socket = zsock_resolve(worker->socket);
    bus_socket_set_family(worker->socket, address);
    if (zmq_bind(socket, address) != 0) {
        log_error("bus address cannot be bound", LOG_Z("address", address),
                  LOG_Z("error", zmq_strerror(zmq_errno())));
        return false;
    }
    size_t bytes = sizeof(worker->endpoint);
    return zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, worker->endpoint, &bytes) == 0;
}

static void open_worker_socket(struct bus_worker *worker, const struct bus_worker_config *config)
{
    size_t queue_max = config->in_hand_max > QUEUE_MIN ? config->in_hand_max : QUEUE_MIN;
    worker->socket = bus_socket_new(ZMQ_ROUTER, LINGER_MS, (int)queue_max);
    worker->reader = bus_reader_new(worker->parts.loop, worker->socket, on_worker_readable, worker);
    bus_replies_set_socket(&worker->replies, worker->socket, worker->reader);
    bus_socket_set(worker->socket, ZMQ_ROUTER_MANDATORY, 1);
    bus_socket_set(worker->socket, ZMQ_BACKLOG, BACKLOG);
    set_worker_curve(worker, config->allowed_roles);
    worker->monitor =
        bus_monitor_new(worker->parts.loop, worker->socket,
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                        on_handshake_failed, worker);
}

struct bus_worker *bus_worker_new(const struct bus_parts *parts,
                                  const struct bus_worker_config *config,
                                  const struct call_handler *handlers, void *service)
{
    AUTO(bus_worker_free) struct bus_worker *worker = mem_alloc(sizeof(*worker));
    worker->parts = *parts;
    worker->clock = loop_clock(parts->loop);
    worker->service = service;
    worker->in_hand_max = config->in_hand_max;
    worker->frame = frame_new();
    worker->skew = bus_skew_new(worker->clock, parts->metrics, parts->health);
    bus_replies_init(&worker->replies, parts->loop, on_left, worker);
    list_init(&worker->spare);
    make_worker_metrics(worker);
    add_handlers(worker, handlers);
    open_worker_socket(worker, config);
    if (!bind_worker(worker, config->bind)) {
        return NULL;
    }
    return STEAL(worker);
}

static void free_shell(struct bus_worker *worker)
{
    LIST_EACH (struct worker_call, call, &worker->spare, link) {
        list_remove(&call->link);
        free_call(call);
    }
    frame_free(&worker->frame);
    bus_skew_free(&worker->skew);
    mem_free(&worker->served);
    mem_free(&worker->by_number);
    mem_free(&worker->domain);
    mem_free(&worker);
}

void bus_worker_free(struct bus_worker **worker_ref)
{
    struct bus_worker *worker = *worker_ref;
    if (worker == NULL) {
        return;
    }
    *worker_ref = NULL;
    bus_replies_fini(&worker->replies);
    worker->is_closed = true;
    bus_reader_free(&worker->reader);
    bus_monitor_free(&worker->monitor);
    zsock_destroy(&worker->socket);
    if (worker->domain != NULL) {
        zap_forget(worker->parts.zap, worker->domain);
    }
    if (worker->in_hand == 0) {
        free_shell(worker);
    }
}

void bus_worker_drain(struct bus_worker *worker)
{
    worker->is_draining = true;
}

size_t bus_worker_in_hand(const struct bus_worker *worker)
{
    return worker->in_hand;
}

const char *bus_worker_endpoint(const struct bus_worker *worker)
{
    return worker->endpoint;
}
