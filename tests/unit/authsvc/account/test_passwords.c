/* Changes of passwords with a mocked store, hasher and clock: every way one can end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "authsvc/account/passwords.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/mock_hasher.h"
#include "tests/unit/authsvc/some_sessions.h"

#define T0 1700000000000
#define ANN 41
#define KEY "0123456789abcdef"
#define SESSION "fedcba9876543210"

static const struct principal self = {
    .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = ANN, .session_id = 1};
static const struct principal admin = {
    .kind = PRINCIPAL_USER, .role = ROLE_ADMIN, .user_id = 7, .session_id = 1};
static const struct principal tool = {.kind = PRINCIPAL_ADMIN_TOOL};

static const struct store_user row = {.id = ANN,
                                      .username = "annabelle.w",
                                      .display_name = "Ann",
                                      .role = ROLE_MEMBER,
                                      .password_changes = 3,
                                      .version = 5,
                                      .password = "$stored$"};

struct fixture {
    struct fake_clock *clock;
    struct mock_store store;
    struct mock_hasher hasher;
    struct metrics *metrics;
    struct sessions *sessions;
    struct passwords *passwords;
    struct mock_call call;
};

static int setup(void **state)
{
    log_capture_setup(state);
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    mock_store_init(&f->store);
    const struct clock *clock = fake_clock_clock(f->clock);
    f->sessions = some_sessions(f->clock, &f->store, f->metrics);
    const struct passwords_parts parts = {.clock = clock,
                                          .store = mock_store_store(&f->store),
                                          .hasher = mock_hasher_hasher(&f->hasher),
                                          .sessions = f->sessions,
                                          .metrics = f->metrics};
    f->passwords = passwords_new(&parts);
    const struct msg request = {.id = MSG_user_password,
                                .user_password = {.user_id = ANN,
                                                  .idempotency_key = STR_LIT(KEY),
                                                  .current_password = STR_LIT("sesame"),
                                                  .new_password = STR_LIT("open it now"),
                                                  .session = STR_LIT(SESSION)}};
    mock_call_init(&f->call, clock, &request);
    f->call.call.context.principal = self;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sessions_stop(f->sessions);
    passwords_stop(f->passwords);
    passwords_free(&f->passwords);
    sessions_free(&f->sessions);
    metrics_free(&f->metrics);
    mock_store_fini(&f->store);
    mock_call_fini(&f->call);
    fake_clock_free(&f->clock);
    free(f);
    return log_capture_teardown(state);
}

static void start(struct fixture *f)
{
    passwords_start(f->passwords, &f->call.call);
}

static void found(struct fixture *f, const struct store_user *user)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_GET_USER);
    assert_non_null(asked);
    assert_int_equal(asked->user_id, ANN);
    asked->fn.user(asked->arg, ERR_OK, user);
}

static void verified(struct fixture *f, enum err err)
{
    assert_string_equal(f->hasher.password, "sesame");
    f->hasher.verified(f->hasher.arg, err, /* needs_rehash= */ true);
}

static void hashed(struct fixture *f)
{
    assert_int_equal(f->hasher.hashes, 1);
    assert_string_equal(f->hasher.password, "open it now");
    assert_int_equal(f->hasher.deadline_ms, f->call.call.context.deadline_ms);
    f->hasher.hashed(f->hasher.arg, ERR_OK, "$new$");
}

static void stored(struct fixture *f, enum err err, size_t ended)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_CHANGE_PASSWORD);
    struct token_hash tokens[4] = {{{1}}, {{2}}};
    const struct store_ended sessions = {.tokens = tokens, .count = ended};
    assert_non_null(asked);
    asked->fn.ended(asked->arg, err, err == ERR_OK ? &sessions : NULL);
}

static void looked_for(struct fixture *f, enum err err, bool is_done)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_COMMAND);
    assert_non_null(asked);
    assert_memory_equal(asked->key, KEY, sizeof(asked->key));
    asked->fn.command(asked->arg, err, is_done);
}

static void fails(struct fixture *f, enum err err)
{
    assert_int_equal(f->call.answers, 1);
    assert_int_equal(f->call.err, err);
    assert_int_equal(mock_store_pending(&f->store, MOCK_CHANGE_PASSWORD), 0);
}

static void with_the_right_one_it_is_changed(void **state)
{
    struct fixture *f = *state;
    start(f);
    found(f, &row);
    assert_true(f->hasher.is_known);
    assert_string_equal(f->hasher.stored, "$stored$");
    verified(f, ERR_OK);
    hashed(f);
    assert_int_equal(f->call.answers, 0);
    struct mock_store_call *asked = f->store.calls[f->store.count - 1];
    const struct store_password *change = &asked->password;
    assert_int_equal(asked->op, MOCK_CHANGE_PASSWORD);
    assert_int_equal(change->user_id, ANN);
    assert_memory_equal(change->key, KEY, sizeof(change->key));
    assert_false(change->is_forced);
    assert_int_equal(change->password_changes, 3);
    assert_string_equal(change->to, "$new$");
    assert_true(change->except.is_there);
    assert_memory_equal(change->except.id.bytes, SESSION, SESSION_ID_BYTES);
    assert_int_equal(change->now_unix_ms, T0);
    stored(f, ERR_OK, 2);
    assert_int_equal(f->call.err, ERR_OK);
    assert_int_equal(f->call.reply.user_password_reply.revoked, 2);
    assert_int_equal(log_capture_count("open it now"), 0);
    assert_int_equal(log_capture_count("sesame"), 0);
    assert_int_equal(log_capture_count("$new$"), 0);
}

/* What this replica remembers of them does not count from the answer on. */
static void his_other_sessions_are_forgotten_at_once(void **state)
{
    struct fixture *f = *state;
    const struct token_hash other = {{2}};
    const struct session session = {.id = 1,
                                    .user_id = ANN,
                                    .role = ROLE_MEMBER,
                                    .kind = SESSION_WEB,
                                    .created_unix_ms = T0,
                                    .expires_unix_ms = T0 + 300000};
    sessions_add(f->sessions, &other, &session);
    start(f);
    found(f, &row);
    verified(f, ERR_OK);
    hashed(f);
    stored(f, ERR_OK, 2);
    struct mock_call check;
    const struct msg request = {
        .id = MSG_session_check,
        .session_check = {.token_hash = {.data = (const char *)other.bytes, TOKEN_HASH_BYTES}}};
    mock_call_init(&check, fake_clock_clock(f->clock), &request);
    sessions_check(f->sessions, &check.call);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_SESSION);
    assert_non_null(asked);
    asked->fn.session(asked->arg, ERR_OK, NULL);
    assert_int_equal(check.err, ERR_UNAUTHORIZED);
    mock_call_fini(&check);
}

static void a_wrong_one_is_refused(void **state)
{
    struct fixture *f = *state;
    start(f);
    found(f, &row);
    verified(f, ERR_BAD_CREDENTIALS);
    looked_for(f, ERR_OK, false);
    fails(f, ERR_BAD_CREDENTIALS);
    assert_int_equal(f->hasher.hashes, 0);
}

/* Its answer got lost, and what was the right one then is wrong now. */
static void what_was_done_is_answered_again(void **state)
{
    struct fixture *f = *state;
    start(f);
    found(f, &row);
    verified(f, ERR_BAD_CREDENTIALS);
    looked_for(f, ERR_OK, true);
    assert_int_equal(f->call.answers, 1);
    assert_int_equal(f->call.err, ERR_OK);
    assert_int_equal(f->call.reply.user_password_reply.revoked, 0);
    assert_int_equal(mock_store_pending(&f->store, MOCK_CHANGE_PASSWORD), 0);
}

/* They cost the same, step by step, and are told the same. */
static void unknown_and_disabled_are_as_wrong(void **state)
{
    struct store_user disabled = row;
    disabled.is_disabled = 1;
    struct fixture *f = *state;
    start(f);
    found(f, NULL);
    assert_int_equal(f->hasher.verifications, 1);
    assert_false(f->hasher.is_known);
    verified(f, ERR_BAD_CREDENTIALS);
    looked_for(f, ERR_OK, false);
    fails(f, ERR_BAD_CREDENTIALS);
    f->call.answers = 0;
    start(f);
    found(f, &disabled);
    assert_int_equal(f->hasher.verifications, 2);
    assert_true(f->hasher.is_known);
    verified(f, ERR_OK);
    looked_for(f, ERR_OK, false);
    fails(f, ERR_BAD_CREDENTIALS);
}

static void it_was_changed_meanwhile(void **state)
{
    static const enum err errs[] = {ERR_BAD_CREDENTIALS, ERR_NOT_FOUND};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(errs); i++) {
        f->call.answers = 0;
        f->hasher.hashes = 0;
        start(f);
        found(f, &row);
        verified(f, ERR_OK);
        hashed(f);
        stored(f, errs[i], 0);
        fails(f, ERR_BAD_CREDENTIALS);
    }
}

static void who_may_not(void **state)
{
    static const struct principal others[] = {
        {.kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = 42, .session_id = 1},
        {.kind = PRINCIPAL_NONE},
        {.kind = PRINCIPAL_PARTICIPANT, .participant_id = ANN}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        f->call.answers = 0;
        f->call.call.context.principal = others[i];
        start(f);
        fails(f, ERR_FORBIDDEN);
    }
    assert_int_equal(f->store.count - mock_store_pending(&f->store, MOCK_FIND_REVOKED), 0);
}

static void one_s_own_is_needed_by_admins_too(void **state)
{
    struct fixture *f = *state;
    f->call.call.context.principal = self;
    f->call.call.context.principal.role = ROLE_ADMIN;
    f->call.call.request.user_password.current_password = STR_NONE;
    start(f);
    fails(f, ERR_BAD_REQUEST);
}

static void admins_set_another_s_without_it(void **state)
{
    const struct principal *const setters[] = {&admin, &tool};
    struct store_user disabled = row;
    disabled.is_disabled = 1;
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(setters); i++) {
        f->call.answers = 0;
        f->hasher.hashes = 0;
        f->call.call.context.principal = *setters[i];
        f->call.call.request.user_password.current_password = STR_NONE;
        f->call.call.request.user_password.session = STR_NONE;
        start(f);
        found(f, &disabled);
        assert_int_equal(f->hasher.verifications, 0);
        hashed(f);
        const struct store_password *change = &f->store.calls[f->store.count - 1]->password;
        assert_true(change->is_forced);
        assert_false(change->except.is_there);
        stored(f, ERR_OK, 1);
        assert_int_equal(f->call.err, ERR_OK);
    }
    f->call.answers = 0;
    start(f);
    found(f, NULL);
    fails(f, ERR_NOT_FOUND);
}

static void weak_ones(void **state)
{
    static const char *const weak[] = {"ninebytes", "annabelle.w", "AnnaBelle.W"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
        f->call.answers = 0;
        f->call.call.request.user_password.new_password = str_of(weak[i]);
        start(f);
        found(f, &row);
        verified(f, ERR_OK);
        fails(f, ERR_WEAK_PASSWORD);
    }
    assert_true(password_is_good(STR_LIT("ten bytes!"), "ann"));
    assert_true(password_is_good(STR_LIT("annabelle.ws"), "annabelle.w"));
}

static void parts_that_refuse(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("password change failed");
    f->store.refuse = ERR_UNAVAILABLE;
    start(f);
    fails(f, ERR_UNAVAILABLE);
    f->store.refuse = ERR_OK;

    f->call.answers = 0;
    f->hasher.refuse = ERR_OVERLOADED;
    start(f);
    found(f, &row);
    fails(f, ERR_OVERLOADED);
    f->hasher.refuse = ERR_OK;

    f->call.answers = 0;
    start(f);
    found(f, &row);
    verified(f, ERR_DEADLINE);
    fails(f, ERR_DEADLINE);

    f->call.answers = 0;
    start(f);
    found(f, &row);
    verified(f, ERR_OK);
    f->hasher.hashed(f->hasher.arg, ERR_UNAVAILABLE, NULL);
    fails(f, ERR_UNAVAILABLE);

    f->call.answers = 0;
    start(f);
    found(f, &row);
    verified(f, ERR_BAD_CREDENTIALS);
    looked_for(f, ERR_UNAVAILABLE, false);
    fails(f, ERR_UNAVAILABLE);
}

/* Wherever it is when the end comes. */
static void stopping_ends_it(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("password change failed");
    start(f);
    passwords_stop(f->passwords);
    found(f, &row);
    fails(f, ERR_DRAINING);
    f->call.answers = 0;
    start(f);
    fails(f, ERR_DRAINING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(with_the_right_one_it_is_changed),
        TEST(his_other_sessions_are_forgotten_at_once),
        TEST(a_wrong_one_is_refused),
        TEST(what_was_done_is_answered_again),
        TEST(unknown_and_disabled_are_as_wrong),
        TEST(it_was_changed_meanwhile),
        TEST(who_may_not),
        TEST(one_s_own_is_needed_by_admins_too),
        TEST(admins_set_another_s_without_it),
        TEST(weak_ones),
        TEST(parts_that_refuse),
        TEST(stopping_ends_it),
    };
    return cmocka_run_group_tests_name("passwords", tests, NULL, NULL);
}
