/* Janus nodes over MySQL: the tables nodes and rooms. */
#ifndef LYNKS_ROOMSVC_STORE_NODE_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_NODE_STORE_MYSQL_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/node_store.h"

/* db is borrowed; calls still out when it is freed end with ERR_UNAVAILABLE. */
struct node_store node_store_mysql(struct db_pool *db);

#endif
