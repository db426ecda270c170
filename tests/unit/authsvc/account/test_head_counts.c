/* How many users and sessions there are: who may ask, and what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "authsvc/account/head_counts.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/mock_store.h"

static struct {
    struct fake_clock *clock;
    struct mock_store store;
    struct head_counts *counts;
    struct mock_call call;
} t;

static int set_up(void **state)
{
    t.clock = fake_clock_new();
    mock_store_init(&t.store);
    t.counts = head_counts_new(fake_clock_clock(t.clock), mock_store_store(&t.store));
    return log_capture_setup(state);
}

static int tear_down(void **state)
{
    mock_call_fini(&t.call);
    head_counts_stop(t.counts);
    head_counts_free(&t.counts);
    mock_store_fini(&t.store);
    fake_clock_free(&t.clock);
    return log_capture_teardown(state);
}

static void ask_as(struct principal principal)
{
    static const struct msg request = {.id = MSG_auth_stats};
    mock_call_fini(&t.call);
    mock_call_init(&t.call, fake_clock_clock(t.clock), &request);
    t.call.call.context.principal = principal;
    head_counts_tell(t.counts, &t.call.call);
}

static const struct principal admin = {
    .kind = PRINCIPAL_USER, .role = ROLE_ADMIN, .user_id = 7, .session_id = 1};

static void only_admins_are_told(void **state)
{
    (void)state;
    ask_as((struct principal){.kind = PRINCIPAL_NONE});
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    ask_as((struct principal){
        .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = 7, .session_id = 1});
    assert_int_equal(t.call.err, ERR_FORBIDDEN);
    assert_null(mock_store_take(&t.store, MOCK_COUNT));
}

static void what_is_counted_is_told(void **state)
{
    const struct store_counted counted = {.users = 5, .disabled = 1, .sessions = 8};
    (void)state;
    ask_as(admin);
    const struct mock_store_call *asked = mock_store_take(&t.store, MOCK_COUNT);
    assert_non_null(asked);
    assert_true(asked->deadline_ms > 0);
    asked->fn.counted(asked->arg, ERR_OK, &counted);
    assert_int_equal(t.call.err, ERR_OK);
    assert_int_equal(t.call.reply.auth_stats_reply.users, 5);
    assert_int_equal(t.call.reply.auth_stats_reply.disabled, 1);
    assert_int_equal(t.call.reply.auth_stats_reply.sessions, 8);
}

static void what_fails_is_told_and_logged_once(void **state)
{
    (void)state;
    log_capture_expect("users and sessions not counted");
    ask_as(admin);
    const struct mock_store_call *asked = mock_store_take(&t.store, MOCK_COUNT);
    assert_non_null(asked);
    asked->fn.counted(asked->arg, ERR_UNAVAILABLE, NULL);
    assert_int_equal(t.call.err, ERR_UNAVAILABLE);
    t.store.refuse = ERR_OVERLOADED;
    ask_as(admin);
    assert_int_equal(t.call.err, ERR_OVERLOADED);
    t.store.refuse = ERR_OK;
    assert_int_equal(log_capture_count("users and sessions not counted"), 1);
    head_counts_stop(t.counts);
    ask_as(admin);
    assert_int_equal(t.call.err, ERR_DRAINING);
    assert_null(mock_store_take(&t.store, MOCK_COUNT));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_admins_are_told),
        TEST(what_is_counted_is_told),
        TEST(what_fails_is_told_and_logged_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
