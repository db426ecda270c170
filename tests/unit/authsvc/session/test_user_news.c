/* What the log of revocations has beside revocations: changes of users, told once each, and about
 * no session; and that the database has become another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/support/c/log_capture.h"
#include "tests/unit/authsvc/some_sessions.h"

#define CAROL 41

struct told {
    size_t users, sessions, alls;
    enum auth_news last;
};

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct mock_store store;
    struct sessions *sessions;
    struct told told;
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

static void on_all_news(void *arg)
{
    struct told *told = arg;
    told->alls++;
}

/* What the log has after what was seen: an answer to the pending look. */
static void read_log(struct fixture *f, const struct store_revocation *rows, size_t count)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_REVOKED);
    struct store_revocations *revoked = mem_alloc(sizeof(*revoked));
    assert_non_null(asked);
    revoked->now_unix_ms = clock_unix_ms(fake_clock_clock(f->clock));
    revoked->last.seq = 70;
    for (size_t i = 0; i < count; i++) {
        revoked->items[i] = rows[i];
        revoked->last = rows[i];
    }
    revoked->count = count;
    asked->fn.revocations(asked->arg, ERR_OK, revoked);
    mem_free(&revoked);
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    mock_store_init(&f->store);
    f->sessions = some_sessions(f->clock, &f->store, f->metrics);
    const struct sessions_listener listener = {.on_session = on_session_news,
                                               .on_user = on_user_news,
                                               .on_all = on_all_news,
                                               .arg = &f->told};
    sessions_listen(f->sessions, &listener);
    fake_clock_advance(f->clock, 0);
    read_log(f, NULL, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sessions_stop(f->sessions);
    sessions_free(&f->sessions);
    mock_store_fini(&f->store);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    free(f);
    return log_capture_teardown(NULL);
}

static void whoever_listens_is_told_once_of_each_change(void **state)
{
    static const struct token_hash every = STORE_EVERY_TOKEN;
    const struct store_revocation rows[] = {
        {.seq = 71, .token = {{1}}, .user_id = CAROL, .news = AUTH_USER_ROLE},
        {.seq = 72, .token = every, .user_id = CAROL, .news = AUTH_USER_RENAMED},
        {.seq = 70, .token = {{2}}, .user_id = CAROL, .news = AUTH_USER_REMOVED}};
    struct fixture *f = *state;
    /* They are read again in several turns; one whose commit came late has a lower number. */
    for (unsigned turn = 0; turn < 10; turn++) {
        fake_clock_advance(f->clock, 500);
        read_log(f, rows, turn == 0 ? 2 : 3);
        assert_int_equal(f->told.users, turn == 0 ? 2 : 3);
        assert_int_equal(f->told.last, turn == 0 ? AUTH_USER_RENAMED : AUTH_USER_REMOVED);
    }
    assert_int_equal(f->told.sessions, 0);
    assert_int_equal(f->told.alls, 0);
}

static void whoever_listens_is_told_once_of_a_restored_back_up(void **state)
{
    static const struct token_hash every = STORE_EVERY_TOKEN;
    const struct store_revocation row = {.seq = 71, .token = every};
    struct fixture *f = *state;
    log_capture_expect("a back-up was restored");
    for (unsigned turn = 0; turn < 10; turn++) {
        fake_clock_advance(f->clock, 500);
        read_log(f, &row, 1);
        assert_int_equal(f->told.alls, 1);
    }
    assert_int_equal(f->told.sessions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whoever_listens_is_told_once_of_each_change, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(whoever_listens_is_told_once_of_a_restored_back_up, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("user news", tests, NULL, NULL);
}
