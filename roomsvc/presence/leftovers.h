/* Rows that nobody asks for any more (leftover_store.h has which) go: a step at a time, kind after
 * kind, round after round. */
#ifndef LYNKS_ROOMSVC_PRESENCE_LEFTOVERS_H
#define LYNKS_ROOMSVC_PRESENCE_LEFTOVERS_H

#include "proto/base/clock.h"
#include "proto/base/metrics.h"
#include "roomsvc/store/leftover_store.h"

#define LEFTOVERS_PAUSE_MS 50 /* from step to step */
#define LEFTOVERS_REST_MS                                                                          \
    60000 /* from round to round; before the first, and after a failure, too */

struct leftovers;

/* All is borrowed. */
struct leftovers *leftovers_new(const struct clock *clock, struct leftover_store store,
                                struct metrics *metrics);
/* The store has ended before. */
void leftovers_free(struct leftovers **leftovers);

#endif
