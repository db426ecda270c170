/* GET /v1/rooms/{room}/participants: who is in, and in rooms that clients reach past Lynks, what
 * those send. Messages asked: participant_page, room_participants. */
#ifndef LYNKS_GATEWAY_API_PARTICIPANT_LIST_H
#define LYNKS_GATEWAY_API_PARTICIPANT_LIST_H

#include "gateway/http/exchange.h"
#include "gateway/http/member.h"

extern const struct member participant_list_answer[];

/* The handler of its row. */
void participant_list_handle(struct exchange *exchange);

#endif
