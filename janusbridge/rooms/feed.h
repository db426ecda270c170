/* Is what Janus told us up to date? Two ways in which it may not be:
 *
 * Late. A pulse is a request that Janus answers with an event on the long poll, behind all events
 * before it. When it is back, everything that happened before it was sent has been heard. So the
 * feed is fresh for FEED_FRESH_MS, counted from the sending of the last pulse that came back.
 * Whatever stalls (Janus, the connection, this process), nothing older is taken for true.
 * Pulses go out only while somebody wants to know.
 *
 * Broken. After a gap (a poll failed, the session was lost) events may be missing. Each gap begins
 * a new generation; what was learnt in an earlier one does not count any more.
 *
 * Lives on the loop, belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_FEED_H
#define LYNKS_JANUSBRIDGE_ROOMS_FEED_H

#include "janusbridge/janus/janus_session.h"

#define FEED_FRESH_MS 200   /* how far behind Janus an answer may be */
#define FEED_PULSE_MS 60    /* from one pulse's return to the next */
#define FEED_WANTED_MS 2000 /* pulses go on for so long after the last one who wanted to know */
#define FEED_PULSE_TIMEOUT_MS 2000
/* After so many lost pulses in a row the poll is taken for dead, and replaced. One is not enough:
 * when a poll was cut without Janus noticing, Janus puts one event into it, which is lost, and then
 * uses the healthy poll after it. Replacing that one would only repeat this. */
#define FEED_PULSES_LOST_MAX 2

/* What carries the pulses. */
struct feed_carrier {
    /* The path of a handle that has joined a room; NULL if there is none now. It stays valid until
     * the pulse has ended. */
    const char *(*begin_pulse)(void *arg);
    /* is_dead: Janus says that this handle is not in a room. */
    void (*end_pulse)(void *arg, bool is_dead);
    void *arg;
};

struct feed;

/* Parts are borrowed. Listens to the session, before all who ask it. */
struct feed *feed_new(struct janus_session *session, const struct clock *clock,
                      struct metrics *metrics);
void feed_free(struct feed **feed); /* after the session has ended all calls */
void feed_set_carrier(struct feed *feed, const struct feed_carrier *carrier);

/* Somebody wants to know: keeps the pulse going. */
void feed_want(struct feed *feed);
bool feed_is_fresh(const struct feed *feed);
uint64_t feed_age_ms(const struct feed *feed); /* how far behind it may be; UINT64_MAX: unknown */
uint64_t feed_generation(const struct feed *feed); /* from 1 */

#endif
