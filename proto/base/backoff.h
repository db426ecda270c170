/* Pauses between attempts: each is twice the one before it, up to a bound. With jitter a pause
 * lasts between the half and the whole of that, so that many who failed together do not come back
 * together. */
#ifndef LYNKS_PROTO_BASE_BACKOFF_H
#define LYNKS_PROTO_BASE_BACKOFF_H

#include "proto/base/random.h"

/* Embedded in its owner, who sets the first three. It begins with no pause; see
 * backoff_begin_at_min otherwise. */
struct backoff {
    uint64_t min_ms, max_ms;
    random_fn *random; /* NULL: no jitter */
    uint64_t next_ms;  /* the next pause, before jitter; 0: none */
};

/* The next attempt comes at once, the one after it after min_ms. */
void backoff_begin(struct backoff *backoff);
/* The next attempt comes after min_ms. */
void backoff_begin_at_min(struct backoff *backoff);
/* Gives the pause before the next attempt. */
uint64_t backoff_next(struct backoff *backoff);

#endif
