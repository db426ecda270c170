/* The ZAP handler (RFC 27): who may connect to a bus socket. Without one libzmq admits any CURVE
 * key.
 *
 * Bound to inproc://zeromq.zap.01 before any bus socket; runs on the loop. Each socket has a
 * domain, and each domain a list of roles whose keys are admitted. The role becomes the
 * connection's User-Id. Who is refused is counted by reason and logged at most once a second. */
#ifndef LYNKS_PROTO_BUS_ZAP_H
#define LYNKS_PROTO_BUS_ZAP_H

#include "proto/bus/keys.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"

struct zap;

/* NULL if the endpoint cannot be bound: the process must not go on. keys is borrowed. */
struct zap *zap_new(struct loop *loop, struct metrics *metrics, const struct keys *keys);
void zap_free(struct zap **zap); /* after the sockets it guards */

/* domain is copied. roles: NULL-terminated list of literals. A domain that nobody allowed anything
 * in admits nobody. */
void zap_allow(struct zap *zap, const char *domain, const char *const *roles);
void zap_forget(struct zap *zap,
                const char *domain); /* its socket is gone; unknown ones are ignored */

#endif
