/* What somebody has written in the chat of a room, as clients see it. */
#ifndef LYNKS_GATEWAY_API_MESSAGE_JSON_H
#define LYNKS_GATEWAY_API_MESSAGE_JSON_H

#include "gateway/http/json_out.h"
#include "gateway/http/member.h"
#include "proto/schema/msg.h"

extern const struct member message_members[]; /* of the answer that shows one */

/* Into an object that is open already. */
void message_json_write(const struct msg_chat_message *message, struct json_out *out);

#endif
