#include "gateway/http/stats.h"

/* Every status that errors.def and the API can give; the last stands for any other. */
static const int statuses[] = {200, 204, 304, 400, 401, 403, 404, 405, 409, 413, 414,
                               415, 421, 422, 429, 431, 500, 502, 503, 504, 505, 0};

struct stats {
    struct metric *by_status[ARRAY_LEN(statuses)];
    struct metric *seconds;
};

struct stats *stats_new(struct metrics *metrics, const char *path)
{
    struct stats *stats = mem_alloc(sizeof(*stats));
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        AUTO(mem_free)
        char *labels = mem_printf("path=\"%s\",status=\"%d\"", path, statuses[i]);
        stats->by_status[i] =
            metrics_counter(metrics, "lynks_http_requests_total", "Requests answered.", labels);
    }
    AUTO(mem_free) char *labels = mem_printf("path=\"%s\"", path);
    stats->seconds = metrics_histogram(metrics, "lynks_http_request_seconds",
                                       "From a whole request to its answer.", labels);
    return stats;
}

void stats_free(struct stats **stats)
{
    mem_free(stats);
}

void stats_count(struct stats *stats, int status, uint64_t took_us)
{
    size_t i = 0;
    while (i < ARRAY_LEN(statuses) - 1 && statuses[i] != status) {
        i++;
    }
    metric_inc(stats->by_status[i]);
    metric_observe_us(stats->seconds, took_us);
}
