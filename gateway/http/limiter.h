/* How often something may be tried, by key: a burst at once, then a steady rate (GCRA: the one time
 * stored for a key is when all its attempts are earned back).
 *
 * The table is bounded. A new key always finds a place: it takes that of the key, of a few chosen
 * by a secret hash, that is nearest to having all its attempts back. So a key that is out of
 * attempts is forgotten only for keys that are further out of them, nobody can be locked out by
 * others, and nobody can choose whose place is taken. */
#ifndef LYNKS_GATEWAY_HTTP_LIMITER_H
#define LYNKS_GATEWAY_HTTP_LIMITER_H

#include "proto/base/base.h"

struct limiter_config {
    uint64_t burst;      /* at least 1 */
    uint64_t per_minute; /* at least 1 */
    uint64_t keys_max;
};

struct limiter;
struct limiter *limiter_new(const struct limiter_config *config);
void limiter_free(struct limiter **limiter);

/* Could one attempt of key be taken? false: as limiter_take. */
bool limiter_has(const struct limiter *limiter, struct str key, uint64_t now_ms,
                 uint64_t *ret_wait_ms);
/* Takes one attempt of key. false: none is left; *ret_wait_ms is when there is one again. */
bool limiter_take(struct limiter *limiter, struct str key, uint64_t now_ms, uint64_t *ret_wait_ms);
/* Gives back one attempt that was taken. */
void limiter_give_back(struct limiter *limiter, struct str key);

#endif
