/* A participant who reads a room, by a stream or by a long poll: his place in it, what is told of
 * his connections for media, and who counts him. There are so many of one participant, and of one
 * address; presence.h hears of each. */
#ifndef LYNKS_GATEWAY_API_ROOM_VISIT_H
#define LYNKS_GATEWAY_API_ROOM_VISIT_H

#include "gateway/api/tally.h"
#include "gateway/follow/presence.h"
#include "gateway/follow/room_follow.h"
#include "gateway/follow/rtc_hints.h"
#include "proto/base/address.h"

struct room_visits_parts {
    struct metrics *metrics;
    struct room_follow *rooms;
    struct presence *presence;
    struct rtc_hints *hints;
};

struct room_visits_config {
    size_t visits_max; /* at a time */
    uint64_t per_participant_max, per_address_max;
};

struct room_visits;

struct room_visits *room_visits_new(const struct room_visits_parts *parts, /* members borrowed */
                                    const struct room_visits_config *config);
void room_visits_free(struct room_visits **visits); /* there are none any more */

/* Embedded. Its own but for the cursor's reader, whose wake and arg the owner sets: it is woken for
 * hints, too. */
struct room_visit {
    struct room_cursor cursor;
    struct rtc_reader hints;
    struct room_visits *all; /* NULL: it is closed */
    bool has_hint;           /* what was just seen is one */
    uint8_t address[ADDRESS_BYTES];
};

/* address: by which clients are counted. ERR_RATE_LIMITED: the participant or the address has as
 * many as it may have. ERR_OVERLOADED: there are too many in all. */
enum err room_visit_open(struct room_visits *visits, const struct cursor_open *open,
                         const uint8_t address[ADDRESS_BYTES], struct room_visit *visit);
void room_visit_close(struct room_visit *visit); /* harmless if it is closed */

/* What is next; borrowed until anything else is called. A hint comes between events, and only to
 * who has been told how the room is. CURSOR_HAS_END: cursor.end. */
enum cursor_has room_visit_peek(struct room_visit *visit, struct http_chunk **ret_chunk);
/* The chunk that was just seen is with the reader. */
void room_visit_advance(struct room_visit *visit);
/* Is more ready for him than may be? */
bool room_visit_is_slow(const struct room_visit *visit);

/* Why a reader is out, for clients. Static. */
const char *room_end_word(enum room_end end);

#endif
