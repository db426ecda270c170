/* Why there is no session with Janus: told to the operator when it is new, and now and then while
 * it lasts. Owned and used by janus_session.c alone. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_REPORT_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_REPORT_H

#include "janusbridge/janus/janus_control.h"
#include "proto/base/health.h"

/* Embedded; set clock and health. */
struct janus_report {
    const struct clock *clock;
    struct health *health; /* as "janus" */
    const char *reason;    /* as last logged; NULL while nothing is known to be wrong */
    uint64_t reminded_ms;  /* when that was */
};

void janus_report_fault(struct janus_report *report, const struct janus_finding *finding);
void janus_report_ready(struct janus_report *report);

#endif
