/* Between the session and its way to Janus: nothing goes out, and no answer comes in, unless the
 * lease is held at that moment. A process that was stopped meets timers and answers from before; it
 * must not act on them. */
#ifndef LYNKS_JANUSBRIDGE_LEASE_LEASE_GUARD_H
#define LYNKS_JANUSBRIDGE_LEASE_LEASE_GUARD_H

#include "janusbridge/janus/janus_transport.h"
#include "janusbridge/lease/lease.h"

struct lease_guard;

/* Parts are borrowed. Lets everything pass until it has a lease. */
struct lease_guard *lease_guard_new(const struct janus_transport *transport,
                                    const struct clock *clock);
/* No request is under way any more. */
void lease_guard_free(struct lease_guard **guard);

struct janus_transport lease_guard_transport(struct lease_guard *guard);
void lease_guard_set(struct lease_guard *guard, struct lease *lease);

#endif
