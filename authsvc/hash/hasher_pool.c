#include "authsvc/hash/hasher_pool.h"

#include <limits.h>
#include <sodium.h>
#include <unistd.h>

#include "authsvc/hash/hash_process.h"
#include "proto/loop/pool.h"

#define THREADS_MAX 64
#define VERIFY_NICE 10
#define REHASH_NICE 19
#define REHASH_QUEUE_MAX 64
/* Of an answer. A hash takes some milliseconds; a busy machine may give it a hundredth of a core.
 */
#define PATIENCE_MS 5000

struct hasher_pool {
    char *program;
    struct password_params params;
    struct hash_process_config verify_process, rehash_process;
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

static enum err ask_process(struct hash_process *process, const struct job *job,
                            enum hash_task task, struct hash_answer *ret_answer)
{
    struct hash_request request = {
        .params = *job->params, .task = task, .password_bytes = job->password.bytes};
    if (job->password.bytes > sizeof(request.password)) {
        return ERR_BAD_REQUEST;
    }
    memcpy(request.password, job->password.data, job->password.bytes);
    memcpy(request.stored, job->stored, sizeof(request.stored));
    enum err err = hash_process_ask(process, &request, ret_answer);
    sodium_memzero(&request, sizeof(request));
    return err == ERR_OK ? ret_answer->err : err;
}

static void work_verify(void *arg, void *process)
{
    struct job *job = arg;
    struct hash_answer answer = {0};
    if (system_mono_ms() >= job->deadline_ms) {
        job->err = ERR_DEADLINE;
        return;
    }
    job->err =
        ask_process(process, job, job->is_known ? HASH_VERIFY : HASH_VERIFY_UNKNOWN, &answer);
    job->needs_rehash = answer.needs_rehash;
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

static void work_rehash(void *arg, void *process)
{
    struct job *job = arg;
    struct hash_answer answer = {0};
    job->err = ask_process(process, job, HASH_MAKE, &answer);
    memcpy(job->stored, answer.stored, sizeof(job->stored));
    sodium_memzero(&answer, sizeof(answer));
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

static void *process_new(void *config)
{
    return hash_process_new(config);
}

static void process_free(void *thread_state)
{
    struct hash_process *process = thread_state;
    hash_process_free(&process);
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

struct hasher_pool *hasher_pool_new(struct loop *loop, struct metrics *metrics,
                                    const struct hasher_pool_config *config)
{
    struct hasher_pool *pool = mem_alloc(sizeof(*pool));
    pool->params = config->params;
    pool->program = find_program(config->program);
    struct metric *losses = metrics_counter(
        metrics, "lynks_auth_hash_workers_lost_total",
        "Hashing processes that ended, or did not answer, and were replaced.", NULL);
    pool->verify_process = (struct hash_process_config){.program = pool->program,
                                                        .niceness = VERIFY_NICE,
                                                        .patience_ms = PATIENCE_MS,
                                                        .losses = losses};
    pool->rehash_process = (struct hash_process_config){.program = pool->program,
                                                        .niceness = REHASH_NICE,
                                                        .patience_ms = PATIENCE_MS,
                                                        .losses = losses};
    const struct pool_config verifiers = {.name = "hash",
                                          .threads = thread_count(config->threads),
                                          .queue_max = config->queue_max,
                                          .thread_new = process_new,
                                          .thread_free = process_free,
                                          .thread_arg = &pool->verify_process};
    const struct pool_config rehasher = {.name = "rehash",
                                         .threads = 1,
                                         .queue_max = REHASH_QUEUE_MAX,
                                         .thread_new = process_new,
                                         .thread_free = process_free,
                                         .thread_arg = &pool->rehash_process};
    pool->verifiers = pool_new(loop, metrics, &verifiers);
    pool->rehasher = pool_new(loop, metrics, &rehasher);
    return pool;
}

void hasher_pool_free(struct hasher_pool **pool)
{
    if (*pool != NULL) {
        pool_free(&(*pool)->verifiers);
        pool_free(&(*pool)->rehasher);
        mem_free(&(*pool)->program);
        mem_free(pool);
    }
}
