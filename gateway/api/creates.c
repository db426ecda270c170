#include "gateway/api/creates.h"

#include "gateway/http/limiter.h"

#define USERS_MAX 65536 /* whose rooms are counted; 1 MiB */

struct creates {
    const struct clock *clock;
    struct limiter *limiter; /* by user */
    struct metric *refused;
};

static struct str key_of(const uint64_t *user_id)
{
    return (struct str){.data = (const char *)user_id, .bytes = sizeof(*user_id)};
}

struct creates *creates_new(const struct clock *clock, struct metrics *metrics,
                            const struct creates_config *config)
{
    struct creates *creates = mem_alloc(sizeof(*creates));
    creates->clock = clock;
    creates->limiter = limiter_new(&(struct limiter_config){
        .burst = config->burst, .per_minute = config->per_minute, .keys_max = USERS_MAX});
    creates->refused =
        metrics_counter(metrics, "lynks_gateway_limited_creates_total",
                        "Rooms not made because their user has made too many of late.", NULL);
    return creates;
}

void creates_free(struct creates **creates)
{
    if (*creates != NULL) {
        limiter_free(&(*creates)->limiter);
        mem_free(creates);
    }
}

bool creates_take(struct creates *creates, uint64_t user_id, uint64_t *ret_wait_ms)
{
    return limiter_take(creates->limiter, key_of(&user_id), clock_mono_ms(creates->clock),
                        ret_wait_ms);
}

void creates_give_back(struct creates *creates, uint64_t user_id)
{
    limiter_give_back(creates->limiter, key_of(&user_id));
}

void creates_count_refusal(struct creates *creates)
{
    metric_inc(creates->refused);
}
