/* Where connections come in, before the HTTP library knows of them: we accept, and look at the
 * first request without taking it. What the library would refuse in words of its own is refused by
 * the owner; what is to be a stream stays with us; everything else is handed over.
 *
 * Accepting pauses while there are no descriptors or no memory for another connection, and is tried
 * again ten times a second. Of
 * such as have not sent a whole head, the time is bounded by http_conns, the bytes by
 * header_bytes_max. */
#ifndef LYNKS_PROTO_HTTP_HTTP_FRONT_H
#define LYNKS_PROTO_HTTP_HTTP_FRONT_H

#include <sys/socket.h>

#include "proto/http/http_conns.h"
#include "proto/http/http_head.h"
#include "proto/http/http_linger.h"
#include "proto/http/http_response.h"

struct http_front;
struct http_visitor; /* a connection that is not handed over, with its one request */

struct http_front_owner {
    /* The library's from now on, with its descriptor. */
    void (*hand_over)(void *arg, struct http_conn *conn);
    /* Is this to be a stream? It stays then, whatever its answer will be. */
    bool (*keeps)(void *arg, struct str method, struct str path);
    /* A request that stayed, or that is refused with error (BAD_REQUEST, URI_TOO_LONG,
     * HEAD_TOO_LARGE, HTTP_VERSION; OVERLOADED: a stream too many). Takes *head: what the request
     * says, as far as it was read. Answered with http_front_respond, now or later. */
    void (*on_request)(void *arg, struct http_visitor *visitor, struct http_head_copy **head,
                       enum err error);
    /* The client has gone before its request was answered; visitor is no more. */
    void (*on_gone)(void *arg, struct http_visitor *visitor);
};

/* As accept4 on fd: non-blocking, errno says why it is -1. */
typedef int http_accept_fn(int fd, struct sockaddr_storage *ret_from, socklen_t *ret_from_bytes);

struct http_front_config {
    const char *name; /* label */
    int listen_fd;    /* borrowed */
    size_t header_bytes_max;
    unsigned streams_max;
    http_accept_fn *accept; /* NULL: http_listen_accept */
    const struct http_front_owner *owner;
    void *owner_arg;
};

struct http_front *http_front_new(struct loop *loop, struct metrics *metrics,
                                  const struct http_front_config *config, struct http_conns *conns,
                                  struct http_linger *linger, struct http_streams *streams);
void http_front_free(struct http_front **front); /* closes what is not handed over */

/* Accepts no more. takes_rest: what waits to be accepted is taken first, and of all who are there
 * it is looked whether their request is. */
void http_front_stop(struct http_front *front, bool takes_rest);

/* Does whoever connects get in? false: somebody has been waiting for 2 s, and nobody was accepted
 * in that time. Who waits is seen by this look and when accepting pauses. */
bool http_front_is_accepting(struct http_front *front);

/* Takes *response. The connection closes after it, a stream when it has ended. */
void http_front_respond(struct http_visitor *visitor, struct http_response **response);

/* The owner's pointer for a visitor, and its connection. */
void http_visitor_set_data(struct http_visitor *visitor, void *data);
void *http_visitor_data(const struct http_visitor *visitor);
struct http_conn *http_visitor_conn(const struct http_visitor *visitor);

#endif
