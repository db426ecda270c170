/* The highest epoch of the bridges' lease that is known. Whoever answers with a lower one has lost
 * the lease and does not know it yet: its answer is not believed. */
#ifndef LYNKS_ROOMSVC_NODE_NODE_FENCE_H
#define LYNKS_ROOMSVC_NODE_NODE_FENCE_H

#include "proto/base/metrics.h"

/* The node of all rooms. */
#define ROOM_NODE "default"

struct node_fence;

struct node_fence *node_fence_new(struct metrics *metrics); /* borrowed */
void node_fence_free(struct node_fence **fence);

void node_fence_learn(struct node_fence *fence, uint64_t epoch);
/* May an answer with this epoch be believed? 0, which bridges without a lease give, always. */
bool node_fence_admit(struct node_fence *fence, uint64_t epoch);
/* The same, of what was said before: nothing is learnt or counted. */
bool node_fence_is_current(const struct node_fence *fence, uint64_t epoch);

#endif
