/* The messages that roomsvc serves, and the parts that serve them. */
#ifndef LYNKS_ROOMSVC_ROOMSVC_H
#define LYNKS_ROOMSVC_ROOMSVC_H

#include "roomsvc/node/nodes.h"
#include "roomsvc/room/rooms.h"

struct roomsvc {
    struct rooms *rooms;
    struct nodes nodes;
};

extern const struct call_handler roomsvc_handlers[]; /* of a struct roomsvc */

#endif
