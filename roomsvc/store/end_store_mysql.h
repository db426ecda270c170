/* The end of rooms with a code over MySQL: the column due_unix_ms of the table rooms, and what ends
 * with a room. */
#ifndef LYNKS_ROOMSVC_STORE_END_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_END_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/end_store.h"

/* db is borrowed; calls still out when it is freed end with ERR_UNAVAILABLE. */
struct end_store end_store_mysql(struct db_pool *db);

#endif
