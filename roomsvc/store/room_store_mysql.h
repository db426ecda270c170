/* The registry of rooms over MySQL: the table rooms. */
#ifndef LYNKS_ROOMSVC_STORE_ROOM_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_ROOM_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/room_store.h"

/* db is borrowed; calls still out when it is freed end with ERR_UNAVAILABLE. */
struct room_store room_store_mysql(struct db_pool *db);

#endif
