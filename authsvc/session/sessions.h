/* Sessions as this replica serves them: checked from memory, looked up in the store when they are
 * not there or seem dead, their sliding written behind, revocations of other replicas followed.
 *
 * Lives on the loop. Owns its table and its timers; clock and store are borrowed. */
#ifndef LYNKS_AUTHSVC_SESSION_SESSIONS_H
#define LYNKS_AUTHSVC_SESSION_SESSIONS_H

#include "authsvc/session/session_table.h"
#include "proto/bus/call.h"
#include "proto/base/metrics.h"

struct sessions_config {
    struct session_rules rules;
    size_t cache_max;
    size_t lookups_max; /* tokens being looked up at a time */
    size_t users_max;   /* users kept in memory, for who asks who he is */
};

struct sessions;

struct sessions *sessions_new(const struct clock *clock, struct store store,
                              struct metrics *metrics, const struct sessions_config *config);
/* No more timers, and nothing new goes to the store: before the store is freed. */
void sessions_stop(struct sessions *sessions);
void sessions_free(struct sessions **sessions); /* after the store */

/* Answers a session_check, now or later. */
void sessions_check(struct sessions *sessions, struct call *call);

/* A login has made one. */
void sessions_add(struct sessions *sessions, const struct token_hash *token,
                  const struct session *session);
/* What was known of it does not hold any more (it is over, or its user changed), in the store too:
 * what a look-up under way may still bring does not count. Whoever listens is told. */
void sessions_remove(struct sessions *sessions, const struct token_hash *token);
/* The same, and nobody is told: another replica has told of it. */
void sessions_forget(struct sessions *sessions, const struct token_hash *token);
/* A user has changed: what is known of him here does not hold any more. */
void sessions_forget_user(struct sessions *sessions, uint64_t user_id);
/* The same, and this replica has done it: whoever listens is told at once, and once more when it is
 * read in the log, as by the other replicas. */
void sessions_change_user(struct sessions *sessions, uint64_t user_id, enum auth_news news);
/* Who hears what changes. */
struct sessions_listener {
    /* Each session that this replica removes, and once each that it reads of in the log of
     * revocations. */
    void (*on_session)(void *arg, const struct token_hash *token);
    /* A user that it reads of there, once for each change. */
    void (*on_user)(void *arg, uint64_t user_id, enum auth_news news);
    /* All sessions are looked up anew: the database has become another one. */
    void (*on_all)(void *arg);
    void *arg;
};
/* At most one may listen, as long as sessions lives. */
void sessions_listen(struct sessions *sessions, const struct sessions_listener *listener);

/* Now by the database's clock, as this replica knows it. Nobody's own wall clock decides on a
 * session. */
uint64_t sessions_unix_ms(const struct sessions *sessions);

/* Writes what waits; done when nothing waits any more, the store refuses it, or has not answered
 * for two seconds. */
void sessions_drain(struct sessions *sessions);
bool sessions_is_drained(const struct sessions *sessions);

#endif
