/* How long a process that ended waits before it is started again.
 *
 * 100 ms at first, doubling up to 5 s for one that ends again and again; back to 100 ms once it has
 * been ready for ten times the last wait, but for a second at least, and 3 s always suffice. So a
 * loop of crashes costs next to nothing, and a process that is killed every now and then is back at
 * once. */
#ifndef LYNKS_DEPLOY_SUPERVISE_BACKOFF_H
#define LYNKS_DEPLOY_SUPERVISE_BACKOFF_H

#include "proto/base/base.h"

#define BACKOFF_MIN_MS 100ULL
#define BACKOFF_MAX_MS 5000ULL

struct backoff {
    uint64_t delay_ms; /* the last one; 0 at first */
};

/* The delay after a run that was ready for ready_ms (0: it never was). */
uint64_t backoff_next(struct backoff *backoff, uint64_t ready_ms);

#endif
