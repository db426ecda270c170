#include "proto/bus/bus_endpoint.h"
#include "proto/base/log.h"
#include "proto/base/slots.h"
#include "proto/bus/bus_batch.h"
#include "proto/bus/bus_route.h"

#include <assert.h>

#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 1000
#define CONNECT_TIMEOUT_MS 2000
#define RENEW_MS 250
#define QUEUE_MAX 65536
/* A service that is silent is given up after the sum of the first two, well within a client's 4 s.
 * Only this side sends heartbeats; each tells the service how long it may be without one (the
 * third). So a worker's sockets need no heartbeat timer, with which libzmq aborts while they linger
 * (bus_socket.c). */
#define HEARTBEAT_MS 500
#define HEARTBEAT_TIMEOUT_MS 1500
#define HEARTBEAT_TTL_MS 3000

#define HANDSHAKE_FAILED                                                                           \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                  \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
#define CONNECTING (ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED)
#define EVENTS                                                                                     \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | HANDSHAKE_FAILED | CONNECTING)

/* ---- states ---- */

static const char *const state_names[] = {
    [BUS_ENDPOINT_CONNECTING] = "connecting",
    [BUS_ENDPOINT_TRUSTED] = "trusted",
    [BUS_ENDPOINT_BLOCKED] = "blocked",
    [BUS_ENDPOINT_REFUSING] = "refusing",
    [BUS_ENDPOINT_REFUSING_DUE] = "refusing, due",
    [BUS_ENDPOINT_SILENT] = "silent",
    [BUS_ENDPOINT_SILENT_DUE] = "silent, due",
    [BUS_ENDPOINT_SILENT_BLOCKED] = "silent, blocked",
    [BUS_ENDPOINT_LEAVING] = "leaving",
};

bool bus_endpoint_has_left(const struct bus_endpoint *endpoint)
{
    return endpoint->state == BUS_ENDPOINT_LEAVING && endpoint->in_flight == 0;
}

bool bus_endpoint_is_live(const struct bus_endpoint *endpoint)
{
    return endpoint->state != BUS_ENDPOINT_CONNECTING && !bus_endpoint_has_left(endpoint);
}

bool bus_endpoint_is_silent(const struct bus_endpoint *endpoint)
{
    return endpoint->state == BUS_ENDPOINT_SILENT || endpoint->state == BUS_ENDPOINT_SILENT_DUE ||
           endpoint->state == BUS_ENDPOINT_SILENT_BLOCKED;
}

bool bus_endpoint_is_blocked(const struct bus_endpoint *endpoint)
{
    return endpoint->state == BUS_ENDPOINT_BLOCKED ||
           endpoint->state == BUS_ENDPOINT_SILENT_BLOCKED;
}

bool bus_endpoint_takes_trial(const struct bus_endpoint *endpoint)
{
    bool is_due =
        endpoint->state == BUS_ENDPOINT_REFUSING_DUE || endpoint->state == BUS_ENDPOINT_SILENT_DUE;
    return is_due && endpoint->trial_id == 0;
}

bool bus_endpoint_is_usable(const struct bus_endpoint *endpoint)
{
    switch (endpoint->state) {
    case BUS_ENDPOINT_CONNECTING:
    case BUS_ENDPOINT_LEAVING:
    case BUS_ENDPOINT_REFUSING:
        return false;
    case BUS_ENDPOINT_REFUSING_DUE:
        return bus_endpoint_takes_trial(endpoint);
    default:
        return true;
    }
}

void bus_endpoint_change(struct bus_endpoint *endpoint, enum bus_endpoint_state state)
{
    if (endpoint->state != state) {
        log_debug("bus endpoint", LOG_Z("endpoint", endpoint->address),
                  LOG_Z("was", state_names[endpoint->state]), LOG_Z("is", state_names[state]));
        endpoint->state = state;
    }
}

void bus_endpoint_doubt(struct bus_endpoint *endpoint, enum bus_endpoint_state state,
                        uint64_t retry_ms)
{
    bus_endpoint_change(endpoint, state);
    endpoint->retry_ms = retry_ms;
    endpoint->trial_id = 0;
}

/* ---- homes ---- */

bool bus_endpoint_is_foreign(const struct bus_endpoint *endpoint, uint64_t home_hash)
{
    const size_t count =
        endpoint->foreign_count < BUS_FOREIGN_MAX ? endpoint->foreign_count : BUS_FOREIGN_MAX;
    for (size_t i = 0; i < count; i++) {
        if (endpoint->foreign[i] == home_hash) {
            return true;
        }
    }
    return false;
}

void bus_endpoint_add_foreign(struct bus_endpoint *endpoint, uint64_t home_hash)
{
    if (!bus_endpoint_is_foreign(endpoint, home_hash)) {
        endpoint->foreign[endpoint->foreign_count++ % BUS_FOREIGN_MAX] = home_hash;
    }
}

/* ---- receiving ---- */

/* Gives how many frames it had. */
static size_t take_answer_message(struct bus_endpoint *endpoint, struct str data)
{
    struct bus_frames frames;
    struct str frame = STR_NONE;
    size_t count = 0;
    if (!bus_frames_open(&frames, data)) {
        endpoint->events->frame(endpoint->arg, endpoint, STR_NONE);
        return 1;
    }
    while (bus_frames_next(&frames, &frame)) {
        endpoint->events->frame(endpoint->arg, endpoint, frame);
        count++;
    }
    return count;
}

/* At most limit frames, if the last message does not have more; they may go on coming while they
 * are taken. True: there may be more. */
static bool receive_answers(struct bus_endpoint *endpoint, size_t limit)
{
    void *socket = zsock_resolve(endpoint->socket);
    zmq_msg_t message;
    zmq_msg_init(&message);
    enum bus_received received = BUS_FRAME;
    for (size_t taken = 0; taken < limit;) {
        received = bus_socket_receive(socket, &message);
        if (received == BUS_NOTHING) {
            break;
        }
        taken += take_answer_message(endpoint,
                                     received == BUS_FRAME ? bus_frame_view(&message) : STR_NONE);
    }
    zmq_msg_close(&message);
    return received != BUS_NOTHING;
}

static bool on_endpoint_readable(void *arg)
{
    return receive_answers(arg, LOOP_BATCH);
}

/* zmq_send looks at its mailbox only now and then; asking for the events makes it look, so that it
 * knows of the connection that the monitor has just told of. */
static void notice_connection(struct bus_endpoint *endpoint)
{
    int events;
    size_t bytes = sizeof(events);
    zmq_getsockopt(zsock_resolve(endpoint->socket), ZMQ_EVENTS, &events, &bytes);
    bus_reader_look(endpoint->reader);
}

/* Answers that came before the end still count. */
static void go_down(struct bus_endpoint *endpoint)
{
    if (!bus_endpoint_is_live(endpoint)) {
        return;
    }
    if (endpoint->state != BUS_ENDPOINT_LEAVING) {
        bus_endpoint_change(endpoint, BUS_ENDPOINT_CONNECTING);
    }
    endpoint->takes_batches = false;
    (void)receive_answers(endpoint, endpoint->in_flight);
    endpoint->foreign_count = 0; /* another may come back at this address */
    bus_silence_restart(&endpoint->silence);
    endpoint->events->down(endpoint->arg, endpoint);
}

static void on_renew(void *arg);
static void flush_outbox(void *arg);

/* libzmq connects again after a connection was lost, but never after the peer broke the protocol,
 * refused us, or sent a frame that is too long (session_base.cpp, engine_error). So: unless it says
 * soon that it is connecting, the socket is made anew. */
static void renew_soon(struct bus_endpoint *endpoint)
{
    const struct clock *clock = loop_clock(endpoint->loop);
    if (endpoint->renew_timer == 0) {
        endpoint->renew_timer = clock_after(clock, RENEW_MS, on_renew, endpoint);
    }
}

static void cancel_renewal(struct bus_endpoint *endpoint)
{
    clock_cancel(loop_clock(endpoint->loop), endpoint->renew_timer);
    endpoint->renew_timer = 0;
}

static void on_endpoint_event(void *arg, int event)
{
    struct bus_endpoint *endpoint = arg;
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        cancel_renewal(endpoint);
        go_down(endpoint);
        notice_connection(endpoint);
        if (endpoint->state == BUS_ENDPOINT_CONNECTING) {
            bus_endpoint_change(endpoint, BUS_ENDPOINT_TRUSTED);
            endpoint->events->up(endpoint->arg, endpoint);
        }
    } else if (event == ZMQ_EVENT_DISCONNECTED) {
        renew_soon(endpoint);
        go_down(endpoint);
    } else if ((event & HANDSHAKE_FAILED) != 0) {
        renew_soon(endpoint);
        endpoint->events->refused(endpoint->arg, endpoint);
    } else if ((event & CONNECTING) != 0) {
        cancel_renewal(endpoint);
    }
}

/* ZMQ_IMMEDIATE: nothing is queued for a connection that is not there, and what was queued for one
 * that is lost goes with it; the client itself knows what to send again. */
static void set_endpoint_options(struct bus_endpoint *endpoint)
{
    zsock_t *socket = endpoint->socket;
    const struct keys *keys = endpoint->keys;
    bus_socket_set(socket, ZMQ_IMMEDIATE, 1);
    bus_socket_set(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    bus_socket_set(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    bus_socket_set(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS);
    bus_socket_set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    bus_socket_set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS);
    bus_socket_set(socket, ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS);
    bus_socket_set_family(socket, endpoint->address);
    if (keys != NULL) {
        bus_socket_set_text(socket, ZMQ_CURVE_SERVERKEY, endpoint->public_key);
        bus_socket_set_text(socket, ZMQ_CURVE_PUBLICKEY, keys_find_public(keys, keys_role(keys)));
        bus_socket_set_text(socket, ZMQ_CURVE_SECRETKEY, keys_secret(keys));
    }
}

static void open_endpoint_socket(struct bus_endpoint *endpoint)
{
    endpoint->socket = bus_socket_new(ZMQ_DEALER, /* linger_ms= */ 0, endpoint->queue_max);
    set_endpoint_options(endpoint);
    endpoint->monitor =
        bus_monitor_new(endpoint->loop, endpoint->socket, EVENTS, on_endpoint_event, endpoint);
    endpoint->reader =
        bus_reader_new(endpoint->loop, endpoint->socket, on_endpoint_readable, endpoint);
    /* An address that libzmq does not take never comes up. */
    (void)zmq_connect(zsock_resolve(endpoint->socket), endpoint->address);
}

static void close_socket(struct bus_endpoint *endpoint)
{
    bus_reader_free(&endpoint->reader);
    bus_monitor_free(&endpoint->monitor);
    zsock_destroy(&endpoint->socket);
}

static void on_renew(void *arg)
{
    struct bus_endpoint *endpoint = arg;
    endpoint->renew_timer = 0;
    close_socket(endpoint);
    open_endpoint_socket(endpoint);
}

struct bus_endpoint *bus_endpoint_new(const struct bus_parts *parts, const char *address,
                                      const char *public_key, size_t in_flight_max,
                                      const struct bus_endpoint_events *events, void *arg)
{
    struct bus_endpoint *endpoint = mem_alloc(sizeof(*endpoint));
    endpoint->loop = parts->loop;
    endpoint->keys = parts->keys;
    endpoint->public_key = public_key;
    endpoint->queue_max = (int)(in_flight_max < QUEUE_MAX ? in_flight_max : QUEUE_MAX);
    endpoint->events = events;
    endpoint->arg = arg;
    list_init(&endpoint->link);
    list_init(&endpoint->calls);
    list_init(&endpoint->outbox);
    loop_late_init(&endpoint->flush, flush_outbox, endpoint);
    bool fits = str_copy(endpoint->address, sizeof(endpoint->address), str_of(address));
    assert(fits);
    (void)fits;
    endpoint->address_hash = bus_route_hash(str_of(endpoint->address));
    open_endpoint_socket(endpoint);
    return endpoint;
}

void bus_endpoint_free(struct bus_endpoint **endpoint)
{
    struct bus_endpoint *self = *endpoint;
    if (self == NULL) {
        return;
    }
    assert(self->in_flight == 0);
    list_remove(&self->link);
    loop_late_remove(&self->flush);
    cancel_renewal(self);
    close_socket(self);
    mem_free(endpoint);
}

/* ---- sending ---- */

/* Empties message if it was taken. */
static bool send_message(struct bus_endpoint *endpoint, zmq_msg_t *message)
{
    bool is_sent = zmq_msg_send(message, zsock_resolve(endpoint->socket), ZMQ_DONTWAIT) >= 0;
    zmq_msg_close(message);
    bus_reader_look(endpoint->reader);
    return is_sent;
}

/* As many of the outbox, from its front, as make one message. */
static void fill(struct bus_endpoint *endpoint, struct bus_batch *batch)
{
    bus_batch_init(batch);
    LIST_EACH (struct bus_call, call, &endpoint->outbox, out) {
        if (!bus_batch_fits(batch, &call->frame)) {
            return;
        }
        bus_batch_add(batch, &call->frame);
        if (!endpoint->takes_batches) {
            return;
        }
    }
}

static void flush_outbox(void *arg)
{
    struct bus_endpoint *endpoint = arg;
    while (!list_is_empty(&endpoint->outbox)) {
        struct bus_batch batch;
        zmq_msg_t message;
        fill(endpoint, &batch);
        bus_batch_make(&batch, &message);
        if (!send_message(endpoint, &message)) {
            endpoint->events->stuck(endpoint->arg, endpoint);
            return;
        }
        for (size_t i = 0; i < batch.count; i++) {
            list_remove(endpoint->outbox.next);
        }
    }
}

void bus_endpoint_send_copy(struct bus_endpoint *endpoint, struct bus_call *call)
{
    zmq_msg_t copy; /* of the reference: the bytes are shared */
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, &call->frame);
    call->sends += send_message(endpoint, &copy);
}

void bus_endpoint_send(struct bus_endpoint *endpoint, struct bus_call *call)
{
    call->sends++;
    call->endpoint = endpoint;
    list_add(&endpoint->calls, &call->link);
    list_add(&endpoint->outbox, &call->out);
    loop_late_add(endpoint->loop, &endpoint->flush);
    endpoint->in_flight++;
    endpoint->costly_in_flight += call->route->is_costly;
    if (endpoint->state != BUS_ENDPOINT_TRUSTED) {
        endpoint->trial_id = slots_id(call);
    }
}

void bus_endpoint_forget(struct bus_endpoint *endpoint, struct bus_call *call)
{
    assert(call->endpoint == endpoint);
    call->endpoint = NULL;
    call->sends -= !list_is_empty(&call->out);
    list_remove(&call->link);
    list_remove(&call->out);
    endpoint->in_flight--;
    endpoint->costly_in_flight -= call->route->is_costly;
    if (endpoint->trial_id == slots_id(call)) {
        endpoint->trial_id = 0;
    }
}
