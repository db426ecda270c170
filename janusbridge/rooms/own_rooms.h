/* Which rooms in Janus are known to be ours, and what Janus wants of who joins them: those that
 * were made with our secret, or that let themselves be edited with it. A room that only has our
 * number may be somebody else's, of Janus' own configuration for instance. Pure: no I/O, no time.
 * Belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_OWN_ROOMS_H
#define LYNKS_JANUSBRIDGE_ROOMS_OWN_ROOMS_H

#include "proto/base/base.h"

struct own_rooms;

struct own_rooms *own_rooms_new(void);
void own_rooms_free(struct own_rooms **own);

/* The room has this secret and this pin. One with a longer secret than ROOM_SECRET_BYTES, or a
 * longer pin than JANUS_PIN_BYTES, is not remembered. */
void own_rooms_add(struct own_rooms *own, uint64_t room_id, struct str secret, struct str pin);
bool own_rooms_has(struct own_rooms *own, uint64_t room_id, struct str secret, struct str pin);
/* STR_NONE: none, or the room is not known. Borrowed until the next call that changes own. */
struct str own_rooms_pin(struct own_rooms *own, uint64_t room_id);
void own_rooms_remove(struct own_rooms *own, uint64_t room_id); /* it is gone, or may be */
void own_rooms_clear(struct own_rooms *own);                    /* Janus may be another */

#endif
