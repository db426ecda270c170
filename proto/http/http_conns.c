#include "proto/http/http_conns.h"

#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A new connection may be cut for a newer one only after it had this long to say something. */
#define SILENT_MS 1000
/* An idle connection is looked at this many times within the time a request may take. */
#define IDLE_LOOKS 4
/* The kernel counts the age of the last data in ticks. */
#define TICK_MS 20
/* A crowd of this many that has left gives its memory back to the system. */
#define CROWD 1024
#define CROWD_LEFT 4 /* when only this part of it is still there */

struct http_address {
    struct http_address *next; /* in its bucket */
    unsigned count;
    uint8_t key[16];
};

/* The connections of one phase, in the order in which they fall due. */
struct queue {
    struct list_link conns;
    uint64_t timeout_ms; /* 0: none */
};

struct http_conns {
    const struct clock *clock;
    http_cut_fn *cut;
    void *cut_arg;
    unsigned max, per_address_max;
    uint64_t idle_timeout_ms;
    size_t count, peak; /* the most there were since memory was last given back */
    struct queue queues[HTTP_PHASE_COUNT];
    uint64_t timer, timer_due_ms; /* timer 0: none is set */
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    size_t bucket_mask;
    struct http_address **buckets;
    struct metric *open, *opened, *refused_full, *refused_address, *cut_timeout, *cut_for_new,
        *cut_stalled;
};

/* ---- addresses ---- */

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void http_address_key(const uint8_t address[16], uint8_t ret_key[16])
{
    bool is_v4 = memcmp(address, mapped_prefix, sizeof(mapped_prefix)) == 0;
    size_t kept = is_v4 ? 16 : 8;
    memset(ret_key, 0, 16);
    memcpy(ret_key, address, kept);
}

void http_address_read(const struct sockaddr *any, uint8_t ret_address[16])
{
    memset(ret_address, 0, 16);
    if (any->sa_family == AF_INET) {
        memcpy(ret_address, mapped_prefix, sizeof(mapped_prefix));
        memcpy(ret_address + 12, &((const struct sockaddr_in *)(const void *)any)->sin_addr, 4);
    } else if (any->sa_family == AF_INET6) {
        memcpy(ret_address, &((const struct sockaddr_in6 *)(const void *)any)->sin6_addr, 16);
    }
}

/* Keyed, so that nobody can choose addresses that share a bucket. */
static struct http_address **bucket_of(struct http_conns *conns, const uint8_t key[16])
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, key, 16, conns->hash_key);
    return &conns->buckets[hash & conns->bucket_mask];
}

static struct http_address *find_address(struct http_conns *conns, const uint8_t key[16])
{
    struct http_address *address = *bucket_of(conns, key);
    while (address != NULL && memcmp(address->key, key, 16) != 0) {
        address = address->next;
    }
    return address;
}

static struct http_address *hold_address(struct http_conns *conns, const uint8_t key[16])
{
    struct http_address *address = find_address(conns, key);
    if (address == NULL) {
        struct http_address **bucket = bucket_of(conns, key);
        address = mem_alloc(sizeof(*address));
        memcpy(address->key, key, 16);
        address->next = *bucket;
        *bucket = address;
    }
    address->count++;
    return address;
}

static void drop_address(struct http_conns *conns, struct http_address *address)
{
    if (--address->count > 0) {
        return;
    }
    struct http_address **place = bucket_of(conns, address->key);
    while (*place != address) {
        place = &(*place)->next;
    }
    *place = address->next;
    free(address);
}

/* ---- phases ---- */

static struct http_conn *first_of(const struct http_conns *conns, enum http_phase phase)
{
    return LIST_FIRST(struct http_conn, &conns->queues[phase].conns, link);
}

static void on_timer(void *arg);

/* One timer for all phases. One that fires too early finds nothing due and is set again. */
static void arm(struct http_conns *conns, uint64_t now_ms, uint64_t due_ms)
{
    if (conns->timer != 0) {
        if (conns->timer_due_ms <= due_ms) {
            return;
        }
        clock_cancel(conns->clock, conns->timer);
    }
    conns->timer_due_ms = due_ms;
    conns->timer =
        clock_after(conns->clock, due_ms > now_ms ? due_ms - now_ms : 0, on_timer, conns);
}

static void enter_phase(struct http_conns *conns, struct http_conn *conn, enum http_phase phase,
                        uint64_t now_ms)
{
    struct queue *queue = &conns->queues[phase];
    conn->phase = phase;
    list_add(&queue->conns, &conn->link);
    if (queue->timeout_ms > 0) {
        conn->due_ms = now_ms + queue->timeout_ms;
        arm(conns, now_ms, conn->due_ms);
    }
}

static void change_phase(struct http_conns *conns, struct http_conn *conn, enum http_phase phase,
                         uint64_t now_ms)
{
    list_remove(&conn->link);
    enter_phase(conns, conn, phase, now_ms);
}

void http_conns_enter(struct http_conns *conns, struct http_conn *conn, enum http_phase phase)
{
    uint64_t now_ms = clock_mono_ms(conns->clock);
    if (phase == HTTP_IDLE) {
        conn->idle_since_ms = now_ms;
    }
    change_phase(conns, conn, phase, now_ms);
}

/* Waits in a phase without a timeout for the server to notice and remove it. */
static void cut_conn(struct http_conns *conns, struct http_conn *conn)
{
    change_phase(conns, conn, HTTP_WAITING, 0);
    (void)shutdown(conn->fd, SHUT_RDWR);
    conns->cut(conns->cut_arg, conn);
}

/* Has a peer begun a request since the connection fell idle? The HTTP library only tells when a
 * whole request line is there, the kernel knows better. */
static bool has_begun(const struct http_conn *conn, uint64_t now_ms)
{
    struct tcp_info info;
    socklen_t bytes = sizeof(info);
    if (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) {
        return false;
    }
    return info.tcpi_last_data_recv + TICK_MS < now_ms - conn->idle_since_ms;
}

static void look_at_idle(struct http_conns *conns, struct http_conn *conn, uint64_t now_ms)
{
    if (now_ms - conn->idle_since_ms >= conns->idle_timeout_ms) {
        cut_conn(conns, conn);
    } else {
        change_phase(conns, conn, has_begun(conn, now_ms) ? HTTP_PARTIAL : HTTP_IDLE, now_ms);
    }
}

static void on_due(struct http_conns *conns, struct http_conn *conn, uint64_t now_ms)
{
    if (conn->phase == HTTP_IDLE) {
        look_at_idle(conns, conn, now_ms);
    } else {
        metric_inc(conn->phase == HTTP_STALLED ? conns->cut_stalled : conns->cut_timeout);
        cut_conn(conns, conn);
    }
}

static void on_timer(void *arg)
{
    struct http_conns *conns = arg;
    uint64_t now_ms = clock_mono_ms(conns->clock);
    conns->timer = 0;
    for (size_t i = 0; i < HTTP_PHASE_COUNT; i++) {
        if (conns->queues[i].timeout_ms == 0) {
            continue;
        }
        struct http_conn *first;
        while ((first = first_of(conns, (enum http_phase)i)) != NULL && first->due_ms <= now_ms) {
            on_due(conns, first, now_ms);
        }
        if (first != NULL) {
            arm(conns, now_ms, first->due_ms);
        }
    }
}

/* ---- coming and going ---- */

static bool make_room_for_conn(struct http_conns *conns)
{
    struct http_conn *idle = first_of(conns, HTTP_IDLE);
    struct http_conn *silent = first_of(conns, HTTP_RECEIVING);
    uint64_t now_ms = clock_mono_ms(conns->clock);
    struct http_conn *oldest = idle;
    if (idle == NULL && silent != NULL &&
        now_ms + conns->queues[HTTP_RECEIVING].timeout_ms >= silent->due_ms + SILENT_MS) {
        oldest = silent;
    }
    if (oldest == NULL) {
        return false;
    }
    metric_inc(conns->cut_for_new);
    cut_conn(conns, oldest);
    return true;
}

bool http_conns_admit(struct http_conns *conns, const uint8_t address[16])
{
    uint8_t key[16];
    http_address_key(address, key);
    const struct http_address *holder = find_address(conns, key);
    if (conns->per_address_max > 0 && holder != NULL && holder->count >= conns->per_address_max) {
        metric_inc(conns->refused_address);
        return false;
    }
    if (conns->count >= conns->max && !make_room_for_conn(conns)) {
        metric_inc(conns->refused_full);
        return false;
    }
    return true;
}

struct http_conn *http_conns_add(struct http_conns *conns, const uint8_t address[16], int fd)
{
    struct http_conn *conn = mem_alloc(sizeof(*conn));
    uint8_t key[16];
    http_address_key(address, key);
    conn->holder = hold_address(conns, key);
    memcpy(conn->address, address, sizeof(conn->address));
    conn->fd = fd;
    enter_phase(conns, conn, HTTP_RECEIVING, clock_mono_ms(conns->clock));
    conns->count++;
    conns->peak = conns->count > conns->peak ? conns->count : conns->peak;
    metric_inc(conns->opened);
    metric_set(conns->open, (int64_t)conns->count);
    return conn;
}

/* Freed memory stays with the process otherwise: 48 MB after 10,000 connections. */
static void give_back_memory(struct http_conns *conns)
{
    if (conns->peak >= CROWD && conns->count <= conns->peak / CROWD_LEFT) {
        conns->peak = conns->count;
        (void)malloc_trim(0);
    }
}

void http_conns_remove(struct http_conns *conns, struct http_conn *conn)
{
    list_remove(&conn->link);
    drop_address(conns, conn->holder);
    free(conn);
    conns->count--;
    metric_set(conns->open, (int64_t)conns->count);
    give_back_memory(conns);
}

void http_conns_cut_all(struct http_conns *conns, enum http_phase phase)
{
    while (phase != HTTP_WAITING && http_conns_has(conns, phase)) {
        cut_conn(conns, first_of(conns, phase));
    }
}

size_t http_conns_count(const struct http_conns *conns)
{
    return conns->count;
}

bool http_conns_has(const struct http_conns *conns, enum http_phase phase)
{
    return !list_is_empty(&conns->queues[phase].conns);
}

/* ---- life ---- */

static struct metric *counter(struct metrics *metrics, const char *listener, const char *name,
                              const char *help, const char *reason)
{
    AUTO(mem_free)
    char *labels = mem_printf("listener=\"%s\",reason=\"%s\"", listener, reason);
    return metrics_counter(metrics, name, help, labels);
}

static void make_metrics(struct http_conns *conns, struct metrics *metrics, const char *listener)
{
    static const char refused[] = "lynks_http_refused_connections_total";
    static const char refused_help[] = "HTTP connections refused.";
    static const char cut[] = "lynks_http_cut_connections_total";
    static const char cut_help[] = "HTTP connections closed before the peer had done.";
    AUTO(mem_free) char *labels = mem_printf("listener=\"%s\"", listener);
    conns->open =
        metrics_gauge(metrics, "lynks_http_connections", "Open HTTP connections.", labels);
    conns->opened = metrics_counter(metrics, "lynks_http_accepted_connections_total",
                                    "HTTP connections accepted.", labels);
    conns->refused_full = counter(metrics, listener, refused, refused_help, "full");
    conns->refused_address = counter(metrics, listener, refused, refused_help, "address");
    conns->cut_timeout = counter(metrics, listener, cut, cut_help, "timeout");
    conns->cut_for_new = counter(metrics, listener, cut, cut_help, "oldest_idle");
    conns->cut_stalled = counter(metrics, listener, cut, cut_help, "stalled");
}

struct http_conns *http_conns_new(const struct clock *clock, struct metrics *metrics,
                                  const struct http_conns_config *config, http_cut_fn *cut,
                                  void *arg)
{
    struct http_conns *conns = mem_alloc(sizeof(*conns));
    conns->clock = clock;
    conns->cut = cut;
    conns->cut_arg = arg;
    conns->max = config->max;
    conns->per_address_max = config->per_address_max;
    conns->idle_timeout_ms = config->idle_timeout_ms;
    for (size_t i = 0; i < HTTP_PHASE_COUNT; i++) {
        list_init(&conns->queues[i].conns);
    }
    /* A request that begins on an idle connection is noticed within one look at the latest, so what
     * it has left then is its timeout less one look. */
    uint64_t look_ms = config->request_timeout_ms / IDLE_LOOKS + 1;
    conns->queues[HTTP_RECEIVING].timeout_ms = config->request_timeout_ms;
    conns->queues[HTTP_IDLE].timeout_ms =
        look_ms < config->idle_timeout_ms ? look_ms : config->idle_timeout_ms;
    conns->queues[HTTP_PARTIAL].timeout_ms = config->request_timeout_ms - look_ms;
    conns->queues[HTTP_SENDING].timeout_ms = config->request_timeout_ms;
    conns->queues[HTTP_STALLED].timeout_ms = config->stall_timeout_ms;
    size_t buckets = 16;
    while (buckets < config->max) {
        buckets *= 2;
    }
    conns->bucket_mask = buckets - 1;
    conns->buckets = mem_alloc(buckets * sizeof(struct http_address *));
    crypto_shorthash_keygen(conns->hash_key);
    make_metrics(conns, metrics, config->name);
    return conns;
}

void http_conns_free(struct http_conns **conns_ref)
{
    struct http_conns *conns = *conns_ref;
    if (conns == NULL) {
        return;
    }
    for (size_t i = 0; i < HTTP_PHASE_COUNT; i++) {
        LIST_EACH (struct http_conn, conn, &conns->queues[i].conns, link) {
            drop_address(conns, conn->holder);
            free(conn);
        }
    }
    clock_cancel(conns->clock, conns->timer);
    free(conns->buckets);
    mem_free(conns_ref);
}
