/* The bus as a caller sees it: an interface, implemented by bus_client.c and by the tests' mock. */
#ifndef LYNKS_PROTO_BUS_BUS_H
#define LYNKS_PROTO_BUS_BUS_H

#include "proto/bus/call.h"

/* The answer to one call. reply is NULL unless err is ERR_OK, and borrowed until fn returns. */
typedef void bus_reply_fn(void *arg, enum err err, const struct msg *reply);

struct bus_ops {
    enum err (*call)(void *self, const struct msg *request, const struct call_context *context,
                     bus_reply_fn *fn, void *arg);
};

struct bus {
    const struct bus_ops *ops;
    void *self;
};

/* Sends request to the service that serves it (messages.def knows which). request and context are
 * encoded before this returns.
 * ERR_OK: fn (arg) is called exactly once, later, never from inside this call, at the latest at the
 * context's deadline (then with ERR_DEADLINE). Anything else (ERR_OVERLOADED, ERR_UNAVAILABLE,
 * ERR_DEADLINE, ERR_BAD_REQUEST): fn is never called. */
static inline enum err bus_call(const struct bus *bus, const struct msg *request,
                                const struct call_context *context, bus_reply_fn *fn, void *arg)
{
    return bus->ops->call(bus->self, request, context, fn, arg);
}

#endif
