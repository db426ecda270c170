/* Counters, gauges and histograms, written in the Prometheus text format 0.0.4.
 *
 * Made at start-up, never removed. Updating is atomic and may be done from any thread; making and
 * writing belongs to the loop's. Label values come from our own tables, never from a peer. */
#ifndef LYNKS_PROTO_BASE_METRICS_H
#define LYNKS_PROTO_BASE_METRICS_H

#include "proto/base/base.h"

struct metrics;
struct metric;

struct metrics *metrics_new(void);
void metrics_free(struct metrics **metrics);

/* labels: "service=\"authsvc\"" or NULL. The same name and labels give the same metric again.
 * name and help are kept as pointers (literals); labels are copied. */
struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help,
                               const char *labels);
struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help,
                             const char *labels);
/* Milliseconds in, seconds out, in fixed buckets from 0.5 ms to 10 s. */
struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                                 const char *labels);

void metric_add(struct metric *metric, uint64_t n); /* counter */
#define metric_inc(metric) metric_add((metric), 1)
void metric_set(struct metric *metric, int64_t value);      /* gauge */
void metric_observe_us(struct metric *metric, uint64_t us); /* histogram; microseconds */
uint64_t metric_value(const struct metric *metric);         /* for tests; count of a histogram */

/* The whole text; caller frees. *ret_bytes is its length. */
char *metrics_write(struct metrics *metrics, size_t *ret_bytes);

#endif
