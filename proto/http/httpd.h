/* An HTTP/1.1 server on the loop: the only file that sees libmicrohttpd. The gateway's face and the
 * ops listener are made of it.
 *
 * It hands over whole requests and bounds all that a peer can grow: header and body size, bodies in
 * all, connections in all and per address, the total time to send a request and to take an answer,
 * the time an idle connection is kept. What MHD takes too lightly (Content-Length with
 * Transfer-Encoding, differing lengths, space before the colon, folded fields, NULs and other
 * control characters, lines that do not end with CR LF, no Host or two) is refused with 400 and the
 * connection closed, on every request of a connection. One with a chunked body is the last there.
 * Of a first request, what the library would refuse in words of its own comes to the handler
 * instead; of later ones on the same connection, a length or cookies that the library does not
 * take. A later one that has no line of HTTP/1 or too large a head gets the library's answer, a
 * page of HTML. */
#ifndef LYNKS_PROTO_HTTP_HTTPD_H
#define LYNKS_PROTO_HTTP_HTTPD_H

#include "proto/base/err.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"
#include "proto/http/http_response.h"

struct httpd_config {
    const char *name; /* label of its metrics: "http", "ops" */
    const char *host; /* numeric address to bind: "127.0.0.1", "::" (then IPv4 too) */
    uint16_t port;    /* 0 picks a free one */
    int listen_fd;    /* > 0: a listening socket handed over (LISTEN_FDS), owned from now on; host
                         and port are ignored */
    size_t body_bytes_max;
    /* How large the body of such a request may be, where that is more; path is as sent, without the
     * query. Not asked for each request. NULL: none may be larger. arg is the handler's. */
    size_t (*larger_body_bytes_max)(void *arg, struct str method, struct str path);
    size_t body_bytes_total_max; /* bodies held at a time; 0: no limit */
    size_t header_bytes_max;     /* of a connection's memory, mostly headers; 1024 at least */
    unsigned connections_max;    /* past it the one idle for longest gives way to a new one */
    unsigned connections_per_address_max; /* IPv6: per /64; 0: no limit */
    unsigned request_timeout_ms; /* from a request's first byte (a connection's opening for the
                                    first) to its last; and for a peer to take an answer */
    unsigned idle_timeout_ms;    /* a kept-alive connection between requests */
    /* Is a request to be answered with a stream? Its connection is then kept from the library, if
     * it is the first request there. NULL: there are no streams. arg is the handler's. */
    bool (*wants_stream)(void *arg, struct str method, struct str path);
    unsigned streams_max;      /* open at a time, of all connections; past it: OVERLOADED */
    unsigned stall_timeout_ms; /* for a reader to take a piece of a stream; > 0 with streams */
};

struct httpd;
struct httpd_request; /* one request, from its last byte to the end of its answer */

/* Called when the whole request is there, or when it is refused before: then error is why
 * (TOO_LARGE, BAD_REQUEST, OVERLOADED, URI_TOO_LONG, HEAD_TOO_LARGE, HTTP_VERSION), the body is
 * empty, and so may be method, path and fields; the connection closes after the answer, which has
 * to come at once. The handler answers with httpd_respond, now or later, exactly once. */
typedef void httpd_handler_fn(void *arg, struct httpd_request *request, enum err error);

/* NULL if the port cannot be bound; *ret_why (static or strerror) says why. */
struct httpd *httpd_new(struct loop *loop, struct metrics *metrics,
                        const struct httpd_config *config, httpd_handler_fn *fn, void *arg,
                        const char **ret_why);
/* Requests still open are answered 503 and the connections closed. A request that the handler has
 * not answered yet stays valid for httpd_respond, which then only frees it. */
void httpd_free(struct httpd **httpd);

/* From now on answers carry Connection: close, and streams are told to end; those that have not
 * ended when accepting stops are closed. Closing an idle connection would lose a request that
 * is on its way, so for patience_ms, or until no connection is left, each may still bring one, and
 * new ones are taken: nobody else may be there to serve them. Then stops accepting (what waits in
 * the backlog of an own socket is still taken; that of one that was handed over is for whoever gets
 * the socket next) and closes idle connections. */
void httpd_drain(struct httpd *httpd, uint64_t patience_ms);
/* Has all of that been done, and all that was begun been answered? Connections that came last and
 * bring no request are waited for as long again. */
bool httpd_is_drained(const struct httpd *httpd);
/* Does whoever connects get in, or somebody wait in vain for 2 s? True once it has stopped. */
bool httpd_is_accepting(const struct httpd *httpd);
size_t httpd_open_requests(const struct httpd *httpd);
size_t httpd_open_streams(const struct httpd *httpd);
size_t httpd_open_connections(const struct httpd *httpd);
uint16_t httpd_port(const struct httpd *httpd);

/* Of a request; all borrowed until it is answered. */
const char *httpd_method(const struct httpd_request *request);
const char *httpd_path(const struct httpd_request *request);  /* as sent, without the query; of an
                                                                 absolute target its path */
const char *httpd_query(const struct httpd_request *request); /* as sent; NULL if there is none */
const char *httpd_header(const struct httpd_request *request,
                         const char *name); /* the first of this name; NULL if absent. Host is that
                                               of an absolute target (RFC 9112, section 3.2.2) */
/* Calls fn for every header field, in the order sent. */
typedef void httpd_header_fn(void *arg, struct str name, struct str value);
void httpd_each_header(const struct httpd_request *request, httpd_header_fn *fn, void *arg);
struct str httpd_body(const struct httpd_request *request);
/* The peer's address: IPv4 as ::ffff:a.b.c.d, in network order. */
void httpd_peer(const struct httpd_request *request, uint8_t ret_address[16]);

/* May it be answered with a stream? Not on a connection that has had a request before: then
 * httpd_again is the answer. */
bool httpd_can_stream(const struct httpd_request *request);
/* An answer that sends the client to the same URL again, over a new connection: 307. Browsers'
 * fetch and EventSource follow it. 400 or 414 if there is no such URL to be sent back. */
struct http_response *httpd_again(const struct httpd_request *request);

/* Takes *response and sends it, once for each request. The answer to HEAD is that to GET, of which
 * the server leaves out the body. */
void httpd_respond(struct httpd_request *request, struct http_response **response);

#endif
