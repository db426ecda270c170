/* Connections that are closed while the peer still sends: an answer given before the whole request
 * was read would be lost, because closing a socket with unread data resets it. So the last
 * descriptor of such a connection is kept a moment, and what comes is thrown away.
 *
 * Bounded: this many at a time, so long, so many bytes of each. */
#ifndef LYNKS_PROTO_HTTP_HTTP_LINGER_H
#define LYNKS_PROTO_HTTP_HTTP_LINGER_H

#include "proto/loop/loop.h"

#define HTTP_LINGER_MAX 64
#define HTTP_LINGER_MS 1000
#define HTTP_LINGER_BYTES_MAX 1048576

struct http_linger;
struct http_linger *http_linger_new(struct loop *loop);
void http_linger_free(struct http_linger **linger); /* closes them */

/* Keeps the connection of fd, whose sending side is shut down. fd itself stays the caller's, who
 * closes it. Does nothing when too many linger already. */
void http_linger_add(struct http_linger *linger, int fd);

#endif
