/* The wall clocks of those who call a worker, compared with ours: seen in /readyz (a note of
 * "clock", which is always ready), in the metrics and, now and then, in the log. Each connection is
 * a peer, so that one of several replicas is seen, too; the 64 heard last are known. Lives on the
 * loop. */
#ifndef LYNKS_PROTO_BUS_BUS_SKEW_H
#define LYNKS_PROTO_BUS_BUS_SKEW_H

#include "proto/base/health.h"
#include "proto/base/metrics.h"
#include "proto/base/skew.h"
#include "proto/schema/envelope.h"

struct bus_skew;

/* All borrowed; health may be NULL. */
struct bus_skew *bus_skew_new(const struct clock *clock, struct metrics *metrics,
                              struct health *health);
void bus_skew_free(struct bus_skew **skew);

/* peer: of the connection; role: static. When it was sent, by the sender's clock, is what it gives
 * as the end of its time less what is left of it. */
void bus_skew_hear(struct bus_skew *skew, uint64_t peer, const char *role,
                   const struct envelope *envelope);

#endif
