#include "authsvc/store/store_jobs.h"

#include "proto/db/db_sql.h"

struct count_heads {
    struct db_job job;
    struct store_counted counted;
    store_counted_fn *fn;
    void *arg;
};

DB_TELLS(on_counted, struct count_heads, &told->counted);

static const struct db_task count_heads = {
    .job_bytes = DB_JOB_BYTES(struct count_heads),
    .query = {.sql = "SELECT COUNT(*), COUNT(NULLIF(disabled, 0)),"
                     " (SELECT COUNT(*) FROM sessions WHERE expires_unix_ms > " DB_NOW_UNIX_MS ")"
                     " FROM users",
              .columns =
                  DB_FIELDS(struct count_heads, counted.users, counted.disabled, counted.sessions)},
    .done = on_counted};

enum err store_count(void *self, uint64_t deadline_ms, store_counted_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct count_heads *count = db_job_new(&count_heads);
    count->fn = fn;
    count->arg = arg;
    return db_pool_start(store->logins, count, deadline_ms);
}
