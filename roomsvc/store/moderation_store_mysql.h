/* The MySQL implementation of moderation_store. */
#ifndef LYNKS_ROOMSVC_STORE_MODERATION_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_MODERATION_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/moderation_store.h"

/* db is borrowed. */
struct moderation_store moderation_store_mysql(struct db_pool *db);

#endif
