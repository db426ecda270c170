/* The MySQL implementation of journal_store. */
#ifndef LYNKS_ROOMSVC_STORE_JOURNAL_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_JOURNAL_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/journal_store.h"

/* db is borrowed. */
struct journal_store journal_store_mysql(struct db_pool *db);

#endif
