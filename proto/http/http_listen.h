/* Listening sockets of the HTTP servers. */
#ifndef LYNKS_PROTO_HTTP_HTTP_LISTEN_H
#define LYNKS_PROTO_HTTP_HTTP_LISTEN_H

#include <sys/socket.h>

#include "proto/base/base.h"

#define HTTP_BACKLOG 1024 /* connections that may wait to be accepted */

/* Binds and listens on a numeric address; "::" serves IPv4 too. Address reuse lets a restart take a
 * port whose old connections still linger, but never a port that somebody listens on. port 0 picks
 * a free one. -1: *ret_why (static) says why. */
int http_listen(const char *host, uint16_t port, const char **ret_why);

uint16_t http_listen_port(int fd); /* that it is bound to; 0 if it has none */

/* The next connection that waits there, non-blocking, and its peer's address; -1 if there is none.
 */
int http_listen_accept(int fd, struct sockaddr_storage *ret_from, socklen_t *ret_from_bytes);

/* The listening socket that a supervisor handed over as systemd does (sd_listen_fds(3): descriptor
 * 3, LISTEN_PID, LISTEN_FDS=1). 0 if there is none; -1 if what was handed over is not one listening
 * socket. The variables are removed from the environment. */
int http_listen_inherited(void);

#endif
