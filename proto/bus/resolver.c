#include "proto/bus/resolver.h"
#include "proto/base/log.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WATCHES_MAX 8
#define INTERVAL_DEFAULT_MS 2000

struct host {
    struct resolve_host host;
    struct resolve_set addresses; /* as known last */
    bool is_asked;                /* a look-up is under way */
    bool has_failed;              /* and that has been logged */
};

struct watch {
    struct host *hosts;
    size_t host_count;
    struct resolve_set endpoints; /* as told last */
    resolver_fn *fn;
    void *arg;
};

/* One look-up on its way to the thread and back. Belongs to whoever has taken it from a queue. */
struct job {
    struct host *host; /* of the loop's side; the thread does not look at it */
    char name[RESOLVE_HOST_BYTES_MAX + 1];
    struct resolve_set addresses;
    const char *failure; /* NULL: none */
    struct job *next;
};

/* What the loop's side and the thread share; freed by the last of the two. */
struct exchange {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;    /* set by the loop's side, which is then gone */
    bool is_busy; /* the thread is in a look-up, which may take long */
    struct job *asked, *answered;
    int event_fd; /* tells the loop of answers; not touched by the thread after stop */
    resolver_lookup_fn *lookup;
    void *lookup_arg;
};

struct resolver {
    struct loop *loop;
    uint64_t interval_ms;
    uint64_t timer_id;
    struct watch watches[WATCHES_MAX];
    size_t watch_count;
    pthread_t thread;
    struct exchange *exchange; /* NULL while no name has been asked for */
    resolver_lookup_fn *lookup;
    void *lookup_arg;
};

/* ---- the thread ---- */

static void free_jobs(struct job *job)
{
    while (job != NULL) {
        struct job *next = job->next;
        free(job);
        job = next;
    }
}

static void exchange_free(struct exchange *exchange)
{
    free_jobs(exchange->asked);
    free_jobs(exchange->answered);
    pthread_mutex_destroy(&exchange->lock);
    pthread_cond_destroy(&exchange->wake);
    free(exchange);
}

/* Waits for a job; NULL when it is time to end. Called with the lock. */
static struct job *next_job(struct exchange *exchange)
{
    while (!exchange->stop && exchange->asked == NULL) {
        pthread_cond_wait(&exchange->wake, &exchange->lock);
    }
    if (exchange->stop) {
        return NULL;
    }
    struct job *job = exchange->asked;
    exchange->asked = job->next;
    return job;
}

static void give_answer(struct exchange *exchange, struct job *job)
{
    job->next = exchange->answered;
    exchange->answered = job;
    if (!exchange->stop) {
        const uint64_t one = 1;
        ssize_t rc = write(exchange->event_fd, &one, sizeof(one));
        (void)rc;
    }
}

static void *thread_main(void *arg)
{
    struct exchange *exchange = arg;
    bool was_left = false; /* the loop's side has gone during a look-up and has not waited */
    pthread_mutex_lock(&exchange->lock);
    for (struct job *job; (job = next_job(exchange)) != NULL;) {
        exchange->is_busy = true;
        pthread_mutex_unlock(&exchange->lock);
        job->failure = exchange->lookup(exchange->lookup_arg, job->name, &job->addresses);
        pthread_mutex_lock(&exchange->lock);
        exchange->is_busy = false;
        was_left = exchange->stop;
        give_answer(exchange, job);
    }
    pthread_mutex_unlock(&exchange->lock);
    if (was_left) {
        exchange_free(exchange);
    }
    return NULL;
}

/* ---- the loop's side ---- */

static void tell(struct watch *watch)
{
    struct resolve_set endpoints = {.count = 0};
    for (size_t i = 0; i < watch->host_count; i++) {
        const struct host *host = &watch->hosts[i];
        resolve_set_add_endpoints(&endpoints, &host->addresses, host->host.port);
    }
    if (!resolve_set_is_equal(&endpoints, &watch->endpoints)) {
        watch->endpoints = endpoints;
        watch->fn(watch->arg, &watch->endpoints);
    }
}

/* The failure is logged when it begins, not at every try. */
static void take_answer(const struct job *job)
{
    struct host *host = job->host;
    host->is_asked = false;
    if (job->failure == NULL) {
        host->addresses = job->addresses;
    } else if (!host->has_failed) {
        log_warn("host name not resolved", LOG_Z("host", job->name), LOG_Z("error", job->failure));
    }
    host->has_failed = job->failure != NULL;
}

static void on_answers(void *arg, uint32_t events)
{
    struct resolver *resolver = arg;
    struct exchange *exchange = resolver->exchange;
    uint64_t ignored;
    (void)events;
    ssize_t rc = read(exchange->event_fd, &ignored, sizeof(ignored));
    (void)rc;
    pthread_mutex_lock(&exchange->lock);
    struct job *answered = exchange->answered;
    exchange->answered = NULL;
    pthread_mutex_unlock(&exchange->lock);
    for (const struct job *job = answered; job != NULL; job = job->next) {
        take_answer(job);
    }
    free_jobs(answered);
    for (size_t i = 0; i < resolver->watch_count; i++) {
        tell(&resolver->watches[i]);
    }
}

/* Signals are the loop's business: the thread blocks all. */
static void start_thread(struct resolver *resolver)
{
    struct exchange *exchange = mem_alloc(sizeof(*exchange));
    pthread_mutex_init(&exchange->lock, NULL);
    pthread_cond_init(&exchange->wake, NULL);
    exchange->lookup = resolver->lookup;
    exchange->lookup_arg = resolver->lookup_arg;
    exchange->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&resolver->thread, NULL, thread_main, exchange);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (exchange->event_fd < 0 || rc != 0) {
        abort(); /* out of descriptors or threads at the start: see base.h */
    }
    pthread_setname_np(resolver->thread, "resolver");
    resolver->exchange = exchange;
    loop_fd_add(resolver->loop, exchange->event_fd, EPOLLIN, on_answers, resolver);
}

static void ask(struct resolver *resolver, struct host *host)
{
    struct exchange *exchange = resolver->exchange;
    struct job *job = mem_alloc(sizeof(*job));
    job->host = host;
    (void)str_copy(job->name, sizeof(job->name), str_of(host->host.name));
    host->is_asked = true;
    pthread_mutex_lock(&exchange->lock);
    struct job **end = &exchange->asked;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = job;
    pthread_cond_signal(&exchange->wake);
    pthread_mutex_unlock(&exchange->lock);
}

static void ask_names(struct resolver *resolver, struct watch *watch)
{
    for (size_t i = 0; i < watch->host_count; i++) {
        struct host *host = &watch->hosts[i];
        if (host->host.is_numeric || host->is_asked) {
            continue;
        }
        if (resolver->exchange == NULL) {
            start_thread(resolver);
        }
        ask(resolver, host);
    }
}

static void on_interval(void *arg)
{
    struct resolver *resolver = arg;
    for (size_t i = 0; i < resolver->watch_count; i++) {
        ask_names(resolver, &resolver->watches[i]);
    }
    resolver->timer_id =
        clock_after(loop_clock(resolver->loop), resolver->interval_ms, on_interval, resolver);
}

static const char *lookup_by_system(void *arg, const char *name, struct resolve_set *ret_set)
{
    (void)arg;
    return resolve_lookup(name, /* numeric_only= */ false, ret_set);
}

struct resolver *resolver_new(struct loop *loop, const struct resolver_config *config)
{
    struct resolver *resolver = mem_alloc(sizeof(*resolver));
    resolver->loop = loop;
    resolver->interval_ms = config->interval_ms != 0 ? config->interval_ms : INTERVAL_DEFAULT_MS;
    resolver->lookup = config->lookup != NULL ? config->lookup : lookup_by_system;
    resolver->lookup_arg = config->lookup_arg;
    return resolver;
}

/* A thread that is idle ends at once and is waited for; one that is in a look-up is left to itself.
 */
static void stop_thread(struct resolver *resolver)
{
    struct exchange *exchange = resolver->exchange;
    loop_fd_remove(resolver->loop, exchange->event_fd);
    pthread_mutex_lock(&exchange->lock);
    exchange->stop = true;
    bool is_busy = exchange->is_busy;
    pthread_cond_signal(&exchange->wake);
    close(exchange->event_fd);
    pthread_mutex_unlock(&exchange->lock);
    if (is_busy) {
        pthread_detach(resolver->thread);
    } else {
        pthread_join(resolver->thread, NULL);
        exchange_free(exchange);
    }
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *self = *resolver;
    if (self == NULL) {
        return;
    }
    clock_cancel(loop_clock(self->loop), self->timer_id);
    if (self->exchange != NULL) {
        stop_thread(self);
    }
    for (size_t i = 0; i < self->watch_count; i++) {
        mem_free(&self->watches[i].hosts);
    }
    mem_free(resolver);
}

static size_t count_hosts(const char *address)
{
    size_t count = 1;
    for (const char *comma = address; (comma = strchr(comma, ',')) != NULL; comma++) {
        count++;
    }
    return count;
}

/* Numeric hosts are known from here on. */
static enum err read_hosts(const char *address, struct watch *watch)
{
    const char *rest = address;
    while (rest != NULL) {
        struct resolve_host host;
        if (resolve_next_host(&rest, &host) != ERR_OK) {
            return ERR_BAD_REQUEST;
        }
        struct host *added = &watch->hosts[watch->host_count++];
        added->host = host;
        if (host.is_numeric) {
            (void)resolve_lookup(host.name, /* numeric_only= */ true, &added->addresses);
        }
    }
    return ERR_OK;
}

enum err resolver_watch(struct resolver *resolver, const char *address, resolver_fn *fn, void *arg)
{
    assert(resolver->watch_count < WATCHES_MAX);
    struct watch *watch = &resolver->watches[resolver->watch_count];
    size_t host_count = count_hosts(address);
    if (host_count > RESOLVE_HOSTS_MAX) {
        return ERR_BAD_REQUEST;
    }
    *watch =
        (struct watch){.hosts = mem_alloc(host_count * sizeof(struct host)), .fn = fn, .arg = arg};
    if (read_hosts(address, watch) != ERR_OK) {
        mem_free(&watch->hosts);
        return ERR_BAD_REQUEST;
    }
    resolver->watch_count++;
    tell(watch);
    ask_names(resolver, watch);
    if (resolver->exchange != NULL && resolver->timer_id == 0) {
        resolver->timer_id =
            clock_after(loop_clock(resolver->loop), resolver->interval_ms, on_interval, resolver);
    }
    return ERR_OK;
}
