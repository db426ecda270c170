#include "gateway/api/rtc_limits.h"

#include "gateway/http/limiter.h"

#define COUNTED_MAX 65536 /* who are counted; 1 MiB for each of the two */

/* An encoder whose network comes and goes begins again every second or two; browsers tell each
 * candidate by itself. */
static const struct limiter_config offers = {
    .burst = 30, .per_minute = 120, .keys_max = COUNTED_MAX};
static const struct limiter_config changes = {
    .burst = 120, .per_minute = 600, .keys_max = COUNTED_MAX};

struct rtc_limits {
    const struct clock *clock;
    struct limiter *offers, *changes;
    struct metric *refused;
};

struct rtc_limits *rtc_limits_new(const struct clock *clock, struct metrics *metrics)
{
    struct rtc_limits *limits = mem_alloc(sizeof(*limits));
    limits->clock = clock;
    limits->offers = limiter_new(&offers);
    limits->changes = limiter_new(&changes);
    limits->refused = metrics_counter(metrics, "lynks_gateway_limited_connections_total",
                                      "Requests by WHIP and WHEP refused because their participant "
                                      "had made or changed connections too often.",
                                      NULL);
    return limits;
}

void rtc_limits_free(struct rtc_limits **limits)
{
    if (*limits != NULL) {
        limiter_free(&(*limits)->offers);
        limiter_free(&(*limits)->changes);
        mem_free(limits);
    }
}

static enum err take_from_participant(struct rtc_limits *limits, struct limiter *limiter,
                                      struct exchange *exchange)
{
    const struct str participant = {.data = (const char *)exchange->participant,
                                    .bytes = sizeof(exchange->participant)};
    if (limiter_take(limiter, participant, clock_mono_ms(limits->clock),
                     &exchange->retry_after_ms)) {
        return ERR_OK;
    }
    metric_inc(limits->refused);
    return ERR_RATE_LIMITED;
}

enum err rtc_limits_take_offer(struct rtc_limits *limits, struct exchange *exchange)
{
    return take_from_participant(limits, limits->offers, exchange);
}

enum err rtc_limits_take_change(struct rtc_limits *limits, struct exchange *exchange)
{
    return take_from_participant(limits, limits->changes, exchange);
}
