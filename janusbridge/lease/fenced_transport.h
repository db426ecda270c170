/* Between the session and its way to Janus: nothing goes out, and no answer comes in, unless the
 * lease is held at that moment. A process that was stopped meets timers and answers from before; it
 * must not act on them. */
#ifndef LYNKS_JANUSBRIDGE_LEASE_FENCED_TRANSPORT_H
#define LYNKS_JANUSBRIDGE_LEASE_FENCED_TRANSPORT_H

#include "janusbridge/janus/janus_transport.h"
#include "janusbridge/lease/lease.h"

struct fenced_transport;

/* Parts are borrowed. Lets everything pass until it has a lease. */
struct fenced_transport *fenced_transport_new(const struct janus_transport *transport,
                                              const struct clock *clock);
/* No request is under way any more. */
void fenced_transport_free(struct fenced_transport **fence);

struct janus_transport fenced_transport_transport(struct fenced_transport *fence);
void fenced_transport_set(struct fenced_transport *fence, struct lease *lease);

#endif
