/* About the service itself: GET /v1/info, /v1/openapi.json and /problems/{code}. Asks nobody. */
#ifndef LYNKS_GATEWAY_API_INFO_H
#define LYNKS_GATEWAY_API_INFO_H

#include "proto/base/public_url.h"
#include "gateway/http/route.h"

struct info;

/* What is switched on. */
struct info_config {
    bool takes_cors;         /* pages of other origins may use the API */
    bool takes_registration; /* everybody may add himself */
};

struct info *info_new(const struct info_config *config);
void info_free(struct info **info);

/* Writes the API's document, of which the routes of info itself are a part. Before the first
 * request. */
void info_describe(struct info *info, const struct routes *routes, const struct public_url *url);

struct resource info_resource(struct info *info);

#endif
