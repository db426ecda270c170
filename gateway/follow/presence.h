/* Tells roomsvc which participants have a stream here, so that who has none anywhere leaves his
 * room. One report a second, with all that has changed, whatever the number of streams, and also if
 * nothing has, because the reports keep this gateway's lease; none while nobody has a stream, or
 * has had one a moment ago. A report that fails is made up for by the next.
 *
 * A gateway that ends closes nobody: its streams go to another one, and its lease runs out. */
#ifndef LYNKS_GATEWAY_FOLLOW_PRESENCE_H
#define LYNKS_GATEWAY_FOLLOW_PRESENCE_H

#include "proto/base/metrics.h"
#include "proto/bus/bus.h"

#define PRESENCE_REPORT_MS 1000
/* A report that has no answer by then has failed; its call is over before the next is due, unless
 * this process pauses. */
#define PRESENCE_ANSWER_MS 900
/* For so long the last stream of somebody may be over before it is told: long polls pause. */
#define PRESENCE_LINGER_MS 2000
/* Between two reports for so long the lease may have run out (5 s by the database's clock): then
 * everybody is told again. */
#define PRESENCE_LAPSE_MS 4000
#define PRESENCE_PARTICIPANTS_MAX 262144

struct presence;

/* clock, bus and metrics are borrowed. The first report comes after PRESENCE_REPORT_MS. */
struct presence *presence_new(const struct clock *clock, const struct bus *bus,
                              struct metrics *metrics);
/* The bus has ended before, or no report is under way. */
void presence_free(struct presence **presence);

/* A stream of the participant (not 0) begins, one ends. Several of one are counted.
 * presence_open gives false if PRESENCE_PARTICIPANTS_MAX have streams, or have had one a moment
 * ago: then there can be no other. */
bool presence_open(struct presence *presence, uint64_t participant_id);
void presence_close(struct presence *presence, uint64_t participant_id);

/* Who has a stream, or has had one a moment ago. */
size_t presence_count(const struct presence *presence);

#endif
