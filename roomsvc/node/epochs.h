/* The highest epoch of the bridges' lease that is known. Whoever answers with a lower one has lost
 * the lease and does not know it yet: its answer is not believed. */
#ifndef LYNKS_ROOMSVC_NODE_EPOCHS_H
#define LYNKS_ROOMSVC_NODE_EPOCHS_H

#include "proto/base/metrics.h"

/* The node of all rooms. */
#define EPOCHS_NODE "default"

struct epochs;

struct epochs *epochs_new(struct metrics *metrics); /* borrowed */
void epochs_free(struct epochs **epochs);

void epochs_learn(struct epochs *epochs, uint64_t epoch);
/* May an answer with this epoch be believed? 0, which bridges without a lease give, always. */
bool epochs_admit(struct epochs *epochs, uint64_t epoch);

#endif
