/* The handlers of rooms of people: who may ask, what is answered; the store is played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "roomsvc/room/managed_rooms.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"

static struct {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct room_cache *cache;
    struct room_news *news;
    struct managed_rooms *rooms;
    struct mock_call call;
    /* What the store was asked, and will say. */
    enum msg_id asked;
    struct room_asker asker;
    enum err err, refuse;
    struct managed_outcome outcome;
    struct managed_page page;
    struct member_page members;
    unsigned sweeps;
    bool is_more;
} t;

static const struct principal carol = {
    .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = 7, .session_id = 1};
static const struct principal admin = {
    .kind = PRINCIPAL_USER, .role = ROLE_ADMIN, .user_id = 1, .session_id = 1};
static const struct principal tool = {.kind = PRINCIPAL_ADMIN_TOOL};

static enum err run(void *self, const struct msg *request, const struct room_asker *asker,
                    uint64_t deadline_ms, managed_store_fn *fn, void *arg)
{
    (void)self;
    assert_true(deadline_ms > 0);
    t.asked = request->id;
    t.asker = *asker;
    if (t.refuse == ERR_OK) {
        fn(arg, t.err, t.err == ERR_OK ? &t.outcome : NULL);
    }
    return t.refuse;
}

static enum err find_page(void *self, const struct msg_room_page *request,
                          const struct room_asker *asker, uint64_t deadline_ms,
                          managed_store_page_fn *fn, void *arg)
{
    (void)self;
    (void)request;
    assert_true(deadline_ms > 0);
    t.asked = MSG_room_page;
    t.asker = *asker;
    if (t.refuse == ERR_OK) {
        fn(arg, t.err, t.err == ERR_OK ? &t.page : NULL);
    }
    return t.refuse;
}

static enum err find_members(void *self, const struct msg_member_page *request,
                             const struct room_asker *asker, uint64_t deadline_ms,
                             managed_store_members_fn *fn, void *arg)
{
    (void)self;
    (void)request;
    assert_true(deadline_ms > 0);
    t.asked = MSG_member_page;
    t.asker = *asker;
    if (t.refuse == ERR_OK) {
        fn(arg, t.err, t.err == ERR_OK ? &t.members : NULL);
    }
    return t.refuse;
}

static enum err sweep(void *self, managed_store_swept_fn *fn, void *arg)
{
    (void)self;
    t.sweeps++;
    if (t.refuse == ERR_OK) {
        fn(arg, t.err, t.is_more);
    }
    return t.refuse;
}

static const struct managed_store_ops ops = {run, find_page, find_members, sweep};

static struct managed_room some_room(uint64_t id)
{
    struct managed_room room = {.id = id,
                                .access = ROOM_INVITED,
                                .lobby = 1,
                                .participants_max = 9,
                                .publishers_max = 3,
                                .unmute = ROOM_UNMUTE_MODERATORS,
                                .empty_timeout_s = 60,
                                .owner_id = 7,
                                .role = ROOM_MODERATOR,
                                .version = 4};
    (void)str_copy(room.name, sizeof(room.name), STR_LIT("Tea"));
    (void)str_copy(room.node, sizeof(room.node), STR_LIT("default"));
    return room;
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_capture_setup(NULL);
    t.clock = fake_clock_new();
    t.metrics = metrics_new();
    t.cache = room_cache_new(&(struct room_cache_config){
        .clock = fake_clock_clock(t.clock), .rooms_max = 10, .age_ms = 1000});
    t.news = room_news_new(fake_clock_clock(t.clock), t.metrics, NULL);
    const struct managed_rooms_parts parts = {.clock = fake_clock_clock(t.clock),
                                              .store = {.ops = &ops},
                                              .cache = t.cache,
                                              .news = t.news,
                                              .metrics = t.metrics};
    t.rooms = managed_rooms_new(&parts);
    t.outcome.room = some_room(77);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    managed_rooms_free(&t.rooms);
    room_cache_free(&t.cache);
    room_news_free(&t.news);
    metrics_free(&t.metrics);
    fake_clock_free(&t.clock);
    return log_capture_teardown(NULL);
}

typedef void handler_fn(struct managed_rooms *rooms, struct call *call);

/* The call's error; what is answered is in t.call until tear_call. */
static enum err ask_as(const struct principal *who, const struct msg *request, handler_fn *handler)
{
    mock_call_init(&t.call, fake_clock_clock(t.clock), request);
    t.call.call.context.principal = *who;
    t.asked = MSG_NONE;
    handler(t.rooms, &t.call.call);
    assert_int_equal(t.call.answers, 1);
    return t.call.err;
}

static enum err ask_and_forget(const struct principal *who, const struct msg *request,
                               handler_fn *handler)
{
    const enum err err = ask_as(who, request, handler);
    mock_call_fini(&t.call);
    return err;
}

static const struct msg get = {.id = MSG_room_get, .room_get = {.room = STR_LIT("77")}};

static void the_room_is_answered_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(ask_as(&carol, &get, managed_rooms_run), ERR_OK);
    assert_int_equal(t.call.reply.id, MSG_room_get_reply);
    const struct msg_room *room = &t.call.reply.room_get_reply.room;
    assert_int_equal(room->id, 77);
    assert_int_equal(room->access, ROOM_INVITED);
    assert_int_equal(room->unmute, ROOM_UNMUTE_MODERATORS);
    assert_true(room->lobby && !room->locked && !room->chat && !room->has_pin);
    assert_true(room->has_role);
    assert_int_equal(room->role, ROOM_MODERATOR);
    assert_int_equal(room->node.bytes, 0); /* for admins only */
    mock_call_fini(&t.call);
    t.outcome.room.role = 0;
    assert_int_equal(ask_as(&admin, &get, managed_rooms_run), ERR_OK);
    assert_false(t.call.reply.room_get_reply.room.has_role);
    assert_true(str_eq(t.call.reply.room_get_reply.room.node, STR_LIT("default")));
    mock_call_fini(&t.call);
}

/* Whoever asks, the store is told who he is. */
static void who_asks_is_known(void **state)
{
    static const struct principal strangers[] = {
        {.kind = PRINCIPAL_NONE, .role = ROLE_MEMBER},
        {.kind = PRINCIPAL_USER, .role = ROLE_MEMBER},
        {.kind = PRINCIPAL_PARTICIPANT, .role = ROLE_MEMBER},
        {.kind = PRINCIPAL_STREAM_KEY, .role = ROLE_MEMBER}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        assert_int_equal(ask_and_forget(&strangers[i], &get, managed_rooms_run), ERR_FORBIDDEN);
        assert_int_equal(t.asked, MSG_NONE);
    }
    assert_int_equal(ask_and_forget(&carol, &get, managed_rooms_run), ERR_OK);
    assert_true(t.asker.user_id == 7 && !t.asker.is_admin);
    assert_int_equal(ask_and_forget(&admin, &get, managed_rooms_run), ERR_OK);
    assert_true(t.asker.user_id == 1 && t.asker.is_admin);
    assert_int_equal(ask_and_forget(&tool, &get, managed_rooms_run), ERR_OK);
    assert_true(t.asker.user_id == 0 && t.asker.is_admin);
}

static void pages_are_for_oneself_and_for_admins(void **state)
{
    static const struct {
        const struct principal *who;
        uint64_t user_id;
        enum err err;
    } rows[] = {{&carol, 7, ERR_OK}, {&carol, 0, ERR_FORBIDDEN}, {&carol, 8, ERR_FORBIDDEN},
                {&admin, 0, ERR_OK}, {&admin, 7, ERR_OK},        {&tool, 0, ERR_OK},
                {&tool, 7, ERR_OK}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct msg page = {.id = MSG_room_page,
                                 .room_page = {.limit = 5, .user_id = rows[i].user_id}};
        assert_int_equal(ask_and_forget(rows[i].who, &page, managed_rooms_page), rows[i].err);
        assert_int_equal(t.asked, rows[i].err == ERR_OK ? MSG_room_page : MSG_NONE);
    }
}

static void pages_carry_all_their_items(void **state)
{
    const struct msg page = {.id = MSG_room_page, .room_page = {.limit = 2, .user_id = 7}};
    const struct msg members = {.id = MSG_member_page,
                                .member_page = {.room = STR_LIT("77"), .limit = 2}};
    (void)state;
    t.page = (struct managed_page){.items = {some_room(1), some_room(2)}, .count = 2};
    assert_int_equal(ask_as(&carol, &page, managed_rooms_page), ERR_OK);
    assert_int_equal(t.call.reply.room_page_reply.rooms.count, 2);
    assert_int_equal(t.call.reply.room_page_reply.rooms.items[1].id, 2);
    mock_call_fini(&t.call);
    t.members = (struct member_page){
        .items = {{.user_id = 3, .display_name = "Dave", .role = ROOM_VIEWER}}, .count = 1};
    assert_int_equal(ask_as(&carol, &members, managed_rooms_members), ERR_OK);
    assert_int_equal(t.call.reply.member_page_reply.members.items[0].user_id, 3);
    assert_int_equal(t.call.reply.member_page_reply.members.items[0].role, ROOM_VIEWER);
    mock_call_fini(&t.call);
}

/* What the caller did wrong is his business; what we did is logged and counted. */
static void failures_are_told_and_counted(void **state)
{
    (void)state;
    t.err = ERR_STALE;
    assert_int_equal(ask_and_forget(&carol, &get, managed_rooms_run), ERR_STALE);
    log_capture_expect("a command on a room has failed");
    t.err = ERR_INTERNAL;
    assert_int_equal(ask_and_forget(&carol, &get, managed_rooms_run), ERR_INTERNAL);
    assert_int_equal(log_capture_count("command=room_get error=internal"), 1);
    t.refuse = ERR_UNAVAILABLE;
    const struct msg page = {.id = MSG_room_page, .room_page = {.limit = 2, .user_id = 7}};
    const struct msg members = {.id = MSG_member_page,
                                .member_page = {.room = STR_LIT("77"), .limit = 2}};
    assert_int_equal(ask_and_forget(&carol, &get, managed_rooms_run), ERR_UNAVAILABLE);
    assert_int_equal(ask_and_forget(&carol, &page, managed_rooms_page), ERR_UNAVAILABLE);
    assert_int_equal(ask_and_forget(&carol, &members, managed_rooms_members), ERR_UNAVAILABLE);
    size_t bytes;
    AUTO(mem_free) char *text = metrics_write(t.metrics, &bytes);
    assert_non_null(strstr(text, "lynks_room_commands_total{result=\"refused\"} 1\n"));
    assert_non_null(strstr(text, "lynks_room_commands_total{result=\"failed\"} 4\n"));
}

static void each_command_has_its_answer(void **state)
{
    static const struct {
        enum msg_id request, reply;
    } rows[] = {
        {MSG_room_add, MSG_room_add_reply},     {MSG_room_change, MSG_room_change_reply},
        {MSG_room_close, MSG_room_close_reply}, {MSG_room_hand_over, MSG_room_hand_over_reply},
        {MSG_member_set, MSG_member_set_reply}, {MSG_member_remove, MSG_member_remove_reply}};
    static const char key[16] = "key";
    (void)state;
    t.outcome.member =
        (struct room_member){.user_id = 3, .display_name = "Dave", .role = ROOM_VIEWER};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct msg request = {.id = rows[i].request};
        /* The first field of each of them. */
        request.room_add.idempotency_key = (struct str){.data = key, .bytes = sizeof(key)};
        assert_int_equal(ask_as(&carol, &request, managed_rooms_run), ERR_OK);
        assert_int_equal(t.asked, rows[i].request);
        assert_int_equal(t.call.reply.id, rows[i].reply);
        mock_call_fini(&t.call);
    }
    assert_int_equal(log_capture_count("room changed"), ARRAY_LEN(rows));
}

static void keys_of_old_commands_are_swept(void **state)
{
    (void)state;
    fake_clock_advance(t.clock, 59999);
    assert_int_equal(t.sweeps, 0);
    t.is_more = true;
    fake_clock_advance(t.clock, 1);
    assert_int_equal(t.sweeps, 1);
    t.is_more = false;
    fake_clock_advance(t.clock, 1000);
    assert_int_equal(t.sweeps, 2);
    fake_clock_advance(t.clock, 1000);
    assert_int_equal(t.sweeps, 2);
    t.err = ERR_UNAVAILABLE;
    fake_clock_advance(t.clock, 59000);
    assert_int_equal(t.sweeps, 3);
    t.refuse = ERR_OVERLOADED;
    fake_clock_advance(t.clock, 60000);
    assert_int_equal(t.sweeps, 4);
    t.refuse = ERR_OK;
    fake_clock_advance(t.clock, 60000);
    assert_int_equal(t.sweeps, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_room_is_answered_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_asks_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_are_for_oneself_and_for_admins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_carry_all_their_items, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_told_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_command_has_its_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_of_old_commands_are_swept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
