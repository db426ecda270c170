#include "proto/bus/bus_silence.h"

#define SILENT_MS 150
#define SILENT_COSTLY_MS 1000
#define PROBE_MS 500
#define REFUSING_MS 200
/* Ticks within the time after which an endpoint counts as silent. Ticks without an answer are
 * counted, not milliseconds: when this process itself was stopped or busy for a second, that is one
 * tick, and the answers that came meanwhile are read before the next. */
#define TICKS 6

static uint64_t or_default(uint64_t value, uint64_t standard)
{
    return value != 0 ? value : standard;
}

void bus_patience_complete(struct bus_patience *patience)
{
    patience->silent_ms = or_default(patience->silent_ms, SILENT_MS);
    patience->silent_costly_ms = or_default(patience->silent_costly_ms, SILENT_COSTLY_MS);
    patience->probe_ms = or_default(patience->probe_ms, PROBE_MS);
    patience->refusing_ms = or_default(patience->refusing_ms, REFUSING_MS);
}

uint64_t bus_patience_tick_ms(const struct bus_patience *patience)
{
    return (patience->silent_ms + TICKS - 1) / TICKS;
}

/* The first tick may have come right after the call, so that it does not count. */
static bool is_silent_for(const struct bus_patience *patience, unsigned ticks, uint64_t limit_ms)
{
    return ticks > 0 && (ticks - 1) * bus_patience_tick_ms(patience) >= limit_ms;
}

enum bus_verdict bus_silence_tick(struct bus_silence *silence, const struct bus_patience *patience,
                                  size_t in_flight, size_t costly_in_flight)
{
    if (silence->answers != silence->answers_old) {
        silence->answers_old = silence->answers;
        bus_silence_restart(silence);
        return BUS_VERDICT_WELL;
    }
    silence->ticks = in_flight > 0 ? silence->ticks + 1 : 0;
    silence->light_ticks = in_flight > costly_in_flight ? silence->light_ticks + 1 : 0;
    if (is_silent_for(patience, silence->ticks, patience->silent_costly_ms)) {
        return BUS_VERDICT_SILENT;
    }
    return is_silent_for(patience, silence->light_ticks, patience->silent_ms)
               ? BUS_VERDICT_SILENT_TO_LIGHT
               : BUS_VERDICT_WELL;
}

void bus_silence_restart(struct bus_silence *silence)
{
    silence->ticks = 0;
    silence->light_ticks = 0;
}

void bus_silence_restart_light(struct bus_silence *silence)
{
    silence->light_ticks = 0;
}
