/* Revocation with a mocked store and clock: who ends what, and that nothing brings a session back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "authsvc/session/revocations.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/mock_store.h"

#define T0 1700000000000
#define IDLE UINT64_C(300000)
#define WEB_IDLE UINT64_C(604800000)

static const struct token_hash ann = {{1}};
static const struct token_hash bob = {{2}};

struct fixture {
    struct fake_clock *clock;
    struct mock_store store;
    struct metrics *metrics;
    struct sessions *sessions;
    struct revocations *revocations;
    struct mock_call calls[8];
    size_t call_count;
};

static int setup(void **state)
{
    log_capture_setup(state);
    struct fixture *f = mem_alloc(sizeof(*f));
    f->clock = fake_clock_new();
    mock_store_init(&f->store);
    f->metrics = metrics_new();
    const struct sessions_config config = {
        .rules = {.original = {.idle_ms = IDLE, .lifetime_ms = 43200000},
                  .web = {.idle_ms = WEB_IDLE, .lifetime_ms = 4 * WEB_IDLE},
                  .outage_ms = 600000},
        .cache_max = 16,
        .lookups_max = 4,
        .users_max = 16};
    const struct clock *clock = fake_clock_clock(f->clock);
    struct store store = mock_store_store(&f->store);
    f->sessions = sessions_new(clock, store, f->metrics, &config);
    f->revocations = revocations_new(clock, store, f->sessions, f->metrics);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sessions_stop(f->sessions);
    revocations_stop(f->revocations);
    revocations_free(&f->revocations);
    sessions_free(&f->sessions);
    metrics_free(&f->metrics);
    mock_store_fini(&f->store);
    fake_clock_free(&f->clock);
    for (size_t i = 0; i < f->call_count; i++) {
        mock_call_fini(&f->calls[i]);
    }
    free(f);
    return log_capture_teardown(state);
}

/* How many have slid further than the store knows. */
static uint64_t waiting(struct fixture *f)
{
    return metric_value(metrics_gauge(f->metrics, "lynks_auth_sessions_waiting",
                                      "Sessions whose later expiry is not in the database yet.",
                                      NULL));
}

static struct mock_call *new_call(struct fixture *f, const struct msg *request)
{
    assert_true(f->call_count < ARRAY_LEN(f->calls));
    struct mock_call *call = &f->calls[f->call_count++];
    mock_call_init(call, fake_clock_clock(f->clock), request);
    return call;
}

static struct str str_of_token(const struct token_hash *token)
{
    return token == NULL
               ? STR_NONE
               : (struct str){.data = (const char *)token->bytes, .bytes = TOKEN_HASH_BYTES};
}

static struct mock_call *check(struct fixture *f, const struct token_hash *token)
{
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = str_of_token(token)}};
    struct mock_call *call = new_call(f, &request);
    sessions_check(f->sessions, &call->call);
    return call;
}

static struct mock_call *revoke(struct fixture *f, const struct token_hash *token, uint64_t user_id)
{
    const struct msg request = {
        .id = MSG_session_revoke,
        .session_revoke = {.token_hash = str_of_token(token), .user_id = user_id}};
    struct mock_call *call = new_call(f, &request);
    revocations_start(f->revocations, &call->call);
    return call;
}

static void add(struct fixture *f, const struct token_hash *token, uint64_t id)
{
    uint64_t now = clock_unix_ms(fake_clock_clock(f->clock));
    const struct session session = {.id = id,
                                    .user_id = 41,
                                    .role = ROLE_MEMBER,
                                    .created_unix_ms = T0,
                                    .expires_unix_ms = now + IDLE};
    sessions_add(f->sessions, token, &session);
}

static void end(struct fixture *f, enum err err, const struct token_hash *tokens, size_t count)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_REVOKE);
    assert_non_null(asked);
    struct token_hash copies[4];
    assert_true(count <= ARRAY_LEN(copies));
    for (size_t i = 0; i < count; i++) {
        copies[i] = tokens[i];
    }
    const struct store_ended ended = {.tokens = copies, .count = count};
    asked->fn.ended(asked->arg, err, err == ERR_OK ? &ended : NULL);
}

static void assert_revoked(const struct mock_call *call, uint64_t count)
{
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.id, MSG_session_revoke_reply);
    assert_int_equal(call->reply.session_revoke_reply.revoked, count);
}

static void assert_failed(const struct mock_call *call, enum err err)
{
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->err, err);
}

/* Not from memory: the store is asked, and has it no more. */
static void assert_refused(struct fixture *f, const struct token_hash *token)
{
    struct mock_call *call = check(f, token);
    assert_int_equal(call->answers, 0);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_SESSION);
    assert_non_null(asked);
    asked->fn.session(asked->arg, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

static void one_session_ends_at_once(void **state)
{
    struct fixture *f = *state;
    add(f, &ann, 1);
    add(f, &bob, 2);
    struct mock_call *call = revoke(f, &ann, 0);
    assert_int_equal(call->answers, 0);
    assert_int_equal(check(f, &ann)->err, ERR_OK); /* nothing has ended yet */
    end(f, ERR_OK, &ann, 1);
    assert_revoked(call, 1);
    assert_refused(f, &ann);
    assert_int_equal(check(f, &bob)->err, ERR_OK);
}

static void all_of_a_user_end_at_once(void **state)
{
    struct fixture *f = *state;
    const struct token_hash both[] = {ann, bob};
    add(f, &ann, 1);
    add(f, &bob, 2);
    struct mock_call *call = revoke(f, NULL, 41);
    end(f, ERR_OK, both, 2);
    assert_revoked(call, 2);
    assert_refused(f, &ann);
    assert_refused(f, &bob);
}

/* Another replica has ended it, and we have not read of that yet. */
static void what_is_over_already_is_success(void **state)
{
    struct fixture *f = *state;
    add(f, &ann, 1);
    struct mock_call *call = revoke(f, &ann, 0);
    end(f, ERR_OK, NULL, 0);
    assert_revoked(call, 0);
    assert_refused(f, &ann);
}

static void without_a_database_nothing_ends(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("session not revoked");
    add(f, &ann, 1);
    f->store.refuse = ERR_UNAVAILABLE;
    assert_failed(revoke(f, &ann, 0), ERR_UNAVAILABLE);
    assert_int_equal(check(f, &ann)->err, ERR_OK);
    f->store.refuse = ERR_OK;
    struct mock_call *call = revoke(f, &ann, 0);
    end(f, ERR_UNAVAILABLE, NULL, 0);
    assert_failed(call, ERR_UNAVAILABLE);
    assert_int_equal(check(f, &ann)->err, ERR_OK);
}

static void either_a_session_or_a_user(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("session not revoked");
    assert_failed(revoke(f, NULL, 0), ERR_BAD_REQUEST);
    assert_failed(revoke(f, &ann, 41), ERR_BAD_REQUEST);
    assert_int_equal(mock_store_pending(&f->store, MOCK_REVOKE), 0);
}

static struct mock_call *revoke_of(struct fixture *f, uint64_t user_id, struct str only,
                                   struct str except)
{
    const struct msg request = {
        .id = MSG_session_revoke,
        .session_revoke = {.user_id = user_id, .session = only, .except_session = except}};
    struct mock_call *call = new_call(f, &request);
    revocations_start(f->revocations, &call->call);
    return call;
}

/* Its answer got lost, and the bus has sent it again. */
static void what_this_call_has_ended_before_is_told_again(void **state)
{
    struct fixture *f = *state;
    const struct msg request = {
        .id = MSG_session_revoke,
        .session_revoke = {.user_id = 41,
                           .session = {.data = (const char *)ann.bytes, .bytes = SESSION_ID_BYTES},
                           .idempotency_key = STR_LIT("0123456789abcdef")}};
    struct mock_call *call = new_call(f, &request);
    revocations_start(f->revocations, &call->call);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_REVOKE);
    assert_true(asked->target.has_key);
    assert_memory_equal(asked->target.key, "0123456789abcdef", sizeof(asked->target.key));
    asked->fn.ended(asked->arg, ERR_OK, &(struct store_ended){.was_done = true});
    assert_revoked(call, 1);
}

static void by_its_id_or_all_but_one(void **state)
{
    struct fixture *f = *state;
    const struct str id = {.data = (const char *)ann.bytes, .bytes = SESSION_ID_BYTES};
    add(f, &ann, 1);
    add(f, &bob, 2);
    struct mock_call *call = revoke_of(f, 41, id, STR_NONE);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_REVOKE);
    assert_int_equal(asked->target.user_id, 41);
    assert_true(asked->target.only.is_there);
    assert_memory_equal(asked->target.only.id.bytes, ann.bytes, SESSION_ID_BYTES);
    assert_false(asked->target.except.is_there);
    asked->fn.ended(asked->arg, ERR_OK,
                    &(struct store_ended){.tokens = (struct token_hash[]){ann}, .count = 1});
    assert_revoked(call, 1);
    assert_refused(f, &ann);

    call = revoke_of(f, 41, STR_NONE, id);
    asked = mock_store_take(&f->store, MOCK_REVOKE);
    assert_false(asked->target.only.is_there);
    assert_true(asked->target.except.is_there);
    asked->fn.ended(asked->arg, ERR_OK,
                    &(struct store_ended){.tokens = (struct token_hash[]){bob}, .count = 1});
    assert_revoked(call, 1);
    assert_refused(f, &bob);
}

static void an_id_is_of_a_user(void **state)
{
    struct fixture *f = *state;
    const struct str id = {.data = (const char *)ann.bytes, .bytes = SESSION_ID_BYTES};
    log_capture_expect("session not revoked");
    assert_failed(revoke_of(f, 0, id, STR_NONE), ERR_BAD_REQUEST);
    assert_failed(revoke_of(f, 0, STR_NONE, id), ERR_BAD_REQUEST);
    assert_failed(revoke_of(f, 41, id, id), ERR_BAD_REQUEST);
    const struct msg both = {
        .id = MSG_session_revoke,
        .session_revoke = {.token_hash = str_of_token(&bob), .except_session = id}};
    struct mock_call *call = new_call(f, &both);
    revocations_start(f->revocations, &call->call);
    assert_failed(call, ERR_BAD_REQUEST);
    assert_int_equal(mock_store_pending(&f->store, MOCK_REVOKE), 0);
}

static void a_renewal_under_way_does_not_bring_it_back(void **state)
{
    struct fixture *f = *state;
    add(f, &ann, 1);
    fake_clock_advance(f->clock, 1000);
    assert_int_equal(check(f, &ann)->err, ERR_OK);
    fake_clock_advance(f->clock, 30000);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_EXTEND);
    assert_non_null(asked);
    struct mock_store_call write = *asked; /* what is taken goes with the next */
    revoke(f, &ann, 0);
    end(f, ERR_OK, &ann, 1);
    write.fn.extended(write.arg, ERR_OK, (bool[]){false}); /* it was written before */
    assert_int_equal(waiting(f), 0);
    assert_refused(f, &ann);
}

/* The store found it, then it was revoked, then we hear what the store found. */
static void a_look_up_under_way_does_not_bring_it_back(void **state)
{
    struct fixture *f = *state;
    const struct session session = {.id = 1,
                                    .user_id = 41,
                                    .role = ROLE_MEMBER,
                                    .created_unix_ms = T0,
                                    .expires_unix_ms = T0 + IDLE};
    struct mock_call *call = check(f, &ann);
    struct mock_store_call asked = *mock_store_take(&f->store, MOCK_FIND_SESSION);
    revoke(f, &ann, 0);
    end(f, ERR_OK, &ann, 1);
    asked.fn.session(asked.arg, ERR_OK, &session);
    assert_int_equal(call->answers, 0);
    struct mock_store_call *found = mock_store_take(&f->store, MOCK_FIND_SESSION);
    assert_non_null(found);
    found->fn.session(found->arg, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

static void stopped(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("session not revoked");
    revocations_stop(f->revocations);
    assert_failed(revoke(f, &ann, 0), ERR_DRAINING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(one_session_ends_at_once),
        TEST(all_of_a_user_end_at_once),
        TEST(what_is_over_already_is_success),
        TEST(without_a_database_nothing_ends),
        TEST(either_a_session_or_a_user),
        TEST(what_this_call_has_ended_before_is_told_again),
        TEST(by_its_id_or_all_but_one),
        TEST(an_id_is_of_a_user),
        TEST(a_renewal_under_way_does_not_bring_it_back),
        TEST(a_look_up_under_way_does_not_bring_it_back),
        TEST(stopped),
    };
    return cmocka_run_group_tests_name("revocations", tests, NULL, NULL);
}
