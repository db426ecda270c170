/* Who has a stream over MySQL: the table presence. */
#ifndef LYNKS_ROOMSVC_STORE_PRESENCE_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_PRESENCE_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/presence_store.h"

/* db is borrowed; calls still out when it is freed end with ERR_UNAVAILABLE. */
struct presence_store presence_store_mysql(struct db_pool *db);

#endif
