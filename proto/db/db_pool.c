#include "proto/db/db_pool.h"

#include "proto/base/log.h"
#include "proto/base/skew.h"
#include "proto/db/db_sql.h"
#include "proto/loop/pool.h"

#define PROBE_DOWN_MS 200
#define PROBE_UP_MS 1000

enum db_pool_state {
    DB_POOL_UNKNOWN, /* nothing was heard of the database yet: jobs are taken */
    DB_POOL_UP,      /* it has answered last: likewise */
    DB_POOL_DOWN,    /* it has not: only the probe asks */
    DB_POOL_ENDING,  /* being freed: what comes back does not tell of the database */
};

/* What a database thread has. */
struct db_thread {
    struct db *db;
    uint64_t era; /* in which its connection was made, or will be */
};

struct db_pool {
    const struct clock *clock;
    struct health *health;
    const struct db_config *db_config;
    struct pool *pool;
    enum db_pool_state state;
    uint64_t era; /* one more with each outage: connections from before are not used after it */
    char *reason; /* of the outage; "connected": there is none */
    size_t jobs_out;
    uint64_t heard_ms; /* while jobs are out: the last answer, or when the first of them was sent */
    uint64_t steady_ms; /* when the last outage was over */
    uint64_t probe_timer;
    struct skew skew; /* its clock compared with ours */
    struct metric *seconds;
    struct metric *failures;
    struct metric *ahead;
};

static void *thread_new(void *arg)
{
    struct db_thread *thread = mem_alloc(sizeof(*thread));
    thread->db = db_new(arg);
    return thread;
}

static void thread_free(void *state)
{
    struct db_thread *thread = state;
    db_free(&thread->db);
    mem_free(&thread);
}

static void probe_later(struct db_pool *pool);

/* reason, of DB_POOL_DOWN: in the server's words; NULL or empty: it gave no answer. It may change
 * while the outage lasts: the server is back, but does not let us in. */
static void db_pool_become(struct db_pool *pool, enum db_pool_state state, const char *reason)
{
    const bool is_down = state == DB_POOL_DOWN;
    const bool is_silent = reason == NULL || reason[0] == '\0';
    const char *told = !is_down ? "connected" : is_silent ? "no answer" : reason;
    const bool is_new = pool->state != state;
    if (pool->state == DB_POOL_ENDING || (!is_new && strcmp(pool->reason, told) == 0)) {
        return;
    }
    mem_free(&pool->reason);
    pool->reason = mem_strdup(told);
    if (is_new) {
        pool->state = state;
        pool->steady_ms = clock_mono_ms(pool->clock);
        pool->era += is_down;
        if (is_down && pool->probe_timer != 0) {
            probe_later(pool); /* sooner than while it was well */
        }
    }
    static const char *const events[] = {"", "database is there", "database is away",
                                         "database is not asked any more"};
    static const enum log_level levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN,
                                            LOG_LEVEL_DEBUG};
    const enum log_level level = is_new ? levels[state] : LOG_LEVEL_INFO;
    LOG_EVENT(level, events[state], LOG_Z("reason", told), LOG_Z("host", pool->db_config->host),
              LOG_U64("port", pool->db_config->port));
    if (pool->health != NULL && state != DB_POOL_ENDING) {
        health_set(pool->health, "mysql", !is_down, told);
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
    struct db_thread *thread = thread_state;
    if (job->deadline_ms != 0 && system_mono_ms() >= job->deadline_ms) {
        job->err = ERR_DEADLINE;
        return;
    }
    if (thread->era < job->era) {
        /* The name may stand for another server now, and this one may still be read only. */
        db_drop(thread->db);
        thread->era = job->era;
    }
    job->err = db_job_run(job, thread->db);
    if (job->err == ERR_UNAVAILABLE) {
        job->reason = mem_strdup(db_error(thread->db));
    }
}

static void on_job_done(void *arg, bool ran)
{
    struct db_job *job = arg;
    struct db_pool *pool = job->pool;
    enum err err = ran ? job->err : ERR_UNAVAILABLE;
    note_job_ended(pool);
    if (err == ERR_UNAVAILABLE) {
        metric_inc(pool->failures);
        if (job->era == pool->era) { /* else it tells of an outage that is known */
            db_pool_become(pool, DB_POOL_DOWN, job->reason);
        }
    }
    metric_observe_us(pool->seconds, system_mono_us() - job->submitted_us);
    job->task->done(job, err);
    db_job_free(job);
}

/* Also while the database is down. */
static enum err submit(struct db_pool *pool, struct db_job *job, uint64_t deadline_ms)
{
    job->pool = pool;
    job->era = pool->era;
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
    clock_cancel(pool->clock, pool->probe_timer);
    pool->probe_timer = clock_after(
        pool->clock, pool->state == DB_POOL_UP ? PROBE_UP_MS : PROBE_DOWN_MS, probe, pool);
}

struct probe {
    struct db_job job;
    uint64_t now_unix_ms; /* by the database's clock */
};

/* How it is protected, and how wrong its clock is, or ours. */
static void note_database(struct db_pool *pool)
{
    if (pool->health == NULL) {
        return;
    }
    const char *protection = db_config_protection(pool->db_config);
    AUTO(mem_free) char *difference = skew_text(&pool->skew);
    AUTO(mem_free) char *note = mem_printf("%s; its clock is %s", protection, difference);
    health_note(pool->health, "mysql", skew_is_large(&pool->skew) ? note : protection);
}

static void hear_clock(struct db_pool *pool, uint64_t database_unix_ms)
{
    const bool was_large = skew_is_large(&pool->skew);
    if (!skew_hear(&pool->skew, pool->clock, database_unix_ms)) {
        return;
    }
    metric_set(pool->ahead, pool->skew.ahead_ms);
    if (pool->health != NULL && skew_is_large(&pool->skew) && !was_large) {
        AUTO(mem_free) char *difference = skew_text(&pool->skew);
        log_warn("clocks differ", LOG_Z("peer", "database"), LOG_Z("its_clock_is", difference));
    }
    note_database(pool);
}

static void on_database_probed(void *arg, enum err err)
{
    const struct probe *probed = arg;
    struct db_pool *pool = probed->job.pool;
    if (pool->state == DB_POOL_ENDING) {
        return;
    }
    db_pool_become(pool, err == ERR_OK ? DB_POOL_UP : DB_POOL_DOWN, probed->job.reason);
    if (err == ERR_OK) {
        hear_clock(pool, probed->now_unix_ms);
    }
    probe_later(pool);
}

static const struct db_query select_now = {.sql = "SELECT " DB_NOW_UNIX_MS,
                                           .columns = DB_FIELDS(struct probe, now_unix_ms)};

static enum err read_clock(void *arg, struct db *db)
{
    return db_query_run(db, &select_now, arg, NULL);
}

/* A server that is read only answers, but is of no use: it does not begin a transaction. */
static enum err work_probe(void *arg, struct db *db)
{
    return db_transaction(db, read_clock, arg);
}

static const struct db_task probe_task = {
    .job_bytes = DB_JOB_BYTES(struct probe), .work = work_probe, .done = on_database_probed};

static void probe(void *arg)
{
    struct db_pool *pool = arg;
    pool->probe_timer = 0;
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
    pool->reason = mem_strdup("");
    pool->seconds = metrics_histogram(metrics, "lynks_db_seconds",
                                      "Time of database jobs, waiting included.", NULL);
    pool->failures = metrics_counter(metrics, "lynks_db_unavailable_total",
                                     "Database jobs that found no database.", NULL);
    pool->ahead = metrics_gauge(metrics, "lynks_db_clock_ahead_ms",
                                "Our wall clock before the database's; negative: behind it.", NULL);
    const struct pool_config threads = {.name = config->name,
                                        .threads = config->threads,
                                        .queue_max = config->queue_max,
                                        .thread_new = thread_new,
                                        .thread_free = thread_free,
                                        .thread_arg = (void *)(uintptr_t)config->db};
    pool->pool = pool_new(loop, metrics, &threads);
    if (health != NULL) {
        health_set(health, "mysql", false, "not asked yet");
        note_database(pool);
    }
    probe(pool);
    return pool;
}

void db_pool_free(struct db_pool **pool)
{
    if (*pool != NULL) {
        db_pool_become(*pool, DB_POOL_ENDING, NULL);
        clock_cancel((*pool)->clock, (*pool)->probe_timer);
        pool_free(&(*pool)->pool);
        mem_free(&(*pool)->reason);
        mem_free(pool);
    }
}
