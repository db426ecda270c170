/* What admins and the admin tool do to rooms of others, for the audit: authsvc's table, to which
 * rows are only added here, in the command's own transaction. */
#ifndef LYNKS_ROOMSVC_STORE_ROOM_AUDIT_H
#define LYNKS_ROOMSVC_STORE_ROOM_AUDIT_H

#include "proto/db/db.h"
#include "roomsvc/store/managed_store.h"

struct room_act {
    enum act act;
    const struct managed_room *room; /* as it was before */
    uint64_t whom;                   /* the user who gets it, or is a member; 0: nobody */
    const struct msg_origin *origin; /* as it came with the request; NULL: nothing did */
};

/* asker does it, unless the room is his own, or he may as somebody else than an admin.
 * *ret_is_kept: there is a row. */
enum err room_audit_keep(struct db *db, const struct room_act *act, const struct room_asker *asker,
                         bool *ret_is_kept);

#endif
