/* /v1/join-info: what a page has to know before somebody comes into a room. What it is asked with
 * is in the body, since no secret is ever in a path. Message asked: join_info. */
#ifndef LYNKS_GATEWAY_API_JOIN_INFO_H
#define LYNKS_GATEWAY_API_JOIN_INFO_H

#include "gateway/http/route.h"

struct resource join_info_resource(void);

#endif
