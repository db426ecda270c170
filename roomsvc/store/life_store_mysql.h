/* How rooms end, over MySQL: the columns closed_unix_ms, used_unix_ms and look_unix_ms of the table
 * rooms. */
#ifndef LYNKS_ROOMSVC_STORE_LIFE_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_LIFE_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/life_store.h"

/* db is borrowed; calls still out when it is freed end with ERR_UNAVAILABLE. */
struct life_store life_store_mysql(struct db_pool *db);

#endif
