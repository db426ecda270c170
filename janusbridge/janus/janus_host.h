/* The addresses of Janus' host. A name is looked up again every second, because a replaced Janus
 * may come back at another address; one that cannot be looked up keeps the addresses it had.
 *
 * libcurl's own look-ups are not used: they run on threads, for which ending a transfer waits. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_HOST_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_HOST_H

#include "proto/loop/loop.h"

struct janus_host;

/* Calls fn (arg), later, when the first addresses are known. name is copied; servers is borrowed,
 * as of loop_lookup_new. */
struct janus_host *janus_host_new(struct loop *loop, const char *name, const char *servers,
                                  timer_fn *fn, void *arg);
void janus_host_free(struct janus_host **host);

/* "10.0.0.1,[::1]"; "" as long as none are known. Borrowed until the loop turns. */
const char *janus_host_addresses(const struct janus_host *host);

#endif
