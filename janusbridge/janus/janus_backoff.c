#include "janusbridge/janus/janus_backoff.h"

#include <stdlib.h>

#include "janusbridge/janus/janus_calls.h"

/* Between the half and the whole of it. */
static uint64_t with_jitter(uint64_t delay_ms)
{
    char random[TRANSACTION_BYTES + 1];
    janus_transaction_draw(random);
    return delay_ms / 2 + strtoul(random + 8, NULL, 16) % (delay_ms / 2 + 1);
}

uint64_t janus_backoff_draw(struct janus_backoff *backoff)
{
    const uint64_t delay_ms = with_jitter(backoff->next_ms);
    const uint64_t next_ms = backoff->next_ms == 0 ? backoff->min_ms : 2 * backoff->next_ms;
    backoff->next_ms = next_ms < backoff->max_ms ? next_ms : backoff->max_ms;
    return delay_ms;
}
