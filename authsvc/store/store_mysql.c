#include "authsvc/store/store_mysql.h"

#include "authsvc/store/store_jobs.h"

#define UPKEEP_QUEUE_MAX 8

static const struct store_ops ops = {
    .find_user = store_find_user,
    .get_user = store_get_user,
    .add_user = store_add_user,
    .find_users = store_find_users,
    .change_user = store_change_user,
    .change_password = store_change_password,
    .remove_user = store_remove_user,
    .find_command = store_find_command,
    .open_session = store_open_session,
    .find_session = store_find_session,
    .find_sessions = store_find_sessions,
    .set_password = store_set_password,
    .extend = store_extend,
    .revoke = store_revoke,
    .find_revoked = store_find_revoked,
    .find_acts = store_find_acts,
    .count = store_count,
    .sweep = store_sweep,
};

struct store store_mysql_store(struct store_mysql *store)
{
    return (struct store){.ops = &ops, .self = store};
}

struct store_mysql *store_mysql_new(struct loop *loop, struct metrics *metrics,
                                    struct health *health, const struct store_mysql_config *config)
{
    struct store_mysql *store = mem_alloc(sizeof(*store));
    store->health = health;
    health_set(health, "schema", false, "not asked yet");
    const struct db_pool_config sessions = {.name = "db-sessions",
                                            .db = config->db,
                                            .threads = config->session_threads,
                                            .queue_max = config->session_queue_max};
    const struct db_pool_config logins = {.name = "db-logins",
                                          .db = config->db,
                                          .threads = config->login_threads,
                                          .queue_max = config->login_queue_max};
    const struct db_pool_config upkeep = {
        .name = "db-upkeep", .db = config->db, .threads = 1, .queue_max = UPKEEP_QUEUE_MAX};
    store->sessions = db_pool_new(loop, metrics, health, &sessions);
    store->logins = db_pool_new(loop, metrics, NULL, &logins);
    store->upkeep = db_pool_new(loop, metrics, NULL, &upkeep);
    return store;
}

void store_mysql_free(struct store_mysql **store)
{
    if (*store != NULL) {
        db_pool_free(&(*store)->sessions);
        db_pool_free(&(*store)->logins);
        db_pool_free(&(*store)->upkeep);
        mem_free(store);
    }
}
