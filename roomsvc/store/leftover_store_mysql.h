/* The removal of rows over MySQL: the tables participants, presence and room_events. */
#ifndef LYNKS_ROOMSVC_STORE_LEFTOVER_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_LEFTOVER_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/leftover_store.h"

/* db is borrowed; calls still out when it is freed end with ERR_UNAVAILABLE. */
struct leftover_store leftover_store_mysql(struct db_pool *db);

#endif
