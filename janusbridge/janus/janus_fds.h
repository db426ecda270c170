/* The descriptors that the HTTP library wants watched, on the loop.
 *
 * A connection that has proved itself stays in the loop's set while it is idle in the library's
 * pool: that saves two system calls for each request. All others come and go as the library says.
 * Owned and used by janus_http.c alone. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_FDS_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_FDS_H

#include "proto/loop/loop.h"

typedef void janus_fds_fn(void *arg, int fd, bool readable, bool writable);

struct janus_fds;

struct janus_fds *janus_fds_new(struct loop *loop, janus_fds_fn *fn, void *arg);
void janus_fds_free(struct janus_fds **fds); /* whatever is still watched is dropped */

/* EPOLLIN, EPOLLOUT, both; 0: not for now. */
void janus_fds_want(struct janus_fds *fds, int fd, uint32_t events);
/* fd is an established connection; it will be ended with janus_fds_remove. */
void janus_fds_keep(struct janus_fds *fds, int fd);
/* Before fd is closed; unknown ones are ignored. */
void janus_fds_remove(struct janus_fds *fds, int fd);
size_t janus_fds_kept(const struct janus_fds *fds);

#endif
