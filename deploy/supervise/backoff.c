#include "deploy/supervise/backoff.h"

#define GOOD_RUN_MIN_MS 1000
#define GOOD_RUN_MAX_MS 3000
#define GOOD_RUN_DELAYS 10

uint64_t backoff_next(struct backoff *backoff, uint64_t ready_ms)
{
    bool ran_well =
        ready_ms >= GOOD_RUN_MAX_MS ||
        (ready_ms >= GOOD_RUN_MIN_MS && ready_ms >= GOOD_RUN_DELAYS * backoff->delay_ms);
    if (ran_well || !backoff->delay_ms) {
        backoff->delay_ms = BACKOFF_MIN_MS;
    } else if (backoff->delay_ms < BACKOFF_MAX_MS / 2) {
        backoff->delay_ms *= 2;
    } else {
        backoff->delay_ms = BACKOFF_MAX_MS;
    }
    return backoff->delay_ms;
}
