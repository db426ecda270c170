/* Pauses between attempts: the first has none, each further one twice the pause before it, up to a
 * bound, with jitter. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_BACKOFF_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_BACKOFF_H

#include "proto/base/base.h"

/* Embedded in its owner; set min_ms and max_ms. */
struct janus_backoff {
    uint64_t min_ms, max_ms;
    uint64_t next_ms; /* the next pause, before jitter; 0: none */
};

/* Gives the next pause. */
uint64_t janus_backoff_draw(struct janus_backoff *backoff);

#endif
