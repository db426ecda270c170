#include "proto/bus/bus_admit.h"

#define REMAINING_MAX_MS 3600000 /* so that sums with it do not overflow */

const char *bus_admit_role(const struct keys *keys, zmq_msg_t *message)
{
    const char *role = keys != NULL ? zmq_msg_gets(message, "User-Id") : NULL;
    role = role != NULL ? keys_intern_role(keys, role) : NULL;
    return role != NULL ? role : "unknown";
}

bool bus_admit_deadline(const struct clock *clock, const struct envelope *envelope,
                        uint64_t *ret_deadline_ms)
{
    if (envelope->remaining_ms == 0) {
        return false;
    }
    const uint64_t left_ms =
        envelope->remaining_ms < REMAINING_MAX_MS ? envelope->remaining_ms : REMAINING_MAX_MS;
    *ret_deadline_ms = clock_mono_ms(clock) + left_ms;
    return true;
}
