/* What a worker asks of a request before it looks into it: whose it is, and how long there is. */
#ifndef LYNKS_PROTO_BUS_BUS_ADMIT_H
#define LYNKS_PROTO_BUS_BUS_ADMIT_H

#include "proto/base/clock.h"
#include "proto/schema/codec.h"
#include "proto/bus/keys.h"

#include <zmq.h>

/* The role whose key the message came with; "unknown" without CURVE (keys is NULL). Static, or
 * keys'. */
const char *bus_admit_role(const struct keys *keys, zmq_msg_t *message);
/* When what the caller has given ends; monotonic. No wall clock is asked, for the caller's may be
 * wrong, or ours. False: it is over. */
bool bus_admit_deadline(const struct clock *clock, const struct envelope *envelope,
                        uint64_t *ret_deadline_ms);

#endif
