/* Brings the open rooms of the registry back into Janus when Janus may have lost them.
 *
 * The rooms are learnt from roomsvc a page at a time (node_rooms) and made through the handler of
 * bridge_create, so that they stand in line with everything else about the same room; that one is
 * there already is success. A page that cannot be had is asked for again, with back-off, for as
 * long as it takes; rooms that could not be made are tried again in another round.
 *
 * A room that is destroyed meanwhile does not come back: it is struck off the page in hand, and a
 * page that is on its way is asked for again. (The registry has closed it before it asks for the
 * destruction, so later pages do not have it.) Lives on the loop, belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_RESTORE_H
#define LYNKS_JANUSBRIDGE_ROOMS_RESTORE_H

#include "proto/bus/bus.h"
#include "proto/base/metrics.h"

#define RESTORE_PARALLEL 16 /* rooms made at a time, at most */

struct restore_parts {
    const struct bus *bus;
    const struct clock *clock;
    struct metrics *metrics;
    const char *node;
    size_t parallel_max;     /* rooms made at a time; 1..RESTORE_PARALLEL */
    call_handler_fn *create; /* answers bridge_create */
    void *service;           /* its first argument */
    /* This room is in Janus now. */
    void (*on_room)(void *arg, uint64_t room_id);
    /* What restore_outlook gives has changed. */
    void (*on_change)(void *arg);
    void *arg;
};

struct restore;

struct restore *restore_new(const struct restore_parts *parts); /* borrowed */
/* It is stopped or whole, the bus has ended and the handler has answered all before. */
void restore_free(struct restore **restore);

void restore_start(struct restore *restore); /* from the first room; also while under way */
void restore_stop(struct restore *restore);  /* Janus is away, or not ours */
/* Every room was made or found, once since the last start. */
bool restore_is_whole(const struct restore *restore);

/* Of a room that Janus does not have. ERR_DRAINING: it may be on its way, wait. ERR_UNAVAILABLE:
 * which rooms there have to be cannot be learnt at the moment. ERR_OK: it is not on its way. */
enum err restore_outlook(const struct restore *restore);
/* How often that has become ERR_OK. What Janus was asked before the last time, it may answer
 * otherwise now. */
uint64_t restore_endings(const struct restore *restore);
/* The room is being destroyed. */
void restore_skip(struct restore *restore, uint64_t room_id);

#endif
