#include "roomsvc/presence/long_waits.h"

struct take_outs *long_waits_new(const struct take_outs_parts *parts)
{
    const struct take_outs_kind kind = {
        .reason = "waited_too_long", .rest_ms = LONG_WAITS_LOOK_MS, .look = {.why = OUT_WAITED}};
    return take_outs_new(parts, &kind);
}
