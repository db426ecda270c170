/* /v1/rooms/{room}/messages: the chat of a meeting, for who is in it. Messages asked: message_send,
 * message_page. */
#ifndef LYNKS_GATEWAY_API_MESSAGES_H
#define LYNKS_GATEWAY_API_MESSAGES_H

#include "gateway/http/route.h"

struct resource messages_resource(void);

#endif
