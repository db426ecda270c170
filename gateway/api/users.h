/* /v1/users/me: oneself. Messages asked: user_get, user_change. */
#ifndef LYNKS_GATEWAY_API_USERS_H
#define LYNKS_GATEWAY_API_USERS_H

#include "gateway/http/route.h"

struct resource users_resource(void);

#endif
