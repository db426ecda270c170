/* Keeps service addresses resolved: every host name stands for all its addresses, and is looked up
 * again and again, so that replicas are found when they come and dropped when they go.
 *
 * getaddrinfo blocks, so it runs on a thread of the resolver's own, which starts with the first
 * name; numeric addresses need none. Freeing does not wait for a look-up that hangs. A name that
 * cannot be looked up keeps the addresses it had. Lives on the loop. */
#ifndef LYNKS_PROTO_BUS_RESOLVER_H
#define LYNKS_PROTO_BUS_RESOLVER_H

#include "proto/loop/loop.h"
#include "proto/bus/resolve.h"

/* Like resolve_lookup; called on the resolver's thread. Must end by itself after the resolver is
 * freed. */
typedef const char *resolver_lookup_fn(void *arg, const char *name, struct resolve_set *ret_set);

struct resolver_config {
    uint64_t interval_ms;       /* between look-ups; 0: 2000 */
    resolver_lookup_fn *lookup; /* NULL: getaddrinfo. For tests */
    void *lookup_arg;
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
