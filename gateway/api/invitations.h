/* /v1/rooms/{room}/invitations: links that let people into a room. The secret of one is drawn here,
 * and told once, to who makes it. Messages asked: invitation_add, invitation_page,
 * invitation_change, invitation_revoke. */
#ifndef LYNKS_GATEWAY_API_INVITATIONS_H
#define LYNKS_GATEWAY_API_INVITATIONS_H

#include "gateway/http/route.h"
#include "proto/base/public_url.h"

struct invitations_api;
struct invitations_api *invitations_api_new(const struct public_url *url);
void invitations_api_free(struct invitations_api **invitations);

struct resource invitations_api_resource(struct invitations_api *invitations);

#endif
