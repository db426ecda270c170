#include "authsvc/hasher_pool.h"

#include "proto/pool.h"

#include <sodium.h>
#include <unistd.h>

#define THREADS_MAX 64
#define VERIFY_NICE 10
#define REHASH_NICE 19
#define REHASH_QUEUE_MAX 64

struct hasher_pool {
    struct password_params params;
    struct pool *verifiers;
    struct pool *rehasher;
};

struct job {
    const struct password_params *params;
    struct str password;
    bool is_known;
    char stored[PASSWORD_STORED_BYTES];
    uint64_t deadline_ms;
    enum err err;
    bool needs_rehash;
    hasher_verified_fn *verified;
    hasher_hashed_fn *hashed;
    void *arg;
};

static void free_job(struct job *job)
{
    sodium_memzero(job->stored, sizeof(job->stored));
    mem_free(&job);
}

static void work_verify(void *arg, void *thread_state)
{
    struct job *job = arg;
    (void)thread_state;
    if (system_mono_ms() >= job->deadline_ms) {
        job->err = ERR_DEADLINE;
        return;
    }
    job->err = password_verify(job->params, job->is_known ? job->stored : NULL, job->password);
    job->needs_rehash = job->err == ERR_OK && password_needs_rehash(job->params, job->stored);
}

static void on_verified(void *arg, bool ran)
{
    struct job *job = arg;
    job->verified(job->arg, ran ? job->err : ERR_UNAVAILABLE, job->needs_rehash);
    free_job(job);
}

static enum err verify(void *self, const char *stored, struct str password, uint64_t deadline_ms,
                       hasher_verified_fn *fn, void *arg)
{
    struct hasher_pool *pool = self;
    struct job *job = mem_alloc(sizeof(*job));
    *job = (struct job){.params = &pool->params,
                        .password = password,
                        .is_known = stored != NULL,
                        .deadline_ms = deadline_ms,
                        .verified = fn,
                        .arg = arg};
    (void)str_copy(job->stored, sizeof(job->stored), str_of(stored));
    enum err err = pool_submit(pool->verifiers, work_verify, on_verified, job);
    if (err != ERR_OK) {
        free_job(job);
    }
    return err;
}

static void work_rehash(void *arg, void *thread_state)
{
    struct job *job = arg;
    (void)thread_state;
    job->err = password_hash(job->params, job->password, job->stored);
}

static void on_rehashed(void *arg, bool ran)
{
    struct job *job = arg;
    job->hashed(job->arg, ran && job->err == ERR_OK ? job->stored : NULL);
    free_job(job);
}

static enum err rehash(void *self, struct str password, hasher_hashed_fn *fn, void *arg)
{
    struct hasher_pool *pool = self;
    struct job *job = mem_alloc(sizeof(*job));
    *job = (struct job){.params = &pool->params, .password = password, .hashed = fn, .arg = arg};
    enum err err = pool_submit(pool->rehasher, work_rehash, on_rehashed, job);
    if (err != ERR_OK) {
        free_job(job);
    }
    return err;
}

static const struct hasher_ops ops = {.verify = verify, .rehash = rehash};

struct hasher hasher_pool_hasher(struct hasher_pool *pool)
{
    return (struct hasher){.ops = &ops, .self = pool};
}

static unsigned thread_count(unsigned configured)
{
    long cores = configured != 0 ? (long)configured : sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (unsigned)cores;
}

struct hasher_pool *hasher_pool_new(struct loop *loop, struct metrics *metrics,
                                    const struct hasher_pool_config *config)
{
    struct hasher_pool *pool = mem_alloc(sizeof(*pool));
    pool->params = config->params;
    const struct pool_config verifiers = {.name = "hash",
                                          .threads = thread_count(config->threads),
                                          .queue_max = config->queue_max,
                                          .nice = VERIFY_NICE};
    const struct pool_config rehasher = {
        .name = "rehash", .threads = 1, .queue_max = REHASH_QUEUE_MAX, .nice = REHASH_NICE};
    pool->verifiers = pool_new(loop, metrics, &verifiers);
    pool->rehasher = pool_new(loop, metrics, &rehasher);
    return pool;
}

void hasher_pool_free(struct hasher_pool **pool)
{
    if (*pool != NULL) {
        pool_free(&(*pool)->verifiers);
        pool_free(&(*pool)->rehasher);
        mem_free(pool);
    }
}
