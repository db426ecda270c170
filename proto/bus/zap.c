#include "proto/bus/zap.h"
#include "proto/bus/bus_reader.h"
#include "proto/bus/bus_socket.h"
#include "proto/base/log.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_VERSION "1.0"
#define DOMAINS_MAX 16
#define FRAMES_MAX 7 /* version, id, domain, address, identity, mechanism, one credential */
#define PUBLIC_KEY_BYTES 32

enum frame_index { VERSION, REQUEST_ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIAL };

enum refusal { UNKNOWN_KEY, ROLE_NOT_ALLOWED, MECHANISM_REFUSED, MALFORMED, REFUSALS };

static const char *const refusal_names[REFUSALS] = {"unknown_key", "role_not_allowed", "mechanism",
                                                    "malformed"};

struct domain {
    char *name; /* NULL: free */
    const char *const *roles;
};

struct zap {
    struct loop *loop;
    const struct keys *keys;
    zsock_t *socket;
    struct bus_reader *reader;
    struct domain domains[DOMAINS_MAX];
    struct metric *refused[REFUSALS];
    struct log_gate gate;
};

/* One request as it came; the frames stay in their messages. */
struct zap_request {
    zmq_msg_t frames[FRAMES_MAX];
    size_t count; /* all that came, also those beyond FRAMES_MAX */
};

static struct str frame_of(const struct zap_request *request, enum frame_index index)
{
    const zmq_msg_t *frame = &request->frames[index];
    return (struct str){zmq_msg_data((zmq_msg_t *)(uintptr_t)frame), zmq_msg_size(frame)};
}

/* Into frame, which is initialised here. */
static bool receive_frame(void *socket, zmq_msg_t *frame)
{
    zmq_msg_init(frame);
    if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(frame);
        return false;
    }
    return true;
}

/* False: there is none. Reads the whole message, however many frames it has. */
static bool receive_zap_request(void *socket, struct zap_request *ret_request)
{
    ret_request->count = 0;
    for (bool more = true; more; ret_request->count++) {
        zmq_msg_t surplus;
        bool fits = ret_request->count < FRAMES_MAX;
        zmq_msg_t *frame = fits ? &ret_request->frames[ret_request->count] : &surplus;
        if (!receive_frame(socket, frame)) {
            return false; /* only before the first one: messages are atomic */
        }
        more = zmq_msg_more(frame) != 0;
        if (!fits) {
            zmq_msg_close(frame);
        }
    }
    return true;
}

static void request_fini(struct zap_request *request)
{
    for (size_t i = 0; i < request->count && i < FRAMES_MAX; i++) {
        zmq_msg_close(&request->frames[i]);
    }
}

static bool domain_allows(const struct zap *zap, struct str name, const char *role)
{
    for (size_t i = 0; i < DOMAINS_MAX; i++) {
        const struct domain *domain = &zap->domains[i];
        if (domain->name == NULL || !str_eq(name, str_of(domain->name))) {
            continue;
        }
        for (const char *const *allowed = domain->roles; *allowed != NULL; allowed++) {
            if (strcmp(*allowed, role) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The role that is admitted, or NULL and why not. */
static const char *judge(const struct zap *zap, const struct zap_request *request,
                         enum refusal *ret_why)
{
    *ret_why = MALFORMED;
    if (request->count <= MECHANISM || !str_eq(frame_of(request, VERSION), STR_LIT(ZAP_VERSION))) {
        return NULL;
    }
    if (!str_eq(frame_of(request, MECHANISM), STR_LIT("CURVE"))) {
        *ret_why = MECHANISM_REFUSED;
        return NULL;
    }
    if (request->count != FRAMES_MAX || frame_of(request, CREDENTIAL).bytes != PUBLIC_KEY_BYTES) {
        return NULL;
    }
    char z85[KEY_Z85_BYTES + 1];
    zmq_z85_encode(z85, (const uint8_t *)frame_of(request, CREDENTIAL).data, PUBLIC_KEY_BYTES);
    const char *role = keys_find_role(zap->keys, z85);
    if (role == NULL) {
        *ret_why = UNKNOWN_KEY;
        return NULL;
    }
    if (!domain_allows(zap, frame_of(request, DOMAIN), role)) {
        *ret_why = ROLE_NOT_ALLOWED;
        return NULL;
    }
    return role;
}

static void send_frame(void *socket, struct str data, int flags)
{
    zmq_send(socket, data.data != NULL ? data.data : "", data.bytes, flags | ZMQ_DONTWAIT);
}

static void answer(struct zap *zap, const struct zap_request *request, const char *role)
{
    void *socket = zsock_resolve(zap->socket);
    struct str id = request->count > REQUEST_ID ? frame_of(request, REQUEST_ID) : STR_NONE;
    send_frame(socket, STR_LIT(ZAP_VERSION), ZMQ_SNDMORE);
    send_frame(socket, id, ZMQ_SNDMORE);
    send_frame(socket, role != NULL ? STR_LIT("200") : STR_LIT("400"), ZMQ_SNDMORE);
    send_frame(socket, role != NULL ? STR_LIT("OK") : STR_LIT("refused"), ZMQ_SNDMORE);
    send_frame(socket, str_of(role), ZMQ_SNDMORE);
    send_frame(socket, STR_NONE, 0);
}

static void refuse_peer(struct zap *zap, const struct zap_request *request, enum refusal why)
{
    metric_inc(zap->refused[why]);
    struct str address = request->count > ADDRESS ? frame_of(request, ADDRESS) : STR_NONE;
    log_warn_limited(&zap->gate, clock_mono_ms(loop_clock(zap->loop)), "bus connection refused",
                     LOG_Z("reason", refusal_names[why]), LOG_STR("address", address));
}

static bool answer_next(struct zap *zap)
{
    struct zap_request request;
    if (!receive_zap_request(zsock_resolve(zap->socket), &request)) {
        return false;
    }
    enum refusal why;
    const char *role = judge(zap, &request, &why);
    if (role == NULL) {
        refuse_peer(zap, &request, why);
    }
    answer(zap, &request, role); /* always: a REP socket must answer before it hears again */
    request_fini(&request);
    return true;
}

static bool on_zap_readable(void *arg)
{
    for (int i = 0; i < LOOP_BATCH; i++) {
        if (!answer_next(arg)) {
            return false;
        }
    }
    return true;
}

static void make_zap_metrics(struct zap *zap, struct metrics *metrics)
{
    for (size_t i = 0; i < REFUSALS; i++) {
        AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", refusal_names[i]);
        zap->refused[i] = metrics_counter(metrics, "lynks_bus_refused_connections_total",
                                          "Connections to the bus that were not admitted.", labels);
    }
}

struct zap *zap_new(struct loop *loop, struct metrics *metrics, const struct keys *keys)
{
    AUTO(zap_free) struct zap *zap = mem_alloc(sizeof(*zap));
    zap->keys = keys;
    zap->socket = bus_socket_new_plain(ZMQ_REP);
    if (zmq_bind(zsock_resolve(zap->socket), ZAP_ENDPOINT) != 0) {
        return NULL;
    }
    make_zap_metrics(zap, metrics);
    zap->loop = loop;
    zap->reader = bus_reader_new(loop, zap->socket, on_zap_readable, zap);
    return STEAL(zap);
}

void zap_free(struct zap **zap)
{
    struct zap *self = *zap;
    if (self == NULL) {
        return;
    }
    if (self->reader != NULL) {
        bus_reader_free(&self->reader);
        /* At once: libzmq closes the socket, and frees its name, in its own time. */
        zmq_unbind(zsock_resolve(self->socket), ZAP_ENDPOINT);
    }
    zsock_destroy(&self->socket);
    for (size_t i = 0; i < DOMAINS_MAX; i++) {
        mem_free(&self->domains[i].name);
    }
    mem_free(zap);
}

void zap_allow(struct zap *zap, const char *domain, const char *const *roles)
{
    for (size_t i = 0; i < DOMAINS_MAX; i++) {
        if (zap->domains[i].name == NULL) {
            zap->domains[i] = (struct domain){.name = mem_strdup(domain), .roles = roles};
            return;
        }
    }
    assert(false && "more domains than a process has sockets");
}

void zap_forget(struct zap *zap, const char *domain)
{
    for (size_t i = 0; i < DOMAINS_MAX; i++) {
        if (zap->domains[i].name != NULL && strcmp(zap->domains[i].name, domain) == 0) {
            mem_free(&zap->domains[i].name);
            zap->domains[i].roles = NULL;
        }
    }
}
