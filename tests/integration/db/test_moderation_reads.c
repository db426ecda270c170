/* What is told of invitations, bans, the chat and of a room before one comes in: nothing to who may
 * not know it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "roomsvc/store/moderation_store_mysql.h"
#include "tests/integration/db/meeting_fixture.h"

/* ---- questions ---- */

#define TEXTS 32

struct told {
    bool is_there;
    enum err err;
    struct moderation_answer answer; /* its lists are gone: see the next members */
    uint64_t ids[TEXTS];
    char texts[512]; /* labels, notes or messages, joined by commas */
};

static void add_text(struct told *told, const char *text)
{
    const size_t bytes = strlen(told->texts);
    (void)snprintf(told->texts + bytes, sizeof(told->texts) - bytes, "%s%s", bytes > 0 ? "," : "",
                   text);
}

static void on_told(void *arg, enum err err, const struct moderation_answer *answer)
{
    struct told *told = arg;
    *told = (struct told){.is_there = true, .err = err};
    if (err != ERR_OK) {
        assert_null(answer);
        return;
    }
    told->answer = *answer;
    for (size_t i = 0; i < answer->invitation_count && i < TEXTS; i++) {
        told->ids[i] = answer->invitations[i].id;
        add_text(told, answer->invitations[i].label);
    }
    for (size_t i = 0; i < answer->ban_count && i < TEXTS; i++) {
        told->ids[i] = answer->bans[i].id;
        add_text(told, answer->bans[i].note);
    }
    for (size_t i = 0; i < answer->message_count && i < TEXTS; i++) {
        told->ids[i] = answer->messages[i].seq;
        add_text(told, answer->messages[i].text);
    }
}

static bool is_told(void *arg)
{
    return ((const struct told *)arg)->is_there;
}

static struct told ask(const struct msg *request, const struct room_asker *asker)
{
    const struct moderation_store store = moderation_store_mysql(meeting.db.pool);
    struct told told = {.is_there = false};
    const enum err err = store.ops->ask(store.self, request, asker, 0, on_told, &told);
    if (err != ERR_OK) {
        return (struct told){.err = err};
    }
    assert_true(loop_run_until(meeting.loop, is_told, &told, WAIT_MS));
    return told;
}

/* What he is told, or the error's code. */
static void tells(const struct msg *request, const struct room_asker *asker, const char *expected)
{
    const struct told told = ask(request, asker);
    assert_string_equal(told.err == ERR_OK ? told.texts : err_code(told.err), expected);
}

static struct msg invitations(uint64_t after_id, uint64_t only, uint64_t limit)
{
    return (struct msg){.id = MSG_invitation_page,
                        .invitation_page = {.room = str_of(meeting.room),
                                            .limit = limit,
                                            .after_id = after_id,
                                            .invitation = only}};
}

static struct msg bans(uint64_t after_id, uint64_t only, uint64_t limit)
{
    return (struct msg){
        .id = MSG_ban_page,
        .ban_page = {
            .room = str_of(meeting.room), .limit = limit, .after_id = after_id, .ban = only}};
}

static struct msg messages(uint64_t limit)
{
    return (struct msg){.id = MSG_message_page,
                        .message_page = {.room = str_of(meeting.room), .limit = limit}};
}

static struct msg messages_after(uint64_t seq)
{
    struct msg page = messages(MESSAGES_PAGE);
    page.message_page.has_after_seq = true;
    page.message_page.after_seq = seq;
    return page;
}

/* By the code; or, has_room false, by nothing but the invitation. */
static struct msg info(bool has_room, bool has_invitation)
{
    return (struct msg){
        .id = MSG_join_info,
        .join_info = {
            .room = has_room ? str_of(meeting.code) : STR_NONE,
            .invitation_hash = {.data = invitation_secret,
                                .bytes = has_invitation ? sizeof(invitation_secret) : 0}}};
}

static struct room_asker dave(void)
{
    return (struct room_asker){.user_id = fixture.other_id};
}

static uint64_t guest_comes(const struct msg *join)
{
    return come(join, &meeting.nobody, PARTICIPANT_JOINED);
}

static void let_guests_in(void)
{
    set_options((struct msg_room_options){.has_guests_wait = true, .guests_wait = false});
}

/* ---- lists for staff ---- */

static void make_invitation(unsigned id, const char *revoked)
{
    AUTO(mem_free)
    char *insert = mem_printf("INSERT INTO invitations (invitation_id, room_id, secret_hash, role,"
                              " label, max_uses, not_before_unix_ms, expires_unix_ms,"
                              " created_unix_ms, revoked_unix_ms) VALUES (%u, %s,"
                              " UNHEX(SHA2('%u', 256)), 2, '%u', 0, 0, 1, 1, %s)",
                              id, meeting.room, id, id, revoked);
    must_run(fixture.db, insert);
}

static void invitations_are_told_in_pages_but_revoked_ones(void **state)
{
    (void)state;
    make_invitation(1, "NULL");
    make_invitation(2, "5");
    make_invitation(3, "NULL");
    make_invitation(4, "NULL");
    struct msg page = invitations(0, 0, 2);
    tells(&page, &meeting.carol, "1,3");
    page = invitations(3, 0, 2);
    tells(&page, &meeting.carol, "4");
    page = invitations(0, 3, 2);
    tells(&page, &meeting.carol, "3");
    page = invitations(0, 2, 2);
    tells(&page, &meeting.carol, "not_found");
}

static void make_ban(unsigned id, const char *expires)
{
    AUTO(mem_free)
    char *insert = mem_printf("INSERT INTO bans (ban_id, room_id, name, user_id, note,"
                              " expires_unix_ms, created_unix_ms) VALUES (%u, %s, 'Eve', 9, '%u',"
                              " %s, 1)",
                              id, meeting.room, id, expires);
    must_run(fixture.db, insert);
}

static void bans_are_told_in_pages_while_they_hold(void **state)
{
    (void)state;
    make_ban(1, "0");
    make_ban(2, "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)");
    make_ban(3, "4000000000000");
    make_ban(4, "0");
    struct msg page = bans(0, 0, 2);
    tells(&page, &meeting.carol, "1,3");
    page = bans(3, 0, 2);
    tells(&page, &meeting.carol, "4");
    page = bans(0, 3, 2);
    tells(&page, &meeting.carol, "3");
    page = bans(0, 2, 2);
    tells(&page, &meeting.carol, "not_found");
}

/* The same for both lists; a moderator by his participant's role, too. */
static void only_staff_is_told_lists(void **state)
{
    const struct msg pages[] = {invitations(0, 0, 9), bans(0, 0, 9)};
    const struct msg eve = joining("Eve");
    const struct room_asker eves_token = asker_of(&eve);
    const struct room_asker admin = {.user_id = fixture.other_id, .is_admin = true};
    struct outcome outcome;
    (void)state;
    (void)carol_comes();
    make_invitation(1, "NULL");
    make_ban(1, "0");
    const uint64_t id = guest_comes(&eve);
    const struct room_asker other = dave();
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        tells(&pages[i], &eves_token, "forbidden");
        tells(&pages[i], &other, "no_such_room");
        tells(&pages[i], &admin, "1");
    }
    struct msg promote = changing(id);
    promote.participant_change.has_role = true;
    promote.participant_change.role = ROOM_MODERATOR;
    assert_int_equal(meeting_run(&promote, &meeting.carol, &outcome), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        tells(&pages[i], &eves_token, "1");
    }
    must_run(fixture.db, "UPDATE participants SET state = 1 WHERE name = 'Eve'");
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        tells(&pages[i], &eves_token, "must_wait");
    }
}

/* ---- the chat ---- */

static void writes(const struct room_asker *who, const char *text, uint64_t to)
{
    struct outcome outcome;
    const struct msg message = writing(text, to);
    assert_int_equal(meeting_run(&message, who, &outcome), ERR_OK);
}

static void the_chat_is_told_to_those_whom_it_is_for(void **state)
{
    const struct msg carols = joining("");
    const struct msg eve = joining("Eve");
    const struct msg bob = joining("Bob");
    const struct msg page = messages(MESSAGES_PAGE);
    (void)state;
    let_guests_in();
    const uint64_t carol_id = come(&carols, &meeting.carol, PARTICIPANT_JOINED);
    (void)guest_comes(&eve);
    const struct room_asker carol = asker_of(&carols);
    const struct room_asker eves_token = asker_of(&eve);
    const struct room_asker bobs_token = asker_of(&bob);
    writes(&eves_token, "before Bob", 0);
    const uint64_t bob_id = guest_comes(&bob);
    writes(&eves_token, "for Carol", carol_id);
    writes(&eves_token, "for all", 0);
    writes(&bobs_token, "from Bob", carol_id);
    writes(&carol, "for Bob", bob_id);
    tells(&page, &carol, "before Bob,for Carol,for all,from Bob,for Bob");
    tells(&page, &eves_token, "before Bob,for Carol,for all");
    tells(&page, &bobs_token, "for all,from Bob,for Bob");
    const struct msg all = messages_after(0); /* whatever he asks for */
    tells(&all, &bobs_token, "for all,from Bob,for Bob");
    const struct told told = ask(&page, &bobs_token);
    assert_true(told.answer.is_last);
    const struct msg rest = messages_after(told.ids[1]);
    tells(&rest, &bobs_token, "for Bob");
    const struct msg none = messages_after(told.ids[2]);
    tells(&none, &bobs_token, "");
}

static void the_chat_is_told_to_nobody_who_is_not_in(void **state)
{
    const struct msg eve = joining("Eve");
    const struct msg page = messages(MESSAGES_PAGE);
    const struct room_asker eves_token = asker_of(&eve);
    const struct room_asker admin = {.user_id = fixture.other_id, .is_admin = true};
    const char stranger[32] = "nobody's token has such a hash!";
    const struct room_asker strangers_token = {.token_hash = {.data = stranger, .bytes = 32}};
    struct outcome outcome;
    (void)state;
    let_guests_in();
    const uint64_t id = guest_comes(&eve);
    writes(&eves_token, "Hello", 0);
    tells(&page, &eves_token, "Hello");
    tells(&page, &meeting.carol, "forbidden"); /* the owner, who is not in */
    tells(&page, &admin, "forbidden");
    tells(&page, &strangers_token, "unauthorized");
    set_options((struct msg_room_options){.has_chat = true, .chat = false});
    tells(&page, &eves_token, "chat_off");
    set_options((struct msg_room_options){.has_chat = true, .chat = true});
    must_run(fixture.db, "UPDATE participants SET state = 1");
    tells(&page, &eves_token, "must_wait");
    must_run(fixture.db, "UPDATE participants SET state = 2");
    const struct msg remove = removing(id);
    assert_int_equal(meeting_run(&remove, &meeting.carol, &outcome), ERR_OK);
    tells(&page, &eves_token, "removed");
}

/* He who comes back was there before; what was said then is over with that meeting. */
static void a_meeting_that_is_over_is_told_to_nobody(void **state)
{
    const struct msg eve = joining("Eve");
    const struct msg back = joining("");
    const struct msg page = messages(MESSAGES_PAGE);
    const struct msg all = messages_after(0);
    const struct room_asker eves_token = asker_of(&eve);
    struct outcome outcome;
    (void)state;
    let_guests_in();
    const uint64_t id = guest_comes(&eve);
    const struct msg leave = removing(id);
    writes(&eves_token, "in the first", 0);
    assert_int_equal(meeting_run(&leave, &eves_token, &outcome), ERR_OK);
    tells(&page, &eves_token, "not_joined");
    assert_int_equal(come(&back, &eves_token, PARTICIPANT_JOINED), id);
    tells(&page, &eves_token, "");
    tells(&all, &eves_token, "");
    writes(&eves_token, "in the second", 0);
    tells(&page, &eves_token, "in the second");
    tells(&all, &eves_token, "in the second");
}

/* Of 500, of which he sees every second one. */
static void the_last_200_are_told_at_first_in_pages(void **state)
{
    const struct msg eve = joining("Eve");
    const struct room_asker eves_token = asker_of(&eve);
    struct msg page = messages(MESSAGES_PAGE);
    size_t count = 0;
    size_t pages = 1;
    (void)state;
    let_guests_in();
    (void)guest_comes(&eve);
    AUTO(mem_free)
    char *insert =
        mem_printf("INSERT INTO room_messages SELECT %s, 10 + seq, seq, seq, 77, 'Bob', seq %% 2 *"
                   " 78, seq, 1 FROM seq_1_to_500",
                   meeting.room);
    must_run(fixture.db, insert);
    struct told told = ask(&page, &eves_token);
    assert_int_equal(told.ids[0], 10 + 102);
    while (!told.answer.is_last) {
        assert_int_equal(told.answer.message_count, MESSAGES_PAGE);
        count += told.answer.message_count;
        page = messages_after(told.ids[MESSAGES_PAGE - 1]);
        told = ask(&page, &eves_token);
        assert_int_equal(told.ids[0], 10 + 102 + 2 * count);
        pages++;
    }
    assert_int_equal(count + told.answer.message_count, 200);
    assert_int_equal(pages, 8); /* the eighth is full, and known to be the last */
    page = messages_after(0);   /* he may ask for those before, too */
    assert_int_equal(ask(&page, &eves_token).ids[0], 10 + 2);
}

/* ---- before joining ---- */

static struct join_case told_case(const struct msg *request, const struct room_asker *asker)
{
    const struct told told = ask(request, asker);
    assert_int_equal(told.err, ERR_OK);
    assert_string_equal(told.answer.room.name, "Tea");
    assert_string_equal(told.answer.room.code, meeting.code);
    return told.answer.join;
}

static void who_has_the_link_is_told_what_he_will_find(void **state)
{
    const struct msg by_code = info(true, false);
    (void)state;
    set_options((struct msg_room_options){.has_lobby = true,
                                          .lobby = true,
                                          .has_locked = true,
                                          .locked = true,
                                          .has_pin = true,
                                          .pin = STR_LIT("1234")});
    struct join_case join = told_case(&by_code, &meeting.nobody);
    assert_true(join.is_guest && join.has_lobby && join.is_locked && join.guests_wait);
    assert_true(participant_needs_pin(&join));
    assert_true(participant_waits(&join));
    assert_true(participant_is_locked_out(&join)); /* which is told, and no error */
    assert_int_equal(participant_role(&join), ROOM_PARTICIPANT);
    assert_int_equal(join.joined, 0);
    assert_false(join.is_host_in);
    (void)carol_comes();
    join = told_case(&by_code, &meeting.nobody);
    assert_int_equal(join.joined, 1);
    assert_true(join.is_host_in);
    join = told_case(&by_code, &meeting.carol);
    assert_false(participant_needs_pin(&join) || participant_waits(&join) ||
                 participant_is_locked_out(&join));
    assert_int_equal(participant_role(&join), ROOM_OWNER);
    const struct room_asker admin = {.user_id = fixture.other_id, .is_admin = true};
    struct msg by_id = by_code;
    by_id.join_info.room = str_of(meeting.room);
    join = told_case(&by_id, &admin);
    assert_int_equal(participant_role(&join), ROOM_MODERATOR);
    join = told_case(&by_id, &meeting.carol);
    assert_int_equal(participant_role(&join), ROOM_OWNER);
    /* Who waits is not in. */
    const struct msg eve = joining("Eve");
    set_options((struct msg_room_options){.has_locked = true, .locked = false, .has_pin = true});
    (void)come(&eve, &meeting.nobody, PARTICIPANT_WAITING);
    assert_int_equal(told_case(&by_code, &meeting.nobody).joined, 1);
}

static void who_may_not_know_of_a_room_is_not_told(void **state)
{
    const struct msg by_code = info(true, false);
    const struct msg by_nothing = info(false, false);
    struct msg by_id = by_code;
    const struct room_asker other = dave();
    (void)state;
    by_id.join_info.room = str_of(meeting.room);
    tells(&by_id, &meeting.nobody, "no_such_room");
    tells(&by_id, &other, "no_such_room");
    tells(&by_nothing, &meeting.nobody, "no_such_room");
    set_options((struct msg_room_options){.has_access = true, .access = ROOM_MEMBERS});
    tells(&by_code, &meeting.nobody, "forbidden");
    (void)told_case(&by_code, &other);
    set_options((struct msg_room_options){.has_access = true, .access = ROOM_INVITED});
    tells(&by_code, &meeting.nobody, "no_such_room");
    tells(&by_code, &other, "no_such_room");
    must_run(fixture.db, "UPDATE rooms SET access = 1, closed_unix_ms = 1 WHERE code IS NOT NULL");
    tells(&by_code, &meeting.nobody, "gone");
}

/* Whatever the room's access is; it stands for the link and the PIN. */
static void who_has_an_invitation_is_told(void **state)
{
    const struct msg by_invitation = info(false, true);
    const struct msg by_both = info(true, true);
    const struct msg invite = inviting(ROOM_MODERATOR, 1);
    const struct room_asker other = dave();
    struct outcome outcome;
    (void)state;
    tells(&by_invitation, &meeting.nobody, "no_such_invitation");
    tells(&by_both, &meeting.nobody, "no_such_invitation");
    set_options((struct msg_room_options){
        .has_access = true, .access = ROOM_INVITED, .has_pin = true, .pin = STR_LIT("1234")});
    tells(&by_both, &meeting.nobody, "no_such_room");
    assert_int_equal(meeting_run(&invite, &meeting.carol, &outcome), ERR_OK);
    const struct room_asker askers[] = {meeting.nobody, other};
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        struct join_case join = told_case(&by_invitation, &askers[i]);
        assert_int_equal(participant_role(&join), ROOM_MODERATOR);
        assert_false(participant_needs_pin(&join));
        join = told_case(&by_both, &askers[i]);
        assert_int_equal(participant_role(&join), ROOM_MODERATOR);
    }
    value_is("SELECT uses FROM invitations", "0"); /* to ask is no use of it */
    must_run(fixture.db, "UPDATE invitations SET uses = 1");
    tells(&by_invitation, &meeting.nobody, "invitation_used_up");
    must_run(fixture.db, "UPDATE invitations SET not_before_unix_ms = 4000000000000");
    tells(&by_invitation, &meeting.nobody, "invitation_early");
    must_run(fixture.db, "UPDATE invitations SET not_before_unix_ms = 0, expires_unix_ms = 1");
    tells(&by_invitation, &meeting.nobody, "invitation_expired");
    must_run(fixture.db, "UPDATE invitations SET revoked_unix_ms = 1");
    tells(&by_invitation, &meeting.nobody, "invitation_revoked");
    tells(&by_both, &meeting.carol, "invitation_revoked");
    must_run(fixture.db, "UPDATE rooms SET closed_unix_ms = 1 WHERE code IS NOT NULL");
    tells(&by_invitation, &meeting.nobody, "gone");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, meeting_set_up, meeting_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(invitations_are_told_in_pages_but_revoked_ones),
        TEST(bans_are_told_in_pages_while_they_hold),
        TEST(only_staff_is_told_lists),
        TEST(the_chat_is_told_to_those_whom_it_is_for),
        TEST(the_chat_is_told_to_nobody_who_is_not_in),
        TEST(a_meeting_that_is_over_is_told_to_nobody),
        TEST(the_last_200_are_told_at_first_in_pages),
        TEST(who_has_the_link_is_told_what_he_will_find),
        TEST(who_may_not_know_of_a_room_is_not_told),
        TEST(who_has_an_invitation_is_told),
    };
    return cmocka_run_group_tests_name("moderation reads", tests, server_setup, server_teardown);
}
