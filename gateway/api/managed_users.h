/* /v1/users and /v1/users/{user}: everybody, for admins. */
#ifndef LYNKS_GATEWAY_API_MANAGED_USERS_H
#define LYNKS_GATEWAY_API_MANAGED_USERS_H

#include "gateway/http/route.h"

struct resource managed_users_resource(void);

#endif
