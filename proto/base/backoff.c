#include "proto/base/backoff.h"

void backoff_begin(struct backoff *backoff)
{
    backoff->next_ms = 0;
}

void backoff_begin_at_min(struct backoff *backoff)
{
    backoff->next_ms = backoff->min_ms;
}

uint64_t backoff_next(struct backoff *backoff)
{
    const uint64_t pause_ms = backoff->next_ms;
    const uint64_t doubled_ms = pause_ms == 0 ? backoff->min_ms : 2 * pause_ms;
    backoff->next_ms = doubled_ms < backoff->max_ms ? doubled_ms : backoff->max_ms;
    return backoff->random == NULL ? pause_ms : pause_ms - backoff->random() % (pause_ms / 2 + 1);
}
