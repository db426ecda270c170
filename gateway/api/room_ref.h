/* The room that a path names: /v1/rooms/{room}... */
#ifndef LYNKS_GATEWAY_API_ROOM_REF_H
#define LYNKS_GATEWAY_API_ROOM_REF_H

#include "gateway/http/exchange.h"

/* For the errors of a row: why a participant's token is not enough, whatever he asks for. */
#define ROOM_ASKER_ERRORS ERR_NOT_JOINED, ERR_REMOVED, ERR_DENIED, ERR_BANNED, ERR_MUST_WAIT

#define ROOM_REF_BYTES_MAX 64 /* as on the bus */

/* Its id or its code, as it came; borrowed. ERR_NO_SUCH_ROOM: it can be neither. */
enum err room_ref_read(const struct exchange *exchange, struct str *ret_room);

/* What is alike for all ways to write an id, and for all ways to write a code. Bytes written into
 * key, cut off at ROOM_REF_BYTES_MAX. */
size_t room_ref_key(struct str room, char ret_key[ROOM_REF_BYTES_MAX]);

/* Something of it that the path names by its id: /v1/rooms/{room}/participants/{participant}.
 * ERR_NOT_FOUND: there can be none with this id. */
enum err room_ref_read_id(const struct exchange *exchange, const char *parameter, uint64_t *ret_id);
/* Likewise in a body; ids above that are none (ROOM_ID_MAX). */
enum err room_ref_id(struct str text, uint64_t *ret_id);

#endif
