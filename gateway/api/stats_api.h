/* GET /v1/stats: how much there is, what runs, and what is wrong with it in words; for admins.
 * Messages asked: auth_stats, room_stats. What does not answer is left out, and told. */
#ifndef LYNKS_GATEWAY_API_STATS_API_H
#define LYNKS_GATEWAY_API_STATS_API_H

#include "gateway/http/exchange.h"
#include "proto/base/health.h"

/* health: of this gateway; borrowed. */
struct resource stats_api_resource(struct health *health);

#endif
