#include "janusbridge/janus/janus_report.h"

#include "proto/base/log.h"

/* How often a lasting reason is logged again. */
#define REMIND_MS 60000

void janus_report_fault(struct janus_report *report, const struct janus_finding *finding)
{
    const char *reason = janus_finding_reason(finding);
    const uint64_t now_ms = clock_mono_ms(report->clock);
    health_set(report->health, "janus", false, reason);
    if (report->reason == reason && now_ms - report->reminded_ms < REMIND_MS) {
        return;
    }
    report->reason = reason;
    report->reminded_ms = now_ms;
    LOG_EVENT(janus_finding_is_our_mistake(finding) ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
              "janus is not ready", LOG_Z("reason", reason),
              LOG_Z("detail", finding->detail != NULL ? finding->detail : ""),
              LOG_U64("code", finding->message != NULL ? finding->message->code : 0));
}

void janus_report_ready(struct janus_report *report)
{
    report->reason = NULL;
    health_set(report->health, "janus", true, "");
}
