/* Invitations, for inside of a transaction that has locked the room. For the files of this folder.
 */
#ifndef LYNKS_ROOMSVC_STORE_INVITATION_SQL_H
#define LYNKS_ROOMSVC_STORE_INVITATION_SQL_H

#include "roomsvc/rules/invitation.h"
#include "roomsvc/store/journal.h"

/* Appends an event of this type about it, for staff. */
enum err invitation_tell(struct db *db, struct journal *journal,
                         const struct invitation *invitation, enum room_event_type type);

#endif
