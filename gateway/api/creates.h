/* How many rooms a user may make: a burst at once, then a steady rate, over all routes that make
 * rooms. */
#ifndef LYNKS_GATEWAY_API_CREATES_H
#define LYNKS_GATEWAY_API_CREATES_H

#include "proto/base/clock.h"
#include "proto/base/metrics.h"

struct creates_config {
    uint64_t burst, per_minute; /* at least 1 each */
};

struct creates;
/* clock and metrics are borrowed. */
struct creates *creates_new(const struct clock *clock, struct metrics *metrics,
                            const struct creates_config *config);
void creates_free(struct creates **creates);

/* Takes one. false: none is left; *ret_wait_ms is when there is one again. */
bool creates_take(struct creates *creates, uint64_t user_id, uint64_t *ret_wait_ms);
/* No room was made of it after all. */
void creates_give_back(struct creates *creates, uint64_t user_id);
/* Somebody was told that he has made too many. */
void creates_count_refusal(struct creates *creates);

#endif
