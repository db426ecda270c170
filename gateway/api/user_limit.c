#include "gateway/api/user_limit.h"

#include "gateway/http/limiter.h"

#define USERS_MAX 65536 /* who are counted; 1 MiB */

struct user_limit {
    const struct clock *clock;
    struct limiter *limiter; /* by user */
    struct metric *refused;
};

static struct str user_of(const struct exchange *exchange)
{
    const uint64_t *user_id = &exchange->context.principal.user_id;
    return (struct str){.data = (const char *)user_id, .bytes = sizeof(*user_id)};
}

struct user_limit *user_limit_new(const struct clock *clock, struct metrics *metrics,
                                  const struct user_limit_config *config, const char *metric,
                                  const char *help)
{
    struct user_limit *limit = mem_alloc(sizeof(*limit));
    limit->clock = clock;
    limit->limiter = limiter_new(&(struct limiter_config){
        .burst = config->burst, .per_minute = config->per_minute, .keys_max = USERS_MAX});
    limit->refused = metrics_counter(metrics, metric, help, NULL);
    return limit;
}

void user_limit_free(struct user_limit **limit)
{
    if (*limit != NULL) {
        limiter_free(&(*limit)->limiter);
        mem_free(limit);
    }
}

bool user_limit_take(struct user_limit *limit, const struct exchange *exchange,
                     uint64_t *ret_wait_ms)
{
    return limiter_take(limit->limiter, user_of(exchange), clock_mono_ms(limit->clock),
                        ret_wait_ms);
}

void user_limit_give_back(struct user_limit *limit, const struct exchange *exchange)
{
    limiter_give_back(limit->limiter, user_of(exchange));
}

enum err user_limit_refuse(struct user_limit *limit, struct exchange *exchange, uint64_t wait_ms)
{
    metric_inc(limit->refused);
    exchange->retry_after_ms = wait_ms;
    return ERR_RATE_LIMITED;
}
