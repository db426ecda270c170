/* The API's document (OpenAPI 3.1.0), made from the rows of its routes. */
#ifndef LYNKS_GATEWAY_HTTP_OPENAPI_H
#define LYNKS_GATEWAY_HTTP_OPENAPI_H

#include "gateway/http/json_out.h"
#include "proto/base/public_url.h"
#include "gateway/http/route.h"

void openapi_write(const struct routes *routes, const struct public_url *url, struct json_out *out);

#endif
