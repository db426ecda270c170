/* The whole table of who may do what in a room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/rules/room_rules.h"
#include "tests/unit/roomsvc/room_actions.h"

#define YES ERR_OK
#define NO ERR_FORBIDDEN
#define HIDDEN ERR_NO_SUCH_ROOM

/* Who there is: nobody by the number; by the code of an open, a members' and an invited room; then
 * those who have a role, and an admin. */
static const struct room_standing people[] = {
    {.access = ROOM_OPEN},
    {.has_code = true, .access = ROOM_OPEN},
    {.has_code = true, .access = ROOM_MEMBERS},
    {.has_code = true, .access = ROOM_INVITED},
    {.is_known = true, .role = ROOM_VIEWER, .access = ROOM_INVITED},
    {.is_known = true, .role = ROOM_PARTICIPANT, .access = ROOM_INVITED},
    {.is_known = true, .role = ROOM_MODERATOR, .access = ROOM_INVITED},
    {.is_known = true, .role = ROOM_OWNER, .access = ROOM_INVITED},
    {.is_admin = true, .access = ROOM_INVITED},
};

static const enum err expected[][ARRAY_LEN(people)] = {
    [ROOM_SEE] = {HIDDEN, YES, YES, HIDDEN, YES, YES, YES, YES, YES},
    [ROOM_GUARD] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_CHANGE] = {HIDDEN, NO, NO, HIDDEN, NO, NO, NO, YES, YES},
    [ROOM_CLOSE] = {HIDDEN, NO, NO, HIDDEN, NO, NO, NO, YES, YES},
    [ROOM_HAND_OVER] = {HIDDEN, NO, NO, HIDDEN, NO, NO, NO, YES, YES},
    [ROOM_SEE_MEMBERS] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    /* of somebody who is nothing yet, and becomes a viewer */
    [ROOM_SET_MEMBER] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    /* of a viewer */
    [ROOM_REMOVE_MEMBER] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_END_MEETING] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_SEE_PARTICIPANTS] = {HIDDEN, NO, NO, HIDDEN, YES, YES, YES, YES, YES},
    /* of a viewer, too */
    [ROOM_RENAME] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_SET_ROLE] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_RAISE_HAND] = {HIDDEN, NO, NO, HIDDEN, NO, NO, NO, NO, NO},
    [ROOM_LOWER_HAND] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_REMOVE] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_ADMIT] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_MUTE] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_BAN] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    /* as a viewer */
    [ROOM_INVITE] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_CHAT] = {HIDDEN, NO, NO, HIDDEN, YES, YES, YES, YES, YES},
    [ROOM_WATCH] = {HIDDEN, NO, NO, HIDDEN, YES, YES, YES, YES, YES},
    [ROOM_PUBLISH] = {HIDDEN, NO, NO, HIDDEN, NO, YES, YES, YES, YES},
    [ROOM_SHARE_SCREEN] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
    [ROOM_STREAM_KEYS] = {HIDDEN, NO, NO, HIDDEN, NO, NO, YES, YES, YES},
};

static void the_table_holds(void **state)
{
    static const struct room_target targets[ARRAY_LEN(expected)] = {
        [ROOM_SET_MEMBER] = {.wished = ROOM_VIEWER},
        [ROOM_REMOVE_MEMBER] = {.now = ROOM_VIEWER},
        [ROOM_RENAME] = {.now = ROOM_VIEWER, .wished = ROOM_VIEWER},
        [ROOM_SET_ROLE] = {.now = ROOM_VIEWER, .wished = ROOM_PARTICIPANT},
        [ROOM_RAISE_HAND] = {.now = ROOM_VIEWER, .wished = ROOM_VIEWER},
        [ROOM_LOWER_HAND] = {.now = ROOM_VIEWER, .wished = ROOM_VIEWER},
        [ROOM_REMOVE] = {.now = ROOM_VIEWER},
        [ROOM_MUTE] = {.now = ROOM_VIEWER, .wished = ROOM_VIEWER},
        [ROOM_BAN] = {.now = ROOM_VIEWER},
        [ROOM_INVITE] = {.wished = ROOM_VIEWER}};
    const struct msg_enum *actions = all_room_actions();
    (void)state;
    /* Each has a row: they are numbered from 1. */
    assert_int_equal(actions->value_count, ARRAY_LEN(expected) - 1);
    for (size_t k = 0; k < actions->value_count; k++) {
        const enum room_action action = (enum room_action)actions->values[k].number;
        const struct room_rule *rule = room_rule_get(action);
        assert_in_range(action, 1, ARRAY_LEN(expected) - 1);
        for (size_t i = 0; i < ARRAY_LEN(people); i++) {
            const struct room_target *target = rule->is_on_somebody ? &targets[action] : NULL;
            assert_int_equal(room_may(&people[i], action, target), expected[action][i]);
        }
    }
}

/* All roles x all roles of the target, before and after. */
static void nobody_touches_or_grants_what_he_has_himself(void **state)
{
    (void)state;
    for (enum room_role own = ROOM_VIEWER; own <= ROOM_OWNER; own++) {
        const struct room_standing standing = {.is_known = true, .role = own};
        for (unsigned now = 0; now <= ROOM_OWNER; now++) {
            for (unsigned wished = 0; wished <= ROOM_OWNER; wished++) {
                const struct room_target target = {.now = now, .wished = wished};
                const bool may = own >= ROOM_MODERATOR && now < own && wished < own;
                assert_int_equal(room_may(&standing, ROOM_SET_MEMBER, &target), may ? YES : NO);
                assert_int_equal(room_may(&standing, ROOM_REMOVE_MEMBER, &target), may ? YES : NO);
            }
        }
    }
}

static void an_admin_may_what_an_owner_may(void **state)
{
    const struct room_standing admin = {.is_admin = true};
    const struct room_target moderator = {.now = ROOM_MODERATOR, .wished = ROOM_MODERATOR};
    const struct room_target owner = {.now = ROOM_OWNER};
    (void)state;
    assert_int_equal(room_may(&admin, ROOM_SET_MEMBER, &moderator), YES);
    assert_int_equal(room_may(&admin, ROOM_REMOVE_MEMBER, &owner), NO);
}

static void everybody_may_leave_but_the_owner(void **state)
{
    (void)state;
    for (enum room_role own = ROOM_VIEWER; own <= ROOM_OWNER; own++) {
        const struct room_standing standing = {.is_known = true, .role = own};
        const struct room_target oneself = {.is_oneself = true, .now = own};
        assert_int_equal(room_may(&standing, ROOM_REMOVE_MEMBER, &oneself),
                         own == ROOM_OWNER ? NO : YES);
        const struct room_target higher = {.is_oneself = true, .now = own, .wished = own};
        assert_int_equal(room_may(&standing, ROOM_SET_MEMBER, &higher), NO);
    }
}

/* Also an owner; and a hand is raised by nobody else. */
static void everybody_in_it_may_leave_rename_himself_and_raise_his_hand(void **state)
{
    static const enum room_action free_ones[] = {ROOM_RENAME, ROOM_RAISE_HAND, ROOM_LOWER_HAND,
                                                 ROOM_REMOVE, ROOM_MUTE};
    (void)state;
    for (enum room_role own = ROOM_VIEWER; own <= ROOM_OWNER; own++) {
        const struct room_standing standing = {.is_known = true, .role = own};
        const struct room_target oneself = {.is_oneself = true, .now = own, .wished = own};
        for (size_t i = 0; i < ARRAY_LEN(free_ones); i++) {
            assert_int_equal(room_may(&standing, free_ones[i], &oneself), YES);
        }
        assert_int_equal(room_may(&standing, ROOM_SET_ROLE, &oneself), NO);
    }
}

static void what_somebody_can_is_what_his_role_is_enough_for(void **state)
{
    static const uint64_t viewers[] = {ROOM_SEE, ROOM_SEE_PARTICIPANTS, ROOM_RAISE_HAND, ROOM_CHAT,
                                       ROOM_WATCH};
    uint64_t actions[ROOM_ACTIONS_MAX];
    (void)state;
    assert_int_equal(room_actions_of(ROOM_VIEWER, actions), ARRAY_LEN(viewers));
    assert_memory_equal(actions, viewers, sizeof(viewers));
    assert_int_equal(room_actions_of(ROOM_OWNER, actions), all_room_actions()->value_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_holds),
        cmocka_unit_test(nobody_touches_or_grants_what_he_has_himself),
        cmocka_unit_test(an_admin_may_what_an_owner_may),
        cmocka_unit_test(everybody_may_leave_but_the_owner),
        cmocka_unit_test(everybody_in_it_may_leave_rename_himself_and_raise_his_hand),
        cmocka_unit_test(what_somebody_can_is_what_his_role_is_enough_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
