#include "proto/process/service.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/notify.h"
#include "proto/process/ops.h"

#define PARTS_MAX 4
#define SUBSCRIPTIONS_MAX 3
/* Events that may wait for one subscriber. */
#define PUBLISHED_MAX 10000
/* How often draining looks whether all is answered. */
#define DRAIN_CHECK_MS 10

#define END_S 2 /* for freeing all parts */

struct service {
    const struct service_config *config;
    struct loop *loop;
    struct loop_signal *term, *interrupt;
    struct metrics *metrics;
    struct health *health;
    struct keys *keys;
    struct zap *zap;
    struct ops *ops;
    struct bus_client *client;
    struct bus bus;
    struct bus_worker *worker;
    struct bus_publisher *publisher;
    struct bus_subscriptions *subscriptions[SUBSCRIPTIONS_MAX]; /* the first ones of them */
    size_t subscription_count;
    struct service_drain parts[PARTS_MAX];
    size_t part_count;
    bool draining;
    uint64_t drain_end_ms;
    int exit_code;
};

static void set_up_log(const char *role, const struct service_config *config)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    size_t level = 0;
    while (level < ARRAY_LEN(levels) - 1 && strcmp(levels[level], config->log_level) != 0) {
        level++;
    }
    log_init(role, (enum log_level)level,
             strcmp(config->log_format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
}

/* ---- the end ---- */

static bool is_drained(const struct service *service)
{
    if (service->worker != NULL && bus_worker_in_hand(service->worker) > 0) {
        return false;
    }
    for (size_t i = 0; i < service->part_count; i++) {
        const struct service_drain *part = &service->parts[i];
        if (part->is_done != NULL && !part->is_done(part->arg)) {
            return false;
        }
    }
    return true;
}

static void check_drained(void *arg)
{
    struct service *service = arg;
    const struct clock *clock = loop_clock(service->loop);
    if (is_drained(service)) {
        loop_stop(service->loop);
    } else if (clock_mono_ms(clock) >= service->drain_end_ms) {
        log_warn("draining took too long; ending with calls in hand");
        service->exit_code = EXIT_CUT_SHORT;
        loop_stop(service->loop);
    } else {
        clock_after(clock, DRAIN_CHECK_MS, check_drained, service);
    }
}

static void tell_manager(const char *text)
{
    if (!notify_manager(text)) {
        log_warn("cannot tell the service manager", LOG_Z("what", text),
                 LOG_Z("why", strerror(errno)));
    }
}

static void begin_drain(struct service *service)
{
    service->draining = true;
    service->drain_end_ms =
        clock_mono_ms(loop_clock(service->loop)) + service->config->drain_timeout_ms;
    log_info("draining");
    tell_manager("STOPPING=1");
    ops_set_draining(service->ops);
    if (service->worker != NULL) {
        bus_worker_drain(service->worker);
    }
    for (size_t i = 0; i < service->part_count; i++) {
        if (service->parts[i].begin != NULL) {
            service->parts[i].begin(service->parts[i].arg);
        }
    }
    check_drained(service);
}

static void on_end_signal(void *arg)
{
    struct service *service = arg;
    if (service->draining) {
        log_warn("second signal; ending at once");
        service->exit_code = EXIT_CUT_SHORT;
        loop_stop(service->loop);
        return;
    }
    begin_drain(service);
}

void service_on_health(struct service *service, struct ops_check check)
{
    ops_add_check(service->ops, check);
}

void service_on_drain(struct service *service, struct service_drain drain)
{
    mem_expect_room(service->part_count, PARTS_MAX);
    service->parts[service->part_count++] = drain;
}

/* ---- the parts ---- */

static struct bus_parts bus_parts(const struct service *service)
{
    return (struct bus_parts){.loop = service->loop,
                              .metrics = service->metrics,
                              .health = service->health,
                              .keys = service->keys,
                              .zap = service->zap};
}

static bool fail_to_start(const char *event, const char *why)
{
    log_error(event, LOG_Z("why", why));
    return false;
}

static bool set_up_parts(struct service *service, const char *role)
{
    const struct service_config *config = service->config;
    const char *why = "";
    if (sodium_init() < 0) {
        return fail_to_start("libsodium cannot be set up", "");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    service->loop = loop_new();
    service->term = loop_signal_new(service->loop, SIGTERM, on_end_signal, service);
    service->interrupt = loop_signal_new(service->loop, SIGINT, on_end_signal, service);
    service->metrics = metrics_new();
    if (!log_start(metrics_counter(service->metrics, "lynks_log_lines_dropped_total",
                                   "Log lines dropped because stderr did not take them", NULL))) {
        return fail_to_start("there is no thread for the log", "");
    }
    service->health = health_new();
    service->keys = keys_new(role, config->bus_secret_key, config->bus_public_keys, &why);
    if (service->keys == NULL) {
        return fail_to_start("the bus keys are not usable", why);
    }
    service->zap = zap_new(service->loop, service->metrics, service->keys);
    if (service->zap == NULL) {
        return fail_to_start("the ZAP handler cannot be bound", "");
    }
    const struct ops_config ops = {.host = config->ops_host, .port = (uint16_t)config->ops_port};
    service->ops = ops_new(service->loop, service->metrics, service->health, &ops, &why);
    if (service->ops == NULL) {
        return fail_to_start("the ops listener cannot be bound (LYNKS_OPS_PORT)", why);
    }
    return true;
}

/* Keys and passwords are in memory: it goes into no core file, neither ours nor a child's, and
 * /proc/PID is closed to other processes of the same account. */
static void keep_memory_private(void)
{
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

struct service *service_new(const char *role, const struct service_config *config)
{
    struct service *service = mem_alloc(sizeof(*service));
    service->config = config;
    keep_memory_private();
    set_up_log(role, config);
    if (!set_up_parts(service, role)) {
        service_free(&service);
    }
    return service;
}

void service_free(struct service **service_ref)
{
    struct service *service = *service_ref;
    if (service == NULL) {
        return;
    }
    bus_worker_free(&service->worker);
    bus_client_free(&service->client);
    bus_publisher_free(&service->publisher);
    for (size_t i = 0; i < service->subscription_count; i++) {
        bus_subscriptions_free(&service->subscriptions[i]);
    }
    ops_free(&service->ops);
    zap_free(&service->zap);
    keys_free(&service->keys);
    health_free(&service->health);
    loop_signal_free(&service->term);
    loop_signal_free(&service->interrupt);
    loop_free(&service->loop);
    log_stop();
    metrics_free(&service->metrics);
    mem_free(service_ref);
}

struct loop *service_loop(struct service *service)
{
    return service->loop;
}

const struct clock *service_clock(struct service *service)
{
    return loop_clock(service->loop);
}

struct metrics *service_metrics(struct service *service)
{
    return service->metrics;
}

struct health *service_health(struct service *service)
{
    return service->health;
}

bool service_connect(struct service *service, enum service_id to, const char *address)
{
    if (service->client == NULL) {
        const struct bus_parts parts = bus_parts(service);
        const struct bus_client_config config = {
            .in_flight_max = service->config->bus_in_flight_max,
            .in_flight_endpoint_max = service->config->bus_in_flight_max,
        };
        service->client = bus_client_new(&parts, &config);
        service->bus = bus_client_bus(service->client);
    }
    if (bus_client_add_service(service->client, to, address) != ERR_OK) {
        log_error("not an address: host:port[,host:port...]", LOG_Z("service", service_name(to)),
                  LOG_Z("address", address));
        return false;
    }
    return true;
}

const struct bus *service_bus(struct service *service)
{
    return &service->bus;
}

bool service_serve(struct service *service, const struct service_bind_config *config,
                   const char *const *allowed_roles, const struct call_handler *handlers,
                   void *self)
{
    const struct bus_parts parts = bus_parts(service);
    const struct bus_worker_config worker = {.bind = config->bus_bind,
                                             .in_hand_max = config->bus_in_hand_max,
                                             .allowed_roles = allowed_roles};
    service->worker = bus_worker_new(&parts, &worker, handlers, self);
    return service->worker != NULL;
}

struct bus_publisher *service_publish(struct service *service, const char *bind,
                                      const char *const *allowed_roles)
{
    const struct bus_parts parts = bus_parts(service);
    const struct bus_publisher_config config = {
        .bind = bind, .allowed_roles = allowed_roles, .queue_max = PUBLISHED_MAX};
    service->publisher = bus_publisher_new(&parts, &config);
    return service->publisher;
}

bool service_subscribe(struct service *service, const struct bus_subscriptions_config *config)
{
    const struct bus_parts parts = bus_parts(service);
    struct bus_subscriptions *subscriptions = bus_subscriptions_new(&parts, config);
    if (subscriptions == NULL) {
        log_error("not an address: host:port[,host:port...]", LOG_Z("publisher", config->role),
                  LOG_Z("address", config->address));
        return false;
    }
    mem_expect_room(service->subscription_count, SUBSCRIPTIONS_MAX);
    service->subscriptions[service->subscription_count++] = subscriptions;
    return true;
}

/* Stands in for the client once it is gone: parts that end later may still try. */
static enum err refuse_call(void *self, const struct msg *request,
                            const struct call_context *context, bus_reply_fn *fn, void *arg)
{
    (void)self;
    (void)request;
    (void)context;
    (void)fn;
    (void)arg;
    return ERR_UNAVAILABLE;
}

static const struct bus_ops ended_bus_ops = {refuse_call};

static void on_end_bound(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    _exit(info->si_value.sival_int);
}

/* Freeing a part waits for its threads, of which one may be in a query, or looking up the name of a
 * database whose name server is silent. By now nobody waits for what they do. */
static void bound_end(int exit_code)
{
    const struct sigaction action = {.sa_sigaction = on_end_bound, .sa_flags = SA_SIGINFO};
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_int = exit_code};
    const struct itimerspec bound = {.it_value.tv_sec = END_S};
    timer_t timer;
    if (sigaction(SIGALRM, &action, NULL) == 0 &&
        timer_create(CLOCK_MONOTONIC, &event, &timer) == 0) {
        (void)timer_settime(timer, 0, &bound, NULL);
    }
}

int service_run(struct service *service)
{
    log_info("running", LOG_Z("version", LYNKS_VERSION),
             LOG_U64("ops_port", ops_port(service->ops)));
    /* All ports are open now. Whether what it depends on is there, /readyz says. */
    tell_manager("READY=1");
    loop_run(service->loop);
    /* The last answers reach the parts while these are still alive; the worker's calls go first, so
     * that those answers find nobody to be sent to. */
    bus_worker_free(&service->worker);
    bus_client_free(&service->client);
    service->bus = (struct bus){.ops = &ended_bus_ops};
    log_info("ended");
    bound_end(service->exit_code);
    return service->exit_code;
}
