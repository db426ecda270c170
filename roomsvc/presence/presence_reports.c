#include "roomsvc/presence/presence_reports.h"

#include "proto/base/log.h"

struct presence_reports {
    const struct clock *clock;
    struct presence_store store;
    uint64_t failed_ms; /* the last one; at first: when this began */
    struct log_gate failures;
    struct metric *kept, *leases, *failed;
};

struct taken_report {
    struct presence_reports *reports;
    struct call *call;
};

struct presence_reports *presence_reports_new(const struct clock *clock,
                                              struct presence_store store, struct metrics *metrics)
{
    static const char name[] = "lynks_rooms_presence_reports_total";
    static const char help[] = "Reports of gateways about their streams, by result.";
    struct presence_reports *reports = mem_alloc(sizeof(*reports));
    reports->clock = clock;
    reports->store = store;
    reports->failed_ms = clock_mono_ms(clock);
    reports->kept = metrics_counter(metrics, name, help, "result=\"kept\"");
    reports->failed = metrics_counter(metrics, name, help, "result=\"failed\"");
    reports->leases = metrics_counter(
        metrics, "lynks_rooms_presence_leases_total",
        "Reports of gateways that had no lease: new ones, or after an outage.", NULL);
    return reports;
}

void presence_reports_free(struct presence_reports **reports)
{
    mem_free(reports);
}

static void report_fail(struct presence_reports *reports, struct call *call, enum err err)
{
    const uint64_t now_ms = clock_mono_ms(reports->clock);
    reports->failed_ms = now_ms;
    metric_inc(reports->failed);
    log_warn_limited(&reports->failures, now_ms, "presence could not be kept",
                     LOG_STR("request_id", call->context.request_id),
                     LOG_Z("error", err_code(err)));
    call_fail(call, err);
}

static void on_report_taken(void *arg, enum err err, bool is_new)
{
    const struct taken_report taken = *(struct taken_report *)arg;
    struct presence_reports *reports = taken.reports;
    mem_free(&arg);
    if (err != ERR_OK) {
        report_fail(reports, taken.call, err);
        return;
    }
    metric_inc(reports->kept);
    metric_add(reports->leases, is_new);
    const struct msg reply = {.id = MSG_presence_report_reply,
                              .presence_report_reply = {.is_new = is_new}};
    call_reply(taken.call, &reply);
}

void presence_reports_take(struct presence_reports *reports, struct call *call)
{
    if (strcmp(call->peer_role, "gateway") != 0) {
        call_fail(call, ERR_FORBIDDEN);
        return;
    }
    struct taken_report *taken = mem_alloc(sizeof(*taken));
    *taken = (struct taken_report){.reports = reports, .call = call};
    const enum err err =
        reports->store.ops->report(reports->store.self, &call->request.presence_report,
                                   call->context.deadline_ms, on_report_taken, taken);
    if (err != ERR_OK) {
        mem_free(&taken);
        report_fail(reports, call, err);
    }
}

uint64_t presence_reports_calm_ms(const struct presence_reports *reports)
{
    return clock_mono_ms(reports->clock) - reports->failed_ms;
}
