#include "proto/http/http_drain.h"

#define LOOK_MS 10

static void look(void *arg)
{
    struct http_drain *drain = arg;
    clock_cancel(drain->clock, drain->timer);
    drain->timer = 0;
    if (http_conns_count(drain->conns) > 0 && clock_mono_ms(drain->clock) < drain->until_ms) {
        drain->timer = clock_after(drain->clock, LOOK_MS, look, drain);
        return;
    }
    drain->stopped = true;
    drain->until_ms = clock_mono_ms(drain->clock) + drain->patience_ms;
    drain->stop(drain->arg);
}

void http_drain_begin(struct http_drain *drain, uint64_t patience_ms)
{
    if (drain->stopped || (drain->begun && patience_ms > 0)) {
        return;
    }
    drain->begun = true;
    drain->patience_ms = patience_ms;
    drain->until_ms = clock_mono_ms(drain->clock) + patience_ms;
    look(drain);
}

bool http_drain_is_over(const struct http_drain *drain)
{
    if (!drain->stopped) {
        return false;
    }
    bool is_awaited =
        http_conns_has(drain->conns, HTTP_RECEIVING) || http_conns_has(drain->conns, HTTP_PARTIAL);
    return !is_awaited || clock_mono_ms(drain->clock) >= drain->until_ms;
}
