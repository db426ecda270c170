/* The store on three pools of connections: one for session checks, one for logins, one for upkeep
 * (sliding, revocations, sweeping), so that none waits for another. */
#ifndef LYNKS_AUTHSVC_STORE_STORE_MYSQL_H
#define LYNKS_AUTHSVC_STORE_STORE_MYSQL_H

#include "authsvc/store/store.h"
#include "proto/db/db_pool.h"

struct store_mysql_config {
    const struct db_config *db; /* borrowed */
    unsigned session_threads;
    size_t session_queue_max;
    unsigned login_threads;
    size_t login_queue_max;
};

struct store_mysql;

/* health: "mysql", and "schema": the tables are there. */
struct store_mysql *store_mysql_new(struct loop *loop, struct metrics *metrics,
                                    struct health *health, const struct store_mysql_config *config);
/* What is queued ends with ERR_UNAVAILABLE. */
void store_mysql_free(struct store_mysql **store);
struct store store_mysql_store(struct store_mysql *store);

#endif
