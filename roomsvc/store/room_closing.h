/* How a room's row says that the room has ended for good. For the files of this folder. */
#ifndef LYNKS_ROOMSVC_STORE_ROOM_CLOSING_H
#define LYNKS_ROOMSVC_STORE_ROOM_CLOSING_H

#include "proto/db/db_query.h"
#include "proto/db/db_sql.h"

/* What every statement sets that closes a room: its key is free, and room_ends.h has nothing to see
 * to any more. When room_life.h ends it in Janus the statement says itself (look_unix_ms). */
#define ROOM_CLOSED                                                                                \
    "closed_unix_ms = " DB_NOW_UNIX_MS ", due_unix_ms = NULL, idempotency_key = NULL"

/* Closes the room, which the transaction has locked; room_life.h ends it in Janus soon. */
enum err room_close(struct db *db, uint64_t room_id);

#endif
