/* Who waits, is invited, is banned, and writes: each race has one outcome, and what is forbidden is
 * forbidden in every way in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/integration/db/meeting_fixture.h"

/* ---- commands ---- */

static struct msg deciding(const uint64_t *ids, size_t count, bool admits, bool all)
{
    return (struct msg){.id = MSG_lobby_decide,
                        .lobby_decide = {.idempotency_key = fresh_key(),
                                         .room = str_of(meeting.room),
                                         .participants = {.items = ids, .count = count},
                                         .admits = admits,
                                         .all = all}};
}

static enum err decide(uint64_t id, bool admits, struct outcome *ret)
{
    const struct msg request = deciding(&id, 1, admits, false);
    return meeting_run(&request, &meeting.carol, ret);
}

static struct msg joining_by_invitation(const char *name)
{
    struct msg join = joining(name);
    join.participant_join.invitation_hash = (struct str){.data = invitation_secret, .bytes = 32};
    return join;
}

static void use_lobby(void)
{
    set_options((struct msg_room_options){.has_lobby = true, .lobby = true});
}

static struct str device_named(const char *sixteen)
{
    return (struct str){.data = sixteen, .bytes = 16};
}

/* ---- the lobby ---- */

static void who_waits_is_let_in_once(void **state)
{
    struct outcome outcome;
    const struct msg join = joining("Eve");
    (void)state;
    use_lobby();
    (void)carol_comes();
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_OK);
    assert_int_equal(outcome.outcome.participant.state, PARTICIPANT_WAITING);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_WAITING);
    assert_int_equal(outcome.hint, ROOM_NEWS_WAITS);
    const uint64_t eve = outcome.outcome.participant.id;
    const struct room_asker self = asker_of(&join);
    const struct msg change = changing(eve);
    assert_int_equal(meeting_run(&change, &self, &outcome), ERR_MUST_WAIT);
    assert_int_equal(decide(eve, true, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 1);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_ADMITTED);
    assert_int_equal(decide(eve, true, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 0);
    assert_int_equal(decide(eve, false, &outcome), ERR_CONFLICT);
    assert_int_equal(meeting_run(&change, &self, &outcome), ERR_OK);
    value_is("SELECT CONCAT(state, ' ', since_seq) FROM participants WHERE name = 'Eve'", "2 4");
}

static void who_is_denied_stays_out_and_may_ask_again(void **state)
{
    struct outcome outcome;
    const struct msg join = joining("Eve");
    const struct msg again = joining("Eve");
    (void)state;
    use_lobby();
    const uint64_t eve = come(&join, &meeting.nobody, PARTICIPANT_WAITING);
    assert_int_equal(decide(eve, false, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_DENIED);
    assert_int_equal(decide(eve, true, &outcome), ERR_CONFLICT);
    const struct room_asker self = asker_of(&join);
    assert_int_equal(meeting_run(&again, &self, &outcome), ERR_DENIED);
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_DENIED); /* by its key */
    (void)come(&again, &meeting.nobody, PARTICIPANT_WAITING);
}

/* Both at once, many times: one of the two has decided. */
static void admit_and_deny_have_one_outcome(void **state)
{
    (void)state;
    use_lobby();
    (void)carol_comes();
    for (unsigned i = 0; i < 10; i++) {
        AUTO(mem_free) char *name = mem_printf("Eve %u", i);
        const struct msg join = joining(name);
        const uint64_t eve = come(&join, &meeting.nobody, PARTICIPANT_WAITING);
        const struct msg admit = deciding(&eve, 1, true, false);
        const struct msg deny = deciding(&eve, 1, false, false);
        struct outcome admitted;
        struct outcome denied;
        assert_int_equal(meeting_begin(&admit, &meeting.carol, &admitted), ERR_OK);
        assert_int_equal(meeting_begin(&deny, &meeting.carol, &denied), ERR_OK);
        meeting_wait(&admitted);
        meeting_wait(&denied);
        assert_true((admitted.err == ERR_OK) != (denied.err == ERR_OK));
        assert_int_equal(admitted.err == ERR_OK ? denied.err : admitted.err, ERR_CONFLICT);
        const struct room_asker self = asker_of(&join);
        const struct msg leave = removing(eve);
        struct outcome left;
        assert_int_equal(meeting_run(&leave, &self, &left),
                         admitted.err == ERR_OK ? ERR_OK : ERR_DENIED);
    }
}

static void guests_wait_for_the_host_and_come_in_with_him(void **state)
{
    struct outcome outcome;
    const struct msg eve = joining("Eve");
    const struct msg bob = joining("Bob");
    const struct msg carol = joining("");
    const struct msg late = joining("Late");
    (void)state;
    (void)come(&eve, &meeting.nobody, PARTICIPANT_WAITING);
    (void)come(&bob, &meeting.nobody, PARTICIPANT_WAITING);
    assert_int_equal(meeting_run(&carol, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 3);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_JOINED);
    assert_int_equal(outcome.types[1], EVENT_PARTICIPANT_ADMITTED);
    assert_int_equal(outcome.types[2], EVENT_PARTICIPANT_ADMITTED);
    /* He leaves: who is in stays, who comes waits again. */
    const struct msg leave = removing(outcome.outcome.participant.id);
    assert_int_equal(meeting_run(&leave, &meeting.carol, &outcome), ERR_OK);
    value_is("SELECT COUNT(*) FROM participants WHERE state = 2", "2");
    (void)come(&late, &meeting.nobody, PARTICIPANT_WAITING);
    set_options((struct msg_room_options){.has_guests_wait = true, .guests_wait = false});
    value_is("SELECT COUNT(*) FROM participants WHERE state = 2", "3");
}

/* Early arrivals still need admitting. */
static void with_a_lobby_the_host_admits_who_came_before_him(void **state)
{
    const struct msg eve = joining("Eve");
    (void)state;
    use_lobby();
    (void)come(&eve, &meeting.nobody, PARTICIPANT_WAITING);
    (void)carol_comes();
    value_is("SELECT state FROM participants WHERE name = 'Eve'", "1");
    set_options((struct msg_room_options){.has_lobby = true, .lobby = false});
    value_is("SELECT state FROM participants WHERE name = 'Eve'", "2");
}

/* Nobody slips in whom the one who clicks has not seen. */
static void admit_all_admits_those_who_were_seen(void **state)
{
    struct outcome outcome;
    const struct msg eve = joining("Eve");
    const struct msg bob = joining("Bob");
    const struct msg unseen = joining("Unseen");
    uint64_t ids[3] = {0};
    (void)state;
    use_lobby();
    ids[0] = come(&eve, &meeting.nobody, PARTICIPANT_WAITING);
    ids[1] = come(&bob, &meeting.nobody, PARTICIPANT_WAITING);
    (void)come(&unseen, &meeting.nobody, PARTICIPANT_WAITING);
    const struct msg leave = removing(ids[1]);
    const struct room_asker self = asker_of(&bob);
    assert_int_equal(meeting_run(&leave, &self, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_LEFT);
    ids[2] = 4711;
    const struct msg admit = deciding(ids, 3, true, true);
    assert_int_equal(meeting_run(&admit, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 1);
    assert_true(outcome.outcome.is_entered); /* nobody was in */
    assert_int_equal(outcome.hint, ROOM_NEWS_BEGAN);
    value_is("SELECT GROUP_CONCAT(name) FROM participants WHERE state = 2", "Eve");
}

static void five_of_an_address_wait_and_fifty_in_all(void **state)
{
    struct outcome outcome;
    (void)state;
    use_lobby();
    for (unsigned i = 0; i < 55; i++) {
        char address[16] = {0};
        AUTO(mem_free) char *name = mem_printf("Guest %u", i);
        struct msg join = joining(name);
        address[0] = (char)(1 + i / 5 % 10);
        join.participant_join.address = (struct str){.data = address, .bytes = 16};
        const enum err err = meeting_run(&join, &meeting.nobody, &outcome);
        assert_int_equal(err, i < 50 ? ERR_OK : ERR_LOBBY_FULL);
        if (i == 4) {
            struct msg sixth = joining("Sixth");
            sixth.participant_join.address = join.participant_join.address;
            assert_int_equal(meeting_run(&sixth, &meeting.nobody, &outcome), ERR_RATE_LIMITED);
        }
    }
}

static void the_name_of_who_has_signed_in_is_nobody_elses(void **state)
{
    struct outcome outcome;
    const struct msg taken = joining("TESTUSER");
    const struct msg eve = joining("Eve");
    (void)state;
    use_lobby();
    const uint64_t before = come(&taken, &meeting.nobody, PARTICIPANT_WAITING);
    (void)carol_comes();
    assert_int_equal(decide(before, true, &outcome), ERR_NAME_TAKEN);
    const struct msg later = joining("TestUser");
    assert_int_equal(meeting_run(&later, &meeting.nobody, &outcome), ERR_NAME_TAKEN);
    const uint64_t id = come(&eve, &meeting.nobody, PARTICIPANT_WAITING);
    assert_int_equal(decide(id, true, &outcome), ERR_OK);
    struct msg rename = changing(id);
    rename.participant_change.has_name = true;
    rename.participant_change.name = STR_LIT("tEsTuSeR");
    const struct room_asker self = asker_of(&eve);
    assert_int_equal(meeting_run(&rename, &self, &outcome), ERR_NAME_TAKEN);
}

/* ---- invitations ---- */

static void an_invitation_lets_in_as_often_as_it_may(void **state)
{
    struct outcome outcomes[30];
    struct msg joins[30];
    struct outcome outcome;
    const struct msg invite = inviting(ROOM_VIEWER, 10);
    unsigned in = 0;
    (void)state;
    set_options((struct msg_room_options){.has_access = true,
                                          .access = ROOM_INVITED,
                                          .has_guests_wait = true,
                                          .guests_wait = false,
                                          .has_pin = true,
                                          .pin = STR_LIT("1234")});
    assert_int_equal(meeting_run(&invite, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_INVITATION_CREATED);
    for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
        joins[i] = joining_by_invitation("Guest");
        assert_int_equal(meeting_begin(&joins[i], &meeting.nobody, &outcomes[i]), ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
        meeting_wait(&outcomes[i]);
        in += outcomes[i].err == ERR_OK;
        assert_true(outcomes[i].err == ERR_OK || outcomes[i].err == ERR_INVITATION_USED_UP);
        assert_true(outcomes[i].err != ERR_OK ||
                    outcomes[i].outcome.participant.role == ROOM_VIEWER);
    }
    assert_int_equal(in, 10);
    value_is("SELECT uses FROM invitations", "10");
    /* Who comes back costs none, nor does a join that comes again. */
    for (size_t i = 0; i < ARRAY_LEN(joins); i++) {
        if (outcomes[i].err == ERR_OK) {
            const struct room_asker self = asker_of(&joins[i]);
            const struct msg leave = removing(outcomes[i].outcome.participant.id);
            const struct msg back = joining("");
            assert_int_equal(meeting_run(&joins[i], &meeting.nobody, &outcome), ERR_OK);
            assert_int_equal(meeting_run(&leave, &self, &outcome), ERR_OK);
            assert_int_equal(meeting_run(&back, &self, &outcome), ERR_OK);
            break;
        }
    }
    value_is("SELECT uses FROM invitations", "10");
}

static void an_invitation_is_refused_by_what_it_lacks(void **state)
{
    struct outcome outcome;
    const struct msg invite = inviting(ROOM_PARTICIPANT, 0);
    const struct msg join = joining_by_invitation("Eve");
    (void)state;
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_NO_SUCH_INVITATION);
    assert_int_equal(meeting_run(&invite, &meeting.carol, &outcome), ERR_OK);
    must_run(fixture.db, "UPDATE invitations SET not_before_unix_ms = 4000000000000");
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_INVITATION_EARLY);
    must_run(fixture.db, "UPDATE invitations SET not_before_unix_ms = 0, expires_unix_ms = 1");
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_INVITATION_EXPIRED);
    must_run(fixture.db, "UPDATE invitations SET expires_unix_ms = 0");
    const uint64_t eve = come(&join, &meeting.nobody, PARTICIPANT_WAITING);
    (void)eve;
    AUTO(mem_free) char *id = must_select(fixture.db, "SELECT invitation_id FROM invitations");
    struct msg revoke = {.id = MSG_invitation_revoke,
                         .invitation_revoke = {.idempotency_key = fresh_key(),
                                               .room = str_of(meeting.room),
                                               .removes = true}};
    assert_true(str_id(str_of(id), &revoke.invitation_revoke.invitation));
    assert_int_equal(meeting_run(&revoke, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_INVITATION_REVOKED);
    assert_int_equal(outcome.types[1], EVENT_PARTICIPANT_DENIED);
    const struct msg late = joining_by_invitation("Late");
    assert_int_equal(meeting_run(&late, &meeting.nobody, &outcome), ERR_INVITATION_REVOKED);
}

static void nobody_invites_to_more_than_he_is(void **state)
{
    struct outcome outcome;
    const struct msg moderator = inviting(ROOM_MODERATOR, 0);
    const struct msg owner = inviting(ROOM_OWNER, 0);
    struct room_asker dave = {.user_id = fixture.other_id};
    const struct msg set = {.id = MSG_member_set,
                            .member_set = {.idempotency_key = fresh_key(),
                                           .room = str_of(meeting.room),
                                           .user = STR_LIT("dave"),
                                           .role = ROOM_MODERATOR}};
    (void)state;
    assert_int_equal(meeting_room_run(&set, &outcome), ERR_OK);
    AUTO(mem_free) char *id = must_select(fixture.db, "SELECT id FROM users WHERE username='dave'");
    assert_true(str_id(str_of(id), &dave.user_id));
    assert_int_equal(meeting_run(&moderator, &dave, &outcome), ERR_FORBIDDEN);
    assert_int_equal(meeting_run(&owner, &meeting.carol, &outcome), ERR_FORBIDDEN);
    assert_int_equal(meeting_run(&moderator, &meeting.carol, &outcome), ERR_OK);
}

/* ---- bans ---- */

static void a_ban_holds_in_every_way_in(void **state)
{
    struct outcome outcome;
    const struct msg invite = inviting(ROOM_PARTICIPANT, 0);
    struct msg join = joining_by_invitation("Eve");
    (void)state;
    set_options((struct msg_room_options){.has_guests_wait = true, .guests_wait = false});
    (void)carol_comes();
    assert_int_equal(meeting_run(&invite, &meeting.carol, &outcome), ERR_OK);
    join.participant_join.device_hash = device_named("eve's own device");
    const uint64_t eve = come(&join, &meeting.nobody, PARTICIPANT_JOINED);
    struct msg second = joining("Eve's second");
    second.participant_join.device_hash = device_named("eve's own device");
    (void)come(&second, &meeting.nobody, PARTICIPANT_JOINED);
    struct msg other = joining("Other");
    other.participant_join.device_hash = device_named("another's device");
    const uint64_t other_id = come(&other, &meeting.nobody, PARTICIPANT_JOINED);
    const struct msg leave = removing(other_id);
    const struct room_asker others_token = asker_of(&other);
    assert_int_equal(meeting_run(&leave, &others_token, &outcome), ERR_OK);

    const struct msg ban = banning(eve, true, true, true);
    assert_int_equal(meeting_run(&ban, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 2);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_BANNED);
    assert_int_equal(outcome.types[1], EVENT_PARTICIPANT_BANNED);
    assert_int_equal(outcome.outcome.ban.user_id, 0); /* a guest */
    assert_true(outcome.outcome.ban.has_device);

    const struct room_asker self = asker_of(&join);
    const struct msg back = joining("");
    assert_int_equal(meeting_run(&back, &self, &outcome), ERR_REMOVED);
    assert_int_equal(meeting_run(&join, &meeting.nobody, &outcome), ERR_REMOVED); /* by its key */
    struct msg again = joining("Somebody else");
    again.participant_join.device_hash = device_named("eve's own device");
    assert_int_equal(meeting_run(&again, &meeting.nobody, &outcome), ERR_BANNED);
    const struct room_asker dave = {.user_id = fixture.other_id};
    assert_int_equal(meeting_run(&again, &dave, &outcome), ERR_BANNED);
    const struct msg invited = joining_by_invitation("Another device");
    assert_int_equal(meeting_run(&invited, &meeting.nobody, &outcome), ERR_BANNED);
    /* Another's token, shown from there. */
    struct msg borrowed = joining("");
    borrowed.participant_join.device_hash = device_named("eve's own device");
    assert_int_equal(meeting_run(&borrowed, &others_token, &outcome), ERR_BANNED);
    borrowed.participant_join.device_hash = device_named("another's device");
    borrowed.participant_join.idempotency_key = fresh_key();
    assert_int_equal(meeting_run(&borrowed, &others_token, &outcome), ERR_OK);

    must_run(fixture.db, "UPDATE bans SET expires_unix_ms = 1");
    again.participant_join.idempotency_key = fresh_key();
    assert_int_equal(meeting_run(&again, &meeting.nobody, &outcome), ERR_OK);
}

/* Nobody is in, and so nothing ends by it. */
static void a_ban_on_who_waits_ends_no_meeting(void **state)
{
    struct outcome outcome;
    struct msg eve = joining("Eve");
    (void)state;
    eve.participant_join.device_hash = device_named("eve's own device");
    const uint64_t id = come(&eve, &meeting.nobody, PARTICIPANT_WAITING);
    const struct msg ban = banning(id, false, false, true);
    assert_int_equal(meeting_run(&ban, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 1);
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_DENIED);
    assert_int_equal(outcome.hint, 0);
}

static void nobody_bans_an_equal_himself_or_nothing(void **state)
{
    struct outcome outcome;
    const struct msg eve = joining("Eve");
    (void)state;
    const uint64_t carol = carol_comes();
    const uint64_t id = come(&eve, &meeting.nobody, PARTICIPANT_JOINED);
    const struct msg himself = banning(carol, true, false, false);
    assert_int_equal(meeting_run(&himself, &meeting.carol, &outcome), ERR_FORBIDDEN);
    const struct room_asker self = asker_of(&eve);
    assert_int_equal(meeting_run(&himself, &self, &outcome), ERR_FORBIDDEN);
    const struct msg of_nothing = banning(id, true, true, true); /* a guest who names no device */
    assert_int_equal(meeting_run(&of_nothing, &meeting.carol, &outcome), ERR_WRONG_MEMBER);
    const struct msg of_nobody = banning(4711, false, false, true);
    assert_int_equal(meeting_run(&of_nobody, &meeting.carol, &outcome), ERR_NOT_FOUND);
}

/* Joins and a ban at the same moment, in both orders: nobody of that device is in afterwards. */
static void a_join_in_flight_does_not_escape_the_ban(void **state)
{
    (void)state;
    set_options((struct msg_room_options){.has_guests_wait = true, .guests_wait = false});
    (void)carol_comes();
    for (unsigned i = 0; i < 8; i++) {
        char device[17];
        struct outcome outcomes[5];
        struct msg joins[4];
        (void)snprintf(device, sizeof(device), "device number %02u", i);
        struct msg first = joining("Eve");
        first.participant_join.device_hash = device_named(device);
        const uint64_t eve = come(&first, &meeting.nobody, PARTICIPANT_JOINED);
        const struct msg ban = banning(eve, false, false, true);
        for (size_t k = 0; k < ARRAY_LEN(joins); k++) {
            joins[k] = joining("Eve again");
            joins[k].participant_join.device_hash = device_named(device);
        }
        for (size_t k = 0; k < ARRAY_LEN(outcomes); k++) {
            const bool bans = k == i % ARRAY_LEN(outcomes);
            const size_t join = k < i % ARRAY_LEN(outcomes) ? k : k - 1;
            assert_int_equal(meeting_begin(bans ? &ban : &joins[join],
                                           bans ? &meeting.carol : &meeting.nobody, &outcomes[k]),
                             ERR_OK);
        }
        for (size_t k = 0; k < ARRAY_LEN(outcomes); k++) {
            meeting_wait(&outcomes[k]);
        }
        value_is("SELECT COUNT(*) FROM participants WHERE state IN (1, 2, 3) AND name LIKE 'Eve%'",
                 "0");
    }
}

/* ---- who has left ---- */

static void leaves(const struct msg *join, uint64_t id)
{
    struct outcome outcome;
    const struct msg leave = removing(id);
    const struct room_asker self = asker_of(join);
    assert_int_equal(meeting_run(&leave, &self, &outcome), ERR_OK);
}

/* By his token he does not get around what has happened since. */
static void who_has_left_comes_back_with_no_more_than_he_has_now(void **state)
{
    struct outcome outcome;
    const struct room_asker dave = {.user_id = fixture.other_id};
    struct msg set = {.id = MSG_member_set,
                      .member_set = {.idempotency_key = fresh_key(),
                                     .room = str_of(meeting.room),
                                     .user = STR_LIT("other"),
                                     .role = ROOM_MODERATOR}};
    struct msg remove = {
        .id = MSG_member_remove,
        .member_remove = {.idempotency_key = fresh_key(), .room = str_of(meeting.room)}};
    const struct msg join = joining("Dave");
    const struct msg back = joining("");
    const struct msg again = joining("");
    (void)state;
    AUTO(mem_free)
    char *name = must_select(fixture.db, "SELECT username FROM users WHERE username <> 'testuser'"
                                         " AND username <> 'dave'");
    set.member_set.user = remove.member_remove.user = str_of(name);
    set_options((struct msg_room_options){.has_access = true, .access = ROOM_INVITED});
    assert_int_equal(meeting_room_run(&set, &outcome), ERR_OK);
    uint64_t id = come(&join, &dave, PARTICIPANT_JOINED);
    leaves(&join, id);
    set.member_set.idempotency_key = fresh_key();
    set.member_set.role = ROOM_VIEWER;
    assert_int_equal(meeting_room_run(&set, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 0); /* nobody sees him */
    const struct room_asker self = asker_of(&join);
    assert_int_equal(meeting_run(&back, &self, &outcome), ERR_OK);
    assert_int_equal(outcome.outcome.participant.role, ROOM_VIEWER);
    leaves(&join, id);
    assert_int_equal(meeting_room_run(&remove, &outcome), ERR_OK);
    assert_int_equal(meeting_run(&again, &self, &outcome), ERR_REMOVED);
}

static void a_meeting_that_ends_ends_for_who_has_left_too(void **state)
{
    struct outcome outcome;
    const struct msg join = joining("");
    const struct msg back = joining("");
    const struct msg end = {
        .id = MSG_meeting_end,
        .meeting_end = {.idempotency_key = fresh_key(), .room = str_of(meeting.room)}};
    (void)state;
    leaves(&join, come(&join, &meeting.carol, PARTICIPANT_JOINED));
    assert_int_equal(meeting_run(&end, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 0); /* nobody was in: nothing has ended */
    const struct room_asker self = asker_of(&join);
    assert_int_equal(meeting_run(&back, &self, &outcome), ERR_UNAUTHORIZED);
}

/* ---- who is mute ---- */

static void who_is_mute_stays_so_until_he_or_staff_ends_it(void **state)
{
    struct outcome outcome;
    const struct msg eve = joining("Eve");
    (void)state;
    set_options((struct msg_room_options){.has_mute_on_entry = true, .mute_on_entry = true});
    (void)carol_comes();
    const uint64_t id = come(&eve, &meeting.nobody, PARTICIPANT_JOINED);
    const struct room_asker self = asker_of(&eve);
    struct msg change = changing(id);
    change.participant_change.has_muted = true;
    change.participant_change.muted = 0;
    assert_int_equal(meeting_run(&change, &self, &outcome), ERR_OK);
    struct msg mute = {.id = MSG_participant_mute,
                       .participant_mute = {.idempotency_key = fresh_key(),
                                            .room = str_of(meeting.room),
                                            .sources = MEDIA_AUDIO | MEDIA_SCREEN}};
    assert_int_equal(meeting_run(&mute, &self, &outcome), ERR_FORBIDDEN);
    assert_int_equal(meeting_run(&mute, &meeting.carol, &outcome), ERR_OK);
    assert_int_equal(outcome.written, 1); /* himself not */
    assert_int_equal(outcome.types[0], EVENT_PARTICIPANT_MUTED);
    value_is("SELECT GROUP_CONCAT(muted ORDER BY name) FROM participants", "5,1");
    set_options((struct msg_room_options){.has_unmute = true, .unmute = ROOM_UNMUTE_MODERATORS});
    change.participant_change.idempotency_key = fresh_key();
    assert_int_equal(meeting_run(&change, &self, &outcome), ERR_FORBIDDEN);
    change.participant_change.idempotency_key = fresh_key();
    change.participant_change.muted = MEDIA_AUDIO | MEDIA_VIDEO | MEDIA_SCREEN;
    assert_int_equal(meeting_run(&change, &self, &outcome), ERR_OK);
    change.participant_change.idempotency_key = fresh_key();
    change.participant_change.muted = 0;
    assert_int_equal(meeting_run(&change, &meeting.carol, &outcome), ERR_OK);
}

/* ---- the chat ---- */

static void what_is_written_is_written_once(void **state)
{
    struct outcome outcome;
    struct outcome again;
    const struct msg eve = joining("Eve");
    (void)state;
    const uint64_t carol = carol_comes();
    (void)come(&eve, &meeting.nobody, PARTICIPANT_JOINED);
    const struct room_asker self = asker_of(&eve);
    const struct msg hello = writing("Hello", 0);
    assert_int_equal(meeting_run(&hello, &self, &outcome), ERR_OK);
    assert_int_equal(outcome.types[0], EVENT_MESSAGE_CREATED);
    assert_int_equal(outcome.outcome.message.seq, 3);
    assert_string_equal(outcome.outcome.message.from_name, "Eve");
    assert_int_equal(meeting_run(&hello, &self, &again), ERR_OK);
    assert_int_equal(again.outcome.message.id, outcome.outcome.message.id);
    assert_string_equal(again.outcome.message.text, "Hello");
    value_is("SELECT COUNT(*) FROM room_messages", "1");
    const struct msg to_carol = writing("Psst", carol);
    assert_int_equal(meeting_run(&to_carol, &self, &outcome), ERR_OK);
    value_is("SELECT GROUP_CONCAT(audience ORDER BY seq) FROM room_events", "1,1,1,3");
    const struct msg to_nobody = writing("Hello?", 4711);
    assert_int_equal(meeting_run(&to_nobody, &self, &outcome), ERR_NOT_FOUND);
    const struct msg by_user = writing("I am not in", 0);
    assert_int_equal(meeting_run(&by_user, &meeting.carol, &outcome), ERR_FORBIDDEN);
    set_options((struct msg_room_options){.has_chat = true, .chat = false});
    const struct msg off = writing("Hello", 0);
    assert_int_equal(meeting_run(&off, &self, &outcome), ERR_CHAT_OFF);
}

/* Twenty at once, which takes no second: ten of them are too many. */
static void who_writes_too_fast_is_stopped(void **state)
{
    struct outcome outcomes[20];
    struct msg messages[20];
    const struct msg eve = joining("Eve");
    unsigned refused = 0;
    (void)state;
    (void)carol_comes();
    (void)come(&eve, &meeting.nobody, PARTICIPANT_JOINED);
    const struct room_asker self = asker_of(&eve);
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        messages[i] = writing("spam", 0);
        assert_int_equal(meeting_begin(&messages[i], &self, &outcomes[i]), ERR_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        meeting_wait(&outcomes[i]);
        refused += outcomes[i].err == ERR_RATE_LIMITED;
    }
    assert_in_range(refused, 1, 10);
    value_is("SELECT MAX(n) <= 10 FROM (SELECT COUNT(*) n FROM room_messages a JOIN room_messages b"
             " ON b.time_unix_ms BETWEEN a.time_unix_ms AND a.time_unix_ms + 999"
             " GROUP BY a.seq) q",
             "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, meeting_set_up, meeting_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_waits_is_let_in_once),
        TEST(who_is_denied_stays_out_and_may_ask_again),
        TEST(admit_and_deny_have_one_outcome),
        TEST(guests_wait_for_the_host_and_come_in_with_him),
        TEST(with_a_lobby_the_host_admits_who_came_before_him),
        TEST(admit_all_admits_those_who_were_seen),
        TEST(five_of_an_address_wait_and_fifty_in_all),
        TEST(the_name_of_who_has_signed_in_is_nobody_elses),
        TEST(an_invitation_lets_in_as_often_as_it_may),
        TEST(an_invitation_is_refused_by_what_it_lacks),
        TEST(nobody_invites_to_more_than_he_is),
        TEST(a_ban_holds_in_every_way_in),
        TEST(a_ban_on_who_waits_ends_no_meeting),
        TEST(nobody_bans_an_equal_himself_or_nothing),
        TEST(a_join_in_flight_does_not_escape_the_ban),
        TEST(who_has_left_comes_back_with_no_more_than_he_has_now),
        TEST(a_meeting_that_ends_ends_for_who_has_left_too),
        TEST(who_is_mute_stays_so_until_he_or_staff_ends_it),
        TEST(what_is_written_is_written_once),
        TEST(who_writes_too_fast_is_stopped),
    };
    return cmocka_run_group_tests_name("moderation", tests, server_setup, server_teardown);
}
