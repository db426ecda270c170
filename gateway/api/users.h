/* /v1/users/me: oneself, and one's password. Messages asked: user_get, user_change, user_password.
 */
#ifndef LYNKS_GATEWAY_API_USERS_H
#define LYNKS_GATEWAY_API_USERS_H

#include "gateway/api/sign_ins.h"

struct users_api;
struct users_api *users_api_new(struct sign_ins *sign_ins); /* which is borrowed */
void users_api_free(struct users_api **users);

struct resource users_api_resource(struct users_api *users);

#endif
