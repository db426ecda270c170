#include "roomsvc/rules/room_rules.h"

#include <assert.h>

static const struct room_rule rules[] = {
    [ROOM_SEE] = {.least = 0},
    [ROOM_GUARD] = {.least = ROOM_MODERATOR},
    [ROOM_CHANGE] = {.least = ROOM_OWNER},
    [ROOM_CLOSE] = {.least = ROOM_OWNER},
    [ROOM_HAND_OVER] = {.least = ROOM_OWNER},
    [ROOM_SEE_MEMBERS] = {.least = ROOM_MODERATOR},
    [ROOM_SET_MEMBER] = {.least = ROOM_MODERATOR, .is_on_somebody = true},
    [ROOM_REMOVE_MEMBER] = {.least = ROOM_MODERATOR,
                            .is_on_somebody = true,
                            .is_free_on_oneself = true,
                            .is_not_for_owner = true},
    [ROOM_END_MEETING] = {.least = ROOM_MODERATOR},
    [ROOM_SEE_PARTICIPANTS] = {.least = ROOM_VIEWER},
    [ROOM_RENAME] = {.least = ROOM_MODERATOR, .is_on_somebody = true, .is_free_on_oneself = true},
    [ROOM_SET_ROLE] = {.least = ROOM_MODERATOR, .is_on_somebody = true},
    [ROOM_RAISE_HAND] = {.least = ROOM_VIEWER,
                         .is_on_somebody = true,
                         .is_free_on_oneself = true,
                         .is_only_on_oneself = true},
    [ROOM_LOWER_HAND] = {.least = ROOM_MODERATOR,
                         .is_on_somebody = true,
                         .is_free_on_oneself = true},
    [ROOM_REMOVE] = {.least = ROOM_MODERATOR, .is_on_somebody = true, .is_free_on_oneself = true},
    [ROOM_ADMIT] = {.least = ROOM_MODERATOR},
    [ROOM_MUTE] = {.least = ROOM_MODERATOR, .is_on_somebody = true, .is_free_on_oneself = true},
    [ROOM_BAN] = {.least = ROOM_MODERATOR, .is_on_somebody = true},
    [ROOM_INVITE] = {.least = ROOM_MODERATOR, .is_on_somebody = true},
    [ROOM_CHAT] = {.least = ROOM_VIEWER},
    [ROOM_WATCH] = {.least = ROOM_VIEWER},
    [ROOM_PUBLISH] = {.least = ROOM_PARTICIPANT},
    [ROOM_SHARE_SCREEN] = {.least = ROOM_MODERATOR},
    [ROOM_STREAM_KEYS] = {.least = ROOM_MODERATOR},
};
_Static_assert(ARRAY_LEN(rules) <= ROOM_ACTIONS_MAX, "all actions are told at once");

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

static enum room_role role_of(const struct room_standing *standing)
{
    return standing->is_admin ? ROOM_OWNER : standing->is_known ? standing->role : 0;
}

enum err room_may_at_all(const struct room_standing *standing, enum room_action action)
{
    if (!may_know(standing)) {
        return ERR_NO_SUCH_ROOM;
    }
    return role_of(standing) < rules[action].least ? ERR_FORBIDDEN : ERR_OK;
}

enum err room_may(const struct room_standing *standing, enum room_action action,
                  const struct room_target *target)
{
    const struct room_rule *rule = &rules[action];
    const enum room_role role = role_of(standing);
    const enum err err = room_may_at_all(standing, action);
    assert(rule->is_on_somebody == (target != NULL));
    if (err != ERR_NO_SUCH_ROOM && rule->is_free_on_oneself && target->is_oneself &&
        !(rule->is_not_for_owner && target->now == ROOM_OWNER)) {
        return ERR_OK;
    }
    if (err == ERR_OK && rule->is_only_on_oneself) {
        return ERR_FORBIDDEN;
    }
    if (err == ERR_OK && target != NULL && (target->now >= role || target->wished >= role)) {
        return ERR_FORBIDDEN;
    }
    return err;
}

size_t room_actions_of(enum room_role role, uint64_t ret_actions[ROOM_ACTIONS_MAX])
{
    size_t count = 0;
    for (size_t action = ROOM_SEE; action < ARRAY_LEN(rules); action++) {
        if (role >= rules[action].least) {
            ret_actions[count++] = action;
        }
    }
    return count;
}
