#include "proto/db/db_pool.h"

#include "proto/base/log.h"
#include "proto/loop/pool.h"

#define PROBE_DOWN_MS 200
#define PROBE_UP_MS 1000

enum db_pool_state {
    DB_POOL_UNKNOWN, /* nothing was heard of the database yet: jobs are taken */
    DB_POOL_UP,      /* it has answered last: likewise */
    DB_POOL_DOWN,    /* it has not: only the probe asks */
    DB_POOL_ENDING,  /* being freed: what comes back does not tell of the database */
};

struct db_pool {
    const struct clock *clock;
    struct health *health;
    const struct db_config *db_config;
    struct pool *pool;
    enum db_pool_state state;
    size_t jobs_out;
    uint64_t heard_ms; /* while jobs are out: the last answer, or when the first of them was sent */
    uint64_t steady_ms; /* when the last outage was over */
    uint64_t probe_timer;
    struct metric *seconds;
    struct metric *failures;
};

static void *thread_new(void *arg)
{
    return db_new(arg);
}

static void thread_free(void *state)
{
    struct db *db = state;
    db_free(&db);
}

static void db_pool_become(struct db_pool *pool, enum db_pool_state state)
{
    static const char *const events[] = {"", "database is there", "database is away",
                                         "database is not asked any more"};
    static const enum log_level levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN,
                                            LOG_LEVEL_DEBUG};
    if (pool->state == state || pool->state == DB_POOL_ENDING) {
        return;
    }
    LOG_EVENT(levels[state], events[state], LOG_Z("host", pool->db_config->host),
              LOG_U64("port", pool->db_config->port));
    pool->state = state;
    pool->steady_ms = clock_mono_ms(pool->clock);
    if (pool->health != NULL && state != DB_POOL_ENDING) {
        const bool is_up = state == DB_POOL_UP;
        health_set(pool->health, "mysql", is_up, is_up ? "connected" : "no answer");
    }
}

/* ---- how long it has been there ---- */

static bool database_is_silent(const struct db_pool *pool)
{
    return pool->jobs_out > 0 && clock_mono_ms(pool->clock) - pool->heard_ms >= DB_SILENT_MS;
}

static void note_job_sent(struct db_pool *pool)
{
    if (pool->jobs_out++ == 0) {
        pool->heard_ms = clock_mono_ms(pool->clock);
    }
}

static void note_job_ended(struct db_pool *pool)
{
    const uint64_t now = clock_mono_ms(pool->clock);
    if (database_is_silent(pool)) {
        pool->steady_ms = now;
    }
    pool->heard_ms = now;
    pool->jobs_out--;
}

uint64_t db_pool_steady_ms(const struct db_pool *pool)
{
    return pool->state != DB_POOL_UP || database_is_silent(pool)
               ? 0
               : clock_mono_ms(pool->clock) - pool->steady_ms;
}

/* ---- jobs ---- */

static void run_job(void *arg, void *thread_state)
{
    struct db_job *job = arg;
    const bool is_late = job->deadline_ms != 0 && system_mono_ms() >= job->deadline_ms;
    job->err = is_late ? ERR_DEADLINE : db_job_run(job, thread_state);
}

static void on_job_done(void *arg, bool ran)
{
    struct db_job *job = arg;
    struct db_pool *pool = job->pool;
    enum err err = ran ? job->err : ERR_UNAVAILABLE;
    note_job_ended(pool);
    if (err == ERR_UNAVAILABLE) {
        metric_inc(pool->failures);
        db_pool_become(pool, DB_POOL_DOWN);
    }
    metric_observe_us(pool->seconds, system_mono_us() - job->submitted_us);
    job->task->done(job, err);
    db_job_free(job);
}

/* Also while the database is down. */
static enum err submit(struct db_pool *pool, struct db_job *job, uint64_t deadline_ms)
{
    job->pool = pool;
    job->deadline_ms = deadline_ms;
    job->submitted_us = system_mono_us();
    enum err err = pool_submit(pool->pool, run_job, on_job_done, job);
    if (err != ERR_OK) {
        db_job_free(job);
    } else {
        note_job_sent(pool);
    }
    return err;
}

enum err db_pool_start(struct db_pool *pool, void *job, uint64_t deadline_ms)
{
    if (pool->state == DB_POOL_DOWN || pool->state == DB_POOL_ENDING) {
        db_job_free(job);
        return ERR_UNAVAILABLE;
    }
    return submit(pool, job, deadline_ms);
}

bool db_pool_is_up(const struct db_pool *pool)
{
    return pool->state == DB_POOL_UP;
}

/* ---- the probe ---- */

static void probe(void *arg);

static void probe_later(struct db_pool *pool)
{
    pool->probe_timer = clock_after(
        pool->clock, pool->state == DB_POOL_UP ? PROBE_UP_MS : PROBE_DOWN_MS, probe, pool);
}

static void on_database_probed(void *arg, enum err err)
{
    const struct db_job *job = arg;
    struct db_pool *pool = job->pool;
    if (pool->state != DB_POOL_ENDING) {
        db_pool_become(pool, err == ERR_OK ? DB_POOL_UP : DB_POOL_DOWN);
        probe_later(pool);
    }
}

static const struct db_task probe_task = {
    .job_bytes = sizeof(struct db_job), .query = {.sql = "SELECT 1"}, .done = on_database_probed};

static void probe(void *arg)
{
    struct db_pool *pool = arg;
    /* A full queue is no sign of a dead database. */
    if (submit(pool, db_job_new(&probe_task), 0) != ERR_OK) {
        probe_later(pool);
    }
}

/* ---- life ---- */

struct db_pool *db_pool_new(struct loop *loop, struct metrics *metrics, struct health *health,
                            const struct db_pool_config *config)
{
    struct db_pool *pool = mem_alloc(sizeof(*pool));
    pool->clock = loop_clock(loop);
    pool->health = health;
    pool->db_config = config->db;
    pool->seconds = metrics_histogram(metrics, "lynks_db_seconds",
                                      "Time of database jobs, waiting included.", NULL);
    pool->failures = metrics_counter(metrics, "lynks_db_unavailable_total",
                                     "Database jobs that found no database.", NULL);
    const struct pool_config threads = {.name = config->name,
                                        .threads = config->threads,
                                        .queue_max = config->queue_max,
                                        .thread_new = thread_new,
                                        .thread_free = thread_free,
                                        .thread_arg = (void *)(uintptr_t)config->db};
    pool->pool = pool_new(loop, metrics, &threads);
    if (health != NULL) {
        health_set(health, "mysql", false, "not asked yet");
    }
    probe(pool);
    return pool;
}

void db_pool_free(struct db_pool **pool)
{
    if (*pool != NULL) {
        db_pool_become(*pool, DB_POOL_ENDING);
        clock_cancel((*pool)->clock, (*pool)->probe_timer);
        pool_free(&(*pool)->pool);
        mem_free(pool);
    }
}
