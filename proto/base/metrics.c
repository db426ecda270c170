#include "proto/base/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };

/* Upper bounds in microseconds. */
static const uint64_t bounds_us[] = {500,    1000,   2500,   5000,    10000,   25000,   50000,
                                     100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
#define BUCKETS ARRAY_LEN(bounds_us)

struct metric {
    enum kind kind;
    const char *name;
    const char *help;
    char *labels;           /* "" for none */
    _Atomic uint64_t value; /* counter; count of a histogram */
    _Atomic int64_t gauge;
    _Atomic uint64_t sum_us;   /* histogram */
    _Atomic uint64_t *buckets; /* histogram; not cumulative */
    struct metric *next;       /* in the order in which they were made */
};

struct metrics {
    struct metric *first;
};

struct metrics *metrics_new(void)
{
    return mem_alloc(sizeof(struct metrics));
}

void metrics_free(struct metrics **metrics)
{
    if (*metrics == NULL) {
        return;
    }
    for (struct metric *m = (*metrics)->first, *next; m != NULL; m = next) {
        next = m->next;
        free(m->labels);
        free(m->buckets);
        free(m);
    }
    mem_free(metrics);
}

/* Metrics of one name stay together, as the text format wants them. */
static struct metric **find_metric_place(struct metrics *metrics, const char *name)
{
    struct metric **place = &metrics->first;
    bool seen = false;
    while (*place != NULL) {
        bool same = strcmp((*place)->name, name) == 0;
        if (seen && !same) {
            break;
        }
        seen = seen || same;
        place = &(*place)->next;
    }
    return place;
}

static struct metric *get_metric(struct metrics *metrics, enum kind kind, const char *name,
                                 const char *help, const char *labels)
{
    labels = labels == NULL ? "" : labels;
    for (struct metric *m = metrics->first; m != NULL; m = m->next) {
        if (strcmp(m->name, name) == 0 && strcmp(m->labels, labels) == 0) {
            return m;
        }
    }
    struct metric *m = mem_alloc(sizeof(*m));
    m->kind = kind;
    m->name = name;
    m->help = help;
    m->labels = mem_strdup(labels);
    if (kind == HISTOGRAM) {
        m->buckets = mem_alloc(BUCKETS * sizeof(*m->buckets));
    }
    struct metric **place = find_metric_place(metrics, name);
    m->next = *place;
    *place = m;
    return m;
}

struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help,
                               const char *labels)
{
    return get_metric(metrics, COUNTER, name, help, labels);
}

struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help,
                             const char *labels)
{
    return get_metric(metrics, GAUGE, name, help, labels);
}

struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                                 const char *labels)
{
    return get_metric(metrics, HISTOGRAM, name, help, labels);
}

void metric_add(struct metric *metric, uint64_t n)
{
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->gauge, value, memory_order_relaxed);
}

void metric_observe_us(struct metric *metric, uint64_t us)
{
    metric_add(metric, 1);
    atomic_fetch_add_explicit(&metric->sum_us, us, memory_order_relaxed);
    for (size_t i = 0; i < BUCKETS; i++) {
        if (us <= bounds_us[i]) {
            atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
            return;
        }
    }
}

uint64_t metric_value(const struct metric *metric)
{
    return metric->kind == GAUGE ? (uint64_t)metric->gauge : metric->value;
}

static void write_histogram(FILE *out, const struct metric *m)
{
    const char *comma = m->labels[0] == '\0' ? "" : ",";
    uint64_t count = m->value;
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += m->buckets[i];
        (void)fprintf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", m->name, m->labels, comma,
                      (double)bounds_us[i] / 1e6, below);
    }
    const char *open = m->labels[0] == '\0' ? "" : "{";
    const char *close = m->labels[0] == '\0' ? "" : "}";
    (void)fprintf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", m->name, m->labels, comma,
                  count);
    (void)fprintf(out, "%s_sum%s%s%s %.6f\n", m->name, open, m->labels, close,
                  (double)m->sum_us / 1e6);
    (void)fprintf(out, "%s_count%s%s%s %" PRIu64 "\n", m->name, open, m->labels, close, count);
}

static void write_metric(FILE *out, const struct metric *m)
{
    const char *open = m->labels[0] == '\0' ? "" : "{";
    const char *close = m->labels[0] == '\0' ? "" : "}";
    switch (m->kind) {
    case COUNTER:
        (void)fprintf(out, "%s%s%s%s %" PRIu64 "\n", m->name, open, m->labels, close,
                      (uint64_t)m->value);
        break;
    case GAUGE:
        (void)fprintf(out, "%s%s%s%s %" PRId64 "\n", m->name, open, m->labels, close,
                      (int64_t)m->gauge);
        break;
    case HISTOGRAM:
        write_histogram(out, m);
        break;
    }
}

char *metrics_write(struct metrics *metrics, size_t *ret_bytes)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_bytes);
    if (out == NULL) {
        abort(); /* out of memory: see base.h */
    }
    const char *last_name = "";
    for (const struct metric *m = metrics->first; m != NULL; m = m->next) {
        if (strcmp(last_name, m->name) != 0) {
            (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                          kinds[m->kind]);
            last_name = m->name;
        }
        write_metric(out, m);
    }
    (void)fclose(out);
    return text;
}
