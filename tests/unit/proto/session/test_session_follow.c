/* Who holds something open for a session is told when it is over: what is asked and when, after
 * events, gaps, silence and failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/session/session_follow.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"

#define SESSIONS_MAX 4000 /* fewer than the clock has timers */
#define ONE "tcp://127.0.0.1:5711"
#define TWO "tcp://127.0.0.1:5731"
#define DAY_MS UINT64_C(86400000)
/* In which each session is asked for, whatever happens. */
#define LOOK_MS 30000

/* A question that is out. */
struct question {
    size_t session;
    bus_reply_fn *fn;
    void *arg;
};

struct holder {
    struct session_hold hold;
    unsigned told;
    enum session_end why;
    struct session_hold *releases; /* when it is told */
    struct fixture *fixture;
};

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct bus bus;
    struct session_follow *follow;
    struct holder *holders;
    struct question *questions; /* the oldest first */
    size_t out;
    size_t asked; /* of all times */
    size_t most_out;
    enum err refuse;
};

static void token_of(size_t session, uint8_t ret_hash[SESSION_HASH_BYTES])
{
    memset(ret_hash, 0, SESSION_HASH_BYTES);
    memcpy(ret_hash, &session, sizeof(session));
}

/* ---- the bus ---- */

static enum err call(void *self, const struct msg *request, const struct call_context *context,
                     bus_reply_fn *fn, void *arg)
{
    struct fixture *f = self;
    assert_int_equal(request->id, MSG_session_check);
    assert_true(request->session_check.only_look);
    assert_int_equal(request->session_check.token_hash.bytes, SESSION_HASH_BYTES);
    assert_true(context->deadline_ms > clock_mono_ms(fake_clock_clock(f->clock)));
    f->asked++;
    if (f->refuse != ERR_OK) {
        return f->refuse;
    }
    struct question *question = &f->questions[f->out++];
    memcpy(&question->session, request->session_check.token_hash.data, sizeof(question->session));
    question->fn = fn;
    question->arg = arg;
    f->most_out = f->out > f->most_out ? f->out : f->most_out;
    return ERR_OK;
}

static const struct bus_ops bus_ops = {call};

/* The oldest question. */
static size_t answer_with(struct fixture *f, enum err err, uint64_t remaining_ms)
{
    const struct msg reply = {
        .id = MSG_session_check_reply,
        .session_check_reply = {.user_id = 7, .expires_unix_ms = 1, .remaining_ms = remaining_ms}};
    assert_true(f->out > 0);
    const struct question question = f->questions[0];
    memmove(f->questions, f->questions + 1, --f->out * sizeof(*f->questions));
    question.fn(question.arg, err, err == ERR_OK ? &reply : NULL);
    return question.session;
}

static size_t answer(struct fixture *f, enum err err)
{
    return answer_with(f, err, DAY_MS);
}

static void answer_all(struct fixture *f, enum err err)
{
    while (f->out > 0) {
        answer(f, err);
    }
}

/* ---- the publishers ---- */

static void hear(struct fixture *f, const char *endpoint, size_t session, bool is_next)
{
    uint8_t hash[SESSION_HASH_BYTES];
    token_of(session, hash);
    const struct msg msg = {
        .id = MSG_auth_event,
        .auth_event = {.what = AUTH_SESSION_CHANGES,
                       .token_hash = {.data = (const char *)hash, .bytes = sizeof(hash)}}};
    session_follow_hear(f->follow, endpoint, &msg, is_next);
}

static void hear_life(struct fixture *f, const char *endpoint, bool is_next)
{
    const struct msg msg = {.id = MSG_auth_event, .auth_event = {.what = AUTH_LIVES}};
    session_follow_hear(f->follow, endpoint, &msg, is_next);
}

/* Time passes, with signs of life of ONE. */
static void live(struct fixture *f, uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += 100) {
        fake_clock_advance(f->clock, 100);
        hear_life(f, ONE, true);
    }
}

/* ---- the holders ---- */

static void on_over(void *arg, enum session_end why)
{
    struct holder *holder = arg;
    holder->told++;
    holder->why = why;
    assert_null(holder->hold.session);
    if (holder->releases != NULL) {
        session_follow_release(holder->fixture->follow, holder->releases);
    }
}

static struct holder *hold(struct fixture *f, size_t place, size_t session)
{
    uint8_t hash[SESSION_HASH_BYTES];
    struct holder *holder = &f->holders[place];
    token_of(session, hash);
    *holder = (struct holder){.hold = {.on_over = on_over, .arg = holder}, .fixture = f};
    assert_true(session_follow_hold(f->follow, hash, &holder->hold));
    return holder;
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_capture_setup(NULL);
    f->clock = fake_clock_new();
    f->metrics = metrics_new();
    f->bus = (struct bus){.ops = &bus_ops, .self = f};
    f->holders = mem_alloc((SESSIONS_MAX + 1) * sizeof(*f->holders));
    f->questions = mem_alloc(SESSIONS_MAX * sizeof(*f->questions));
    const struct session_follow_parts parts = {
        .clock = fake_clock_clock(f->clock), .bus = &f->bus, .metrics = f->metrics};
    f->follow = session_follow_new(&parts, SESSIONS_MAX);
    hear_life(f, ONE, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i <= SESSIONS_MAX; i++) {
        session_follow_release(f->follow, &f->holders[i].hold);
    }
    answer_all(f, ERR_UNAVAILABLE);
    assert_int_equal(session_follow_count(f->follow), 0);
    session_follow_free(&f->follow);
    int timers = (int)fake_clock_timers(f->clock);
    metrics_free(&f->metrics);
    fake_clock_free(&f->clock);
    free(f->holders);
    free(f->questions);
    free(f);
    return timers + log_capture_teardown(NULL);
}

/* One session is held, and known to go on. */
static struct holder *hold_one(struct fixture *f)
{
    struct holder *holder = hold(f, 0, 1);
    assert_int_equal(f->out, 1); /* what was told of it before nobody has heard */
    answer(f, ERR_OK);
    assert_int_equal(holder->told, 0);
    return holder;
}

/* ---- events ---- */

static void an_event_that_names_it_asks_and_ends_it(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    hear(f, ONE, 2, true); /* somebody else's */
    assert_int_equal(f->out, 0);
    hear(f, ONE, 1, true);
    assert_int_equal(f->out, 1);
    assert_int_equal(holder->told, 0); /* authsvc says it, not the event */
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->told, 1);
    assert_int_equal(holder->why, SESSION_ENDED);
    assert_int_equal(session_follow_count(f->follow), 0);
    live(f, 2 * LOOK_MS);
    assert_int_equal(f->out, 0);
}

/* A changed role is told like an ended session. */
static void a_session_that_goes_on_is_asked_for_once_more_and_ends_nothing(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    hear(f, ONE, 1, true);
    answer(f, ERR_OK);
    live(f, 500);
    assert_int_equal(f->out, 0);
    live(f, 200); /* whoever answered may have read of it only now */
    assert_int_equal(f->out, 1);
    answer(f, ERR_OK);
    live(f, 10000);
    assert_int_equal(f->out, 0);
    assert_int_equal(holder->told, 0);
}

static void a_replica_that_had_not_heard_of_it_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    hear(f, ONE, 1, true);
    answer(f, ERR_OK);
    live(f, 700);
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->told, 1);
    assert_int_equal(holder->why, SESSION_ENDED);
}

/* The answer that is on its way may be older than the event. */
static void an_event_while_it_is_asked_for_asks_again(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold(f, 0, 1);
    hear(f, ONE, 1, true);
    assert_int_equal(f->out, 1);
    answer(f, ERR_OK);
    assert_int_equal(f->out, 1);
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->told, 1);
}

static void all_who_hold_it_are_told(void **state)
{
    struct fixture *f = *state;
    struct holder *first = hold_one(f);
    struct holder *second = hold(f, 1, 1);
    struct holder *third = hold(f, 2, 1);
    struct holder *other = hold(f, 3, 2);
    first->releases = &second->hold;
    answer(f, ERR_OK);
    hear(f, ONE, 1, true);
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(first->told, 1);
    assert_int_equal(second->told, 0); /* it had let go before its turn */
    assert_int_equal(third->told, 1);
    assert_int_equal(other->told, 0);
}

static void who_has_let_go_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    hear(f, ONE, 1, true);
    session_follow_release(f->follow, &holder->hold);
    session_follow_release(f->follow, &holder->hold);
    assert_int_equal(session_follow_count(f->follow), 1); /* the answer is still to come */
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->told, 0);
    assert_int_equal(session_follow_count(f->follow), 0);
    holder = hold_one(f);
    session_follow_release(f->follow, &holder->hold);
    assert_int_equal(session_follow_count(f->follow), 0);
}

static void no_more_are_held_than_may_be(void **state)
{
    struct fixture *f = *state;
    uint8_t hash[SESSION_HASH_BYTES];
    struct session_hold one_more = {.on_over = on_over};
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        hold(f, i, i + 1);
    }
    token_of(SESSIONS_MAX + 1, hash);
    assert_false(session_follow_hold(f->follow, hash, &one_more));
    assert_null(one_more.session);
    hold(f, SESSIONS_MAX, SESSIONS_MAX); /* the same session again */
}

/* ---- what may have been lost ---- */

static void a_gap_asks_for_all(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    hold(f, 1, 2);
    answer(f, ERR_OK);
    hear_life(f, ONE, true);
    assert_int_equal(f->out, 0);
    hear_life(f, ONE, false);
    assert_int_equal(f->out, 2);
    answer_all(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->told, 1);
    assert_int_equal(f->holders[1].told, 1);
}

/* A back-up was restored. */
static void an_event_about_all_asks_for_all(void **state)
{
    struct fixture *f = *state;
    const struct msg msg = {.id = MSG_auth_event, .auth_event = {.what = AUTH_ALL_CHANGES}};
    hold_one(f);
    session_follow_hear(f->follow, ONE, &msg, /* is_next= */ true);
    assert_int_equal(f->out, 1);
}

static void another_publisher_asks_for_all(void **state)
{
    struct fixture *f = *state;
    hold_one(f);
    hear_life(f, TWO, false);
    assert_int_equal(f->out, 1);
    answer(f, ERR_OK);
    hear_life(f, TWO, true);
    assert_int_equal(f->out, 0);
    session_follow_leave(f->follow, TWO);
    live(f, 2000);
    assert_int_equal(f->out, 0); /* one that is gone is not silent */
}

static void silence_of_one_asks_for_all_once(void **state)
{
    struct fixture *f = *state;
    hold_one(f);
    hear_life(f, TWO, false);
    answer(f, ERR_OK);
    live(f, 400);
    assert_int_equal(f->out, 0);
    live(f, 200);
    assert_int_equal(f->out, 1);
    answer(f, ERR_OK);
    live(f, 10000); /* the other one tells what this one does */
    assert_int_equal(f->out, 0);
}

static void silence_of_all_asks_again_and_again(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    fake_clock_advance(f->clock, 400);
    assert_int_equal(f->out, 0);
    fake_clock_advance(f->clock, 200);
    assert_int_equal(f->out, 1);
    for (int i = 0; i < 10; i++) {
        answer(f, ERR_OK);
        assert_int_equal(f->out, 0);
        fake_clock_advance(f->clock, 300);
        assert_int_equal(f->out, 1);
    }
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->told, 1);
}

static void a_net_asks_for_each_twice_a_minute(void **state)
{
    struct fixture *f = *state;
    hold_one(f);
    for (int i = 0; i < 5; i++) {
        live(f, 19900);
        assert_int_equal(f->out, 0);
        live(f, LOOK_MS - 19900);
        assert_int_equal(f->out, 1);
        answer(f, ERR_OK);
    }
}

/* ---- expiry ---- */

static void one_that_ran_out_of_time_is_told_so(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold(f, 0, 1);
    answer_with(f, ERR_OK, 5000);
    live(f, 4900);
    assert_int_equal(f->out, 0);
    live(f, 200);
    assert_int_equal(f->out, 1);
    answer_with(f, ERR_OK, 3000); /* it was used meanwhile */
    live(f, 3100);
    assert_int_equal(answer(f, ERR_UNAUTHORIZED), 1);
    assert_int_equal(holder->told, 1);
    assert_int_equal(holder->why, SESSION_EXPIRED);
}

static void one_that_is_ended_before_its_time_did_not_run_out(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold(f, 0, 1);
    answer_with(f, ERR_OK, 5000);
    live(f, 1000);
    hear_life(f, ONE, false);
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->why, SESSION_ENDED);
}

/* It may have been used elsewhere, so that its time was not up. */
static void one_that_an_event_names_did_not_run_out(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold(f, 0, 1);
    answer_with(f, ERR_OK, 500);
    live(f, 500);
    hear(f, ONE, 1, true);
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->told, 1);
    assert_int_equal(holder->why, SESSION_ENDED);
}

/* An authsvc that does not tell how much time is left. */
static void without_a_time_it_is_asked_for_as_usual(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold(f, 0, 1);
    answer_with(f, ERR_OK, 0);
    live(f, LOOK_MS);
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->why, SESSION_ENDED);
}

/* ---- failures ---- */

static void a_question_without_an_answer_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    hear(f, ONE, 1, true);
    answer(f, ERR_DEADLINE);
    assert_int_equal(f->out, 0);
    live(f, 200);
    assert_int_equal(f->out, 1);
    answer(f, ERR_UNAUTHORIZED);
    assert_int_equal(holder->told, 1);
    assert_int_equal(holder->why, SESSION_ENDED);
}

static void who_cannot_be_asked_for_is_believed_for_a_while(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    f->refuse = ERR_UNAVAILABLE;
    fake_clock_advance(f->clock, SESSION_FOLLOW_UNKNOWN_MS - 1000);
    assert_int_equal(holder->told, 0);
    assert_true(f->asked < 500);
    fake_clock_advance(f->clock, 2000);
    assert_int_equal(holder->told, 1);
    assert_int_equal(holder->why, SESSION_UNKNOWN);
}

static void who_is_there_again_in_time_is_believed_on(void **state)
{
    struct fixture *f = *state;
    struct holder *holder = hold_one(f);
    for (int i = 0; i < 3; i++) {
        f->refuse = ERR_UNAVAILABLE;
        fake_clock_advance(f->clock, SESSION_FOLLOW_UNKNOWN_MS - 10000);
        f->refuse = ERR_OK;
        fake_clock_advance(f->clock, 1000);
        answer_all(f, ERR_OK);
    }
    assert_int_equal(holder->told, 0);
}

/* ---- storms ---- */

/* All are held and known to go on; the turn is over. */
static void hold_all(struct fixture *f)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        hold(f, i, i + 1);
    }
    for (int turn = 0; turn < 100; turn++) {
        answer_all(f, ERR_OK);
        fake_clock_advance(f->clock, SESSION_FOLLOW_TURN_MS);
        hear_life(f, ONE, true);
    }
    assert_int_equal(f->out, 0);
    f->asked = f->most_out = 0;
}

static void a_gap_with_many_does_not_storm_and_is_soon_over(void **state)
{
    struct fixture *f = *state;
    hold_all(f);
    hear_life(f, ONE, false);
    const uint64_t began_ms = clock_mono_ms(fake_clock_clock(f->clock));
    while (f->asked < SESSIONS_MAX) {
        const size_t before = f->asked;
        answer_all(f, ERR_OK);
        fake_clock_advance(f->clock, SESSION_FOLLOW_TURN_MS);
        assert_true(f->asked - before <= SESSION_FOLLOW_ASKED_MAX);
    }
    assert_true(clock_mono_ms(fake_clock_clock(f->clock)) - began_ms <= 170);
    assert_true(f->most_out <= SESSION_FOLLOW_ASKED_MAX);
}

static void who_answers_slowly_is_not_asked_for_more(void **state)
{
    struct fixture *f = *state;
    hold_all(f);
    hear_life(f, ONE, false);
    live(f, 400);
    assert_int_equal(f->out, SESSION_FOLLOW_ASKED_MAX);
    answer(f, ERR_OK);
    assert_int_equal(f->out, SESSION_FOLLOW_ASKED_MAX);
}

static void one_that_is_named_does_not_wait_for_the_others(void **state)
{
    struct fixture *f = *state;
    hold_all(f);
    hear_life(f, ONE, false);
    hear(f, ONE, SESSIONS_MAX, true);
    answer_all(f, ERR_OK);
    fake_clock_advance(f->clock, SESSION_FOLLOW_TURN_MS);
    assert_int_equal(answer(f, ERR_UNAUTHORIZED), SESSIONS_MAX);
    assert_int_equal(f->holders[SESSIONS_MAX - 1].told, 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_event_that_names_it_asks_and_ends_it),
        T(a_session_that_goes_on_is_asked_for_once_more_and_ends_nothing),
        T(a_replica_that_had_not_heard_of_it_is_asked_again),
        T(an_event_while_it_is_asked_for_asks_again),
        T(all_who_hold_it_are_told),
        T(who_has_let_go_is_not_told),
        T(no_more_are_held_than_may_be),
        T(a_gap_asks_for_all),
        T(an_event_about_all_asks_for_all),
        T(another_publisher_asks_for_all),
        T(silence_of_one_asks_for_all_once),
        T(silence_of_all_asks_again_and_again),
        T(a_net_asks_for_each_twice_a_minute),
        T(one_that_ran_out_of_time_is_told_so),
        T(one_that_is_ended_before_its_time_did_not_run_out),
        T(one_that_an_event_names_did_not_run_out),
        T(without_a_time_it_is_asked_for_as_usual),
        T(a_question_without_an_answer_is_asked_again),
        T(who_cannot_be_asked_for_is_believed_for_a_while),
        T(who_is_there_again_in_time_is_believed_on),
        T(a_gap_with_many_does_not_storm_and_is_soon_over),
        T(who_answers_slowly_is_not_asked_for_more),
        T(one_that_is_named_does_not_wait_for_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
