/* Connections for media over MySQL: the tables rtc_connections, participants, rooms, room_events,
 * room_commands, presence and nodes. */
#ifndef LYNKS_ROOMSVC_STORE_RTC_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_RTC_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/rtc_store.h"

/* Borrowed; calls still out when a pool is freed end with ERR_UNAVAILABLE. */
struct rtc_db {
    struct db_pool *pool;
    struct db_pool *commands; /* for what waits for the lock of a room */
};

/* db is borrowed. */
struct rtc_store rtc_store_mysql(struct rtc_db *db);

#endif
