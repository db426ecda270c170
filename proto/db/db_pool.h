/* A few database connections, each on a thread of its own, with a bounded queue; and the knowledge
 * whether the database is there.
 *
 * While the database is surely down, or takes no changes, jobs are refused at once; a probe finds
 * out when it is back (within a quarter of a second of its return) without a restart. After an
 * outage no connection from before is used: the server's name may stand for another one. A job
 * found too late is not run.
 */
#ifndef LYNKS_PROTO_DB_DB_POOL_H
#define LYNKS_PROTO_DB_DB_POOL_H

#include "proto/db/db_job.h"
#include "proto/base/health.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"

struct db_pool_config {
    const char *name;           /* of its threads and metrics, 15 bytes at most */
    const struct db_config *db; /* borrowed */
    unsigned threads;
    size_t queue_max;
};

struct db_pool;

/* health: "mysql" is set there, while it is away with the server's reason, and how
 * it is protected; NULL: not reported (a
 * second pool of one process). */
struct db_pool *db_pool_new(struct loop *loop, struct metrics *metrics, struct health *health,
                            const struct db_pool_config *config);
/* Waits for what runs (bounded by the database's time-outs); what is queued ends with
 * ERR_UNAVAILABLE. */
void db_pool_free(struct db_pool **pool);

/* Takes the job over: it is run on one of the threads, done is called on the loop, the job freed.
 * deadline_ms: monotonic; 0: none. ERR_UNAVAILABLE: the database is down; ERR_OVERLOADED: the queue
 * is full; in both cases the job is freed at once and done never called. */
enum err db_pool_start(struct db_pool *pool, void *job, uint64_t deadline_ms);

bool db_pool_is_up(const struct db_pool *pool);

/* A database that has answered nothing for so long, though asked, counts as away for who asks how
 * long it has been steady. It is asked every second at least. */
#define DB_SILENT_MS 500
/* For how long it has answered without an outage; 0 while it is away. As far as this process can
 * know: it begins with the first answer. */
uint64_t db_pool_steady_ms(const struct db_pool *pool);

#endif
