/* A room and what happens in it, as its streams tell it: `snapshot` with {"room","participants",
 * "me"}, `me` when what one may has changed, and events of the journal with
 * {"type","time","room","data"}. Their ids are g<generation>.<seq>. */
#ifndef LYNKS_GATEWAY_API_ROOM_EVENTS_JSON_H
#define LYNKS_GATEWAY_API_ROOM_EVENTS_JSON_H

#include "gateway/follow/room_cursor.h"

/* How streams tell it, for room_follow.h. public_url: "https://meet.example.org"; borrowed. */
struct room_encoder room_events_encoder(const char *public_url);

/* "g18446744073709551615.18446744073709551615" */
#define ROOM_EVENT_ID_BYTES 48
/* Gives how many bytes there are without the NUL. */
size_t room_event_id_write(uint64_t generation, uint64_t seq, char ret_id[ROOM_EVENT_ID_BYTES]);
/* What a client says that it has seen last. NULL or "": nothing. */
struct cursor_after room_event_id_read(const char *text);

#endif
