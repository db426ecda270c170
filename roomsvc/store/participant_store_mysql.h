/* The MySQL implementation of participant_store. */
#ifndef LYNKS_ROOMSVC_STORE_PARTICIPANT_STORE_MYSQL_H
#define LYNKS_ROOMSVC_STORE_PARTICIPANT_STORE_MYSQL_H

#include "roomsvc/store/managed_db.h"
#include "roomsvc/store/participant_store.h"

/* db is borrowed. */
struct participant_store participant_store_mysql(struct managed_db *db);

#endif
