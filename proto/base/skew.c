#include "proto/base/skew.h"

#include <stdlib.h>

#define WINDOW_MS 5000
#define HEARD_MIN 3

bool skew_hear(struct skew *skew, const struct clock *clock, uint64_t sent_unix_ms)
{
    const uint64_t now_ms = clock_mono_ms(clock);
    const int64_t ahead_ms = (int64_t)(clock_unix_ms(clock) - sent_unix_ms);
    if (skew->heard == 0) {
        skew->end_mono_ms = now_ms + WINDOW_MS;
        skew->least_ms = ahead_ms;
    }
    skew->heard++;
    skew->least_ms = ahead_ms < skew->least_ms ? ahead_ms : skew->least_ms;
    if (now_ms < skew->end_mono_ms || skew->heard < HEARD_MIN) {
        return false;
    }
    skew->ahead_ms = skew->least_ms;
    skew->heard = 0;
    return true;
}

bool skew_is_large(const struct skew *skew)
{
    return llabs(skew->ahead_ms) > SKEW_MAX_MS;
}

char *skew_text(const struct skew *skew)
{
    const long long tenths = llabs(skew->ahead_ms) / 100;
    return mem_printf("%lld.%lld s %s ours", tenths / 10, tenths % 10,
                      skew->ahead_ms > 0 ? "behind" : "ahead of");
}
