/* HTTP to Janus: libcurl's multi interface on the loop. The only file that sees curl.
 *
 * One pool of kept-alive connections: as many as requests were ever under way at a time (the
 * callers bound those), of which connections_max are kept. The host's name is looked up on the loop
 * (janus_host.h); until it has an address requests wait, as long as they may take to connect. Each
 * request has a time-out for connecting and one in all. Answers are sieved while they arrive
 * (janus_sieve.h), so they may be of any length; what is kept of them is bounded. https is
 * verified against ca_file (or the system's store). Proxies from the environment are not used,
 * redirects not followed. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_HTTP_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_HTTP_H

#include "janusbridge/janus/janus_transport.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"

struct janus_http_config {
    const char *url;          /* "http://127.0.0.1:8088/janus"; http or https, without a query */
    const char *ca_file;      /* PEM; "": the system's */
    unsigned connections_max; /* kept open */
    uint64_t connect_timeout_ms;
    size_t body_bytes_max;    /* kept of an answer; of an event at most 96 KiB */
    const char *name_servers; /* borrowed, as of loop_lookup_new; NULL: the system's */
};

struct janus_http;

/* NULL and *ret_why (static) if the configuration is not usable. */
struct janus_http *janus_http_new(struct loop *loop, struct metrics *metrics,
                                  const struct janus_http_config *config, const char **ret_why);
/* Requests under way are dropped without a callback. Before the loop. */
void janus_http_free(struct janus_http **http);

struct janus_transport janus_http_transport(struct janus_http *http); /* the interface */

#endif
