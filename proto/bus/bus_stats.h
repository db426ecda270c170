/* What both sides of the bus count. */
#ifndef LYNKS_PROTO_BUS_BUS_STATS_H
#define LYNKS_PROTO_BUS_BUS_STATS_H

#include "proto/base/clock.h"
#include "proto/schema/codec.h"
#include "proto/base/log.h"
#include "proto/base/metrics.h"

/* Calls of one kind (to one service, or of one message), by result, and how long they took. */
#define BUS_RESULTS_MAX 96
struct bus_stat_names {
    const char *total, *total_help, *seconds, *seconds_help, *label;
};
struct bus_stat {
    struct metrics *metrics;
    const struct bus_stat_names *names;
    const char *subject;
    struct metric *results[BUS_RESULTS_MAX]; /* by enum err; made at their first use */
    struct metric *seconds;
};

/* names and subject ("authsvc") are borrowed for good. */
void bus_stat_init(struct bus_stat *stat, struct metrics *metrics,
                   const struct bus_stat_names *names, const char *subject);
void bus_stat_count(struct bus_stat *stat, enum err result);
void bus_stat_observe(struct bus_stat *stat, uint64_t started_us);

/* Frames that were refused, by reason, and their log, which a peer cannot flood. */
struct bus_refusals {
    struct metric *counts[CODEC_FAULT_COUNT];
    struct log_gate gate;
};

void bus_refusals_init(struct bus_refusals *refusals, struct metrics *metrics);
/* from: an endpoint or a role. */
void bus_refusals_add(struct bus_refusals *refusals, enum codec_fault fault, const char *from,
                      uint64_t now_ms);

#endif
