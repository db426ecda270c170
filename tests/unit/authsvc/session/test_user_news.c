/* Changes of users, which stand in the log of revocations: told once each, and about no session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/c/log_capture.h"
#include "tests/unit/authsvc/some_sessions.h"

#define CAROL 41

struct told {
    size_t users, sessions;
    enum auth_news last;
};

static void on_user_news(void *arg, uint64_t user_id, enum auth_news news)
{
    struct told *told = arg;
    assert_int_equal(user_id, CAROL);
    told->users++;
    told->last = news;
}

static void on_session_news(void *arg, const struct token_hash *token)
{
    struct told *told = arg;
    (void)token;
    told->sessions++;
}

/* What the log has after what was seen: an answer to the pending look. */
static void read_log(struct fake_clock *clock, struct mock_store *store,
                     const struct store_revocation *rows, size_t count)
{
    struct mock_store_call *asked = mock_store_take(store, MOCK_FIND_REVOKED);
    struct store_revocations *revoked = mem_alloc(sizeof(*revoked));
    assert_non_null(asked);
    revoked->now_unix_ms = clock_unix_ms(fake_clock_clock(clock));
    revoked->last.seq = 70;
    for (size_t i = 0; i < count; i++) {
        revoked->items[i] = rows[i];
        revoked->last = rows[i];
    }
    revoked->count = count;
    asked->fn.revocations(asked->arg, ERR_OK, revoked);
    mem_free(&revoked);
}

static void whoever_listens_is_told_once_of_each_change(void **state)
{
    static const struct token_hash every = STORE_EVERY_TOKEN;
    const struct store_revocation rows[] = {
        {.seq = 71, .token = {{1}}, .user_id = CAROL, .news = AUTH_USER_ROLE},
        {.seq = 72, .token = every, .user_id = CAROL, .news = AUTH_USER_RENAMED},
        {.seq = 73, .token = {{2}}, .user_id = CAROL, .news = AUTH_USER_REMOVED}};
    struct fake_clock *clock = fake_clock_new();
    struct metrics *metrics = metrics_new();
    struct mock_store store;
    struct told told = {0};
    (void)state;
    mock_store_init(&store);
    struct sessions *sessions = some_sessions(clock, &store, metrics);
    const struct sessions_listener listener = {
        .on_session = on_session_news, .on_user = on_user_news, .arg = &told};
    sessions_listen(sessions, &listener);
    fake_clock_advance(clock, 0);
    read_log(clock, &store, NULL, 0);
    for (unsigned turn = 0; turn < 10; turn++) { /* it is read again in several turns */
        fake_clock_advance(clock, 500);
        read_log(clock, &store, rows, turn == 0 ? 2 : 3);
        assert_int_equal(told.users, turn == 0 ? 2 : 3);
        assert_int_equal(told.last, turn == 0 ? AUTH_USER_RENAMED : AUTH_USER_REMOVED);
    }
    assert_int_equal(told.sessions, 0);
    sessions_stop(sessions);
    sessions_free(&sessions);
    mock_store_fini(&store);
    metrics_free(&metrics);
    fake_clock_free(&clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whoever_listens_is_told_once_of_each_change,
                                        log_capture_setup, log_capture_teardown),
    };
    return cmocka_run_group_tests_name("user news", tests, NULL, NULL);
}
