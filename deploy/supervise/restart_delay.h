/* How long a process that ended waits before it is started again.
 *
 * 100 ms at first, doubling up to 5 s for one that ends again and again; back to 100 ms once it has
 * been ready for ten times the last wait, but for a second at least, and 3 s always suffice. So a
 * loop of crashes costs next to nothing, and a process that is killed every now and then is back at
 * once. */
#ifndef LYNKS_DEPLOY_SUPERVISE_RESTART_DELAY_H
#define LYNKS_DEPLOY_SUPERVISE_RESTART_DELAY_H

#include "proto/base/backoff.h"

#define RESTART_DELAY_MIN_MS 100ULL
#define RESTART_DELAY_MAX_MS 5000ULL

struct restart_delay {
    struct backoff backoff;
    uint64_t last_ms; /* 0: none yet */
};

void restart_delay_init(struct restart_delay *delay);
/* The delay after a run that was ready for ready_ms (0: it never was). */
uint64_t restart_delay_next(struct restart_delay *delay, uint64_t ready_ms);

#endif
