/* POST /v1/registration: somebody adds himself, where LYNKS_REGISTRATION lets everybody. Message
 * asked: user_register. */
#ifndef LYNKS_GATEWAY_API_REGISTRATION_H
#define LYNKS_GATEWAY_API_REGISTRATION_H

#include "gateway/http/route.h"
#include "proto/base/clock.h"
#include "proto/base/metrics.h"

struct registration_config {
    bool is_open;
    uint64_t burst, per_minute; /* how often it may be tried from one address */
    uint64_t table_max;         /* addresses that are counted */
};

struct registration;
struct registration *registration_new(const struct clock *clock, struct metrics *metrics,
                                      const struct registration_config *config); /* clock is
                                                                                    borrowed */
void registration_free(struct registration **registration);

struct resource registration_resource(struct registration *registration);

#endif
