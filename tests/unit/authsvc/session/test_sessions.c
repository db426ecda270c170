/* Session checks with a mocked store and clock: cache, shared look-ups, writing behind,
 * revocations, outages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>

#include "authsvc/session/session_events.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"
#include "tests/support/c/mock_call.h"
#include "tests/unit/authsvc/mock_store.h"

#define T0 1700000000000
#define IDLE UINT64_C(300000)
#define WEB_IDLE UINT64_C(604800000)
#define LOOKUPS_MAX 2

static const struct token_hash ann = {{1}}, bob = {{2}}, eve = {{3}};

struct fixture {
    struct fake_clock *clock;
    struct mock_store store;
    struct metrics *metrics;
    struct sessions *sessions;
    struct mock_call calls[8];
    size_t call_count;
    bool only_look; /* of checks */
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
        .lookups_max = LOOKUPS_MAX,
        .users_max = 16};
    f->sessions =
        sessions_new(fake_clock_clock(f->clock), mock_store_store(&f->store), f->metrics, &config);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sessions_stop(f->sessions);
    size_t timers = fake_clock_timers(f->clock);
    sessions_free(&f->sessions);
    metrics_free(&f->metrics);
    mock_store_fini(&f->store);
    fake_clock_free(&f->clock);
    int failures = timers != 0;
    for (size_t i = 0; i < f->call_count; i++) {
        mock_call_fini(&f->calls[i]);
    }
    free(f);
    return failures + log_capture_teardown(state);
}

/* How many have slid further than the store knows. */
static uint64_t waiting(struct fixture *f)
{
    return metric_value(metrics_gauge(f->metrics, "lynks_auth_sessions_waiting",
                                      "Sessions whose later expiry is not in the database yet.",
                                      NULL));
}

static struct mock_call *check(struct fixture *f, const struct token_hash *token)
{
    assert_true(f->call_count < ARRAY_LEN(f->calls));
    struct mock_call *call = &f->calls[f->call_count++];
    const struct msg request = {.id = MSG_session_check,
                                .session_check = {.token_hash = {.data = (const char *)token->bytes,
                                                                 .bytes = TOKEN_HASH_BYTES},
                                                  .only_look = f->only_look}};
    mock_call_init(call, fake_clock_clock(f->clock), &request);
    sessions_check(f->sessions, &call->call);
    return call;
}

static uint64_t now_ms(const struct fixture *f)
{
    return clock_unix_ms(fake_clock_clock(f->clock)) - T0;
}

static struct session session_at(const struct fixture *f, uint64_t id)
{
    return (struct session){.id = id,
                            .user_id = 40 + id,
                            .role = ROLE_MEMBER,
                            .kind = SESSION_ORIGINAL,
                            .created_unix_ms = T0,
                            .expires_unix_ms = T0 + now_ms(f) + IDLE};
}

static void find(struct fixture *f, enum err err, const struct session *session)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_SESSION);
    assert_non_null(asked);
    asked->fn.session(asked->arg, err, session);
}

static void assert_valid(const struct mock_call *call, uint64_t user_id, uint64_t expires_ms)
{
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->err, ERR_OK);
    assert_int_equal(call->reply.id, MSG_session_check_reply);
    assert_int_equal(call->reply.session_check_reply.user_id, user_id);
    assert_int_equal(call->reply.session_check_reply.expires_unix_ms, T0 + expires_ms);
}

static void assert_failed(const struct mock_call *call, enum err err)
{
    assert_int_equal(call->answers, 1);
    assert_int_equal(call->err, err);
}

static void no_write(struct fixture *f)
{
    assert_int_equal(mock_store_pending(&f->store, MOCK_EXTEND), 0);
}

static void write(struct fixture *f, enum err err, const bool *gone)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_EXTEND);
    assert_non_null(asked);
    asked->fn.extended(asked->arg, err, gone);
}

/* ---- checks ---- */

/* A login, and a check so much later; what the session's expiry is then waits to be written. */
static struct mock_call *add_and_use(struct fixture *f, uint64_t later_ms)
{
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    assert_true(sessions_is_drained(f->sessions)); /* it is in the store as it is */
    fake_clock_advance(f->clock, later_ms);
    return check(f, &ann);
}

static void from_memory_after_a_login(void **state)
{
    struct fixture *f = *state;
    assert_valid(add_and_use(f, 1000), 41, 1000 + IDLE);
    assert_int_equal(mock_store_pending(&f->store, MOCK_FIND_SESSION), 0);
}

static void looked_up_once_then_from_memory(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    fake_clock_advance(f->clock, 2000);
    struct mock_call *call = check(f, &ann);
    assert_int_equal(call->answers, 0);
    find(f, ERR_OK, &session);
    assert_valid(call, 41, 2000 + IDLE);
    assert_valid(check(f, &ann), 41, 2000 + IDLE);
    assert_int_equal(mock_store_pending(&f->store, MOCK_FIND_SESSION), 0);
}

static void a_look_is_no_use(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    f->only_look = true;
    struct mock_call *call = check(f, &ann);
    fake_clock_advance(f->clock, 2000);
    find(f, ERR_OK, &session);
    assert_valid(call, 41, IDLE);
    assert_int_equal(check(f, &ann)->reply.session_check_reply.remaining_ms, IDLE - 2000);
    assert_int_equal(waiting(f), 0);
}

static void unknown_is_refused_and_asked_again(void **state)
{
    struct fixture *f = *state;
    struct mock_call *call = check(f, &eve);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
    call = check(f, &eve);
    assert_int_equal(mock_store_pending(&f->store, MOCK_FIND_SESSION), 1);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

static void callers_share_a_look_up(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    struct mock_call *first = check(f, &ann);
    struct mock_call *second = check(f, &ann);
    struct mock_call *other = check(f, &bob);
    assert_int_equal(mock_store_pending(&f->store, MOCK_FIND_SESSION), 2);
    find(f, ERR_OK, &session);
    assert_valid(first, 41, IDLE);
    assert_valid(second, 41, IDLE);
    assert_int_equal(other->answers, 0);
    find(f, ERR_OK, NULL);
    assert_failed(other, ERR_UNAUTHORIZED);
}

static void look_ups_are_bounded(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("session check failed");
    check(f, &ann);
    check(f, &bob);
    assert_failed(check(f, &eve), ERR_OVERLOADED);
    find(f, ERR_OK, NULL);
    struct mock_call *call = check(f, &eve);
    assert_int_equal(call->answers, 0);
    find(f, ERR_OK, NULL);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

static void seems_dead_but_is_not(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    fake_clock_advance(f->clock, IDLE);
    struct mock_call *call = check(f, &ann);
    assert_int_equal(call->answers, 0); /* another replica may have slid it */
    session.expires_unix_ms = T0 + IDLE + 1000;
    find(f, ERR_OK, &session);
    assert_valid(call, 41, 2 * IDLE);
}

static void is_dead(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    fake_clock_advance(f->clock, IDLE);
    struct mock_call *call = check(f, &ann);
    find(f, ERR_OK, &session);
    assert_failed(call, ERR_UNAUTHORIZED);
}

static void the_first_callers_deadline_is_his_own(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("session check failed");
    struct session session = session_at(f, 1);
    struct mock_call *first = check(f, &ann);
    fake_clock_advance(f->clock, 3000);
    struct mock_call *second = check(f, &ann);
    fake_clock_advance(f->clock, 1000);
    find(f, ERR_DEADLINE, NULL);
    assert_failed(first, ERR_DEADLINE);
    assert_int_equal(second->answers, 0);
    find(f, ERR_OK, &session);
    assert_valid(second, 41, 4000 + IDLE);
}

/* ---- outages ---- */

static void known_sessions_survive_an_outage(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("session check failed");
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    f->store.refuse = ERR_UNAVAILABLE;
    fake_clock_advance(f->clock, 200000);
    assert_valid(check(f, &ann), 41, 200000 + IDLE);
    assert_failed(check(f, &bob), ERR_UNAVAILABLE);
    fake_clock_advance(f->clock, 200000);
    assert_valid(check(f, &ann), 41, 400000 + IDLE);
    assert_int_equal(waiting(f), 1);
    f->store.refuse = ERR_OK;
    fake_clock_advance(f->clock, 1000);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_EXTEND);
    assert_int_equal(asked->count, 1);
    assert_int_equal(asked->items[0].expires_unix_ms, T0 + 400000 + IDLE);
    asked->fn.extended(asked->arg, ERR_OK, (bool[]){false});
    assert_int_equal(waiting(f), 0);
}

static void but_not_for_ever(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("session check failed");
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    f->store.refuse = ERR_UNAVAILABLE;
    for (unsigned i = 0; i < 4; i++) {
        fake_clock_advance(f->clock, 200000);
        assert_int_equal(check(f, &ann)->err, ERR_OK);
    }
    fake_clock_advance(f->clock, 100000);
    assert_failed(check(f, &ann), ERR_UNAVAILABLE);
}

/* ---- writing behind ---- */

static void uses_are_written_together(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    session = session_at(f, 2);
    sessions_add(f->sessions, &bob, &session);
    fake_clock_advance(f->clock, 1000);
    check(f, &ann);
    fake_clock_advance(f->clock, 1000);
    check(f, &ann);
    check(f, &bob);
    fake_clock_advance(f->clock, 28999);
    no_write(f);
    fake_clock_advance(f->clock, 1);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_EXTEND);
    assert_int_equal(asked->count, 2);
    assert_int_equal(asked->items[0].id, 1);
    assert_int_equal(asked->items[0].expires_unix_ms, T0 + 2000 + IDLE);
    assert_int_equal(asked->items[1].id, 2);
    asked->fn.extended(asked->arg, ERR_OK, (bool[]){false, false});
    fake_clock_advance(f->clock, 10000);
    no_write(f);
}

static void near_its_stored_end_it_is_written_at_once(void **state)
{
    struct fixture *f = *state;
    add_and_use(f, IDLE - 1000);
    fake_clock_advance(f->clock, 0);
    write(f, ERR_OK, (bool[]){false});
}

static void a_failed_write_is_tried_again(void **state)
{
    struct fixture *f = *state;
    add_and_use(f, 1000);
    fake_clock_advance(f->clock, 30000);
    write(f, ERR_UNAVAILABLE, NULL);
    assert_int_equal(waiting(f), 1);
    no_write(f);
    fake_clock_advance(f->clock, 1000);
    write(f, ERR_OK, (bool[]){false});
    assert_int_equal(waiting(f), 0);
}

static void a_session_removed_behind_our_back(void **state)
{
    struct fixture *f = *state;
    add_and_use(f, 1000);
    fake_clock_advance(f->clock, 30000);
    write(f, ERR_OK, (bool[]){true});
    struct mock_call *call = check(f, &ann);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

static void draining_writes_everything(void **state)
{
    struct fixture *f = *state;
    add_and_use(f, 1000);
    sessions_drain(f->sessions);
    assert_false(sessions_is_drained(f->sessions));
    fake_clock_advance(f->clock, 0);
    assert_false(sessions_is_drained(f->sessions));
    write(f, ERR_OK, (bool[]){false});
    assert_true(sessions_is_drained(f->sessions));
}

static void draining_without_a_database_ends(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("sessions keep the expiry that the database has");
    add_and_use(f, 1000);
    f->store.refuse = ERR_UNAVAILABLE;
    sessions_drain(f->sessions);
    fake_clock_advance(f->clock, 0);
    assert_true(sessions_is_drained(f->sessions));
}

static void draining_does_not_wait_for_a_silent_database(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("sessions keep the expiry that the database has");
    add_and_use(f, 1000);
    sessions_drain(f->sessions);
    fake_clock_advance(f->clock, 1999);
    assert_false(sessions_is_drained(f->sessions));
    fake_clock_advance(f->clock, 1);
    assert_true(sessions_is_drained(f->sessions));
    write(f, ERR_UNAVAILABLE, NULL);
    assert_true(sessions_is_drained(f->sessions));
}

/* ---- revocations and sweeping ---- */

static void revoke(struct fixture *f, uint64_t expect_after_seq, uint64_t last_seq,
                   const struct token_hash *token)
{
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_REVOKED);
    assert_non_null(asked);
    assert_int_equal(asked->after.seq, expect_after_seq);
    struct store_revocations *revoked = mem_alloc(sizeof(*revoked));
    revoked->now_unix_ms = clock_unix_ms(fake_clock_clock(f->clock));
    revoked->last.seq = last_seq;
    if (token != NULL) {
        revoked->items[revoked->count].seq = last_seq;
        revoked->items[revoked->count++].token = *token;
    }
    asked->fn.revocations(asked->arg, ERR_OK, revoked);
    mem_free(&revoked);
}

static void revocations_arrive_within_a_second(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    fake_clock_advance(f->clock, 0);
    revoke(f, STORE_SEQ_NOW, 70, NULL);
    fake_clock_advance(f->clock, 500);
    assert_int_equal(check(f, &ann)->err, ERR_OK);
    revoke(f, 70, 71, &ann);
    struct mock_call *call = check(f, &ann);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

/* Sequence 71 may be committed after 72 was seen: it is asked for again for 5 s. */
static void revocations_are_read_again_for_a_while(void **state)
{
    struct fixture *f = *state;
    fake_clock_advance(f->clock, 0);
    revoke(f, STORE_SEQ_NOW, 70, NULL);
    for (unsigned i = 0; i < 10; i++) {
        fake_clock_advance(f->clock, 500);
        revoke(f, 70, 72, &bob);
    }
    fake_clock_advance(f->clock, 500);
    revoke(f, 72, 72, NULL);
}

static void count_ann(void *arg, const struct token_hash *token)
{
    size_t *count = arg;
    assert_memory_equal(token, &ann, sizeof(ann));
    (*count)++;
}

/* However often it is read; a number that comes anew after a restored back-up is another one. */
static void whoever_listens_is_told_once_of_a_revocation(void **state)
{
    struct fixture *f = *state;
    size_t told = 0;
    const struct sessions_listener listener = {.on_session = count_ann, .arg = &told};
    sessions_listen(f->sessions, &listener);
    fake_clock_advance(f->clock, 0);
    revoke(f, STORE_SEQ_NOW, 70, NULL);
    for (unsigned i = 0; i < 10; i++) {
        fake_clock_advance(f->clock, 500);
        revoke(f, 70, 72, &ann);
        assert_int_equal(told, 1);
    }
    sessions_remove(f->sessions, &ann);
    assert_int_equal(told, 2);
    sessions_forget(f->sessions, &ann);
    assert_int_equal(told, 2);
}

static void what_another_replica_tells_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct session_events *events =
        session_events_new(fake_clock_clock(f->clock), f->metrics, f->sessions, NULL);
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    const struct str token = {.data = (const char *)ann.bytes, .bytes = sizeof(ann.bytes)};
    session_events_hear(events, &(struct msg_auth_event){.what = AUTH_LIVES, .token_hash = token});
    session_events_hear(events, &(struct msg_auth_event){.what = AUTH_SESSION_CHANGES});
    assert_int_equal(check(f, &ann)->err, ERR_OK);
    session_events_hear(
        events, &(struct msg_auth_event){.what = AUTH_SESSION_CHANGES, .token_hash = token});
    struct mock_call *call = check(f, &ann);
    assert_int_equal(call->answers, 0);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
    session_events_free(&events);
}

/* A back-up was restored: revocations get numbers again that were seen before. */
static void following_goes_on_when_the_database_went_back(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("the database went back");
    fake_clock_advance(f->clock, 0);
    revoke(f, STORE_SEQ_NOW, 70, NULL);
    fake_clock_advance(f->clock, 500);
    struct session before = session_at(f, 1);
    sessions_add(f->sessions, &ann, &before);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_REVOKED);
    struct store_revocations *lost = mem_alloc(sizeof(*lost));
    lost->now_unix_ms = clock_unix_ms(fake_clock_clock(f->clock));
    lost->last = asked->after;
    lost->is_lost = true;
    asked->fn.revocations(asked->arg, ERR_OK, lost);
    mem_free(&lost);
    fake_clock_advance(f->clock, 0);
    revoke(f, STORE_SEQ_NOW, 3, NULL);
    struct mock_call *opened_since = check(f, &ann);
    find(f, ERR_OK, NULL);
    assert_failed(opened_since, ERR_UNAUTHORIZED);
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    for (uint64_t i = 0; i < 10; i++) { /* no turn remembers more */
        fake_clock_advance(f->clock, 500);
        revoke(f, 3, 4, i == 0 ? &ann : NULL);
    }
    struct mock_call *call = check(f, &ann);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

/* The back-up has all the revocations that were read, so it is told by one of a token of nobody. */
static void a_restored_back_up_has_every_session_looked_up_anew(void **state)
{
    static const struct token_hash every = STORE_EVERY_TOKEN;
    struct fixture *f = *state;
    log_capture_expect("a back-up was restored");
    fake_clock_advance(f->clock, 0);
    revoke(f, STORE_SEQ_NOW, 70, NULL);
    struct session session = session_at(f, 1);
    sessions_add(f->sessions, &ann, &session);
    struct mock_call *late = check(f, &bob); /* it may be answered from before */
    fake_clock_advance(f->clock, 500);
    revoke(f, 70, 71, &every);
    find(f, ERR_OK, &session);
    find(f, ERR_OK, NULL);
    assert_failed(late, ERR_UNAUTHORIZED);
    struct mock_call *call = check(f, &ann);
    find(f, ERR_OK, &session);
    assert_int_equal(call->err, ERR_OK);
    /* It is read in several turns, and counts once. */
    fake_clock_advance(f->clock, 500);
    revoke(f, 70, 71, &every);
    assert_int_equal(check(f, &ann)->err, ERR_OK);
    assert_null(mock_store_take(&f->store, MOCK_FIND_SESSION));
}

/* Ours is an hour behind: another replica, or the database, has written what is compared. */
static void the_clock_of_the_database_decides(void **state)
{
    struct fixture *f = *state;
    const uint64_t hour_ms = 3600000;
    fake_clock_advance(f->clock, 0);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_FIND_REVOKED);
    struct store_revocations *heard = mem_alloc(sizeof(*heard));
    heard->now_unix_ms = T0 + hour_ms;
    asked->fn.revocations(asked->arg, ERR_OK, heard);
    mem_free(&heard);
    assert_int_equal(sessions_unix_ms(f->sessions), T0 + hour_ms);
    struct session session = {.id = 1,
                              .user_id = 41,
                              .role = ROLE_MEMBER,
                              .created_unix_ms = T0 + hour_ms,
                              .expires_unix_ms = T0 + hour_ms + IDLE};
    sessions_add(f->sessions, &ann, &session);
    fake_clock_advance(f->clock, IDLE);
    struct mock_call *call = check(f, &ann);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

/* A web session is stored for days: what others have revoked must be known, or the store be asked.
 */
static void nobody_vouches_for_long_without_following(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    session.kind = SESSION_WEB;
    session.expires_unix_ms = T0 + WEB_IDLE;
    sessions_add(f->sessions, &ann, &session);
    fake_clock_advance(f->clock, IDLE + 600000);
    assert_int_equal(check(f, &ann)->err, ERR_OK);
    fake_clock_advance(f->clock, 500);
    struct mock_call *call = check(f, &ann);
    assert_int_equal(call->answers, 0);
    find(f, ERR_OK, NULL);
    assert_failed(call, ERR_UNAUTHORIZED);
}

/* As the database has it: a change of it comes like a revocation, and is read again. */
static void the_role_is_told(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    session.role = ROLE_ADMIN;
    struct mock_call *call = check(f, &ann);
    find(f, ERR_OK, &session);
    assert_int_equal(call->reply.session_check_reply.role, ROLE_ADMIN);
    assert_int_equal(check(f, &ann)->reply.session_check_reply.role, ROLE_ADMIN);
    session.role = ROLE_MEMBER;
    sessions_remove(f->sessions, &ann);
    call = check(f, &ann);
    find(f, ERR_OK, &session);
    assert_int_equal(call->reply.session_check_reply.role, ROLE_MEMBER);
}

static void following_goes_on_after_an_outage(void **state)
{
    struct fixture *f = *state;
    f->store.refuse = ERR_UNAVAILABLE;
    fake_clock_advance(f->clock, 60000);
    f->store.refuse = ERR_OK;
    fake_clock_advance(f->clock, 500);
    revoke(f, STORE_SEQ_NOW, 70, NULL);
}

static void sweeps(void **state)
{
    struct fixture *f = *state;
    struct session session = session_at(f, 1);
    session.expires_unix_ms = T0 + 1000;
    sessions_add(f->sessions, &ann, &session);
    fake_clock_advance(f->clock, 30000);
    struct mock_store_call *asked = mock_store_take(&f->store, MOCK_SWEEP);
    assert_non_null(asked);
    /* What another replica may still slide is kept. */
    assert_true(asked->expired_before_unix_ms <= T0 + 30000 - 600000);
    asked->fn.swept(asked->arg, ERR_OK, true);
    fake_clock_advance(f->clock, 100);
    asked = mock_store_take(&f->store, MOCK_SWEEP);
    asked->fn.swept(asked->arg, ERR_OK, false);
    fake_clock_advance(f->clock, 29999);
    assert_int_equal(mock_store_pending(&f->store, MOCK_SWEEP), 0);
    fake_clock_advance(f->clock, 1);
    assert_int_equal(mock_store_pending(&f->store, MOCK_SWEEP), 1);
}

static void stopping_answers_who_waits(void **state)
{
    struct fixture *f = *state;
    log_capture_expect("session check failed");
    struct mock_call *call = check(f, &ann);
    sessions_stop(f->sessions);
    find(f, ERR_UNAVAILABLE, NULL);
    assert_failed(call, ERR_UNAVAILABLE);
    assert_failed(check(f, &ann), ERR_DRAINING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(from_memory_after_a_login),
        TEST(looked_up_once_then_from_memory),
        TEST(a_look_is_no_use),
        TEST(unknown_is_refused_and_asked_again),
        TEST(callers_share_a_look_up),
        TEST(look_ups_are_bounded),
        TEST(seems_dead_but_is_not),
        TEST(is_dead),
        TEST(the_first_callers_deadline_is_his_own),
        TEST(known_sessions_survive_an_outage),
        TEST(but_not_for_ever),
        TEST(uses_are_written_together),
        TEST(near_its_stored_end_it_is_written_at_once),
        TEST(a_failed_write_is_tried_again),
        TEST(a_session_removed_behind_our_back),
        TEST(draining_writes_everything),
        TEST(draining_without_a_database_ends),
        TEST(draining_does_not_wait_for_a_silent_database),
        TEST(revocations_arrive_within_a_second),
        TEST(revocations_are_read_again_for_a_while),
        TEST(whoever_listens_is_told_once_of_a_revocation),
        TEST(what_another_replica_tells_is_asked_for),
        TEST(following_goes_on_when_the_database_went_back),
        TEST(a_restored_back_up_has_every_session_looked_up_anew),
        TEST(the_clock_of_the_database_decides),
        TEST(nobody_vouches_for_long_without_following),
        TEST(the_role_is_told),
        TEST(following_goes_on_after_an_outage),
        TEST(sweeps),
        TEST(stopping_answers_who_waits),
    };
    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
