/* Who waits is let in or not, and who is in is made mute: /v1/rooms/{room}/admit-all, mute-all and
 * .../participants/{participant}/admit, deny, mute. Messages asked: lobby_decide,
 * participant_mute. */
#ifndef LYNKS_GATEWAY_API_MODERATION_H
#define LYNKS_GATEWAY_API_MODERATION_H

#include "gateway/http/route.h"

struct resource moderation_resource(void);

#endif
