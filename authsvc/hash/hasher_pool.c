#include "authsvc/hash/hasher_pool.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "authsvc/hash/hash_process.h"

#define PROCESSES_MAX 64
#define VERIFY_NICE 10
#define REHASH_NICE 19
#define REHASH_QUEUE_MAX 64
/* Of an answer. A hash takes some milliseconds; a busy machine may give it a hundredth of a core,
 * and at the niceness of rehashing, which nobody waits for, a thousandth. */
#define VERIFY_PATIENCE_MS 5000
#define REHASH_PATIENCE_MS 300000

/* Something to hash: waits in its lane, then is done by one of the lane's workers. */
struct hash_job {
    struct list_link link; /* in waiting */
    enum hash_task task;
    struct str password;
    char stored[PASSWORD_STORED_BYTES];
    uint64_t deadline_ms; /* 0: none */
    hasher_verified_fn *verified;
    hasher_hashed_fn *hashed; /* HASH_MAKE */
    void *arg;
};

struct hash_worker {
    struct hash_lane *lane;
    struct hash_process *process;
    struct hash_job *job; /* NULL: idle */
};

/* Processes of one niceness, and what waits for one of them. */
struct hash_lane {
    const struct clock *clock;
    struct loop *loop;
    const struct password_params *params;
    struct hash_process_config config;
    struct hash_worker workers[PROCESSES_MAX];
    size_t worker_count;
    struct list_link waiting;
    size_t waiting_count, waiting_max;
    struct loop_late late; /* there are jobs to hand out */
    struct metric *queued, *refused;
};

struct hasher_pool {
    char *program;
    struct password_params params;
    struct hash_lane verify;
    struct hash_lane rehash;
};

static void end_hash_job(struct hash_job *job, enum err err, const struct hash_answer *answer)
{
    if (job->task == HASH_MAKE) {
        job->hashed(job->arg, err, err == ERR_OK ? answer->stored : NULL);
    } else {
        job->verified(job->arg, err, err == ERR_OK && answer->needs_rehash);
    }
    sodium_memzero(job->stored, sizeof(job->stored));
    mem_free(&job);
}

static struct hash_worker *find_idle(struct hash_lane *lane)
{
    for (size_t i = 0; i < lane->worker_count; i++) {
        if (lane->workers[i].job == NULL) {
            return &lane->workers[i];
        }
    }
    return NULL;
}

static struct hash_job *take_waiting(struct hash_lane *lane)
{
    struct hash_job *job = LIST_FIRST(struct hash_job, &lane->waiting, link);
    if (job != NULL) {
        list_remove(&job->link);
        metric_set(lane->queued, (int64_t)--lane->waiting_count);
    }
    return job;
}

static void on_hash_answer(void *arg, enum err err, const struct hash_answer *answer)
{
    struct hash_worker *worker = arg;
    struct hash_job *job = STEAL(worker->job);
    loop_late_add(worker->lane->loop, &worker->lane->late);
    end_hash_job(job, err == ERR_OK ? answer->err : err, answer);
}

/* At the end of a turn of the loop, so that nobody is answered while he still asks. */
static void hand_out_jobs(void *arg)
{
    struct hash_lane *lane = arg;
    struct hash_worker *worker;
    struct hash_job *job;
    while ((worker = find_idle(lane)) != NULL && (job = take_waiting(lane)) != NULL) {
        if (job->deadline_ms != 0 && clock_mono_ms(lane->clock) >= job->deadline_ms) {
            end_hash_job(job, ERR_DEADLINE, NULL);
            continue;
        }
        struct hash_request request = {
            .params = *lane->params, .task = job->task, .password_bytes = job->password.bytes};
        memcpy(request.password, job->password.data, job->password.bytes);
        memcpy(request.stored, job->stored, sizeof(request.stored));
        worker->job = job;
        hash_process_ask(worker->process, &request, on_hash_answer, worker);
        sodium_memzero(&request, sizeof(request));
    }
}

static enum err add_hash_job(struct hash_lane *lane, const struct hash_job *draft)
{
    if (draft->password.bytes > HASH_PASSWORD_BYTES_MAX) {
        return ERR_BAD_REQUEST;
    }
    size_t idle = 0;
    for (size_t i = 0; i < lane->worker_count; i++) {
        idle += lane->workers[i].job == NULL;
    }
    if (lane->waiting_count >= lane->waiting_max + idle) {
        metric_inc(lane->refused);
        return ERR_OVERLOADED;
    }
    struct hash_job *job = mem_alloc(sizeof(*job));
    *job = *draft;
    list_add(&lane->waiting, &job->link);
    metric_set(lane->queued, (int64_t)++lane->waiting_count);
    loop_late_add(lane->loop, &lane->late);
    return ERR_OK;
}

static enum err verify_in_pool(void *self, const char *stored, struct str password,
                               uint64_t deadline_ms, hasher_verified_fn *fn, void *arg)
{
    struct hasher_pool *pool = self;
    struct hash_job draft = {.task = stored != NULL ? HASH_VERIFY : HASH_VERIFY_UNKNOWN,
                             .password = password,
                             .deadline_ms = deadline_ms,
                             .verified = fn,
                             .arg = arg};
    (void)str_copy(draft.stored, sizeof(draft.stored), str_of(stored));
    enum err err = add_hash_job(&pool->verify, &draft);
    sodium_memzero(draft.stored, sizeof(draft.stored));
    return err;
}

static enum err hash_in_pool(void *self, struct str password, uint64_t deadline_ms,
                             hasher_hashed_fn *fn, void *arg)
{
    struct hasher_pool *pool = self;
    const struct hash_job draft = {.task = HASH_MAKE,
                                   .password = password,
                                   .deadline_ms = deadline_ms,
                                   .hashed = fn,
                                   .arg = arg};
    return add_hash_job(&pool->verify, &draft);
}

static enum err rehash(void *self, struct str password, hasher_hashed_fn *fn, void *arg)
{
    struct hasher_pool *pool = self;
    const struct hash_job draft = {
        .task = HASH_MAKE, .password = password, .hashed = fn, .arg = arg};
    return add_hash_job(&pool->rehash, &draft);
}

static const struct hasher_ops ops = {
    .verify = verify_in_pool, .hash = hash_in_pool, .rehash = rehash};

struct hasher hasher_pool_hasher(struct hasher_pool *pool)
{
    return (struct hasher){.ops = &ops, .self = pool};
}

/* ---- life ---- */

static size_t process_count(unsigned configured)
{
    long cores = configured != 0 ? (long)configured : sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > PROCESSES_MAX ? PROCESSES_MAX : (size_t)cores;
}

/* Ours to free. */
static char *find_program(const char *configured)
{
    char own[PATH_MAX];
    if (configured[0] != '\0') {
        return mem_strdup(configured);
    }
    ssize_t bytes = readlink("/proc/self/exe", own, sizeof(own));
    while (bytes > 0 && own[bytes - 1] != '/') {
        bytes--;
    }
    return mem_printf("%.*slynks-hash", bytes > 0 ? (int)bytes : 0, own);
}

static void lane_init(struct hash_lane *lane, struct hasher_pool *pool, struct loop *loop,
                      struct metrics *metrics, const char *name)
{
    lane->clock = loop_clock(loop);
    lane->loop = loop;
    lane->params = &pool->params;
    lane->config.program = pool->program;
    lane->config.losses = metrics_counter(
        metrics, "lynks_auth_hash_workers_lost_total",
        "Hashing processes that ended, or did not answer, and were replaced.", NULL);
    list_init(&lane->waiting);
    loop_late_init(&lane->late, hand_out_jobs, lane);
    char labels[64];
    (void)snprintf(labels, sizeof(labels), "pool=\"%s\"", name);
    lane->queued = metrics_gauge(metrics, "lynks_pool_queued",
                                 "Jobs that wait for a thread or a process.", labels);
    lane->refused = metrics_counter(metrics, "lynks_pool_refused_total",
                                    "Jobs refused because the queue was full.", labels);
    for (size_t i = 0; i < lane->worker_count; i++) {
        lane->workers[i] =
            (struct hash_worker){.lane = lane, .process = hash_process_new(loop, &lane->config)};
    }
}

static void lane_fini(struct hash_lane *lane)
{
    loop_late_remove(&lane->late);
    for (size_t i = 0; i < lane->worker_count; i++) {
        struct hash_job *job = STEAL(lane->workers[i].job);
        hash_process_free(&lane->workers[i].process);
        if (job != NULL) {
            end_hash_job(job, ERR_UNAVAILABLE, NULL);
        }
    }
    for (struct hash_job *job; (job = take_waiting(lane)) != NULL;) {
        end_hash_job(job, ERR_UNAVAILABLE, NULL);
    }
}

struct hasher_pool *hasher_pool_new(struct loop *loop, struct metrics *metrics,
                                    const struct hasher_pool_config *config)
{
    struct hasher_pool *pool = mem_alloc(sizeof(*pool));
    pool->params = config->params;
    pool->program = find_program(config->program);
    pool->verify.config.niceness = VERIFY_NICE;
    pool->verify.config.patience_ms = VERIFY_PATIENCE_MS;
    pool->verify.worker_count = process_count(config->processes);
    pool->verify.waiting_max = config->queue_max;
    lane_init(&pool->verify, pool, loop, metrics, "hash");
    pool->rehash.config.niceness = REHASH_NICE;
    pool->rehash.config.patience_ms = REHASH_PATIENCE_MS;
    pool->rehash.worker_count = 1;
    pool->rehash.waiting_max = REHASH_QUEUE_MAX;
    lane_init(&pool->rehash, pool, loop, metrics, "rehash");
    return pool;
}

void hasher_pool_free(struct hasher_pool **pool)
{
    if (*pool != NULL) {
        lane_fini(&(*pool)->verify);
        lane_fini(&(*pool)->rehash);
        mem_free(&(*pool)->program);
        mem_free(pool);
    }
}
