/* What gateways report of their streams: the handler of presence_report. */
#ifndef LYNKS_ROOMSVC_PRESENCE_PRESENCE_REPORTS_H
#define LYNKS_ROOMSVC_PRESENCE_PRESENCE_REPORTS_H

#include "proto/base/metrics.h"
#include "proto/bus/call.h"
#include "roomsvc/store/presence_store.h"

struct presence_reports;

/* All is borrowed. */
struct presence_reports *presence_reports_new(const struct clock *clock,
                                              struct presence_store store, struct metrics *metrics);
/* All calls must have been answered: the store has ended before. */
void presence_reports_free(struct presence_reports **reports);

/* Answers a presence_report, later. Only gateways may send one. */
void presence_reports_take(struct presence_reports *reports, struct call *call);

/* For how long no report has failed here: what is known of streams may be wrong after one has. */
uint64_t presence_reports_calm_ms(const struct presence_reports *reports);

#endif
