/* Who waits before a room, for inside of a transaction that has locked it. For the files of this
 * folder. */
#ifndef LYNKS_ROOMSVC_STORE_LOBBY_SQL_H
#define LYNKS_ROOMSVC_STORE_LOBBY_SQL_H

#include "roomsvc/rules/managed_room.h"
#include "roomsvc/store/participant_sql.h"

/* Those who need not wait any more, as the room is now and as many as there are places, are in: in
 * the order in which they came. Nobody is, where there is a lobby. One whose name is taken waits.
 */
enum err lobby_let_in(struct db *db, struct journal *journal, const struct managed_room *room);

#endif
