#include "deploy/supervise/restart_delay.h"

#define GOOD_RUN_MIN_MS 1000
#define GOOD_RUN_MAX_MS 3000
#define GOOD_RUN_DELAYS 10

void restart_delay_init(struct restart_delay *delay)
{
    *delay = (struct restart_delay){
        .backoff = {.min_ms = RESTART_DELAY_MIN_MS, .max_ms = RESTART_DELAY_MAX_MS}};
    backoff_begin_at_min(&delay->backoff);
}

uint64_t restart_delay_next(struct restart_delay *delay, uint64_t ready_ms)
{
    bool ran_well = ready_ms >= GOOD_RUN_MAX_MS ||
                    (ready_ms >= GOOD_RUN_MIN_MS && ready_ms >= GOOD_RUN_DELAYS * delay->last_ms);
    if (ran_well) {
        backoff_begin_at_min(&delay->backoff);
    }
    delay->last_ms = backoff_next(&delay->backoff);
    return delay->last_ms;
}
