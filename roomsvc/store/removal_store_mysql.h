/* What becomes of rooms over MySQL: the tables user_removals and rooms. */
#ifndef LYNKS_ROOMSVC_STORE_REMOVAL_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_REMOVAL_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/removal_store.h"

/* db is borrowed; calls still out when it is freed end with ERR_UNAVAILABLE. */
struct removal_store removal_store_mysql(struct db_pool *db);

#endif
