#include "roomsvc/presence/stream_key_ends.h"

struct take_outs *stream_key_ends_new(const struct take_outs_parts *parts)
{
    const struct take_outs_kind kind = {.reason = "stream_key_ended",
                                        .rest_ms = STREAM_KEY_ENDS_LOOK_MS,
                                        .look = {.why = OUT_STREAM_KEY_ENDED}};
    return take_outs_new(parts, &kind);
}
