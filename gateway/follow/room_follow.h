/* All rooms of which this gateway has streams: each is followed once, for all who read it.
 *
 * roomsvc's replicas publish what happens (room_news in messages.def). That is only ever the next
 * event of a room; what is missing, the journal tells (followed_room.h), and that something is
 * missing is found out even if nothing more is heard (room_heads.h). While roomsvc is away, readers
 * wait; a question that gets no answer is asked again, later and later. At most
 * ROOM_FOLLOW_OUT_MAX questions are out at a time.
 *
 * A room that nobody reads any more is followed for ROOM_FOLLOW_IDLE_MS: who was cut off comes
 * again, and a long poll is followed by the next one. Lives on the loop. */
#ifndef LYNKS_GATEWAY_FOLLOW_ROOM_FOLLOW_H
#define LYNKS_GATEWAY_FOLLOW_ROOM_FOLLOW_H

#include "gateway/follow/news_watch.h"
#include "gateway/follow/room_cursor.h"
#include "proto/base/clock.h"
#include "proto/base/health.h"
#include "proto/bus/bus.h"

#define ROOM_FOLLOW_OUT_MAX 64
#define ROOM_FOLLOW_IDLE_MS 30000
#define ROOM_FOLLOW_BEHIND_MS 5000

struct room_follow_parts {
    const struct clock *clock;
    const struct bus *bus;
    struct metrics *metrics;
    const struct room_encoder *encoder;
    struct news_watch *watch; /* of what room_follow_hear is told */
    struct health *health;    /* NULL: nobody is told */
};

struct room_follow_config {
    size_t rooms_max;      /* that are followed at a time */
    size_t tail_bytes_max; /* of events that are kept, of all rooms */
};

struct room_follow;

/* Parts' members are borrowed. */
struct room_follow *room_follow_new(const struct room_follow_parts *parts,
                                    const struct room_follow_config *config);
/* Nobody reads any more, and the bus has ended before. */
void room_follow_free(struct room_follow **follow);

/* Opens the cursor of somebody of whom roomsvc has just said that he is in. The owner has set its
 * reader's wake and arg. Woken is nobody from inside this. false: rooms_max are read already. */
bool room_follow_open(struct room_follow *follow, const struct cursor_open *open,
                      struct room_cursor *cursor);
/* Harmless if it is closed. */
void room_follow_close(struct room_follow *follow, struct room_cursor *cursor);

/* What a replica publishes; others than room_news are none of this. */
void room_follow_hear(struct room_follow *follow, const struct msg *msg);

/* Is it told in time what happens? false: of some room it has been asking for
 * ROOM_FOLLOW_BEHIND_MS, and is not told; that is noted at roomsvc in health. */
bool room_follow_keeps_up(const struct room_follow *follow);
size_t room_follow_count(const struct room_follow *follow); /* rooms that are followed */

#endif
