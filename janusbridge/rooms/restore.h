/* Brings the open rooms of the registry back into Janus when Janus may have lost them.
 *
 * The rooms are learnt from roomsvc a page at a time (node_rooms) and made through the handler of
 * bridge_create, so that they stand in line with everything else about the same room; that one is
 * there already is success. A page that cannot be had is asked for again, with back-off, for as
 * long as it takes; rooms that could not be made are tried again in another round.
 *
 * A room that is destroyed meanwhile does not come back: it is struck off the page in hand, and a
 * page that is on its way is asked for again. (The registry has closed it before it asks for the
 * destruction, so later pages do not have it.)
 *
 * A call for a room that Janus does not have, but may have soon, waits here, at most until its
 * deadline. Listens to the session, which starts and stops it. Lives on the loop, belongs to
 * bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_RESTORE_H
#define LYNKS_JANUSBRIDGE_ROOMS_RESTORE_H

#include "janusbridge/janus/janus_session.h"
#include "proto/bus/bus.h"
#include "proto/bus/call.h"

#define RESTORE_PARALLEL 16 /* rooms made at a time, at most */

struct restore_parts {
    const struct bus *bus;
    struct janus_session *session;
    const struct clock *clock;
    struct metrics *metrics;
    const char *node;
    size_t parallel_max;     /* rooms made at a time; 1..RESTORE_PARALLEL */
    size_t waits_max;        /* calls that may wait */
    call_handler_fn *create; /* answers bridge_create */
    /* Answers a call that has waited until its deadline. */
    void (*fail)(void *service, struct call *call, enum err err);
    void *service; /* the first argument of both */
};

struct restore;

struct restore *restore_new(const struct restore_parts *parts); /* borrowed */
/* After the session and the bus, which have answered all that is under way. */
void restore_free(struct restore **restore);

/* How often a missing room has come to mean something else than before. Take the
 * number before you ask Janus for a room: restore_take_over wants it. */
uint64_t restore_endings(const struct restore *restore);
/* Janus was asked for this room when restore_endings was endings, and did not have it. True: it may
 * have it by now or soon, so the call is taken over: again (service, call) goes on with it, now or
 * later. False: the caller answers it; *err says how if it was changed. */
bool restore_take_over(struct restore *restore, struct call *call, uint64_t room_id,
                       uint64_t endings, call_handler_fn *again, enum err *err);
/* The room is being destroyed. */
void restore_skip(struct restore *restore, uint64_t room_id);

#endif
