/* Who waits before a room and is not let in for ten minutes is denied: he need not be looked after
 * any more, and others have his place. */
#ifndef LYNKS_ROOMSVC_PRESENCE_LONG_WAITS_H
#define LYNKS_ROOMSVC_PRESENCE_LONG_WAITS_H

#include "roomsvc/presence/take_outs.h"

#define LONG_WAITS_LOOK_MS 5000

struct long_waits;

struct long_waits *long_waits_new(const struct take_outs_parts *parts);
/* The store has ended before. */
void long_waits_free(struct long_waits **waits);

#endif
