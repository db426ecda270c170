/* The one table of items that are found by an id in one step: a bounded number of places, each used
 * again and again.
 *
 * An id is a place and the generation of its use, so that the id of an earlier use finds nothing.
 * No id is 0. Items never move. Memory grows with the largest number that were in use at a time. */
#ifndef LYNKS_PROTO_BASE_SLOTS_H
#define LYNKS_PROTO_BASE_SLOTS_H

#include "proto/base/random.h"

#define SLOTS_MAX 1048575

struct slots;
/* items_max: 1..SLOTS_MAX. Each place's generations begin with a number drawn from random, so that
 * other tables give other ids, those of this process' next run too; NULL: with 1. */
struct slots *slots_new(size_t item_bytes, size_t items_max, random_fn *random);
void slots_free(struct slots **slots); /* all must have been released */

/* An item under a new id; NULL if items_max are used. It is zeroed when its place is used for the
 * first time, later it is as it was left. */
void *slots_take(struct slots *slots);
void slots_release(struct slots *slots, void *item);
void *slots_find(const struct slots *slots, uint64_t id); /* NULL: not used */
uint64_t slots_id(const void *item);                      /* of its present use */
/* A loop over all that are used: begins with NULL and ends with NULL. The item that was given last
 * may have been released meanwhile. */
void *slots_next(const struct slots *slots, const void *item);
size_t slots_used(const struct slots *slots);

#endif
