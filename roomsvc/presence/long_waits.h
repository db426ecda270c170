/* Who waits before a room and is not let in for ten minutes is denied: he need not be looked after
 * any more, and others have his place. */
#ifndef LYNKS_ROOMSVC_PRESENCE_LONG_WAITS_H
#define LYNKS_ROOMSVC_PRESENCE_LONG_WAITS_H

#include "roomsvc/presence/take_outs.h"

#define LONG_WAITS_LOOK_MS 5000

struct take_outs *long_waits_new(const struct take_outs_parts *parts);

#endif
