/* Does Janus do what requests need? A session proves little: with string_ids, a wrong admin key or
 * a plugin that hangs there is one, and every request for a room fails. So with each session that
 * becomes ready a room of our own is made, listed and ended; and again when calls fail, at most
 * once a second. What comes of it is the readiness "rooms", with the cause in words.
 *
 *   idle ---> making ---> listing ---> ending ---> passed      all is well
 *                any of these ---> failed ---> making          again after a pause, for ever
 *                        any state ---> idle                   the session is not ready
 *
 * The room's number is one that no room of the registry can have (above ROOM_ID_MAX). Number and
 * secret are made of the node's name and the admin key, which all bridges of a node have and
 * strangers have not: so the next trial, of whichever bridge, finds and ends what an interrupted
 * one left behind. Without an admin key both are random, and what is left is private, empty, closed
 * to all, and gone with Janus' next start. Lives on the loop, belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_TRIAL_H
#define LYNKS_JANUSBRIDGE_ROOMS_TRIAL_H

#include "janusbridge/janus/janus_session.h"

#define TRIAL_PAUSE_MS 1000 /* from the start of one to the next, at least */
#define TRIAL_PAUSE_MAX_MS 30000
#define TRIAL_TIMEOUT_MS 3000 /* of each of its requests */

struct trial_parts {
    struct janus_session *session;
    const struct clock *clock;
    struct metrics *metrics;
    struct health *health;
    const char *node;      /* name of the Janus node */
    const char *admin_key; /* "": none */
};

struct trial;

/* Parts are borrowed. Listens to the session. */
struct trial *trial_new(const struct trial_parts *parts);
void trial_free(struct trial **trial); /* after the session has ended all calls */

/* A call failed as none should: another trial soon, unless one is under way. NULL-safe. */
void trial_doubt(struct trial *trial);

#endif
