/* /v1/rooms/{room}/stream-keys: by which programs come into a room, be seen and heard there or see
 * and hear; made, listed and removed by members. Services are given a hash of them. */
#ifndef LYNKS_GATEWAY_API_STREAM_KEYS_H
#define LYNKS_GATEWAY_API_STREAM_KEYS_H

#include "gateway/http/route.h"
#include "proto/base/public_url.h"

struct stream_keys_api;

struct stream_keys_api *stream_keys_api_new(const struct public_url *url);
void stream_keys_api_free(struct stream_keys_api **keys);

struct resource stream_keys_api_resource(struct stream_keys_api *keys);

#endif
