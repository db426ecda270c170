/* Who may come in, whose token is good for something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/rules/participant.h"

/* Somebody who has signed in and comes by the link into an open room. */
static const struct join_case plain = {.has_code = true,
                                       .access = ROOM_OPEN,
                                       .joined_max = 10,
                                       .address_max = 10,
                                       .user_max = 2,
                                       .waiting_max = 3,
                                       .waiting_of_address_max = 2};

#define WAITS (-1) /* what is expected of who may come, and waits */

static void is(struct join_case join, int expected, enum room_role expected_role)
{
    enum participant_state state = 0;
    assert_int_equal(participant_may_join(&join, &state), expected == WAITS ? ERR_OK : expected);
    if (expected == ERR_OK || expected == WAITS) {
        assert_int_equal(state, expected == WAITS ? PARTICIPANT_WAITING : PARTICIPANT_JOINED);
        assert_int_equal(participant_role(&join), expected_role);
    }
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
        int of_nobody, of_member;
    } guards[] = {
        {.is_locked = true, .of_nobody = ERR_ROOM_LOCKED, .of_member = ERR_ROOM_LOCKED},
        {.has_lobby = true, .of_nobody = WAITS, .of_member = ERR_OK},
        {.has_pin = true, .of_nobody = ERR_WRONG_PIN, .of_member = ERR_WRONG_PIN},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(guards); i++) {
        for (enum room_role role = 0; role <= ROOM_OWNER; role++) {
            struct join_case join = with(role);
            join.is_locked = guards[i].is_locked;
            join.has_lobby = guards[i].has_lobby;
            join.has_pin = guards[i].has_pin;
            const int expected = role >= ROOM_MODERATOR ? (int)ERR_OK
                                 : role == 0            ? guards[i].of_nobody
                                                        : guards[i].of_member;
            is(join, expected, role == 0 ? ROOM_PARTICIPANT : role);
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
    is(join, WAITS, ROOM_PARTICIPANT);
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
    join.is_back = join.has_passed = true;
    join.is_known = true;
    join.role = ROOM_PARTICIPANT;
    join.has_code = false;
    join.access = ROOM_INVITED;
    join.is_locked = join.has_lobby = join.has_pin = join.guests_wait = join.is_guest = true;
    is(join, ERR_OK, ROOM_PARTICIPANT);
    join.joined = join.joined_max;
    is(join, ERR_ROOM_FULL, 0);
}

static void an_invitation_stands_for_link_and_pin_and_gives_a_role(void **state)
{
    struct join_case join = plain;
    (void)state;
    join.is_guest = join.is_invited = join.has_pin = true;
    join.has_code = false;
    join.access = ROOM_INVITED;
    join.invited_role = ROOM_VIEWER;
    is(join, ERR_OK, ROOM_VIEWER);
    join.has_lobby = true;
    is(join, WAITS, ROOM_VIEWER);
    join.is_locked = true;
    is(join, ERR_ROOM_LOCKED, 0);
    join.invited_role = ROOM_MODERATOR;
    is(join, ERR_OK, ROOM_MODERATOR);
    join.is_known = true; /* it takes nothing away */
    join.role = ROOM_OWNER;
    is(join, ERR_OK, ROOM_OWNER);
}

static void a_ban_holds_but_for_the_owner_and_admins(void **state)
{
    (void)state;
    for (enum room_role role = 0; role <= ROOM_OWNER; role++) {
        struct join_case join = with(role);
        join.is_banned = true;
        is(join, role == ROOM_OWNER ? ERR_OK : ERR_BANNED, ROOM_OWNER);
        join.is_invited = join.is_back = join.has_passed = true;
        join.invited_role = ROOM_MODERATOR;
        is(join, role == ROOM_OWNER ? ERR_OK : ERR_BANNED, ROOM_OWNER);
        join.is_admin = true;
        is(join, ERR_OK, role == ROOM_OWNER ? ROOM_OWNER : ROOM_MODERATOR);
    }
}

static void a_guest_takes_nobodys_name(void **state)
{
    struct join_case join = plain;
    (void)state;
    join.is_name_taken = true;
    is(join, ERR_OK, ROOM_PARTICIPANT);
    join.is_guest = true;
    is(join, ERR_NAME_TAKEN, 0);
}

static void as_many_wait_as_may(void **state)
{
    struct join_case join = plain;
    (void)state;
    join.has_lobby = true;
    join.joined = join.joined_max; /* they are judged when they come in */
    is(join, WAITS, ROOM_PARTICIPANT);
    join.waiting = 3;
    is(join, ERR_LOBBY_FULL, 0);
    join.waiting = 2;
    join.waiting_of_address = 2;
    is(join, ERR_RATE_LIMITED, 0);
    join.waiting_of_address = 1;
    join.of_user = 2;
    is(join, ERR_CONFLICT, 0);
}

/* He was there, but never in: the link and the PIN are behind him, the lobby is not. */
static void who_left_while_he_waited_waits_again(void **state)
{
    struct join_case join = plain;
    (void)state;
    join.has_passed = join.has_pin = join.is_guest = true;
    join.has_code = false;
    join.access = ROOM_INVITED;
    is(join, ERR_OK, ROOM_PARTICIPANT);
    join.has_lobby = true;
    is(join, WAITS, ROOM_PARTICIPANT);
    join.is_locked = true;
    is(join, ERR_ROOM_LOCKED, 0);
}

static void names_that_look_alike_are_one(void **state)
{
    static const struct {
        const char *a, *b;
        bool is_one;
    } rows[] = {{"Carol", "cAROL", true},
                {"Stra\xc3\x9f"
                 "e",
                 "STRASSE", true},
                {"\xef\xbc\xa3"
                 "arol",
                 "carol", true}, /* a full-width C */
                {"Carol", "Carola", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned char a[NAME_KEY_BYTES];
        unsigned char b[NAME_KEY_BYTES];
        participant_name_key(rows[i].a, a);
        participant_name_key(rows[i].b, b);
        assert_int_equal(memcmp(a, b, sizeof(a)) == 0, rows[i].is_one);
    }
}

static void a_token_is_as_good_as_its_participant(void **state)
{
    static const struct {
        uint64_t ago_ms;
        enum participant_state state;
        enum err expected;
    } rows[] = {{0, PARTICIPANT_WAITING, ERR_MUST_WAIT},
                {9 * PARTICIPANT_BACK_MS, PARTICIPANT_JOINED, ERR_OK},
                {PARTICIPANT_BACK_MS - 1, PARTICIPANT_LEFT, ERR_NOT_JOINED},
                {PARTICIPANT_BACK_MS, PARTICIPANT_LEFT, ERR_UNAUTHORIZED},
                {0, PARTICIPANT_REMOVED, ERR_REMOVED},
                {0, PARTICIPANT_DENIED, ERR_DENIED},
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
                                      .joined_unix_ms = 6,
                                      .muted = 4,
                                      .published = 3,
                                      .lost = 2};
    (void)state;
    const struct msg_participant record = participant_record(&guest);
    assert_int_equal(record.id, 5);
    assert_true(str_eq(record.name, STR_LIT("Eve")));
    assert_int_equal(record.role, ROOM_VIEWER);
    assert_int_equal(record.state, PARTICIPANT_JOINED);
    assert_true(record.guest);
    assert_int_equal(record.hand_unix_ms, 7);
    assert_int_equal(record.joined_unix_ms, 6);
    assert_int_equal(record.muted, 4);
    assert_int_equal(record.published, 3);
    assert_int_equal(record.lost, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_decides_who_finds_it),
        cmocka_unit_test(guards_hold_but_for_who_leads),
        cmocka_unit_test(guests_wait_for_somebody_who_is_none),
        cmocka_unit_test(there_are_as_many_as_may_be),
        cmocka_unit_test(who_comes_back_has_passed_before),
        cmocka_unit_test(an_invitation_stands_for_link_and_pin_and_gives_a_role),
        cmocka_unit_test(a_ban_holds_but_for_the_owner_and_admins),
        cmocka_unit_test(a_guest_takes_nobodys_name),
        cmocka_unit_test(as_many_wait_as_may),
        cmocka_unit_test(who_left_while_he_waited_waits_again),
        cmocka_unit_test(names_that_look_alike_are_one),
        cmocka_unit_test(a_token_is_as_good_as_its_participant),
        cmocka_unit_test(others_see_no_more_than_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
