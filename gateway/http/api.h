/* The client API of design.md, section 5: which request goes to which service, who may ask, and
 * what each failure looks like to a client. The only place where an enum err becomes an HTTP
 * status. Lives on the loop; knows no socket. */
#ifndef LYNKS_GATEWAY_HTTP_API_H
#define LYNKS_GATEWAY_HTTP_API_H

#include "gateway/http/web.h"
#include "proto/bus/bus.h"
#include "proto/base/metrics.h"

struct api;

/* Borrowed. */
struct api_parts {
    const struct clock *clock;
    const struct bus *bus;
    struct metrics *metrics;
};

struct api_config {
    uint64_t budget_ms;       /* for the services to answer one request */
    const char *cors_origins; /* see cors.h; borrowed */
    uint64_t login_address_burst, login_address_per_minute;
    uint64_t login_name_burst, login_name_per_minute;
    uint64_t login_table_max;
};

struct api *api_new(const struct api_parts *parts, const struct api_config *config);
/* Requests without an answer get 503; what the bus says about them later is ignored. */
void api_free(struct api **api);

/* Sees to it that request->finish is called exactly once, now or later. Checks in this order: path,
 * method, form of the token, body, limits, session. */
void api_handle(struct api *api, struct web_request *request);

#endif
