/* A stream of a room's events to one client (text/event-stream), for as long as he is in. Pulls
 * from his place in the room (room_cursor.h) what the client takes; one that takes nothing while
 * others do is ended, and can come again. */
#ifndef LYNKS_GATEWAY_API_ROOM_STREAM_H
#define LYNKS_GATEWAY_API_ROOM_STREAM_H

#include "gateway/api/room_visit.h"
#include "gateway/http/exchange.h"

struct room_streams;

/* clock and metrics are borrowed. */
struct room_streams *room_streams_new(const struct clock *clock, struct metrics *metrics);
/* Ends them all. */
void room_streams_free(struct room_streams **streams);

/* Answers with a stream of what open tells; or the exchange fails. */
void room_stream_open(struct room_streams *streams, struct room_visits *visits,
                      struct exchange *exchange, const struct cursor_open *open);

#endif
