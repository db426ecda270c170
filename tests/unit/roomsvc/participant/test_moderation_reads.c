/* What is told of invitations, bans and the chat, and of a room before one comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/participant/moderation_reads.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

static struct {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct moderation_reads *reads;
    struct mock_call call;
    struct invitation invitations[2];
    struct ban bans[2];
    struct chat_message messages[2];
    struct moderation_answer answer;
    struct room_asker asker;
    enum err err;
    unsigned asked;
} t;

static enum err ask_store(void *self, const struct msg *request, const struct room_asker *asker,
                          uint64_t deadline_ms, moderation_store_fn *fn, void *arg)
{
    (void)self;
    (void)request;
    assert_true(deadline_ms > 0);
    t.asker = *asker;
    t.asked++;
    fn(arg, t.err, t.err == ERR_OK ? &t.answer : NULL);
    return ERR_OK;
}

static const struct moderation_store_ops ops = {ask_store};

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_capture_setup(NULL);
    t.clock = fake_clock_new();
    t.metrics = metrics_new();
    t.reads = moderation_reads_new(fake_clock_clock(t.clock), t.metrics,
                                   (struct moderation_store){.ops = &ops});
    for (uint64_t i = 0; i < 2; i++) {
        t.invitations[i] =
            (struct invitation){.id = 1 + i, .role = ROOM_VIEWER, .label = "Tea", .max_uses = 3};
        t.bans[i] = (struct ban){.id = 1 + i, .name = "Eve", .note = "spam", .has_device = 1};
        t.messages[i] = (struct chat_message){
            .id = 1 + i, .seq = 40 + i, .from_id = 5, .from_name = "Eve", .text = "Hello"};
    }
    t.answer.invitations = t.invitations;
    t.answer.bans = t.bans;
    t.answer.messages = t.messages;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mock_call_fini(&t.call);
    moderation_reads_free(&t.reads);
    metrics_free(&t.metrics);
    fake_clock_free(&t.clock);
    return log_capture_teardown(NULL);
}

static void ask(const struct msg *request, struct principal principal)
{
    mock_call_fini(&t.call);
    mock_call_init(&t.call, fake_clock_clock(t.clock), request);
    t.call.call.context.principal = principal;
    t.call.call.peer_role = "gateway";
    moderation_reads_answer(t.reads, &t.call.call);
}

static const struct principal nobody = {.kind = PRINCIPAL_NONE};
static const struct principal user = {
    .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = 3, .session_id = 1};
static const char token_hash[32] = "the hash of a participant token";

static const struct msg read_invitations = {.id = MSG_invitation_page,
                                            .invitation_page = {.room = STR_LIT("7"), .limit = 9}};
static const struct msg read_bans = {.id = MSG_ban_page,
                                     .ban_page = {.room = STR_LIT("7"), .limit = 9}};
static const struct msg read_chat = {
    .id = MSG_message_page,
    .message_page = {.room = STR_LIT("7"),
                     .asker = {.token_hash = {.data = token_hash, .bytes = 32}},
                     .limit = 9}};
static const struct msg read_info = {.id = MSG_join_info,
                                     .join_info = {.room = STR_LIT("abcdefghij")}};

static void whoever_asks_is_known_but_for_who_wants_to_come_in(void **state)
{
    (void)state;
    ask(&read_invitations, nobody);
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    ask(&read_bans, nobody);
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    struct msg chat = read_chat;
    chat.message_page.asker.token_hash = STR_NONE;
    ask(&chat, nobody);
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    assert_int_equal(t.asked, 0);
    t.answer.join.role = ROOM_PARTICIPANT;
    (void)memcpy(t.answer.room.name, "Tea", sizeof("Tea"));
    ask(&read_info, nobody);
    assert_int_equal(t.call.err, ERR_OK);
    assert_int_equal(t.asker.user_id, 0);
    ask(&read_info, user);
    assert_int_equal(t.asker.user_id, 3);
    assert_false(t.asker.is_admin);
    ask(&read_info, (struct principal){.kind = PRINCIPAL_ADMIN_TOOL});
    assert_true(t.asker.is_admin);
}

/* Who shows a participant's token is that one, whoever has signed in. */
static void a_participants_token_says_who_asks(void **state)
{
    (void)state;
    ask(&read_chat, user);
    assert_int_equal(t.asker.user_id, 0);
    assert_int_equal(t.asker.token_hash.bytes, 32);
    struct msg invitations = read_invitations;
    invitations.invitation_page.has_asker = true;
    invitations.invitation_page.asker = read_chat.message_page.asker;
    ask(&invitations, user);
    assert_int_equal(t.asker.token_hash.bytes, 32);
    struct msg bans = read_bans;
    bans.ban_page.has_asker = true;
    bans.ban_page.asker = read_chat.message_page.asker;
    ask(&bans, user);
    assert_int_equal(t.asker.token_hash.bytes, 32);
}

static void lists_are_told(void **state)
{
    (void)state;
    t.answer.invitation_count = t.answer.ban_count = t.answer.message_count = 2;
    t.answer.is_last = true;
    ask(&read_invitations, user);
    const struct msg_invitation_list invitations = t.call.reply.invitation_page_reply.invitations;
    assert_int_equal(invitations.count, 2);
    assert_int_equal(invitations.items[1].id, 2);
    assert_int_equal(invitations.items[1].max_uses, 3);
    ask(&read_bans, user);
    assert_int_equal(t.call.reply.ban_page_reply.bans.count, 2);
    assert_true(t.call.reply.ban_page_reply.bans.items[1].device);
    ask(&read_chat, nobody);
    assert_int_equal(t.call.reply.message_page_reply.messages.count, 2);
    assert_int_equal(t.call.reply.message_page_reply.messages.items[1].seq, 41);
    assert_true(t.call.reply.message_page_reply.is_last);
}

static const struct msg_join_info_reply *told_of(const struct join_case *join)
{
    t.answer.join = *join;
    (void)memcpy(t.answer.room.name, "Tea", sizeof("Tea"));
    (void)memcpy(t.answer.room.code, "abcdefghij", sizeof("abcdefghij"));
    ask(&read_info, nobody);
    assert_int_equal(t.call.err, ERR_OK);
    return &t.call.reply.join_info_reply;
}

/* Who waits for somebody to let him in, and who for a host to come, are not the same. */
static void what_he_will_find_is_told(void **state)
{
    struct join_case join = {.is_guest = true, .has_code = true, .guests_wait = true};
    (void)state;
    const struct msg_join_info_reply *info = told_of(&join);
    assert_true(str_eq(info->name, STR_LIT("Tea")));
    assert_true(str_eq(info->code, STR_LIT("abcdefghij")));
    assert_int_equal(info->role, ROOM_PARTICIPANT);
    assert_true(info->waits);
    assert_false(info->begun || info->lobby || info->locked || info->needs_pin);
    join.is_host_in = true;
    join.joined = 1;
    info = told_of(&join);
    assert_true(info->begun);
    assert_false(info->waits || info->lobby);
    join.has_lobby = join.is_locked = join.has_pin = true;
    info = told_of(&join);
    assert_true(info->waits && info->lobby && info->locked && info->needs_pin);
    join.is_invited = true;
    join.invited_role = ROOM_MODERATOR;
    info = told_of(&join);
    assert_int_equal(info->role, ROOM_MODERATOR);
    assert_false(info->waits || info->lobby || info->locked || info->needs_pin);
}

static void failures_are_told_and_counted(void **state)
{
    (void)state;
    t.err = ERR_UNAVAILABLE;
    log_capture_expect("what concerns who may be in a room could not be read");
    ask(&read_info, nobody);
    assert_int_equal(t.call.err, ERR_UNAVAILABLE);
    t.err = ERR_NO_SUCH_INVITATION;
    ask(&read_info, nobody);
    assert_int_equal(t.call.err, ERR_NO_SUCH_INVITATION);
    size_t bytes = 0;
    AUTO(mem_free) char *text = metrics_write(t.metrics, &bytes);
    assert_non_null(strstr(text, "lynks_moderation_reads_total{result=\"refused\"} 1"));
    assert_non_null(strstr(text, "lynks_moderation_reads_total{result=\"failed\"} 1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whoever_asks_is_known_but_for_who_wants_to_come_in),
        TEST(a_participants_token_says_who_asks),
        TEST(lists_are_told),
        TEST(what_he_will_find_is_told),
        TEST(failures_are_told_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
