/* Worker threads for what blocks (SQL), with a bounded queue. */
#ifndef LYNKS_PROTO_LOOP_POOL_H
#define LYNKS_PROTO_LOOP_POOL_H

#include "proto/base/err.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"

struct pool_config {
    const char *name;               /* label of its metrics, name of its threads (15 bytes) */
    unsigned threads;               /* 1..64 */
    size_t queue_max;               /* jobs that wait, not counting those that run */
    void *(*thread_new)(void *arg); /* state of each thread, made in it; may be NULL */
    void (*thread_free)(void *thread_state); /* called in it; may be NULL */
    void *thread_arg;
};

struct pool;

struct pool *pool_new(struct loop *loop, struct metrics *metrics, const struct pool_config *config);
/* Waits for the jobs that run; queued ones are not run any more. done is called for every job. */
void pool_free(struct pool **pool);

/* Runs work (job, thread_state) on a thread, then done (job, ran) on the loop, where ran is false
 * only if the pool was freed before. ERR_OVERLOADED if the queue is full: then neither is called.
 */
typedef void pool_work_fn(void *job, void *thread_state);
typedef void pool_done_fn(void *job, bool ran);
enum err pool_submit(struct pool *pool, pool_work_fn *work, pool_done_fn *done, void *job);

#endif
