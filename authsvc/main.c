#include "authsvc/config.h"
#include "authsvc/authsvc.h"
#include "authsvc/hash/hasher_pool.h"
#include "authsvc/store/store_mysql.h"

static const char *const callers[] = {"gateway", "admin", NULL};
static const char *const listeners[] = {"authsvc", "gateway", NULL};

struct parts {
    struct service *service;
    struct store_mysql *store;
    struct hasher_pool *hasher;
    struct auth auth;
};

static void auth_drain(void *sessions)
{
    sessions_drain(sessions);
}

static bool auth_is_drained(void *sessions)
{
    return sessions_is_drained(sessions);
}

static bool set_up_authsvc(struct parts *parts, const struct authsvc_config *c)
{
    parts->service = service_new("authsvc", &c->service);
    if (parts->service == NULL) {
        return false;
    }
    struct loop *loop = service_loop(parts->service);
    struct metrics *metrics = service_metrics(parts->service);
    const struct store_mysql_config store = {.db = &c->db,
                                             .session_threads = (unsigned)c->session_lookup_threads,
                                             .session_queue_max = c->session_lookups_max,
                                             .login_threads = (unsigned)c->db_threads,
                                             .login_queue_max = c->db_queue_max};
    const struct hasher_pool_config hasher = {.program = c->hash_program,
                                              .params = c->password,
                                              .processes = (unsigned)c->hash_threads,
                                              .queue_max = c->hash_queue_max};
    parts->store = store_mysql_new(loop, metrics, service_health(parts->service), &store);
    parts->hasher = hasher_pool_new(loop, metrics, &hasher);
    struct bus_publisher *publisher = NULL;
    if (c->events_bind[0] != '\0' &&
        (publisher = service_publish(parts->service, c->events_bind, listeners)) == NULL) {
        return false;
    }
    const struct auth_parts auth_parts = {.clock = service_clock(parts->service),
                                          .store = store_mysql_store(parts->store),
                                          .hasher = hasher_pool_hasher(parts->hasher),
                                          .metrics = metrics,
                                          .publisher = publisher};
    auth_init(&parts->auth, &auth_parts, c);
    service_on_drain(parts->service, (struct service_drain){.begin = auth_drain,
                                                            .is_done = auth_is_drained,
                                                            .arg = parts->auth.sessions});
    return auth_follow_replicas(&parts->auth, parts->service, c->authsvc_events) &&
           service_serve(parts->service, &c->bind, callers, auth_handlers, &parts->auth);
}

int main(int argc, char **argv)
{
    struct authsvc_config config = {0};
    struct parts parts = {0};
    enum config_outcome outcome = config_load(&config, "authsvc", authsvc_options, argc, argv);
    if (outcome != CONFIG_RUN) {
        return config_exit_code(outcome);
    }
    int exit_code = set_up_authsvc(&parts, &config) ? service_run(parts.service) : EXIT_FAILED;
    auth_stop(&parts.auth);
    hasher_pool_free(&parts.hasher);
    store_mysql_free(&parts.store);
    auth_fini(&parts.auth);
    service_free(&parts.service);
    config_free(&config, authsvc_options);
    return exit_code;
}
