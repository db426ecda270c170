/* The hasher on processes that yield to everything else (worker/hash_worker.h): some for those who
 * wait for their login, one for rewriting what is out of date. */
#ifndef LYNKS_AUTHSVC_HASH_HASHER_POOL_H
#define LYNKS_AUTHSVC_HASH_HASHER_POOL_H

#include "authsvc/hash/hasher.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"

struct hasher_pool_config {
    const char *program; /* path of lynks-hash; "": beside the program that runs */
    struct password_params params;
    unsigned processes; /* 0: one for each core; 64 at most */
    size_t queue_max;   /* logins that wait for one of them */
};

struct hasher_pool;

struct hasher_pool *hasher_pool_new(struct loop *loop, struct metrics *metrics,
                                    const struct hasher_pool_config *config);
/* What is queued, or being done, ends with ERR_UNAVAILABLE. */
void hasher_pool_free(struct hasher_pool **pool);
struct hasher hasher_pool_hasher(struct hasher_pool *pool);

#endif
