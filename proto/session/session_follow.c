#include "proto/session/session_follow.h"

#include <assert.h>

#include "proto/base/log.h"
#include "proto/base/lru.h"
#include "proto/base/random.h"
#include "proto/bus/publishers.h"

#define SILENCE_CHECK_MS 100
/* While no publisher is heard, all are asked for so often. */
#define BLIND_ROUND_MS 300
#define ANSWER_MS 1000
/* After an answer that tells nothing, before anything else is asked. */
#define RETRY_MS 200
/* A replica that has not heard yet what another one did may answer that the session goes on. It
 * reads of it within half a second. */
#define CONFIRM_MS 600
/* Of each session, from the one to the other, so that they do not come together. */
#define LOOK_MIN_MS 20000
#define LOOK_MAX_MS 30000
/* So much after its time should be up, because the answer was on its way for a while. */
#define EXPIRED_SLACK_MS 50

enum follow_step {
    FOLLOW_QUIET, /* its timer runs: it is asked for then */
    FOLLOW_DUE,   /* in the list of those that are asked for next */
    FOLLOW_ASKED, /* the question is out */
    FOLLOW_STALE, /* likewise, and it has to be asked again after that */
    FOLLOW_OVER,  /* who holds it is being told; it is not found any more */
};

struct followed_session {
    struct session_follow *follow;
    struct list_link link; /* of follow->sessions */
    struct list_link due;  /* of follow->due */
    struct list_link holds;
    uint8_t token_hash[SESSION_HASH_BYTES];
    enum follow_step step;
    bool was_named;   /* by an event, which no answer has followed yet */
    uint64_t timer;   /* 0: does not run */
    uint64_t good_ms; /* when it was last heard to go on */
    uint64_t ends_ms; /* when it is over if it is not used; 0: not known */
};

struct session_follow {
    struct session_follow_parts parts;
    struct lru *index; /* token hash -> struct followed_session * */
    struct list_link sessions;
    struct list_link due;
    struct publishers publishers;
    size_t asked;  /* questions that are out */
    size_t budget; /* questions that may still go out in this turn */
    uint64_t turn_timer;
    uint64_t silence_timer;
    uint64_t round_ms; /* when all were asked for last */
    struct metric *held, *gaps, *silences, *going_on, *over, *failed;
};

static uint64_t follow_now_ms(const struct session_follow *follow)
{
    return clock_mono_ms(follow->parts.clock);
}

/* ---- one session ---- */

static void stop_looking(struct followed_session *session)
{
    clock_cancel(session->follow->parts.clock, session->timer);
    session->timer = 0;
}

static void free_followed(struct followed_session *session)
{
    struct session_follow *follow = session->follow;
    stop_looking(session);
    list_remove(&session->link);
    list_remove(&session->due);
    mem_free(&session);
    metric_set(follow->held, (int64_t)lru_count(follow->index));
}

static void drop_followed(struct followed_session *session)
{
    lru_remove(session->follow->index, session->token_hash);
    free_followed(session);
}

static void end_followed(struct followed_session *session, enum session_end why)
{
    struct session_hold *hold;
    session->step = FOLLOW_OVER;
    list_remove(&session->link);
    lru_remove(session->follow->index, session->token_hash);
    while ((hold = LIST_FIRST(struct session_hold, &session->holds, link)) != NULL) {
        list_remove(&hold->link);
        hold->session = NULL;
        hold->on_over(hold->arg, why);
    }
    free_followed(session);
}

/* To be asked for: before all others, or after them. */
static void make_due(struct followed_session *session, bool first)
{
    struct session_follow *follow = session->follow;
    if (session->step == FOLLOW_ASKED || session->step == FOLLOW_STALE) {
        session->step = FOLLOW_STALE;
        return;
    }
    stop_looking(session);
    list_remove(&session->due);
    session->step = FOLLOW_DUE;
    if (first) {
        list_add_first(&follow->due, &session->due);
    } else {
        list_add(&follow->due, &session->due);
    }
}

/* ---- questions ---- */

static void ask_what_is_due(struct session_follow *follow);

static void on_time_to_look(void *arg)
{
    struct followed_session *session = arg;
    session->timer = 0;
    make_due(session, /* first= */ false);
    ask_what_is_due(session->follow);
}

static void look_later(struct followed_session *session, uint64_t delay_ms)
{
    session->step = FOLLOW_QUIET;
    session->timer = clock_after(session->follow->parts.clock, delay_ms, on_time_to_look, session);
}

static void on_turn(void *arg)
{
    struct session_follow *follow = arg;
    follow->turn_timer = 0;
    follow->budget = SESSION_FOLLOW_ASKED_MAX;
    ask_what_is_due(follow);
}

static void pause_asking(struct session_follow *follow, uint64_t delay_ms)
{
    clock_cancel(follow->parts.clock, follow->turn_timer);
    follow->turn_timer = clock_after(follow->parts.clock, delay_ms, on_turn, follow);
}

static void tell_role(const struct followed_session *session,
                      const struct msg_session_check_reply *reply)
{
    if (!reply->has_role) {
        return; /* an authsvc before 1.2 */
    }
    LIST_EACH (struct session_hold, hold, &session->holds, link) {
        if (hold->on_role != NULL) {
            hold->on_role(hold->arg, reply->role);
        }
    }
}

static void take_good(struct followed_session *session, const struct msg_session_check_reply *reply)
{
    const uint64_t now_ms = follow_now_ms(session->follow);
    uint64_t delay_ms = LOOK_MIN_MS + random_u32() % (LOOK_MAX_MS - LOOK_MIN_MS);
    metric_inc(session->follow->going_on);
    session->good_ms = now_ms;
    session->ends_ms = reply->remaining_ms == 0 ? 0 : now_ms + reply->remaining_ms;
    if (reply->remaining_ms != 0 && reply->remaining_ms + EXPIRED_SLACK_MS < delay_ms) {
        delay_ms = reply->remaining_ms + EXPIRED_SLACK_MS;
    }
    if (session->step == FOLLOW_STALE) {
        session->step = FOLLOW_QUIET;
        make_due(session, /* first= */ session->was_named);
    } else if (session->was_named) {
        session->was_named = false;
        look_later(session, CONFIRM_MS);
    } else {
        look_later(session, delay_ms);
    }
    tell_role(session, reply);
}

static void take_failure(struct followed_session *session, enum err err)
{
    struct session_follow *follow = session->follow;
    const uint64_t now_ms = follow_now_ms(follow);
    metric_inc(follow->failed);
    log_debug("session not looked at", LOG_Z("error", err_code(err)));
    follow->budget = 0;
    pause_asking(follow, RETRY_MS);
    session->step = FOLLOW_QUIET;
    if (now_ms - session->good_ms >= SESSION_FOLLOW_UNKNOWN_MS) {
        end_followed(session, SESSION_UNKNOWN);
    } else {
        make_due(session, /* first= */ false);
    }
}

static void take_over(struct followed_session *session)
{
    const bool ran_out = !session->was_named && session->ends_ms != 0 &&
                         follow_now_ms(session->follow) >= session->ends_ms;
    metric_inc(session->follow->over);
    end_followed(session, ran_out ? SESSION_EXPIRED : SESSION_ENDED);
}

static void on_session_answered(void *arg, enum err err, const struct msg *reply)
{
    struct followed_session *session = arg;
    struct session_follow *follow = session->follow;
    follow->asked--;
    if (err == ERR_OK && reply->id != MSG_session_check_reply) {
        err = ERR_PROTOCOL;
    }
    if (list_is_empty(&session->holds)) {
        drop_followed(session);
    } else if (err == ERR_OK) {
        take_good(session, &reply->session_check_reply);
    } else if (err == ERR_UNAUTHORIZED) {
        take_over(session);
    } else {
        take_failure(session, err);
    }
    ask_what_is_due(follow);
}

static void ask_for_session(struct followed_session *session)
{
    struct session_follow *follow = session->follow;
    const struct call_context context = {.request_id = STR_LIT("follow"),
                                         .deadline_ms = follow_now_ms(follow) + ANSWER_MS};
    const struct msg request = {
        .id = MSG_session_check,
        .session_check = {
            .token_hash = {.data = (const char *)session->token_hash, .bytes = SESSION_HASH_BYTES},
            .only_look = true}};
    list_remove(&session->due);
    session->step = FOLLOW_ASKED;
    follow->budget--;
    enum err err = bus_call(follow->parts.bus, &request, &context, on_session_answered, session);
    if (err == ERR_OK) {
        follow->asked++;
    } else {
        take_failure(session, err);
    }
}

/* What is left waits for the next turn, or for an answer. */
static void ask_what_is_due(struct session_follow *follow)
{
    struct followed_session *session;
    while (follow->budget > 0 && follow->asked < SESSION_FOLLOW_ASKED_MAX &&
           (session = LIST_FIRST(struct followed_session, &follow->due, due)) != NULL) {
        ask_for_session(session);
    }
    if (follow->turn_timer == 0 && follow->budget < SESSION_FOLLOW_ASKED_MAX) {
        pause_asking(follow, SESSION_FOLLOW_TURN_MS);
    }
}

static void ask_for_all(struct session_follow *follow, struct metric *why)
{
    if (list_is_empty(&follow->sessions)) {
        return;
    }
    metric_inc(why);
    follow->round_ms = follow_now_ms(follow);
    LIST_EACH (struct followed_session, session, &follow->sessions, link) {
        if (session->step != FOLLOW_DUE) {
            make_due(session, /* first= */ false);
        }
    }
    ask_what_is_due(follow);
}

/* ---- what is published ---- */

void session_follow_hear(struct session_follow *follow, const char *endpoint, const struct msg *msg,
                         bool is_next)
{
    if (msg->id != MSG_auth_event) {
        return;
    }
    publishers_hear(&follow->publishers, endpoint, follow_now_ms(follow));
    const struct msg_auth_event *event = &msg->auth_event;
    if (event->what == AUTH_SESSION_CHANGES && event->token_hash.bytes == SESSION_HASH_BYTES) {
        struct followed_session **session = lru_find(follow->index, event->token_hash.data);
        if (session != NULL) {
            (*session)->was_named = true;
            make_due(*session, /* first= */ true);
        }
    }
    if (is_next && event->what != AUTH_ALL_CHANGES) {
        ask_what_is_due(follow);
    } else {
        ask_for_all(follow, follow->gaps);
    }
}

void session_follow_leave(struct session_follow *follow, const char *endpoint)
{
    publishers_leave(&follow->publishers, endpoint);
}

/* One that is heard tells what the others did, too, because it reads the log of revocations. So a
 * silent one costs one round, in which what it told last may be found out, and only if nobody is
 * heard is everything asked for all the time. */
static void watch_publishers(void *arg)
{
    struct session_follow *follow = arg;
    const uint64_t now_ms = follow_now_ms(follow);
    const struct publishers_look look = publishers_look(&follow->publishers, now_ms);
    const bool is_blind = look.silent == look.count;
    if (look.is_new || (is_blind && now_ms - follow->round_ms >= BLIND_ROUND_MS)) {
        ask_for_all(follow, follow->silences);
    }
    follow->silence_timer =
        clock_after(follow->parts.clock, SILENCE_CHECK_MS, watch_publishers, follow);
}

/* ---- who holds a session ---- */

bool session_follow_hold(struct session_follow *follow,
                         const uint8_t token_hash[SESSION_HASH_BYTES], struct session_hold *hold)
{
    struct followed_session **found = lru_find(follow->index, token_hash);
    if (found == NULL && lru_is_full(follow->index)) {
        return false;
    }
    if (found == NULL) {
        bool added;
        struct followed_session *session = mem_alloc(sizeof(*session));
        session->follow = follow;
        session->good_ms = follow_now_ms(follow);
        memcpy(session->token_hash, token_hash, SESSION_HASH_BYTES);
        list_init(&session->due);
        list_init(&session->holds);
        list_add(&follow->sessions, &session->link);
        found = lru_put(follow->index, token_hash, &added);
        *found = session;
        /* What was told of it while nobody held it was not heard. */
        make_due(session, /* first= */ false);
        metric_set(follow->held, (int64_t)lru_count(follow->index));
    }
    hold->session = *found;
    list_add(&hold->session->holds, &hold->link);
    ask_what_is_due(follow);
    return true;
}

void session_follow_release(struct session_follow *follow, struct session_hold *hold)
{
    struct followed_session *session = STEAL(hold->session);
    (void)follow;
    if (session == NULL) {
        return;
    }
    list_remove(&hold->link);
    if (list_is_empty(&session->holds) &&
        (session->step == FOLLOW_QUIET || session->step == FOLLOW_DUE)) {
        drop_followed(session);
    }
}

size_t session_follow_count(const struct session_follow *follow)
{
    return lru_count(follow->index);
}

/* ---- life ---- */

struct session_follow *session_follow_new(const struct session_follow_parts *parts,
                                          size_t sessions_max)
{
    static const char rounds[] = "lynks_session_follow_rounds_total";
    static const char rounds_help[] = "Times at which all sessions that are held were asked for.";
    static const char checks[] = "lynks_session_follow_checks_total";
    static const char checks_help[] = "Sessions that are held and were asked for.";
    struct session_follow *follow = mem_alloc(sizeof(*follow));
    struct metrics *metrics = parts->metrics;
    follow->parts = *parts;
    follow->index = lru_new(SESSION_HASH_BYTES, sizeof(struct followed_session *), sessions_max);
    follow->budget = SESSION_FOLLOW_ASKED_MAX;
    list_init(&follow->sessions);
    list_init(&follow->due);
    publishers_init(&follow->publishers);
    follow->held = metrics_gauge(metrics, "lynks_session_follow_sessions",
                                 "Sessions that something is held open for.", NULL);
    follow->gaps = metrics_counter(metrics, rounds, rounds_help, "why=\"gap\"");
    follow->silences = metrics_counter(metrics, rounds, rounds_help, "why=\"silence\"");
    follow->going_on = metrics_counter(metrics, checks, checks_help, "result=\"going_on\"");
    follow->over = metrics_counter(metrics, checks, checks_help, "result=\"over\"");
    follow->failed = metrics_counter(metrics, checks, checks_help, "result=\"failed\"");
    follow->silence_timer = clock_after(parts->clock, SILENCE_CHECK_MS, watch_publishers, follow);
    return follow;
}

void session_follow_free(struct session_follow **follow_ref)
{
    struct session_follow *follow = *follow_ref;
    if (follow == NULL) {
        return;
    }
    for (struct followed_session *session;
         (session = LIST_FIRST(struct followed_session, &follow->sessions, link)) != NULL;) {
        assert(list_is_empty(&session->holds));
        drop_followed(session);
    }
    publishers_fini(&follow->publishers);
    clock_cancel(follow->parts.clock, follow->turn_timer);
    clock_cancel(follow->parts.clock, follow->silence_timer);
    lru_free(&follow->index);
    mem_free(follow_ref);
}
