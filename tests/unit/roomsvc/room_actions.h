/* All that somebody may do in a room, as messages.def has it: what is added there is seen by the
 * tests of the rules. */
#ifndef LYNKS_TESTS_UNIT_ROOMSVC_ROOM_ACTIONS_H
#define LYNKS_TESTS_UNIT_ROOMSVC_ROOM_ACTIONS_H

#include <string.h>

#include "proto/schema/msg.h"

static inline const struct msg_enum *all_room_actions(void)
{
    const struct msg_enum *each = msg_enum_next(NULL);
    while (strcmp(each->name, "room_action") != 0) {
        each = msg_enum_next(each);
    }
    return each;
}

#endif
