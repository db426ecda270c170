/* The epoch of each node's lease, as far as it is known here. Whoever answers with a lower one has
 * lost the lease and does not know it yet: its answer is not believed.
 *
 * Bridges tell their epoch with all that they say, and the database tells the lease's when it
 * judges a claim. What bridges tell only ever makes the known epoch higher; what the database says
 * is the truth, also where that is lower: a dump that was restored brings an old epoch back. */
#ifndef LYNKS_ROOMSVC_NODE_NODE_FENCE_H
#define LYNKS_ROOMSVC_NODE_NODE_FENCE_H

#include "proto/base/clock.h"
#include "proto/base/health.h"
#include "proto/base/metrics.h"

/* Of more nodes the one that nothing was heard of for longest is forgotten: what comes from it next
 * is believed, as after a start. */
#define NODE_FENCE_NODES_MAX 256

struct node_fence_parts {
    const struct clock *clock;
    struct metrics *metrics;
    struct health *health; /* NULL: not told */
};

struct node_fence;

/* parts' members are borrowed. */
struct node_fence *node_fence_new(const struct node_fence_parts *parts);
void node_fence_free(struct node_fence **fence);

/* node: 1 to 64 bytes. May an answer with this epoch be believed? 0, which bridges without a lease
 * give, always. One that may not is counted and logged, and this process is not ready until
 * something of that node is believed again. */
bool node_fence_admit(struct node_fence *fence, struct str node, uint64_t epoch);
/* Of an event that a bridge has published: the same, but a lower epoch is no reason to complain:
 * nobody waits for that event. 0, which is what a bridge tells that stands by, means nothing. */
void node_fence_hear(struct node_fence *fence, struct str node, uint64_t epoch);
/* The same as admit, of what was said before: nothing is learnt, counted or logged. */
bool node_fence_is_current(const struct node_fence *fence, struct str node, uint64_t epoch);

/* To be taken before the database is asked, and given with what it answers. */
uint64_t node_fence_now(const struct node_fence *fence);
/* The database has judged a claim, asked at node_fence_now: this is the lease's epoch. A lower one
 * than is known counts, unless the known one was learnt after the database was asked: then it may
 * be newer than the answer. */
void node_fence_judge(struct node_fence *fence, struct str node, uint64_t epoch, uint64_t asked);

#endif
