/* Logins with a mocked store, hasher and clock: every way one can end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "authsvc/account/logins.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/mock_hasher.h"
#include "tests/unit/authsvc/mock_store.h"

#define T0 1700000000000
#define IDLE 300000
#define WEB_IDLE UINT64_C(604800000)

static const struct token_hash token = {{1}};

struct fixture {
    struct fake_clock *clock;
    struct mock_store store;
    struct mock_hasher hasher;
    struct metrics *metrics;
    struct sessions *sessions;
    struct logins *logins;
    struct mock_call call;
};

static int setup(void **state)
{
    log_capture_setup(state);
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    const struct session_rules rules = {.original = {.idle_ms = IDLE, .lifetime_ms = 43200000},
                                        .web = {.idle_ms = WEB_IDLE, .lifetime_ms = 4 * WEB_IDLE},
                                        .outage_ms = 600000};
    const struct sessions_config sessions = {
        .rules = rules, .cache_max = 16, .lookups_max = 4, .users_max = 16};
    f->sessions = sessions_new(fake_clock_clock(f->clock), mock_store_store(&f->store), f->metrics,
                               &sessions);
    const struct logins_parts parts = {.clock = fake_clock_clock(f->clock),
                                       .store = mock_store_store(&f->store),
                                       .hasher = mock_hasher_hasher(&f->hasher),
                                       .sessions = f->sessions,
                                       .metrics = f->metrics};
    const struct logins_config logins = {.rules = rules, .sessions_per_user_max = 3};
    f->logins = logins_new(&parts, &logins);
    const struct msg request = {
        .id = MSG_login,
        .login = {.username = STR_LIT("ann"),
                  .password = STR_LIT("sesame"),
                  .token_hash = {.data = (const char *)token.bytes, .bytes = TOKEN_HASH_BYTES}}};
    mock_call_init(&f->call, fake_clock_clock(f->clock), &request);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sessions_stop(f->sessions);
    logins_free(&f->logins);
    sessions_free(&f->sessions);
    metrics_free(&f->metrics);
    mock_store_fini(&f->store);
    mock_call_fini(&f->call);
    fake_clock_free(&f->clock);
    free(f);
    return log_capture_teardown(state);
}

static const struct store_user ann = {.id = 41,
                                      .username = "ann",
                                      .display_name = "Ann",
                                      .role = ROLE_MEMBER,
                                      .password_changes = 3,
                                      .password = "$stored$"};
static const unsigned char address[16] = {0x20, 0x01, [15] = 7};
static const unsigned char nowhere[16];

static void start(struct fixture *f)
{
    logins_start(f->logins, &f->call.call);
}

static void find(struct fixture *f, enum err err, const struct store_user *user)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_USER);
    assert_non_null(asked);
    assert_string_equal(asked->username, "ann");
    assert_int_equal(asked->deadline_ms, f->call.call.context.deadline_ms);
    asked->fn.user(asked->arg, err, user);
}

static void verified(struct fixture *f, enum err err, bool needs_rehash)
{
    f->hasher.verified(f->hasher.arg, err, needs_rehash);
}

static void opened(struct fixture *f, enum err err)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_OPEN_SESSION);
    assert_non_null(asked);
    const struct store_draft *draft = &asked->draft;
    assert_memory_equal(&draft->token, &token, sizeof(token));
    assert_int_equal(draft->user_id, 41);
    assert_int_equal(draft->now_unix_ms, T0);
    assert_int_equal(draft->password_changes, 3);
    const bool is_web = f->call.call.request.id == MSG_session_open;
    assert_int_equal(draft->kind, is_web ? SESSION_WEB : SESSION_ORIGINAL);
    assert_int_equal(draft->expires_unix_ms, T0 + (is_web ? WEB_IDLE : IDLE));
    assert_string_equal(draft->device, is_web ? "her phone" : "");
    assert_memory_equal(draft->address, is_web ? address : nowhere, sizeof(address));
    assert_int_equal(draft->sessions_max, 3);
    struct store_opened *answer = mem_alloc(sizeof(*answer));
    answer->session = (struct session){.id = 5,
                                       .user_id = 41,
                                       .role = ROLE_ADMIN,
                                       .kind = draft->kind,
                                       .created_unix_ms = T0,
                                       .expires_unix_ms = draft->expires_unix_ms};
    asked->fn.opened(asked->arg, err, err == ERR_OK ? answer : NULL);
    mem_free(&answer);
}

static void assert_failed(const struct fixture *f, enum err err)
{
    assert_int_equal(f->call.answers, 1);
    assert_int_equal(f->call.err, err);
}

static void right_password(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    assert_true(f->hasher.is_known);
    assert_string_equal(f->hasher.stored, "$stored$");
    assert_string_equal(f->hasher.password, "sesame");
    assert_int_equal(f->hasher.deadline_ms, f->call.call.context.deadline_ms);
    verified(f, ERR_OK, false);
    assert_int_equal(f->call.answers, 0);
    opened(f, ERR_OK);
    assert_int_equal(f->call.err, ERR_OK);
    assert_int_equal(f->call.reply.login_reply.user_id, 41);
    assert_int_equal(f->call.reply.login_reply.expires_unix_ms, T0 + IDLE);
    assert_int_equal(f->hasher.rehashes, 0);
}

static void then_the_session_is_known(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, false);
    opened(f, ERR_OK);
    struct mock_call check;
    const struct msg request = {
        .id = MSG_session_check,
        .session_check = {.token_hash = f->call.call.request.login.token_hash}};
    mock_call_init(&check, fake_clock_clock(f->clock), &request);
    sessions_check(f->sessions, &check.call);
    assert_int_equal(check.err, ERR_OK);
    assert_int_equal(check.reply.session_check_reply.user_id, 41);
    assert_int_equal(check.reply.session_check_reply.role, ROLE_ADMIN);
    mock_call_fini(&check);
}

static void wrong_password(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_BAD_CREDENTIALS, false);
    assert_failed(f, ERR_BAD_CREDENTIALS);
    assert_int_equal(f->hasher.verifications, 1);
    assert_int_equal(mock_store_pending(&f->store, MOCK_OPEN_SESSION), 0);
}

static void unknown_user_costs_the_same(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, NULL);
    assert_int_equal(f->call.answers, 0);
    assert_int_equal(f->hasher.verifications, 1);
    assert_false(f->hasher.is_known);
    verified(f, ERR_BAD_CREDENTIALS, false);
    assert_failed(f, ERR_BAD_CREDENTIALS);
}

/* He is told nothing else than who has a wrong password, and as late. */
static void disabled_user_costs_the_same(void **state)
{
    struct fixture *f = *state;
    struct store_user disabled = ann;
    disabled.is_disabled = 1;
    start(f);
    find(f, ERR_OK, &disabled);
    assert_int_equal(f->call.answers, 0);
    assert_string_equal(f->hasher.stored, "$stored$");
    verified(f, ERR_OK, true);
    assert_failed(f, ERR_BAD_CREDENTIALS);
    assert_int_equal(f->hasher.verifications, 1);
    assert_int_equal(f->hasher.rehashes, 0);
    assert_int_equal(mock_store_pending(&f->store, MOCK_OPEN_SESSION), 0);
}

static void web_session(void **state)
{
    struct fixture *f = *state;
    const struct msg request = {
        .id = MSG_session_open,
        .session_open = {.username = STR_LIT("ann"),
                         .password = STR_LIT("sesame"),
                         .token_hash = {.data = (const char *)token.bytes, TOKEN_HASH_BYTES},
                         .device = STR_LIT("her phone"),
                         .address = {.data = (const char *)address, .bytes = sizeof(address)}}};
    f->call.call.request = request;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, false);
    opened(f, ERR_OK);
    assert_int_equal(f->call.err, ERR_OK);
    assert_int_equal(f->call.reply.id, MSG_session_open_reply);
    const struct msg_session_open_reply *reply = &f->call.reply.session_open_reply;
    assert_int_equal(reply->expires_unix_ms, T0 + WEB_IDLE);
    assert_int_equal(reply->lifetime_s, 4 * WEB_IDLE / 1000);
    assert_int_equal(reply->user.id, 41);
    assert_true(str_eq(reply->user.username, STR_LIT("ann")));
    assert_true(str_eq(reply->user.display_name, STR_LIT("Ann")));
    assert_int_equal(reply->user.role, ROLE_ADMIN); /* as it was when the session was opened */
}

static void a_device_is_kept_in_one_form(void **state)
{
    static const struct {
        const char *device, *kept;
    } rows[] = {{"e\xcc\x81", "\xc3\xa9"}, {"\x1b[2J", ""}};
    struct fixture *f = *state;
    f->call.call.request = (struct msg){
        .id = MSG_session_open,
        .session_open = {.username = STR_LIT("ann"),
                         .password = STR_LIT("sesame"),
                         .token_hash = {.data = (const char *)token.bytes, TOKEN_HASH_BYTES}}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->call.call.request.session_open.device = str_of(rows[i].device);
        start(f);
        find(f, ERR_OK, &ann);
        verified(f, ERR_OK, false);
        struct mock_store_call *asked = mock_store_take(&f->store, MOCK_OPEN_SESSION);
        assert_string_equal(asked->draft.device, rows[i].kept);
        asked->fn.opened(asked->arg, ERR_BAD_CREDENTIALS, NULL);
        assert_int_equal(f->call.answers, 1);
        f->call.answers = i + 1 < ARRAY_LEN(rows) ? 0 : 1;
    }
}

static void token_of_somebody_else(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("login failed");
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, true);
    opened(f, ERR_CONFLICT);
    assert_failed(f, ERR_CONFLICT);
    assert_int_equal(f->hasher.rehashes, 0);
}

static void old_hash_is_rewritten_after_the_answer(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, true);
    assert_int_equal(f->hasher.rehashes, 0);
    opened(f, ERR_OK);
    assert_int_equal(f->call.err, ERR_OK);
    assert_int_equal(f->hasher.rehashes, 1);
    assert_string_equal(f->hasher.password, "sesame");
    f->hasher.hashed(f->hasher.arg, ERR_OK, "$new$");
    struct mock_store_call *set = mock_store_take(&f->store, MOCK_SET_PASSWORD);
    assert_non_null(set);
    assert_int_equal(set->user_id, 41);
    assert_string_equal(set->from, "$stored$");
    assert_string_equal(set->to, "$new$");
}

static void rewriting_may_fail(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, true);
    opened(f, ERR_OK);
    f->hasher.hashed(f->hasher.arg, ERR_OVERLOADED, NULL);
    assert_int_equal(mock_store_pending(&f->store, MOCK_SET_PASSWORD), 0);
}

static void rewriting_may_be_refused(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, true);
    f->hasher.refuse = ERR_OVERLOADED;
    opened(f, ERR_OK);
    assert_int_equal(f->call.err, ERR_OK);
}

static void no_database(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("login failed");
    f->store.refuse = ERR_UNAVAILABLE;
    start(f);
    assert_failed(f, ERR_UNAVAILABLE);
}

static void database_lost_at_the_start(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("login failed");
    start(f);
    find(f, ERR_UNAVAILABLE, NULL);
    assert_failed(f, ERR_UNAVAILABLE);
    assert_int_equal(f->hasher.verifications, 0);
}

static void database_lost_at_the_end(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("login failed");
    start(f);
    find(f, ERR_OK, &ann);
    f->store.refuse = ERR_UNAVAILABLE;
    verified(f, ERR_OK, true);
    assert_failed(f, ERR_UNAVAILABLE);
}

static void too_many_hashes_wait(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("login failed");
    f->hasher.refuse = ERR_OVERLOADED;
    start(f);
    find(f, ERR_OK, &ann);
    assert_failed(f, ERR_OVERLOADED);
}

static void waited_too_long_for_its_hash(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("login failed");
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_DEADLINE, false);
    assert_failed(f, ERR_DEADLINE);
}

static void stopping_ends_it(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("login failed");
    start(f);
    find(f, ERR_OK, &ann);
    logins_stop(f->logins);
    verified(f, ERR_OK, false);
    assert_failed(f, ERR_DRAINING);
    assert_int_equal(mock_store_pending(&f->store, MOCK_OPEN_SESSION), 0);
}

/* What has been opened is told; nothing more is begun. */
static void stopping_ends_rewriting(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, true);
    logins_stop(f->logins);
    opened(f, ERR_OK);
    assert_int_equal(f->call.err, ERR_OK);
    assert_int_equal(f->hasher.rehashes, 0);
}

static void a_hash_that_comes_after_the_stop_is_not_stored(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, true);
    opened(f, ERR_OK);
    assert_int_equal(f->hasher.rehashes, 1);
    logins_stop(f->logins);
    f->hasher.hashed(f->hasher.arg, ERR_OK, "$new$");
    assert_int_equal(mock_store_pending(&f->store, MOCK_SET_PASSWORD), 0);
}

static void secrets_are_not_logged(void **state)
{
    struct fixture *f = *state;
    start(f);
    find(f, ERR_OK, &ann);
    verified(f, ERR_OK, true);
    opened(f, ERR_OK);
    f->hasher.hashed(f->hasher.arg, ERR_OK, "$new$");
    assert_int_equal(log_capture_count("request_id=test"), 1);
    assert_int_equal(log_capture_count("sesame"), 0);
    assert_int_equal(log_capture_count("$stored$"), 0);
    assert_int_equal(log_capture_count("$new$"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(right_password),
        TEST(then_the_session_is_known),
        TEST(wrong_password),
        TEST(unknown_user_costs_the_same),
        TEST(disabled_user_costs_the_same),
        TEST(web_session),
        TEST(a_device_is_kept_in_one_form),
        TEST(token_of_somebody_else),
        TEST(old_hash_is_rewritten_after_the_answer),
        TEST(rewriting_may_fail),
        TEST(rewriting_may_be_refused),
        TEST(no_database),
        TEST(database_lost_at_the_start),
        TEST(database_lost_at_the_end),
        TEST(too_many_hashes_wait),
        TEST(waited_too_long_for_its_hash),
        TEST(stopping_ends_it),
        TEST(stopping_ends_rewriting),
        TEST(a_hash_that_comes_after_the_stop_is_not_stored),
        TEST(secrets_are_not_logged),
    };
    return cmocka_run_group_tests_name("logins", tests, NULL, NULL);
}
