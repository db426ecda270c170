/* One look for people who are to be out of their rooms, and the taking out of them, one room after
 * the other. Absences, ends of sessions and who waits for long are looked for by this. */
#ifndef LYNKS_ROOMSVC_PRESENCE_TAKE_OUTS_H
#define LYNKS_ROOMSVC_PRESENCE_TAKE_OUTS_H

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/metrics.h"
#include "roomsvc/journal/room_news.h"
#include "roomsvc/store/out_store.h"

#define TAKE_OUTS_PAUSE_MS 2 /* from room to room: commands have their turn */

/* Borrowed. */
struct take_outs_parts {
    const struct clock *clock;
    struct out_store store;
    struct room_news *news;
    struct metrics *metrics;
};

struct take_outs;

/* What a look has found. */
typedef void take_outs_found_fn(void *arg, const struct out_found *found);
/* Asked before each room, of which the look may be made stricter; false: no more rooms. */
typedef bool take_outs_may_fn(void *arg, struct out_look *look);
/* All is done: all rooms that were found are dealt with, but for some that failed (err: the last of
 * them), or nothing could be. has_more: there may be others. */
typedef void take_outs_done_fn(void *arg, enum err err, bool has_more);

/* Embedded. */
struct take_outs {
    struct take_outs_parts parts;
    struct out_look look;
    struct out_found found;
    size_t next;  /* of found.rooms */
    enum err err; /* of a room that failed */
    uint64_t timer;
    take_outs_found_fn *on_found;
    take_outs_may_fn *may_take; /* NULL: all that are found are taken out */
    take_outs_done_fn *on_done;
    void *arg;
    struct log_gate failures;
    struct metric *taken, *failed;
};

/* reason: as the metrics name it, "absent". */
void take_outs_init(struct take_outs *outs, const struct take_outs_parts *parts,
                    const char *reason);
/* The store has ended before. */
void take_outs_fini(struct take_outs *outs);

/* on_done is called once, later or from inside; one look at a time. */
void take_outs_start(struct take_outs *outs, const struct out_look *look);

#endif
