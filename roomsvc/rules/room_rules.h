/* Who may do what in a room: one pure function over what somebody is there, what he wants, and whom
 * it is done to. */
#ifndef LYNKS_ROOMSVC_RULES_ROOM_RULES_H
#define LYNKS_ROOMSVC_RULES_ROOM_RULES_H

#include "proto/base/err.h"
#include "proto/schema/envelope.h"

enum room_action {
    ROOM_SEE,           /* know that it is there, and what it is like */
    ROOM_GUARD,         /* change who comes in from now on: locked, lobby */
    ROOM_CHANGE,        /* change anything else of it */
    ROOM_CLOSE,         /* end it for good */
    ROOM_HAND_OVER,     /* give it another owner */
    ROOM_SEE_MEMBERS,   /* list them */
    ROOM_SET_MEMBER,    /* make somebody a member, or give one another role */
    ROOM_REMOVE_MEMBER, /* likewise, end it; oneself always may */
    ROOM_ACTIONS
};

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
};

/* One for each action. Static. */
const struct room_rule *room_rule_get(enum room_action action);

/* Is his role enough for it, whomever it is done to? As room_may. */
enum err room_may_at_all(const struct room_standing *standing, enum room_action action);
/* ERR_NO_SUCH_ROOM: he may not even know of the room; ERR_FORBIDDEN: he may know, but not do it.
 * target: NULL but for actions on somebody. */
enum err room_may(const struct room_standing *standing, enum room_action action,
                  const struct room_target *target);

#endif
