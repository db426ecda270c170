#include "authsvc/session/sessions.h"

#include "authsvc/session/session_users.h"
#include "authsvc/session/user_record.h"
#include "proto/base/log.h"
#include "proto/base/list.h"
#include "proto/base/lru.h"

#define RETRY_MS 1000
/* How long draining waits for a database that does not answer. */
#define DRAIN_MS 2000
#define SWEEP_MS 30000
#define SWEEP_MORE_MS 100
#define REVOKED_MS 500
/* A revocation with a lower seq may be committed after one with a higher: each is read again for
 * this many turns (5 s, more than any transaction may take). */
#define REVOKED_TURNS 10
/* Of more than so many in those turns some are told of again, which costs a question each. */
#define TOLD_MAX 65536
/* Rows of revocations outlive every session that they are about. */
#define REVOKED_KEPT_MS 3600000

struct waiter {
    struct list_link link;
    struct call *call;
};

/* All that ask for one token at the same moment share one look-up. */
struct lookup {
    struct sessions *sessions;
    struct token_hash token;
    bool was_removed; /* since it was asked: what the store says may be older than that */
    uint64_t forgets; /* of sessions, when it was asked: likewise */
    struct list_link waiters;
};

enum sessions_state {
    SESSIONS_SERVING,  /* what slides is written when it is due */
    SESSIONS_DRAINING, /* all that waits is written at once */
    SESSIONS_GAVE_UP,  /* likewise, but nobody waits for it: the store did not take it */
    SESSIONS_STOPPED,  /* nothing goes to the store any more */
};

struct sessions {
    const struct clock *clock;
    uint64_t ahead_ms; /* what the database's wall clock shows more than our monotonic one */
    struct store store;
    struct sessions_config config;
    struct session_table *table;
    struct session_users *users;
    struct lru *lookups; /* token -> struct lookup * */
    uint64_t forgets;    /* how often all sessions had to be looked up anew */
    enum sessions_state state;

    uint64_t write_timer;
    uint64_t write_due_ms; /* mono; when it fires */
    bool is_writing;       /* a batch is on its way to the store */
    uint64_t drain_timer;

    uint64_t revoked_timer;
    uint64_t followed_ms;                        /* mono; when revocations were read last */
    struct store_revocation seen[REVOKED_TURNS]; /* seq STORE_SEQ_NOW: none yet */
    unsigned turn;
    struct lru *told; /* seq of revocations that were told of, for longer than each is read again */
    struct sessions_listener listener;

    uint64_t sweep_timer;

    struct log_gate failed_gate;
    struct metric *cached, *looked_up, *refused, *failed;
    struct metric *count, *waiting, *written, *write_failures;
};

/* Expiries are compared by the database's clock, which all replicas share; ours counts on from what
 * it has shown last, at most half a second ago while it is there. */
static struct moment now_of(const struct sessions *s)
{
    const uint64_t mono_ms = clock_mono_ms(s->clock);
    return (struct moment){.mono_ms = mono_ms, .unix_ms = mono_ms + s->ahead_ms};
}

uint64_t sessions_unix_ms(const struct sessions *s)
{
    return now_of(s).unix_ms;
}

static void show_sizes(struct sessions *s)
{
    metric_set(s->count, (int64_t)session_table_count(s->table));
    metric_set(s->waiting, (int64_t)session_table_waiting(s->table));
}

static void sessions_become(struct sessions *s, enum sessions_state state)
{
    static const char *const names[] = {"serving", "draining", "gave up", "stopped"};
    log_debug("sessions", LOG_Z("state", names[state]), LOG_Z("was", names[s->state]),
              LOG_U64("waiting", session_table_waiting(s->table)));
    s->state = state;
}

/* ---- writing behind ---- */

static void write_batch(void *arg);

static void write_after(struct sessions *s, uint64_t delay_ms)
{
    uint64_t due_ms = clock_mono_ms(s->clock) + delay_ms;
    if (s->state == SESSIONS_STOPPED || s->is_writing ||
        (s->write_timer != 0 && s->write_due_ms <= due_ms)) {
        return;
    }
    clock_cancel(s->clock, s->write_timer);
    s->write_due_ms = due_ms;
    s->write_timer = clock_after(s->clock, delay_ms, write_batch, s);
}

static void write_when_due(struct sessions *s)
{
    uint64_t delay_ms = session_table_due_ms(s->table, now_of(s));
    if (delay_ms != SESSION_TABLE_NEVER) {
        write_after(s, s->state == SESSIONS_SERVING ? delay_ms : 0);
    }
}

static void give_up_writing(void *arg)
{
    struct sessions *s = arg;
    if (!sessions_is_drained(s)) {
        log_warn("sessions keep the expiry that the database has",
                 LOG_U64("sessions", session_table_waiting(s->table)));
        sessions_become(s, SESSIONS_GAVE_UP);
    }
}

static void write_again(struct sessions *s)
{
    metric_inc(s->write_failures);
    session_table_not_written(s->table);
    if (s->state == SESSIONS_SERVING) {
        write_after(s, RETRY_MS);
    } else {
        give_up_writing(s);
    }
}

static void on_written(void *arg, enum err err, const bool *gone)
{
    struct sessions *s = arg;
    s->is_writing = false;
    if (err != ERR_OK) {
        write_again(s);
        return;
    }
    metric_inc(s->written);
    session_table_written(s->table, gone, now_of(s));
    write_when_due(s);
    show_sizes(s);
}

static void write_batch(void *arg)
{
    struct sessions *s = arg;
    struct store_extension items[STORE_BATCH_MAX];
    s->write_timer = 0;
    size_t count = session_table_take(s->table, s->state != SESSIONS_SERVING, now_of(s), items);
    if (count == 0) {
        session_table_not_written(s->table);
        write_when_due(s);
        return;
    }
    s->is_writing = true;
    enum err err = s->store.ops->extend(s->store.self, items, count, on_written, s);
    if (err != ERR_OK) {
        s->is_writing = false;
        write_again(s);
    }
}

void sessions_drain(struct sessions *s)
{
    sessions_become(s, SESSIONS_DRAINING);
    s->drain_timer = clock_after(s->clock, DRAIN_MS, give_up_writing, s);
    write_when_due(s);
}

bool sessions_is_drained(const struct sessions *s)
{
    return s->state >= SESSIONS_GAVE_UP || (!s->is_writing && session_table_waiting(s->table) == 0);
}

/* ---- revocations by other replicas ---- */

void sessions_forget_user(struct sessions *s, uint64_t user_id)
{
    session_users_forget(s->users, user_id);
}

void sessions_change_user(struct sessions *s, uint64_t user_id, enum auth_news news)
{
    sessions_forget_user(s, user_id);
    if (s->listener.on_user != NULL) {
        s->listener.on_user(s->listener.arg, user_id, news);
    }
}

void sessions_forget(struct sessions *s, const struct token_hash *token)
{
    const uint64_t user_id = session_table_user(s->table, token);
    if (user_id != 0) {
        sessions_forget_user(s, user_id);
    }
    session_table_remove(s->table, token);
    struct lookup **lookup = lru_find(s->lookups, token);
    if (lookup != NULL) {
        (*lookup)->was_removed = true;
    }
}

void sessions_remove(struct sessions *s, const struct token_hash *token)
{
    sessions_forget(s, token);
    if (s->listener.on_session != NULL) {
        s->listener.on_session(s->listener.arg, token);
    }
}

void sessions_listen(struct sessions *s, const struct sessions_listener *listener)
{
    s->listener = *listener;
}

static void follow_revoked(void *arg);

static void follow_revoked_after(struct sessions *s, uint64_t delay_ms)
{
    if (s->state != SESSIONS_STOPPED) {
        s->revoked_timer = clock_after(s->clock, delay_ms, follow_revoked, s);
    }
}

static void see_all(struct sessions *s, const struct store_revocation *last)
{
    for (unsigned i = 0; i < REVOKED_TURNS; i++) {
        s->seen[i] = *last;
    }
}

/* The database is not the one that it was: nothing that was read before is worth anything. */
static void forget_all(struct sessions *s)
{
    session_table_forget_all(s->table);
    session_users_forget_all(s->users);
    s->forgets++;
    if (s->listener.on_all != NULL) {
        s->listener.on_all(s->listener.arg);
    }
}

/* A revocation is read in several turns, and told of in the first. */
static void take_revocation(struct sessions *s, const struct store_revocation *revocation)
{
    static const struct token_hash every = STORE_EVERY_TOKEN;
    const bool is_every = memcmp(&revocation->token, &every, sizeof(every)) == 0;
    bool is_new;
    (void)lru_put(s->told, &revocation->seq, &is_new);
    if (revocation->user_id != 0) {
        sessions_forget_user(s, revocation->user_id);
        if (is_new && s->listener.on_user != NULL) {
            s->listener.on_user(s->listener.arg, revocation->user_id,
                                (enum auth_news)revocation->news);
        }
    } else if (is_every && is_new) {
        log_warn("a back-up was restored: all sessions are looked up anew");
        forget_all(s);
    } else if (is_new) {
        sessions_remove(s, &revocation->token);
    } else {
        sessions_forget(s, &revocation->token);
    }
}

static void take_revoked(struct sessions *s, const struct store_revocations *revoked)
{
    static const struct store_revocation now = {.seq = STORE_SEQ_NOW};
    if (revoked->is_lost) {
        log_warn("the database went back: revocations are followed from where it is now",
                 LOG_U64("seen", s->seen[s->turn].seq));
        forget_all(s);
        see_all(s, &now);
        lru_free(&s->told);
        s->told = lru_new(sizeof(uint64_t), sizeof(bool), TOLD_MAX);
        follow_revoked_after(s, 0);
        return;
    }
    for (size_t i = 0; i < revoked->count; i++) {
        take_revocation(s, &revoked->items[i]);
    }
    bool more = revoked->count == STORE_REVOCATIONS_MAX;
    if (s->seen[s->turn].seq == STORE_SEQ_NOW || more) {
        see_all(s, &revoked->last);
    }
    s->seen[s->turn] = revoked->last;
    s->turn = (s->turn + 1) % REVOKED_TURNS;
    follow_revoked_after(s, more ? 0 : REVOKED_MS);
}

static void on_revoked(void *arg, enum err err, const struct store_revocations *revoked)
{
    struct sessions *s = arg;
    if (err == ERR_OK) {
        s->followed_ms = clock_mono_ms(s->clock);
        s->ahead_ms = revoked->now_unix_ms - s->followed_ms;
        take_revoked(s, revoked);
        show_sizes(s);
    } else {
        follow_revoked_after(s, REVOKED_MS);
    }
}

static void follow_revoked(void *arg)
{
    struct sessions *s = arg;
    s->revoked_timer = 0;
    if (s->store.ops->find_revoked(s->store.self, &s->seen[s->turn], on_revoked, s) != ERR_OK) {
        follow_revoked_after(s, REVOKED_MS);
    }
}

/* ---- sweeping ---- */

static void sweep_sessions(void *arg);

static void sweep_after(struct sessions *s, uint64_t delay_ms)
{
    if (s->state != SESSIONS_STOPPED) {
        s->sweep_timer = clock_after(s->clock, delay_ms, sweep_sessions, s);
    }
}

static void on_sessions_swept(void *arg, enum err err, bool more)
{
    struct sessions *s = arg;
    sweep_after(s, err == ERR_OK && more ? SWEEP_MORE_MS : SWEEP_MS);
}

static void sweep_sessions(void *arg)
{
    struct sessions *s = arg;
    const struct session_rules *rules = &s->config.rules;
    struct moment now = now_of(s);
    s->sweep_timer = 0;
    session_table_forget_dead(s->table, now);
    show_sizes(s);
    /* A replica that could not reach the database may still have to write a later expiry: it
     * vouches for a session no longer than this. */
    uint64_t expired_ms = now.unix_ms - rules->outage_ms - rules->original.idle_ms;
    uint64_t lifetime_ms = rules->original.lifetime_ms > rules->web.lifetime_ms
                               ? rules->original.lifetime_ms
                               : rules->web.lifetime_ms;
    uint64_t revoked_ms = now.unix_ms - lifetime_ms - REVOKED_KEPT_MS;
    if (s->store.ops->sweep(s->store.self, expired_ms, revoked_ms, on_sessions_swept, s) !=
        ERR_OK) {
        sweep_after(s, SWEEP_MS);
    }
}

/* ---- checks ---- */

static void fail_check(struct sessions *s, struct call *call, enum err err)
{
    if (err == ERR_UNAUTHORIZED) {
        metric_inc(s->refused);
        log_debug("session refused", LOG_STR("request_id", call->context.request_id));
    } else {
        metric_inc(s->failed);
        log_warn_limited(&s->failed_gate, clock_mono_ms(s->clock), "session check failed",
                         LOG_Z("error", err_code(err)),
                         LOG_STR("request_id", call->context.request_id));
    }
    call_fail(call, err);
}

/* user: NULL unless it was asked for. */
static void answer_check_with(const struct sessions *s, struct call *call,
                              const struct session_view *view, const struct store_user *user)
{
    const uint64_t now_ms = now_of(s).unix_ms;
    struct msg reply = {.id = MSG_session_check_reply,
                        .session_check_reply = {.user_id = view->user_id,
                                                .role = view->role,
                                                .has_role = true,
                                                .expires_unix_ms = view->expires_unix_ms,
                                                .remaining_ms = view->expires_unix_ms > now_ms
                                                                    ? view->expires_unix_ms - now_ms
                                                                    : 1}};
    if (user != NULL) {
        reply.session_check_reply.has_user = true;
        reply.session_check_reply.user = user_record(user);
    }
    log_debug("session checked", LOG_U64("session", view->id),
              LOG_STR("request_id", call->context.request_id));
    call_reply(call, &reply);
}

/* A check that is good, and waits for the user. */
struct user_wait {
    struct sessions *sessions;
    struct call *call;
    struct session_view view;
};

static void on_user_of_session(void *arg, enum err err, const struct store_user *user)
{
    struct user_wait wait = *(struct user_wait *)arg;
    mem_free(&arg);
    if (err == ERR_OK && user == NULL) {
        err = ERR_UNAUTHORIZED; /* he was removed a moment ago */
    }
    if (err != ERR_OK) {
        fail_check(wait.sessions, wait.call, err);
        return;
    }
    answer_check_with(wait.sessions, wait.call, &wait.view, user);
}

static void answer_check(struct sessions *s, struct call *call, const struct session_view *view)
{
    const bool with_user = call->request.session_check.with_user;
    const struct store_user *user = with_user ? session_users_find(s->users, view->user_id) : NULL;
    if (!with_user || user != NULL) {
        answer_check_with(s, call, view, user);
        return;
    }
    if (s->state == SESSIONS_STOPPED) {
        fail_check(s, call, ERR_DRAINING);
        return;
    }
    struct user_wait *wait = mem_alloc(sizeof(*wait));
    *wait = (struct user_wait){.sessions = s, .call = call, .view = *view};
    const enum err err = session_users_ask(s->users, view->user_id, call->context.deadline_ms,
                                           on_user_of_session, wait);
    if (err != ERR_OK) {
        mem_free(&wait);
        fail_check(s, call, err);
    }
}

static void wait_for_lookup(struct lookup *lookup, struct call *call)
{
    struct waiter *waiter = mem_alloc(sizeof(*waiter));
    waiter->call = call;
    list_add(&lookup->waiters, &waiter->link);
}

static void start_session_lookup(struct sessions *s, const struct token_hash *token,
                                 struct call *call);

static void ask_store(struct sessions *s, const struct token_hash *token, struct call *call)
{
    if (clock_mono_ms(s->clock) >= call->context.deadline_ms) {
        fail_check(s, call, ERR_DEADLINE);
        return;
    }
    struct lookup **found = lru_find(s->lookups, token);
    if (found == NULL) {
        start_session_lookup(s, token, call);
        return;
    }
    wait_for_lookup(*found, call);
}

static void resolve(struct sessions *s, const struct lookup *lookup, struct call *call,
                    enum err err, const struct session *session)
{
    struct session_view view;
    bool again = err == ERR_DEADLINE || (err == ERR_OK && session != NULL &&
                                         (lookup->was_removed || lookup->forgets != s->forgets));
    if (again && s->state != SESSIONS_STOPPED) {
        /* The deadline was the first caller's; who came later may have more time. */
        ask_store(s, &lookup->token, call);
        return;
    }
    if (err == ERR_OK) {
        err = session == NULL
                  ? ERR_UNAUTHORIZED
                  : session_table_add(s->table, &lookup->token, session,
                                      !call->request.session_check.only_look, now_of(s), &view);
    }
    if (err != ERR_OK) {
        fail_check(s, call, err);
        return;
    }
    metric_inc(s->looked_up);
    answer_check(s, call, &view);
}

static void on_session_looked_up(void *arg, enum err err, const struct session *session)
{
    struct lookup *lookup = arg;
    struct sessions *s = lookup->sessions;
    lru_remove(s->lookups, &lookup->token);
    if (err == ERR_OK && session == NULL) {
        session_table_remove(s->table, &lookup->token);
    }
    LIST_EACH (struct waiter, waiter, &lookup->waiters, link) {
        resolve(s, lookup, waiter->call, err, session);
        mem_free(&waiter);
    }
    mem_free(&lookup);
    write_when_due(s);
    show_sizes(s);
}

static void start_session_lookup(struct sessions *s, const struct token_hash *token,
                                 struct call *call)
{
    if (s->state == SESSIONS_STOPPED || lru_is_full(s->lookups)) {
        fail_check(s, call, s->state == SESSIONS_STOPPED ? ERR_DRAINING : ERR_OVERLOADED);
        return;
    }
    struct lookup *lookup = mem_alloc(sizeof(*lookup));
    *lookup = (struct lookup){.sessions = s, .token = *token, .forgets = s->forgets};
    list_init(&lookup->waiters);
    enum err err = s->store.ops->find_session(s->store.self, token, call->context.deadline_ms,
                                              on_session_looked_up, lookup);
    if (err != ERR_OK) {
        mem_free(&lookup);
        fail_check(s, call, err);
        return;
    }
    wait_for_lookup(lookup, call);
    bool added = false;
    *(struct lookup **)lru_put(s->lookups, token, &added) = lookup;
}

/* A web session would outlive its revocation by days on a replica that has lost the database; so
 * nobody vouches for one for longer than for one of the original login. */
static bool follows_revocations(const struct sessions *s)
{
    const struct session_rules *rules = &s->config.rules;
    return clock_mono_ms(s->clock) - s->followed_ms <
           REVOKED_MS + rules->original.idle_ms + rules->outage_ms;
}

void sessions_check(struct sessions *s, struct call *call)
{
    struct token_hash token;
    struct session_view view;
    memcpy(&token, call->request.session_check.token_hash.data, sizeof(token));
    const bool slide = !call->request.session_check.only_look;
    if (follows_revocations(s) && session_table_find(s->table, &token, slide, now_of(s), &view)) {
        metric_inc(s->cached);
        answer_check(s, call, &view);
        write_when_due(s);
        show_sizes(s);
        return;
    }
    ask_store(s, &token, call);
}

void sessions_add(struct sessions *s, const struct token_hash *token, const struct session *session)
{
    struct session_view ignored;
    /* If there is no place it will be looked up. */
    (void)session_table_add(s->table, token, session, /* slide= */ false, now_of(s), &ignored);
    write_when_due(s);
    show_sizes(s);
}

/* ---- life ---- */

#define CHECKS "lynks_auth_session_checks_total"
#define CHECKS_HELP "Session checks by how they were answered."

static void make_sessions_metrics(struct sessions *s, struct metrics *m)
{
    s->cached = metrics_counter(m, CHECKS, CHECKS_HELP, "result=\"cached\"");
    s->looked_up = metrics_counter(m, CHECKS, CHECKS_HELP, "result=\"looked_up\"");
    s->refused = metrics_counter(m, CHECKS, CHECKS_HELP, "result=\"refused\"");
    s->failed = metrics_counter(m, CHECKS, CHECKS_HELP, "result=\"failed\"");
    s->count = metrics_gauge(m, "lynks_auth_sessions_cached", "Sessions in memory.", NULL);
    s->waiting = metrics_gauge(m, "lynks_auth_sessions_waiting",
                               "Sessions whose later expiry is not in the database yet.", NULL);
    s->written = metrics_counter(m, "lynks_auth_session_batches_total",
                                 "Batches of expiries written.", NULL);
    s->write_failures = metrics_counter(m, "lynks_auth_session_batches_failed_total",
                                        "Batches of expiries that have to be written again.", NULL);
}

struct sessions *sessions_new(const struct clock *clock, struct store store,
                              struct metrics *metrics, const struct sessions_config *config)
{
    struct sessions *s = mem_alloc(sizeof(*s));
    s->clock = clock;
    s->followed_ms = clock_mono_ms(clock);
    s->ahead_ms = clock_unix_ms(clock) - s->followed_ms; /* until the database was heard */
    s->store = store;
    s->config = *config;
    s->table = session_table_new(&config->rules, config->cache_max);
    s->told = lru_new(sizeof(uint64_t), sizeof(bool), TOLD_MAX);
    s->users = session_users_new(clock, store, config->users_max);
    s->lookups = lru_new(sizeof(struct token_hash), sizeof(struct lookup *), config->lookups_max);
    make_sessions_metrics(s, metrics);
    see_all(s, &(struct store_revocation){.seq = STORE_SEQ_NOW});
    follow_revoked_after(s, 0);
    sweep_after(s, SWEEP_MS);
    return s;
}

void sessions_stop(struct sessions *s)
{
    sessions_become(s, SESSIONS_STOPPED);
    clock_cancel(s->clock, s->write_timer);
    clock_cancel(s->clock, s->revoked_timer);
    clock_cancel(s->clock, s->sweep_timer);
    clock_cancel(s->clock, s->drain_timer);
}

void sessions_free(struct sessions **sessions)
{
    if (*sessions != NULL) {
        session_table_free(&(*sessions)->table);
        session_users_free(&(*sessions)->users);
        lru_free(&(*sessions)->told);
        lru_free(&(*sessions)->lookups);
        mem_free(sessions);
    }
}
