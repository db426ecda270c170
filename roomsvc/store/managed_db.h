/* What the files managed_*.c of this folder work on. */
#ifndef LYNKS_ROOMSVC_STORE_MANAGED_DB_H
#define LYNKS_ROOMSVC_STORE_MANAGED_DB_H

#include "proto/db/db_pool.h"
#include "roomsvc/store/managed_store.h"

struct managed_db {
    struct db_pool *pool; /* borrowed; calls still out when it is freed end with ERR_UNAVAILABLE */
    struct managed_limits limits;
};

#endif
