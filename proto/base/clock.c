#include "proto/base/clock.h"

#include <time.h>

static uint64_t now_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t system_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

uint64_t system_mono_ms(void)
{
    return system_mono_us() / 1000;
}

uint64_t system_unix_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}
