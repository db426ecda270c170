/* Checks that tell whose session it is: from memory, until anything of the user may have changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "authsvc/session/session_events.h"
#include "authsvc/session/session_users.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/some_sessions.h"

#define T0 1700000000000
#define CAROL 41

static const struct token_hash phone = {{1}};
static const struct token_hash laptop = {{2}};

static struct {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct mock_store store;
    struct sessions *sessions;
    struct mock_call calls[8];
    size_t count;
} t;

static void add_session(const struct token_hash *token)
{
    const struct session session = {.id = 1,
                                    .user_id = CAROL,
                                    .role = ROLE_MEMBER,
                                    .kind = SESSION_WEB,
                                    .created_unix_ms = T0,
                                    .expires_unix_ms = T0 + 60000};
    sessions_add(t.sessions, token, &session);
}

static int set_up(void **state)
{
    log_capture_setup(state);
    memset(&t, 0, sizeof(t));
    t.clock = fake_clock_new();
    t.metrics = metrics_new();
    mock_store_init(&t.store);
    t.sessions = some_sessions(t.clock, &t.store, t.metrics);
    add_session(&phone);
    return 0;
}

static int tear_down(void **state)
{
    sessions_stop(t.sessions);
    sessions_free(&t.sessions);
    mock_store_fini(&t.store);
    metrics_free(&t.metrics);
    fake_clock_free(&t.clock);
    for (size_t i = 0; i < t.count; i++) {
        mock_call_fini(&t.calls[i]);
    }
    return log_capture_teardown(state);
}

static const struct mock_call *who(const struct token_hash *token)
{
    struct mock_call *call = &t.calls[t.count++];
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = {.data = (const char *)token->bytes,
                                                                 .bytes = TOKEN_HASH_BYTES},
                                                  .with_user = true}};
    mock_call_init(call, fake_clock_clock(t.clock), &request);
    sessions_check(t.sessions, &call->call);
    return call;
}

static void answer_user(enum err err, const char *display_name)
{
    struct mock_store_call *asked = mock_store_take(&t.store, MOCK_GET_USER);
    struct store_user user = {.id = CAROL,
                              .username = "carol",
                              .role = ROLE_MEMBER,
                              .version = 3,
                              .password = "never told"};
    assert_non_null(asked);
    assert_int_equal(asked->user_id, CAROL);
    assert_true(asked->deadline_ms > 0);
    (void)str_copy(user.display_name, sizeof(user.display_name), str_of(display_name));
    asked->fn.user(asked->arg, err, err == ERR_OK && display_name != NULL ? &user : NULL);
}

static void assert_told(const struct mock_call *call, const char *display_name)
{
    const struct msg_session_check_reply *reply = &call->reply.session_check_reply;
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->err, ERR_OK);
    assert_true(reply->has_user);
    assert_int_equal(reply->user.id, CAROL);
    assert_int_equal(reply->user.version, 3);
    assert_true(str_eq(reply->user.username, STR_LIT("carol")));
    assert_true(str_eq(reply->user.display_name, str_of(display_name)));
}

static size_t questions(void)
{
    return mock_store_pending(&t.store, MOCK_GET_USER);
}

static void who_it_is_is_asked_once(void **state)
{
    (void)state;
    const struct mock_call *first = who(&phone);
    assert_int_equal(first->answers, 0);
    answer_user(ERR_OK, "Carol");
    assert_told(first, "Carol");
    assert_told(who(&phone), "Carol");
    add_session(&laptop);
    assert_told(who(&laptop), "Carol");
    assert_int_equal(questions(), 0);
}

static void forget_by_session(void)
{
    sessions_forget(t.sessions, &phone);
    add_session(&phone);
}

static void forget_by_user(void)
{
    sessions_forget_user(t.sessions, CAROL);
}

static void forget_by_event(void)
{
    struct session_events *events =
        session_events_new(fake_clock_clock(t.clock), t.metrics, t.sessions, NULL);
    session_events_hear(
        events, &(struct msg_auth_event){.what = AUTH_USER_RENAMED, .user_id = CAROL, .teller = 1});
    session_events_free(&events);
}

static void (*const forgetting[])(void) = {forget_by_session, forget_by_user, forget_by_event};

static void whatever_changes_is_asked_anew(void **state)
{
    (void)state;
    (void)who(&phone);
    answer_user(ERR_OK, "Carol");
    for (size_t i = 0; i < ARRAY_LEN(forgetting); i++) {
        AUTO(mem_free) char *name = mem_printf("Carol %zu", i);
        forgetting[i]();
        const struct mock_call *call = who(&phone);
        assert_int_equal(call->answers, 0);
        answer_user(ERR_OK, name);
        assert_told(call, name);
    }
}

/* What comes may be from before the change: it is told, as it might have been a moment earlier, and
 * not kept. */
static void what_changes_meanwhile_is_not_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forgetting); i++) {
        const struct mock_call *call = who(&phone);
        forgetting[i]();
        answer_user(ERR_OK, "Old");
        assert_told(call, "Old");
        assert_int_equal(questions(), 0);
    }
    (void)who(&phone);
    answer_user(ERR_OK, "New");
}

static void nobody_is_known_for_long(void **state)
{
    (void)state;
    (void)who(&phone);
    answer_user(ERR_OK, "Carol");
    fake_clock_advance(t.clock, SESSION_USERS_AGE_MS - 1);
    add_session(&laptop);
    assert_told(who(&laptop), "Carol");
    fake_clock_advance(t.clock, 1);
    const struct mock_call *call = who(&laptop);
    answer_user(ERR_OK, "Caroline");
    assert_told(call, "Caroline");
}

static void who_is_gone_has_no_session(void **state)
{
    (void)state;
    const struct mock_call *call = who(&phone);
    answer_user(ERR_OK, NULL);
    assert_int_equal(call->err, ERR_UNAUTHORIZED);
}

static void failures_are_told(void **state)
{
    (void)state;
    log_capture_expect("session check failed");
    const struct mock_call *call = who(&phone);
    answer_user(ERR_UNAVAILABLE, NULL);
    assert_int_equal(call->err, ERR_UNAVAILABLE);
    t.store.refuse = ERR_OVERLOADED;
    assert_int_equal(who(&phone)->err, ERR_OVERLOADED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_it_is_is_asked_once),
        TEST(whatever_changes_is_asked_anew),
        TEST(what_changes_meanwhile_is_not_kept),
        TEST(nobody_is_known_for_long),
        TEST(who_is_gone_has_no_session),
        TEST(failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
