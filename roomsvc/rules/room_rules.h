/* Who may do what in a room: one pure function over what somebody is there, what he wants, and whom
 * it is done to. */
#ifndef LYNKS_ROOMSVC_RULES_ROOM_RULES_H
#define LYNKS_ROOMSVC_RULES_ROOM_RULES_H

#include "proto/base/err.h"
#include "proto/schema/envelope.h"

/* How somebody stands to a room. */
struct room_standing {
    bool is_admin; /* of Lynks, or its shell: may do what an owner may */
    bool is_known; /* he has a role; role says which */
    bool has_code; /* he names the room by its code */
    enum room_role role;
    enum room_access access;
};

/* Whom it is done to, for actions on somebody. */
struct room_target {
    bool is_oneself;
    enum room_role now;    /* 0: he has no role yet */
    enum room_role wished; /* 0: none afterwards */
};

struct room_rule {
    enum room_role least; /* the role that is needed; 0: whoever may come in */
    bool is_on_somebody;  /* on somebody whose role, before and after, is lower than one's own */
    bool is_free_on_oneself;
    bool is_only_on_oneself; /* nobody does it to another */
    bool is_not_for_owner;   /* the owner does not do it to himself */
};

/* One for each action. Static. */
const struct room_rule *room_rule_get(enum room_action action);

/* Is his role enough for it, whomever it is done to? As room_may. */
enum err room_may_at_all(const struct room_standing *standing, enum room_action action);
/* ERR_NO_SUCH_ROOM: he may not even know of the room; ERR_FORBIDDEN: he may know, but not do it.
 * target: NULL but for actions on somebody. */
enum err room_may(const struct room_standing *standing, enum room_action action,
                  const struct room_target *target);

/* The actions that a role is enough for, ascending; on oneself one may more. Gives how many. */
size_t room_actions_of(enum room_role role, uint64_t ret_actions[ROOM_ACTIONS_MAX]);

#endif
