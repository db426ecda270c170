/* The gateway's counters: by path of the route table and status, never by what a client sends. */
#ifndef LYNKS_GATEWAY_HTTP_STATS_H
#define LYNKS_GATEWAY_HTTP_STATS_H

#include "proto/base/metrics.h"

struct stats; /* of one path */
struct stats *stats_new(struct metrics *metrics, const char *path);
void stats_free(struct stats **stats);

void stats_count(struct stats *stats, int status, uint64_t took_us);

#endif
