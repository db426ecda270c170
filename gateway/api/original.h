/* The original API: POST /login, /create and /list_participants. Its wire format is a promise, to
 * the byte ("succesful" too). Messages asked: login, room_create, room_participants. */
#ifndef LYNKS_GATEWAY_API_ORIGINAL_H
#define LYNKS_GATEWAY_API_ORIGINAL_H

#include "gateway/http/route.h"
#include "proto/base/clock.h"
#include "proto/base/metrics.h"

/* How often logins may be tried, from one address, and for one name from one address; and how many
 * rooms one user may add. */
struct original_config {
    uint64_t login_address_burst, login_address_per_minute;
    uint64_t login_name_burst, login_name_per_minute;
    uint64_t login_table_max;
    uint64_t create_burst, create_per_minute;
};

struct original;
struct original *original_new(const struct clock *clock, struct metrics *metrics,
                              const struct original_config *config);
void original_free(struct original **original);

struct resource original_resource(struct original *original);

#endif
