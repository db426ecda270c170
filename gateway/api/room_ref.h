/* The room that a path names: /v1/rooms/{room}... */
#ifndef LYNKS_GATEWAY_API_ROOM_REF_H
#define LYNKS_GATEWAY_API_ROOM_REF_H

#include "gateway/http/exchange.h"

#define ROOM_REF_BYTES_MAX 64 /* as on the bus */

/* Its id or its code, as it came; borrowed. ERR_NO_SUCH_ROOM: it can be neither. */
enum err room_ref_read(const struct exchange *exchange, struct str *ret_room);

#endif
