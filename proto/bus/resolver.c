#include "proto/bus/resolver.h"
#include "proto/base/log.h"
#include "proto/loop/loop_lookup.h"

#define WATCHES_MAX 8
#define INTERVAL_DEFAULT_MS 2000

struct host {
    struct resolver *resolver;
    struct resolve_host host;
    struct resolve_set addresses; /* as known last */
    struct loop_lookup *lookup;   /* that is under way; NULL: none */
    bool has_failed;              /* the last one, and that has been logged */
};

struct watch {
    struct host *hosts;
    size_t host_count;
    struct resolve_set endpoints; /* as told last */
    resolver_fn *fn;
    void *arg;
};

struct resolver {
    struct loop *loop;
    struct resolver_config config;
    uint64_t timer_id; /* set once a name has been asked for */
    struct watch watches[WATCHES_MAX];
    size_t watch_count;
};

static void tell_endpoints(struct watch *watch)
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
static void on_host_found(void *arg, const char *failure, const struct loop_address *addresses,
                          size_t count)
{
    struct host *host = arg;
    struct resolver *resolver = host->resolver;
    if (failure == NULL) {
        host->addresses.count = 0;
        for (size_t i = 0; i < count; i++) {
            resolve_set_add(&host->addresses, addresses[i].text);
        }
    } else if (!host->has_failed) {
        log_warn("host name not resolved", LOG_Z("host", host->host.name), LOG_Z("error", failure));
    }
    host->has_failed = failure != NULL;
    loop_lookup_free(&host->lookup);
    for (size_t i = 0; i < resolver->watch_count; i++) {
        tell_endpoints(&resolver->watches[i]);
    }
}

static void on_interval(void *arg);

/* Asks for the names of a watch, each at most once at a time; from the first name on they are asked
 * for again and again. */
static void ask_names(struct resolver *resolver, struct watch *watch)
{
    for (size_t i = 0; i < watch->host_count; i++) {
        struct host *host = &watch->hosts[i];
        if (host->host.is_numeric || host->lookup != NULL) {
            continue;
        }
        host->lookup = loop_lookup_new(resolver->loop, host->host.name, resolver->config.servers,
                                       on_host_found, host);
        if (resolver->timer_id == 0) {
            resolver->timer_id = clock_after(loop_clock(resolver->loop),
                                             resolver->config.interval_ms, on_interval, resolver);
        }
    }
}

static void on_interval(void *arg)
{
    struct resolver *resolver = arg;
    resolver->timer_id = clock_after(loop_clock(resolver->loop), resolver->config.interval_ms,
                                     on_interval, resolver);
    for (size_t i = 0; i < resolver->watch_count; i++) {
        ask_names(resolver, &resolver->watches[i]);
    }
}

struct resolver *resolver_new(struct loop *loop, const struct resolver_config *config)
{
    struct resolver *resolver = mem_alloc(sizeof(*resolver));
    resolver->loop = loop;
    resolver->config = *config;
    if (resolver->config.interval_ms == 0) {
        resolver->config.interval_ms = INTERVAL_DEFAULT_MS;
    }
    return resolver;
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *self = *resolver;
    if (self == NULL) {
        return;
    }
    clock_cancel(loop_clock(self->loop), self->timer_id);
    for (size_t i = 0; i < self->watch_count; i++) {
        struct watch *watch = &self->watches[i];
        for (size_t j = 0; j < watch->host_count; j++) {
            loop_lookup_free(&watch->hosts[j].lookup);
        }
        mem_free(&watch->hosts);
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
static enum err read_hosts(struct resolver *resolver, const char *address, struct watch *watch)
{
    const char *rest = address;
    while (rest != NULL) {
        struct resolve_host host;
        if (resolve_next_host(&rest, &host) != ERR_OK) {
            return ERR_BAD_REQUEST;
        }
        struct host *added = &watch->hosts[watch->host_count++];
        added->resolver = resolver;
        added->host = host;
        if (host.is_numeric) {
            (void)resolve_number(host.name, &added->addresses);
        }
    }
    return ERR_OK;
}

enum err resolver_watch(struct resolver *resolver, const char *address, resolver_fn *fn, void *arg)
{
    mem_expect_room(resolver->watch_count, WATCHES_MAX);
    struct watch *watch = &resolver->watches[resolver->watch_count];
    size_t host_count = count_hosts(address);
    if (host_count > RESOLVE_HOSTS_MAX) {
        return ERR_BAD_REQUEST;
    }
    *watch =
        (struct watch){.hosts = mem_alloc(host_count * sizeof(struct host)), .fn = fn, .arg = arg};
    if (read_hosts(resolver, address, watch) != ERR_OK) {
        mem_free(&watch->hosts);
        return ERR_BAD_REQUEST;
    }
    resolver->watch_count++;
    tell_endpoints(watch);
    ask_names(resolver, watch);
    return ERR_OK;
}
