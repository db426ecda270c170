#include "proto/loop/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 64

struct item {
    pool_work_fn *work;
    pool_done_fn *done;
    void *job;
    bool ran;
    struct item *next;
};

struct queue {
    struct item *first, **end;
};

struct pool {
    struct loop *loop;
    struct pool_config config;
    pthread_t threads[THREADS_MAX];
    unsigned thread_count;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue queue; /* waits */
    size_t queued;
    struct queue finished; /* waits for the loop */
    bool posted;           /* the loop has been told, and has not come yet */
    bool stopping;

    struct metric *depth;
    struct metric *refused;
};

static void queue_add(struct queue *list, struct item *item)
{
    item->next = NULL;
    *list->end = item;
    list->end = &item->next;
}

static struct item *queue_take(struct queue *list)
{
    struct item *item = list->first;
    if (item != NULL) {
        list->first = item->next;
        if (list->first == NULL) {
            list->end = &list->first;
        }
    }
    return item;
}

static void queue_init(struct queue *list)
{
    list->first = NULL;
    list->end = &list->first;
}

/* On the loop. */
static void deliver_finished(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    pool->posted = false;
    struct item *item = pool->finished.first;
    queue_init(&pool->finished);
    pthread_mutex_unlock(&pool->lock);
    for (struct item *next; item != NULL; item = next) {
        next = item->next;
        item->done(item->job, item->ran);
        free(item);
    }
}

static void finish_item(struct pool *pool, struct item *item)
{
    item->ran = true;
    pthread_mutex_lock(&pool->lock);
    queue_add(&pool->finished, item);
    bool post = !pool->posted && !pool->stopping;
    pool->posted = pool->posted || post;
    /* Under the lock: after stopping is set, nothing is posted any more. */
    if (post) {
        loop_post(pool->loop, deliver_finished, pool);
    }
    pthread_mutex_unlock(&pool->lock);
}

static struct item *wait_for_item(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->queue.first == NULL && !pool->stopping) {
        pthread_cond_wait(&pool->wake, &pool->lock);
    }
    struct item *item = pool->stopping ? NULL : queue_take(&pool->queue);
    if (item != NULL) {
        pool->queued--;
        metric_set(pool->depth, (int64_t)pool->queued);
    }
    pthread_mutex_unlock(&pool->lock);
    return item;
}

static void *run_thread(void *arg)
{
    struct pool *pool = arg;
    const struct pool_config *config = &pool->config;
    void *state = config->thread_new != NULL ? config->thread_new(config->thread_arg) : NULL;
    for (struct item *item; (item = wait_for_item(pool)) != NULL;) {
        item->work(item->job, state);
        finish_item(pool, item);
    }
    if (config->thread_free != NULL) {
        config->thread_free(state);
    }
    return NULL;
}

/* Signals are for the loop's thread: these block all, so that no system call of theirs is
 * interrupted. */
static void start_threads(struct pool *pool)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->thread_count < pool->config.threads) {
        if (pthread_create(&pool->threads[pool->thread_count], NULL, run_thread, pool) != 0) {
            abort(); /* no thread at start-up: see base.h */
        }
        char name[16];
        (void)snprintf(name, sizeof(name), "%s", pool->config.name);
        (void)pthread_setname_np(pool->threads[pool->thread_count], name);
        pool->thread_count++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct pool *pool_new(struct loop *loop, struct metrics *metrics, const struct pool_config *config)
{
    assert(config->threads >= 1 && config->threads <= THREADS_MAX);
    struct pool *pool = mem_alloc(sizeof(*pool));
    pool->loop = loop;
    pool->config = *config;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    queue_init(&pool->queue);
    queue_init(&pool->finished);
    char labels[64];
    (void)snprintf(labels, sizeof(labels), "pool=\"%s\"", config->name);
    pool->depth = metrics_gauge(metrics, "lynks_pool_queued",
                                "Jobs that wait for a thread or a process.", labels);
    pool->refused = metrics_counter(metrics, "lynks_pool_refused_total",
                                    "Jobs refused because the queue was full.", labels);
    start_threads(pool);
    return pool;
}

void pool_free(struct pool **pool_ref)
{
    struct pool *pool = *pool_ref;
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    loop_unpost(pool->loop, deliver_finished, pool);
    deliver_finished(pool);
    for (struct item *item; (item = queue_take(&pool->queue)) != NULL;) {
        item->done(item->job, false);
        free(item);
    }
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    mem_free(pool_ref);
}

enum err pool_submit(struct pool *pool, pool_work_fn *work, pool_done_fn *done, void *job)
{
    struct item *item = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->queued < pool->config.queue_max && !pool->stopping) {
        item = mem_alloc(sizeof(*item));
        *item = (struct item){.work = work, .done = done, .job = job};
        queue_add(&pool->queue, item);
        pool->queued++;
        pthread_cond_signal(&pool->wake);
    }
    metric_set(pool->depth, (int64_t)pool->queued);
    pthread_mutex_unlock(&pool->lock);
    if (item == NULL) {
        metric_inc(pool->refused);
        return ERR_OVERLOADED;
    }
    return ERR_OK;
}
