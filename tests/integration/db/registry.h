/* The registry of rooms in the fixture's database, with a loop and a connection of its own. */
#ifndef LYNKS_TESTS_INTEGRATION_DB_REGISTRY_H
#define LYNKS_TESTS_INTEGRATION_DB_REGISTRY_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/life_store_mysql.h"
#include "roomsvc/store/room_store_mysql.h"

struct registry {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct db_pool *pool;
    struct room_store rooms;
    struct life_store life;
};

/* Connected. */
struct registry registry_new(void);
void registry_free(struct registry *registry); /* and its rooms are gone */

#endif
