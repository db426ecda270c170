/* Who may come in, whose token is good for something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/rules/participant.h"

/* Somebody who has signed in and comes by the link into an open room. */
static const struct join_case plain = {
    .has_code = true, .access = ROOM_OPEN, .joined_max = 10, .address_max = 10, .user_max = 2};

static void is(struct join_case join, enum err expected, enum room_role expected_role)
{
    enum room_role role = 0;
    assert_int_equal(participant_may_join(&join, &role), expected);
    assert_int_equal(role, expected_role);
}

static struct join_case with(enum room_role role)
{
    struct join_case join = plain;
    join.is_known = role != 0;
    join.role = role;
    return join;
}

static void access_decides_who_finds_it(void **state)
{
    struct join_case join = plain;
    (void)state;
    is(join, ERR_OK, ROOM_PARTICIPANT);
    join.is_guest = true;
    is(join, ERR_OK, ROOM_PARTICIPANT);
    join.access = ROOM_MEMBERS;
    is(join, ERR_FORBIDDEN, 0);
    join.is_guest = false;
    is(join, ERR_OK, ROOM_PARTICIPANT);
    join.access = ROOM_INVITED;
    is(join, ERR_NO_SUCH_ROOM, 0);
    join.is_known = true;
    join.role = ROOM_VIEWER;
    is(join, ERR_OK, ROOM_VIEWER);
    join = plain;
    join.has_code = false;
    is(join, ERR_NO_SUCH_ROOM, 0);
    join.is_admin = true;
    is(join, ERR_OK, ROOM_MODERATOR);
}

/* Each guard x each role, and somebody who comes back. */
static void guards_hold_but_for_who_leads(void **state)
{
    static const struct {
        bool is_locked, has_lobby, has_pin;
        enum err of_nobody, of_member;
    } guards[] = {
        {.is_locked = true, .of_nobody = ERR_ROOM_LOCKED, .of_member = ERR_ROOM_LOCKED},
        {.has_lobby = true, .of_nobody = ERR_MUST_WAIT, .of_member = ERR_OK},
        {.has_pin = true, .of_nobody = ERR_WRONG_PIN, .of_member = ERR_WRONG_PIN},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(guards); i++) {
        for (enum room_role role = 0; role <= ROOM_OWNER; role++) {
            struct join_case join = with(role);
            join.is_locked = guards[i].is_locked;
            join.has_lobby = guards[i].has_lobby;
            join.has_pin = guards[i].has_pin;
            const enum err expected = role >= ROOM_MODERATOR ? ERR_OK
                                      : role == 0            ? guards[i].of_nobody
                                                             : guards[i].of_member;
            is(join, expected, expected != ERR_OK ? 0 : role == 0 ? ROOM_PARTICIPANT : role);
            join.is_pin_right = true;
            join.is_locked = false;
            join.has_lobby = false;
            is(join, ERR_OK, role == 0 ? ROOM_PARTICIPANT : role);
        }
    }
}

static void guests_wait_for_somebody_who_is_none(void **state)
{
    struct join_case join = plain;
    (void)state;
    join.guests_wait = true;
    is(join, ERR_OK, ROOM_PARTICIPANT);
    join.is_guest = true;
    is(join, ERR_MUST_WAIT, 0);
    join.is_host_in = true;
    is(join, ERR_OK, ROOM_PARTICIPANT);
}

static void there_are_as_many_as_may_be(void **state)
{
    struct join_case join = with(ROOM_OWNER);
    (void)state;
    join.joined = 10;
    is(join, ERR_ROOM_FULL, 0);
    join.joined = 9;
    is(join, ERR_OK, ROOM_OWNER);
    join.of_address = 10;
    is(join, ERR_RATE_LIMITED, 0);
    join.of_address = 0;
    join.of_user = 2;
    is(join, ERR_CONFLICT, 0);
}

static void who_comes_back_has_passed_before(void **state)
{
    struct join_case join = plain;
    (void)state;
    join.is_back = true;
    join.is_known = true;
    join.role = ROOM_PARTICIPANT;
    join.has_code = false;
    join.access = ROOM_INVITED;
    join.is_locked = join.has_lobby = join.has_pin = join.guests_wait = join.is_guest = true;
    is(join, ERR_OK, ROOM_PARTICIPANT);
    join.joined = join.joined_max;
    is(join, ERR_ROOM_FULL, 0);
}

static void a_token_is_as_good_as_its_participant(void **state)
{
    static const struct {
        uint64_t ago_ms;
        enum participant_state state;
        enum err expected;
    } rows[] = {{0, PARTICIPANT_WAITING, ERR_UNAUTHORIZED},
                {9 * PARTICIPANT_BACK_MS, PARTICIPANT_JOINED, ERR_OK},
                {PARTICIPANT_BACK_MS - 1, PARTICIPANT_LEFT, ERR_NOT_JOINED},
                {PARTICIPANT_BACK_MS, PARTICIPANT_LEFT, ERR_UNAUTHORIZED},
                {0, PARTICIPANT_REMOVED, ERR_REMOVED},
                {0, PARTICIPANT_DENIED, ERR_UNAUTHORIZED},
                {0, PARTICIPANT_ENDED, ERR_UNAUTHORIZED}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct participant participant = {.state = rows[i].state,
                                                .changed_ago_ms = rows[i].ago_ms};
        assert_int_equal(participant_is_in(&participant), rows[i].expected);
    }
}

static void others_see_no_more_than_they_should(void **state)
{
    const struct participant guest = {.id = 5,
                                      .name = "Eve",
                                      .role = ROOM_VIEWER,
                                      .state = PARTICIPANT_JOINED,
                                      .hand_unix_ms = 7,
                                      .joined_unix_ms = 6};
    (void)state;
    const struct msg_participant record = participant_record(&guest);
    assert_int_equal(record.id, 5);
    assert_true(str_eq(record.name, STR_LIT("Eve")));
    assert_int_equal(record.role, ROOM_VIEWER);
    assert_int_equal(record.state, PARTICIPANT_JOINED);
    assert_true(record.guest);
    assert_int_equal(record.hand_unix_ms, 7);
    assert_int_equal(record.joined_unix_ms, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_decides_who_finds_it),
        cmocka_unit_test(guards_hold_but_for_who_leads),
        cmocka_unit_test(guests_wait_for_somebody_who_is_none),
        cmocka_unit_test(there_are_as_many_as_may_be),
        cmocka_unit_test(who_comes_back_has_passed_before),
        cmocka_unit_test(a_token_is_as_good_as_its_participant),
        cmocka_unit_test(others_see_no_more_than_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
