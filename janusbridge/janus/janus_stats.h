/* What the session counts. */
#ifndef LYNKS_JANUSBRIDGE_JANUS_JANUS_STATS_H
#define LYNKS_JANUSBRIDGE_JANUS_JANUS_STATS_H

#include "proto/base/metrics.h"

struct janus_stats {
    struct metric *made; /* sessions */
    struct metric *keepalives;
    struct metric *ready; /* gauge */
    /* Times that Janus was lost after it was ready, by what was found. */
    struct metric *lost_session, *lost_handle, *lost_link, *lost_restart;
};

void janus_stats_init(struct janus_stats *stats, struct metrics *metrics);

#endif
