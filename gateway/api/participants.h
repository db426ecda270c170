/* /v1/rooms/{room}/participants: who is in a room; coming in, leaving, names, hands, roles, and the
 * end of a meeting. Messages asked: participant_join, participant_page, participant_change,
 * participant_remove, meeting_end. */
#ifndef LYNKS_GATEWAY_API_PARTICIPANTS_H
#define LYNKS_GATEWAY_API_PARTICIPANTS_H

#include "gateway/api/room_limits.h"
#include "gateway/http/route.h"

/* limits are borrowed; they are all that is kept. */
struct resource participants_resource(struct room_limits *limits);

#endif
