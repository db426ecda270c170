/* Users with a mocked store and clock: who may know and change what, and what follows from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "authsvc/account/users.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/some_sessions.h"

#define T0 1700000000000
#define ANN 41
#define BOB 42

static const struct principal ann = {
    .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = ANN, .session_id = 1};
static const struct principal admin = {
    .kind = PRINCIPAL_USER, .role = ROLE_ADMIN, .user_id = 7, .session_id = 1};
static const struct principal tool = {.kind = PRINCIPAL_ADMIN_TOOL};
static const struct principal nobody = {.kind = PRINCIPAL_NONE};
static const struct principal guest = {.kind = PRINCIPAL_PARTICIPANT, .participant_id = ANN};

static const struct store_user row = {.id = ANN,
                                      .username = "ann",
                                      .display_name = "Ann",
                                      .role = ROLE_MEMBER,
                                      .version = 5,
                                      .password = "$stored$"};
static const struct token_hash token = {{1}};

struct fixture {
    struct fake_clock *clock;
    struct mock_store store;
    struct metrics *metrics;
    struct sessions *sessions;
    struct users *users;
    struct mock_call calls[64];
    size_t call_count;
};

static int setup(void **state)
{
    log_capture_setup(state);
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    mock_store_init(&f->store);
    const struct clock *clock = fake_clock_clock(f->clock);
    const struct store store = mock_store_store(&f->store);
    f->sessions = some_sessions(f->clock, &f->store, f->metrics);
    f->users = users_new(clock, store, f->sessions, f->metrics);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sessions_stop(f->sessions);
    users_stop(f->users);
    users_free(&f->users);
    sessions_free(&f->sessions);
    metrics_free(&f->metrics);
    mock_store_fini(&f->store);
    for (size_t i = 0; i < f->call_count; i++) {
        mock_call_fini(&f->calls[i]);
    }
    fake_clock_free(&f->clock);
    free(f);
    return log_capture_teardown(state);
}

static struct mock_call *new_call(struct fixture *f, const struct principal *principal,
                                  const struct msg *request)
{
    assert_true(f->call_count < ARRAY_LEN(f->calls));
    struct mock_call *call = &f->calls[f->call_count++];
    mock_call_init(call, fake_clock_clock(f->clock), request);
    call->call.context.principal = *principal;
    return call;
}

static struct mock_call *get(struct fixture *f, const struct principal *principal, uint64_t user_id,
                             const char *username)
{
    const struct msg request = {.id = MSG_user_get,
                                .user_get = {.user_id = user_id, .username = str_of(username)}};
    struct mock_call *call = new_call(f, principal, &request);
    users_get(f->users, &call->call);
    return call;
}

static struct mock_call *change(struct fixture *f, const struct principal *principal,
                                struct msg_user_change body)
{
    struct msg request = {.id = MSG_user_change, .user_change = body};
    request.user_change.user_id = ANN;
    request.user_change.idempotency_key = STR_LIT("0123456789abcdef");
    struct mock_call *call = new_call(f, principal, &request);
    users_change(f->users, &call->call);
    return call;
}

/* The store's answer to the pending change. */
static void changed(struct fixture *f, enum err err, const struct store_changed *answer)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_CHANGE_USER);
    assert_non_null(asked);
    asked->fn.changed(asked->arg, err, answer);
}

static const struct msg_user_change named = {.has_display_name = true,
                                             .display_name = STR_LIT("Ann")};
static const struct msg_user_change promoted = {.has_role = true, .role = ROLE_ADMIN};
static const struct msg_user_change disabled = {.has_disabled = true, .disabled = true};
static const struct msg_user_change named_and_promoted = {
    .has_display_name = true, .display_name = STR_LIT("Ann"), .has_role = true, .role = ROLE_ADMIN};

static void who_may_know_whom(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const struct principal *principal;
        uint64_t user_id;
        const char *username;
        enum err err; /* before anything is looked for */
    } rows[] = {
        {&ann, ANN, "", ERR_OK},
        {&ann, BOB, "", ERR_FORBIDDEN},
        {&ann, 0, "ann", ERR_FORBIDDEN},
        {&admin, ANN, "", ERR_OK},
        {&admin, 0, "ann", ERR_OK},
        {&tool, ANN, "", ERR_OK},
        {&tool, 0, "ann", ERR_OK},
        {&nobody, ANN, "", ERR_FORBIDDEN},
        {&guest, ANN, "", ERR_FORBIDDEN},
        {&admin, 0, "", ERR_BAD_REQUEST},
        {&admin, ANN, "ann", ERR_BAD_REQUEST},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mock_call *call = get(f, rows[i].principal, rows[i].user_id, rows[i].username);
        struct mock_store_call *asked =
            mock_store_take(&f->store, rows[i].user_id != 0 ? MOCK_GET_USER : MOCK_FIND_USER);
        if (rows[i].err != ERR_OK) {
            assert_null(asked);
            assert_int_equal(call->err, rows[i].err);
            continue;
        }
        assert_non_null(asked);
        assert_int_equal(asked->deadline_ms, call->call.context.deadline_ms);
        asked->fn.user(asked->arg, ERR_OK, &row);
        assert_int_equal(call->err, ERR_OK);
        const struct msg_user *user = &call->reply.user_get_reply.user;
        assert_int_equal(user->id, ANN);
        assert_true(str_eq(user->username, STR_LIT("ann")));
        assert_true(str_eq(user->display_name, STR_LIT("Ann")));
        assert_int_equal(user->role, ROLE_MEMBER);
        assert_int_equal(user->version, 5);
        assert_false(user->disabled);
    }
}

static void nobody_is_found(void **state)
{
    struct fixture *f = *state;
    struct mock_call *call = get(f, &admin, BOB, "");
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_GET_USER);
    assert_int_equal(asked->user_id, BOB);
    asked->fn.user(asked->arg, ERR_OK, NULL);
    assert_int_equal(call->err, ERR_NOT_FOUND);
}

static void who_may_change_what(void **state)
{
    struct fixture *f = *state;
    static const struct principal bob = {
        .kind = PRINCIPAL_USER, .role = ROLE_MEMBER, .user_id = BOB, .session_id = 1};
    static const struct {
        const struct principal *principal;
        const struct msg_user_change *change;
        bool may;
    } rows[] = {
        {&ann, &named, true},
        {&ann, &promoted, false},
        {&ann, &disabled, false},
        {&ann, &named_and_promoted, false},
        {&bob, &named, false},
        {&nobody, &named, false},
        {&guest, &named, false},
        {&admin, &named, true},
        {&admin, &promoted, true},
        {&admin, &disabled, true},
        {&tool, &named_and_promoted, true},
        {&tool, &disabled, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mock_call *call = change(f, rows[i].principal, *rows[i].change);
        if (!rows[i].may) {
            assert_int_equal(call->err, ERR_FORBIDDEN);
            assert_int_equal(mock_store_pending(&f->store, MOCK_CHANGE_USER), 0);
            continue;
        }
        const struct store_changed answer = {.user = row};
        changed(f, ERR_OK, &answer);
        assert_int_equal(call->err, ERR_OK);
        assert_int_equal(call->reply.user_change_reply.user.version, 5);
    }
}

static void what_the_store_is_asked(void **state)
{
    struct fixture *f = *state;
    struct msg_user_change body = {.has_display_name = true,
                                   .display_name = STR_LIT("Zo\x65\xcc\x88"),
                                   .has_role = true,
                                   .role = ROLE_ADMIN,
                                   .has_disabled = true,
                                   .disabled = true,
                                   .has_version = true,
                                   .version = 5};
    struct mock_call *call = change(f, &admin, body);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_CHANGE_USER);
    const struct store_change *c = &asked->change;
    assert_int_equal(c->user_id, ANN);
    assert_memory_equal(c->key, "0123456789abcdef", 16);
    assert_true(c->has_display_name && c->has_role && c->has_disabled && c->has_version);
    assert_string_equal(c->display_name, "Zo\xc3\xab");
    assert_int_equal(c->role, ROLE_ADMIN);
    assert_int_equal(c->is_disabled, 1);
    assert_int_equal(c->version, 5);
    assert_int_equal(c->now_unix_ms, T0);
    asked->fn.changed(asked->arg, ERR_CONFLICT, NULL);
    assert_int_equal(call->err, ERR_CONFLICT);

    call = change(f, &ann, (struct msg_user_change){.has_display_name = true});
    asked = mock_store_take(&f->store, MOCK_CHANGE_USER);
    c = &asked->change;
    assert_true(c->has_display_name);
    assert_false(c->has_role || c->has_disabled || c->has_version);
    assert_string_equal(c->display_name, "");
    asked->fn.changed(asked->arg, ERR_STALE, NULL);
    assert_int_equal(call->err, ERR_STALE);
}

static void names_that_do_harm(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {" ",
                                      "\xe2\x80\xae"
                                      "gnp",
                                      "a\xe2\x80\x8b"
                                      "b",
                                      "\x1b]0;x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct msg_user_change body = {.has_display_name = true,
                                             .display_name = str_of(bad[i])};
        assert_int_equal(change(f, &admin, body)->err, ERR_WRONG_MEMBER);
    }
    assert_int_equal(mock_store_pending(&f->store, MOCK_CHANGE_USER), 0);
}

static enum err check(struct fixture *f)
{
    const struct msg request = {
        .id = MSG_session_check,
        .session_check = {.token_hash = {.data = (const char *)token.bytes, TOKEN_HASH_BYTES}}};
    struct mock_call *call = new_call(f, &nobody, &request);
    sessions_check(f->sessions, &call->call);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_SESSION);
    if (asked != NULL) {
        asked->fn.session(asked->arg, ERR_OK, NULL);
    }
    return call->err;
}

/* What this replica remembers of his sessions does not count any more, from the answer on. */
static void his_sessions_are_looked_up_anew(void **state)
{
    struct fixture *f = *state;
    const struct session session = {.id = 1,
                                    .user_id = ANN,
                                    .role = ROLE_MEMBER,
                                    .kind = SESSION_ORIGINAL,
                                    .created_unix_ms = T0,
                                    .expires_unix_ms = T0 + 300000};
    sessions_add(f->sessions, &token, &session);
    assert_int_equal(check(f), ERR_OK);
    struct mock_call *call = change(f, &tool, promoted);
    struct token_hash tokens[] = {token};
    const struct store_changed answer = {.user = row, .sessions = {.tokens = tokens, .count = 1}};
    changed(f, ERR_OK, &answer);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(check(f), ERR_UNAUTHORIZED);
}

static void a_store_that_refuses(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("user call failed");
    f->store.refuse = ERR_UNAVAILABLE;
    assert_int_equal(get(f, &ann, ANN, "")->err, ERR_UNAVAILABLE);
    assert_int_equal(change(f, &ann, named)->err, ERR_UNAVAILABLE);
    users_stop(f->users);
    assert_int_equal(get(f, &ann, ANN, "")->err, ERR_DRAINING);
    assert_int_equal(change(f, &ann, named)->err, ERR_DRAINING);
}

static struct mock_call *take_away(struct fixture *f, const struct principal *principal,
                                   uint64_t heir_id)
{
    const struct msg request = {.id = MSG_user_remove,
                                .user_remove = {.user_id = ANN,
                                                .idempotency_key = STR_LIT("0123456789abcdef"),
                                                .version = 5,
                                                .has_version = heir_id != 0,
                                                .heir_id = heir_id}};
    struct mock_call *call = new_call(f, principal, &request);
    users_remove(f->users, &call->call);
    return call;
}

static void admins_and_the_tool_remove_users(void **state)
{
    struct fixture *f = *state;
    const struct principal *others[] = {&ann, &nobody, &guest};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(take_away(f, others[i], 0)->err, ERR_FORBIDDEN);
    }
    const struct principal *who[] = {&admin, &tool};
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        struct token_hash tokens[] = {token};
        const struct store_ended ended = {.tokens = tokens, .count = 1};
        struct mock_call *call = take_away(f, who[i], i * BOB);
        struct mock_store_call *asked = mock_store_take(&f->store, MOCK_REMOVE_USER);
        assert_int_equal(asked->removal.user_id, ANN);
        assert_memory_equal(asked->removal.key, "0123456789abcdef", sizeof(asked->removal.key));
        assert_int_equal(asked->removal.has_heir, i == 1);
        assert_int_equal(asked->removal.heir_id, i * BOB);
        assert_int_equal(asked->removal.has_version, i == 1);
        assert_int_equal(asked->removal.version, 5);
        asked->fn.ended(asked->arg, ERR_OK, &ended);
        assert_int_equal(call->err, ERR_OK);
        assert_int_equal(call->reply.user_remove_reply.revoked, 1);
    }
}

static void who_cannot_be_removed(void **state)
{
    static const enum err errors[] = {ERR_NOT_FOUND, ERR_STALE, ERR_CONFLICT, ERR_NO_HEIR};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct mock_call *call = take_away(f, &admin, 0);
        struct mock_store_call *asked = mock_store_take(&f->store, MOCK_REMOVE_USER);
        asked->fn.ended(asked->arg, errors[i], NULL);
        assert_int_equal(call->err, errors[i]);
    }
    log_capture_expect("user call failed");
    f->store.refuse = ERR_UNAVAILABLE;
    assert_int_equal(take_away(f, &admin, 0)->err, ERR_UNAVAILABLE);
    users_stop(f->users);
    assert_int_equal(take_away(f, &admin, 0)->err, ERR_DRAINING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(who_may_know_whom),     TEST(nobody_is_found),
        TEST(who_may_change_what),   TEST(what_the_store_is_asked),
        TEST(names_that_do_harm),    TEST(his_sessions_are_looked_up_anew),
        TEST(a_store_that_refuses),  TEST(admins_and_the_tool_remove_users),
        TEST(who_cannot_be_removed),
    };
    return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
