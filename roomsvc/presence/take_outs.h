/* Looks again and again for people who are to be out of their rooms, and takes them out, one room
 * after the other. Absences, ends of sessions and of stream keys, and who waits for long are kinds
 * of it. */
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

/* What is looked for. Each function may be NULL. */
struct take_outs_kind {
    const char *reason;   /* as the metrics name it; borrowed */
    uint64_t rest_ms;     /* from look to look */
    struct out_look look; /* as begin finds it each time */
    void *arg;            /* borrowed, as long as it is looked */
    /* A look begins, which was due at due_ms. */
    void (*begin)(void *arg, uint64_t due_ms, struct out_look *look);
    void (*found)(void *arg, const struct out_found *found);
    /* Before each room, of which the look may be made stricter; false: no more rooms this time. */
    bool (*may_take)(void *arg, struct out_look *look);
    /* Nobody is left whom the look was about. Not called if something has failed, if may_take has
     * said no, or if there may be more rooms: then one looks again. */
    void (*done)(void *arg);
};

struct take_outs;

/* Begins after its first rest. kind is copied. */
struct take_outs *take_outs_new(const struct take_outs_parts *parts,
                                const struct take_outs_kind *kind);
/* The store has ended before. */
void take_outs_free(struct take_outs **outs);

#endif
