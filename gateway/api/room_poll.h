/* A long poll of a room's events, for networks that cut streams: one answer with what has happened
 * since, as soon as something has, or after a while without. Ids and data are those of the stream.
 */
#ifndef LYNKS_GATEWAY_API_ROOM_POLL_H
#define LYNKS_GATEWAY_API_ROOM_POLL_H

#include "gateway/api/room_visit.h"
#include "gateway/http/exchange.h"

#define ROOM_POLL_WAIT_S_MAX 25 /* proxies cut what is silent for longer */
#define ROOM_POLL_WAIT_S 20     /* where none is given */

extern const struct member room_poll_members[]; /* of the answer */

struct room_polls;

/* clock and metrics are borrowed. */
struct room_polls *room_polls_new(const struct clock *clock, struct metrics *metrics);
/* After the exchanges have been answered. */
void room_polls_free(struct room_polls **polls);

/* Answers, now or within wait_ms; or the exchange fails. */
void room_poll_open(struct room_polls *polls, struct room_visits *visits, struct exchange *exchange,
                    const struct cursor_open *open, uint64_t wait_ms);
/* Answers all that wait: the server drains. Those that come later do not wait. */
void room_polls_drain(struct room_polls *polls);

#endif
