/* Who is to be out over MySQL: the tables participants, presence, rooms and room_events, and of
 * sessions which were ended. */
#ifndef LYNKS_ROOMSVC_STORE_OUT_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_OUT_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/out_store.h"

/* Borrowed; calls still out when a pool is freed end with ERR_UNAVAILABLE. */
struct out_db {
    struct db_pool *pool;
    struct db_pool *commands; /* for what waits for the lock of a room */
};

/* db is borrowed. */
struct out_store out_store_mysql(struct out_db *db);

#endif
