#include "roomsvc/rules/room_rules.h"

#include <assert.h>

static const struct room_rule rules[ROOM_ACTIONS] = {
    [ROOM_SEE] = {.name = "room.see", .doc = "See the room and its options."},
    [ROOM_GUARD] = {.name = "room.guard",
                    .doc = "Change locked and lobby.",
                    .least = ROOM_MODERATOR},
    [ROOM_CHANGE] = {.name = "room.change",
                     .doc = "Change anything else of it.",
                     .least = ROOM_OWNER},
    [ROOM_CLOSE] = {.name = "room.close", .doc = "End it for good.", .least = ROOM_OWNER},
    [ROOM_HAND_OVER] = {.name = "room.hand_over",
                        .doc = "Give it another owner.",
                        .least = ROOM_OWNER},
    [ROOM_SEE_MEMBERS] = {.name = "members.see",
                          .doc = "List its members.",
                          .least = ROOM_MODERATOR},
    [ROOM_SET_MEMBER] = {.name = "members.set",
                         .doc = "Add a member, or give one another role.",
                         .least = ROOM_MODERATOR,
                         .is_on_somebody = true},
    [ROOM_REMOVE_MEMBER] = {.name = "members.remove",
                            .doc = "Remove a member; oneself, whatever one is.",
                            .least = ROOM_MODERATOR,
                            .is_on_somebody = true,
                            .is_free_on_oneself = true},
};

const struct room_rule *room_rule_get(enum room_action action)
{
    return &rules[action];
}

/* Whoever is nothing in a room knows of it by its code, and only if that lets him in. */
static bool may_know(const struct room_standing *standing)
{
    return standing->is_admin || standing->is_known ||
           (standing->has_code && standing->access != ROOM_INVITED);
}

enum err room_may(const struct room_standing *standing, enum room_action action,
                  const struct room_target *target)
{
    const struct room_rule *rule = &rules[action];
    assert(rule->is_on_somebody == (target != NULL));
    if (!may_know(standing)) {
        return ERR_NO_SUCH_ROOM;
    }
    const enum room_role role = standing->is_admin   ? ROOM_OWNER
                                : standing->is_known ? standing->role
                                                     : 0;
    if (rule->is_free_on_oneself && target != NULL && target->is_oneself &&
        target->now != ROOM_OWNER) {
        return ERR_OK;
    }
    if (role < rule->least) {
        return ERR_FORBIDDEN;
    }
    return target != NULL && (target->now >= role || target->wished >= role) ? ERR_FORBIDDEN
                                                                             : ERR_OK;
}
