/* The connections of one HTTP server: how many there are, in all and of each address, what each is
 * doing, and how long it may go on doing it. Knows no HTTP library; cuts a connection by shutting
 * down its descriptor and telling the server.
 *
 * Every phase has at most one fixed timeout, so its connections stand in a list in the order in
 * which they fall due, and one timer serves them all: an idle connection costs no timer of its own.
 */
#ifndef LYNKS_PROTO_HTTP_HTTP_CONNS_H
#define LYNKS_PROTO_HTTP_HTTP_CONNS_H

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/metrics.h"

enum http_phase {
    HTTP_RECEIVING, /* a request, or nothing yet on a new connection */
    HTTP_IDLE,      /* kept alive between requests */
    HTTP_PARTIAL,   /* was idle; the first bytes of a request have come */
    HTTP_WAITING,   /* the handler has it; its time is the handler's */
    HTTP_SENDING,   /* an answer */
    HTTP_STREAMING, /* an answer without an end, of which all that is there has been taken */
    HTTP_STALLED,   /* the same; a piece of it waits for the peer to take it */
    HTTP_PHASE_COUNT
};

struct http_conns_config {
    const char *name; /* label */
    unsigned max;
    unsigned per_address_max; /* 0: no limit */
    unsigned request_timeout_ms;
    unsigned idle_timeout_ms;
    unsigned stall_timeout_ms; /* 0: none */
};

struct http_address; /* how many connections one address has */

/* Fields are read by the server; only http_conns changes them, but for server_data and linger. */
struct http_conn {
    struct list_link link; /* among those of its phase */
    uint64_t due_ms;       /* when the phase ends, or an idle one is looked at again */
    uint64_t idle_since_ms;
    struct http_address *holder;
    void *server_data;
    int fd;
    enum http_phase phase;
    bool linger; /* close it so that the peer gets the answer first */
    uint8_t address[16];
};

struct http_conns;

/* Called when a connection was cut (its descriptor is shut down both ways). */
typedef void http_cut_fn(void *arg, struct http_conn *conn);

struct http_conns *http_conns_new(const struct clock *clock, struct metrics *metrics,
                                  const struct http_conns_config *config, http_cut_fn *cut,
                                  void *arg);
void http_conns_free(struct http_conns **conns);

/* May a new connection of this address come in? If all places are taken, the connection that has
 * been idle for longest is cut for it; if none is idle, the one that has been at its request for
 * longest, given that it had a second for it. */
bool http_conns_admit(struct http_conns *conns, const uint8_t address[16]);
struct http_conn *http_conns_add(struct http_conns *conns, const uint8_t address[16], int fd);
void http_conns_remove(struct http_conns *conns, struct http_conn *conn); /* frees it */
void http_conns_enter(struct http_conns *conns, struct http_conn *conn, enum http_phase phase);
/* Cuts all connections in this phase. */
void http_conns_cut_all(struct http_conns *conns, enum http_phase phase);
size_t http_conns_count(const struct http_conns *conns);
bool http_conns_has(const struct http_conns *conns, enum http_phase phase); /* one in this phase */

/* The address of a socket: IPv4 as ::ffff:a.b.c.d; zeroes for any other family. */
struct sockaddr;
void http_address_read(const struct sockaddr *any, uint8_t ret_address[16]);

/* The address as limits see it: IPv6 without its last 64 bits. */
void http_address_key(const uint8_t address[16], uint8_t ret_key[16]);

#endif
