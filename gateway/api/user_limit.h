/* How often a user may do something: a burst at once, then a steady rate, over all routes that
 * share the limit. */
#ifndef LYNKS_GATEWAY_API_USER_LIMIT_H
#define LYNKS_GATEWAY_API_USER_LIMIT_H

#include "gateway/http/exchange.h"

struct user_limit_config {
    uint64_t burst, per_minute; /* at least 1 each */
};

struct user_limit;
/* clock and metrics are borrowed; metric counts refusals, as help says. */
struct user_limit *user_limit_new(const struct clock *clock, struct metrics *metrics,
                                  const struct user_limit_config *config, const char *metric,
                                  const char *help);
void user_limit_free(struct user_limit **limit);

/* Takes one of the exchange's user. false: none is left; *ret_wait_ms is when there is one again.
 */
bool user_limit_take(struct user_limit *limit, const struct exchange *exchange,
                     uint64_t *ret_wait_ms);
/* Nothing came of it after all. */
void user_limit_give_back(struct user_limit *limit, const struct exchange *exchange);
/* He is told: ERR_RATE_LIMITED, and when he may come again. */
enum err user_limit_refuse(struct user_limit *limit, struct exchange *exchange, uint64_t wait_ms);

#endif
