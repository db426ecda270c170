/* Who has no stream any more, and of whom no media comes, leaves his room after a while.
 *
 * What is known of that is only as good as what gateways and bridges report. So nobody leaves
 * before the database and this process have been well for the same while on end, or
 * PRESENCE_LEASE_MS where that is longer: the database without an outage, this process' loop
 * without a pause, all reports that came here kept, and the database's clock without a leap. Until
 * then every gateway that lives has reported again. */
#ifndef LYNKS_ROOMSVC_PRESENCE_ABSENCES_H
#define LYNKS_ROOMSVC_PRESENCE_ABSENCES_H

#include "roomsvc/presence/presence_reports.h"
#include "roomsvc/presence/take_outs.h"

/* From look to look it is a tenth of the while, within these bounds. */
#define ABSENCES_LOOK_MIN_MS 500
#define ABSENCES_LOOK_MAX_MS 1000
/* A turn that comes so much too late: the loop, or all of this process, has paused. */
#define ABSENCES_PAUSE_MS 1500
/* The database's clock and ours may come apart by so much from look to look. */
#define ABSENCES_LEAP_MS 1500

struct absences;

/* reports is borrowed. away_ms: the while. */
struct absences *absences_new(const struct take_outs_parts *parts,
                              const struct presence_reports *reports, uint64_t away_ms);
/* The store has ended before. */
void absences_free(struct absences **absences);

#endif
