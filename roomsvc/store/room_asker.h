/* Who asks, as a call has it. */
#ifndef LYNKS_ROOMSVC_STORE_ROOM_ASKER_H
#define LYNKS_ROOMSVC_STORE_ROOM_ASKER_H

#include "proto/schema/envelope.h"
#include "roomsvc/store/managed_store.h"

/* participant: what the request says of a participant's token; NULL: nothing. false: nobody who is
 * known to rooms asks. Borrows from request_id and participant. */
bool room_asker_read(const struct principal *principal, struct str request_id,
                     const struct msg_asker *participant, struct room_asker *ret_asker);

#endif
