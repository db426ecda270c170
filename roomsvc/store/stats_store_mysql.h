/* stats_store.h over MySQL. */
#ifndef LYNKS_ROOMSVC_STORE_STATS_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_STATS_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/stats_store.h"

/* db is borrowed. */
struct stats_store stats_store_mysql(struct db_pool *db);

#endif
