/* The end of rooms with a code over MySQL: the column due_unix_ms of the table rooms, and what ends
 * with a room. */
#ifndef LYNKS_ROOMSVC_STORE_END_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_END_STORE_MYSQL_H

#include "roomsvc/store/end_store.h"
#include "roomsvc/store/managed_db.h"

/* db is borrowed. */
struct end_store end_store_mysql(struct managed_db *db);

#endif
