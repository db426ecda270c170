/* Keeps service addresses resolved: every host name stands for all its addresses, and is looked up
 * again and again, so that replicas are found when they come and dropped when they go.
 *
 * Each name is looked up by itself (loop_lookup.h), so one that hangs holds up neither the others
 * nor the end. A name that cannot be looked up keeps the addresses it had. Lives on the loop. */
#ifndef LYNKS_PROTO_BUS_RESOLVER_H
#define LYNKS_PROTO_BUS_RESOLVER_H

#include "proto/loop/loop.h"
#include "proto/bus/resolve.h"

struct resolver_config {
    uint64_t interval_ms; /* between look-ups; 0: 2000 */
    const char *servers;  /* borrowed; as of loop_lookup_new. NULL: the system's */
};

struct resolver;
struct resolver *resolver_new(struct loop *loop, const struct resolver_config *config);
void resolver_free(struct resolver **resolver);

/* Calls fn (arg, set) with the endpoints of address ("tcp://1.2.3.4:5701") as soon as there are any
 * (at once, from inside this call, for the numeric ones) and whenever they change. At most 8
 * addresses per resolver. ERR_BAD_REQUEST: malformed; then fn is never called. */
typedef void resolver_fn(void *arg, const struct resolve_set *set);
enum err resolver_watch(struct resolver *resolver, const char *address, resolver_fn *fn, void *arg);

#endif
