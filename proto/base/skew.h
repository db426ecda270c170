/* How far another process' wall clock is from ours, as what it sends tells. For people only:
 * nothing is decided by it, because no process judges by another's clock.
 *
 * A message takes its time on the way, or waits while we are stopped, so the least difference of
 * several within five seconds counts. */
#ifndef LYNKS_PROTO_BASE_SKEW_H
#define LYNKS_PROTO_BASE_SKEW_H

#include "proto/base/clock.h"

#define SKEW_MAX_MS 1000 /* more is told */

/* All zero at first. */
struct skew {
    int64_t ahead_ms; /* ours before the other's; negative: behind it; 0 until it is known */
    int64_t least_ms; /* of what has been heard since the last figure */
    unsigned heard;   /* how many that were */
    uint64_t end_mono_ms;
};

/* The other one's clock showed sent_unix_ms when it sent what came now. True: there is a new
 * figure. */
bool skew_hear(struct skew *skew, const struct clock *clock, uint64_t sent_unix_ms);
bool skew_is_large(const struct skew *skew);
/* "4.2 s behind ours"; caller frees. */
char *skew_text(const struct skew *skew);

#endif
