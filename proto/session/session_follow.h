/* Tells who holds something open for a session, such as a stream of events, when that session is
 * over, and what its user's role is whenever it was asked for.
 *
 * authsvc's replicas publish what changes (auth_event in messages.def). That is a hint: the session
 * is then asked for (session_check, which is no use of it here), and what authsvc answers counts.
 * All are asked for when it says so, and when something may have been lost: after a gap in the
 * numbers, when a publisher has been silent for half a second, and when another one comes in its
 * place; while none at all is heard, again and again. Besides, each is asked for about twice a
 * minute, and when its time should be up.
 *
 * Questions go out at a bounded rate, and a bounded number at a time, those first that an event has
 * named. While nobody answers, what is open stays open for SESSION_FOLLOW_UNKNOWN_MS. Lives on the
 * loop. */
#ifndef LYNKS_PROTO_SESSION_SESSION_FOLLOW_H
#define LYNKS_PROTO_SESSION_SESSION_FOLLOW_H

#include "proto/base/list.h"
#include "proto/base/metrics.h"
#include "proto/bus/bus.h"

#define SESSION_HASH_BYTES 32 /* SHA-256 of its token */

/* For so long a session is believed to go on when nobody can be asked for it. */
#define SESSION_FOLLOW_UNKNOWN_MS 60000
/* Questions that go out in one turn of SESSION_FOLLOW_TURN_MS, and that may wait for an answer. */
#define SESSION_FOLLOW_ASKED_MAX 256
#define SESSION_FOLLOW_TURN_MS 10

enum session_end {
    SESSION_ENDED,   /* it was ended: its user has signed out or been put out */
    SESSION_EXPIRED, /* it ran out of time, because it was not used */
    SESSION_UNKNOWN, /* nobody could be asked for it for too long */
};

struct session_follow_parts {
    const struct clock *clock;
    const struct bus *bus;
    struct metrics *metrics;
};

struct session_follow;
struct followed_session;

/* Embedded in what is held open; zeroed at first. */
struct session_hold {
    struct list_link link;
    struct followed_session *session; /* NULL: it holds none */
    /* The session is over; the hold has been released already. */
    void (*on_over)(void *arg, enum session_end why);
    /* It goes on, and this is what its user is by now; not only when that has changed. Releases no
     * hold. NULL: the holder does not care. */
    void (*on_role)(void *arg, enum role role);
    void *arg;
};

/* Parts' members are borrowed. sessions_max: that may be held at a time. */
struct session_follow *session_follow_new(const struct session_follow_parts *parts,
                                          size_t sessions_max);
/* Everything has been released, and the bus has ended before. */
void session_follow_free(struct session_follow **follow);

/* Begins to hold a session that authsvc has just said to go on. The owner has set on_over, on_role
 * and arg.
 * false: sessions_max are held already. */
bool session_follow_hold(struct session_follow *follow,
                         const uint8_t token_hash[SESSION_HASH_BYTES], struct session_hold *hold);
/* Harmless if it holds none. */
void session_follow_release(struct session_follow *follow, struct session_hold *hold);

/* What bus_subscriptions tells (on_event, on_gone) of the replica that publishes at endpoint. */
void session_follow_hear(struct session_follow *follow, const char *endpoint, const struct msg *msg,
                         bool is_next);
void session_follow_leave(struct session_follow *follow, const char *endpoint);

size_t session_follow_count(const struct session_follow *follow); /* sessions that are held */

#endif
