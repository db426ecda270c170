#include "proto/bus/bus_stats.h"

#define ERR(name, number, http, retryable, refusal, code, text)                                    \
    _Static_assert((number) < BUS_RESULTS_MAX, "results is indexed by it");
#include "proto/base/errors.def"
#undef ERR

static struct metric *make_result(const struct bus_stat *stat, enum err result)
{
    AUTO(mem_free)
    char *labels =
        mem_printf("%s=\"%s\",result=\"%s\"", stat->names->label, stat->subject, err_code(result));
    return metrics_counter(stat->metrics, stat->names->total, stat->names->total_help, labels);
}

void bus_stat_init(struct bus_stat *stat, struct metrics *metrics,
                   const struct bus_stat_names *names, const char *subject)
{
    *stat = (struct bus_stat){.metrics = metrics, .names = names, .subject = subject};
    AUTO(mem_free) char *labels = mem_printf("%s=\"%s\"", names->label, subject);
    stat->seconds = metrics_histogram(metrics, names->seconds, names->seconds_help, labels);
    stat->results[ERR_OK] = make_result(stat, ERR_OK);
}

void bus_stat_count(struct bus_stat *stat, enum err result)
{
    if (stat->results[result] == NULL) {
        stat->results[result] = make_result(stat, result);
    }
    metric_inc(stat->results[result]);
}

void bus_stat_observe(struct bus_stat *stat, uint64_t started_us)
{
    metric_observe_us(stat->seconds, system_mono_us() - started_us);
}

void bus_refusals_init(struct bus_refusals *refusals, struct metrics *metrics)
{
    for (enum codec_fault fault = CODEC_OK + 1; fault < CODEC_FAULT_COUNT; fault++) {
        AUTO(mem_free) char *labels = mem_printf("reason=\"%s\"", codec_fault_name(fault));
        refusals->counts[fault] =
            metrics_counter(metrics, "lynks_bus_refused_frames_total",
                            "Frames from peers of the bus that were refused.", labels);
    }
}

void bus_refusals_add(struct bus_refusals *refusals, enum codec_fault fault, const char *from,
                      uint64_t now_ms)
{
    metric_inc(refusals->counts[fault]);
    log_warn_limited(&refusals->gate, now_ms, "bus frame refused",
                     LOG_Z("reason", codec_fault_name(fault)), LOG_Z("from", from));
}
