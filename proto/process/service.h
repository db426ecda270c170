/* What every process has: log, loop, signals, metrics, health, ops listener, keys, ZAP, bus client
 * and, for those that serve, the bus worker; and the way it ends.
 *
 * SIGTERM and SIGINT drain: /readyz turns not ready, new calls are refused, those in hand are
 * waited for (bounded by LYNKS_DRAIN_TIMEOUT_MS), then service_run returns. A second signal ends
 * the wait. What main frees after that has 2 s, then the process ends all the same, with the code
 * that service_run gave.
 *
 * Where a service manager wants to know (sd_notify(3)) it is told when the process serves, and when
 * it begins to drain. */
#ifndef LYNKS_PROTO_PROCESS_SERVICE_H
#define LYNKS_PROTO_PROCESS_SERVICE_H

#include "proto/bus/bus_client.h"
#include "proto/bus/bus_publisher.h"
#include "proto/bus/bus_subscriptions.h"
#include "proto/bus/bus_worker.h"
#include "proto/base/config.h"
#include "proto/base/exit_code.h"
#include "proto/base/health.h"
#include "proto/loop/loop.h"
#include "proto/base/metrics.h"
#include "proto/process/ops.h"

/* The variables that every process knows. */
struct service_config {
    char *log_level;
    char *log_format;
    char *ops_host;
    uint64_t ops_port;
    char *bus_secret_key;
    char *bus_public_keys;
    uint64_t bus_in_flight_max;
    uint64_t drain_timeout_ms;
};

/* The rows of a process' config table for the struct service_config at member of type. */
#define SERVICE_OPTIONS(type, member, default_ops_port)                                            \
    {"LYNKS_LOG_LEVEL",                                                                            \
     CONFIG_CHOICE,                                                                                \
     offsetof(type, member.log_level),                                                             \
     "info",                                                                                       \
     0,                                                                                            \
     0,                                                                                            \
     "debug|info|warn|error",                                                                      \
     "least level that is logged"},                                                                \
        {"LYNKS_LOG_FORMAT",                                                                       \
         CONFIG_CHOICE,                                                                            \
         offsetof(type, member.log_format),                                                        \
         "logfmt",                                                                                 \
         0,                                                                                        \
         0,                                                                                        \
         "logfmt|json",                                                                            \
         "form of the log lines"},                                                                 \
        {"LYNKS_OPS_HOST",                                                                         \
         CONFIG_STRING,                                                                            \
         offsetof(type, member.ops_host),                                                          \
         "127.0.0.1",                                                                              \
         1,                                                                                        \
         64,                                                                                       \
         NULL,                                                                                     \
         "address of /healthz, /readyz and /metrics"},                                             \
        {"LYNKS_OPS_PORT",                                                                         \
         CONFIG_UINT,                                                                              \
         offsetof(type, member.ops_port),                                                          \
         default_ops_port,                                                                         \
         0,                                                                                        \
         65535,                                                                                    \
         NULL,                                                                                     \
         "their port"},                                                                            \
        {"LYNKS_BUS_SECRET_KEY",                                                                   \
         CONFIG_SECRET,                                                                            \
         offsetof(type, member.bus_secret_key),                                                    \
         NULL,                                                                                     \
         40,                                                                                       \
         40,                                                                                       \
         NULL,                                                                                     \
         "this role's CURVE secret key, Z85"},                                                     \
        {"LYNKS_BUS_PUBLIC_KEYS",                                                                  \
         CONFIG_STRING,                                                                            \
         offsetof(type, member.bus_public_keys),                                                   \
         NULL,                                                                                     \
         1,                                                                                        \
         4096,                                                                                     \
         NULL,                                                                                     \
         "the roles' public keys: role=Z85 separated by commas"},                                  \
        {"LYNKS_BUS_IN_FLIGHT_MAX",                                                                \
         CONFIG_UINT,                                                                              \
         offsetof(type, member.bus_in_flight_max),                                                 \
         "4096",                                                                                   \
         1,                                                                                        \
         65536,                                                                                    \
         NULL,                                                                                     \
         "calls to other services that may wait for their answers"},                               \
    {                                                                                              \
        "LYNKS_DRAIN_TIMEOUT_MS", CONFIG_UINT, offsetof(type, member.drain_timeout_ms), "5000", 0, \
            60000, NULL, "how long SIGTERM waits for what is in hand"                              \
    }

/* For processes that serve on the bus. */
struct service_bind_config {
    char *bus_bind;
    uint64_t bus_in_hand_max;
};

#define SERVICE_BIND_OPTIONS(type, member, default_bind)                                           \
    {"LYNKS_BUS_BIND",                                                                             \
     CONFIG_STRING,                                                                                \
     offsetof(type, member.bus_bind),                                                              \
     default_bind,                                                                                 \
     1,                                                                                            \
     255,                                                                                          \
     NULL,                                                                                         \
     "where this service is served on the bus"},                                                   \
    {                                                                                              \
        "LYNKS_BUS_IN_HAND_MAX", CONFIG_UINT, offsetof(type, member.bus_in_hand_max), "2048", 1,   \
            65536, NULL, "calls taken on and not answered yet; more are refused"                   \
    }

struct service;

/* Sets up everything up to the ops listener. NULL (logged) if anything fails.
 */
struct service *service_new(const char *role, const struct service_config *config);
void service_free(struct service **service);

struct loop *service_loop(struct service *service);
const struct clock *service_clock(struct service *service);
struct metrics *service_metrics(struct service *service);
struct health *service_health(struct service *service);

/* Adds a service that this one calls; false (logged) if address is malformed. */
bool service_connect(struct service *service, enum service_id to, const char *address);
const struct bus *service_bus(struct service *service);

/* Serves handlers on the bus; false (logged) if it cannot bind. */
bool service_serve(struct service *service, const struct service_bind_config *config,
                   const char *const *allowed_roles, const struct call_handler *handlers,
                   void *self);

/* Publishes at bind ("tcp://..."), for these roles; NULL (logged) if it cannot bind. Lives until
 * service_free. Once. */
struct bus_publisher *service_publish(struct service *service, const char *bind,
                                      const char *const *allowed_roles);

/* Hears all publishers at config's address, until service_free; false (logged) if the address is
 * malformed. config's resolver may be zeroed. At most three times. */
bool service_subscribe(struct service *service, const struct bus_subscriptions_config *config);

/* A part that has to drain too: begin is called when draining starts, is_done until it says so.
 * Either may be NULL. At most 4. */
struct service_drain {
    void (*begin)(void *arg);
    bool (*is_done)(void *arg);
    void *arg;
};
void service_on_drain(struct service *service, struct service_drain drain);

/* A part whose work /healthz proves; at most 3. */
void service_on_health(struct service *service, struct ops_check check);

/* Runs until a signal has drained it, then ends the bus: calls still out are answered
 * ERR_UNAVAILABLE, and nothing comes in or goes out any more. EXIT_OK: all that was in hand was
 * answered; EXIT_CUT_SHORT: time ran out, or a second signal came. */
int service_run(struct service *service);

#endif
