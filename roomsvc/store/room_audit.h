/* What admins and the admin tool do to rooms of others, for the audit: authsvc's table, to which
 * rows are only added here, in the command's own transaction. */
#ifndef LYNKS_ROOMSVC_STORE_ROOM_AUDIT_H
#define LYNKS_ROOMSVC_STORE_ROOM_AUDIT_H

#include "proto/db/db.h"
#include "roomsvc/store/managed_store.h"

/* asker does it to the room, unless that is his own, or he may as somebody else than an admin.
 * origin: as it came with the request; NULL: nothing did. heir_id: who gets it; 0: nobody.
 * *ret_is_kept: there is a row. */
enum err room_audit_keep(struct db *db, enum act act, const struct managed_room *room,
                         const struct room_asker *asker, const struct msg_origin *origin,
                         uint64_t heir_id, bool *ret_is_kept);

#endif
