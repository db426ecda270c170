/* What one bridge tells of its rooms, copied from its events: who publishes in each.
 *
 * A room's list comes whole with an answer of the bridge that names the event up to which it counts
 * (bridge_participants_reply), and is kept up by the events after it. An event that is missing, or
 * one that says so, ends the lists it may have been about.
 *
 * How old the copy is: each event tells how far its bridge may be behind Janus, and what the
 * bridge's own clock shows. That clock is never compared with ours. An answer to bridge_follow
 * shows it too, and was given after we asked; what the bridge's clock has gone on by since, until
 * an event, went by after our asking as well. So nothing that waits on its way is taken for new. */
#ifndef LYNKS_ROOMSVC_FOLLOW_ROOM_COPY_H
#define LYNKS_ROOMSVC_FOLLOW_ROOM_COPY_H

#include "proto/schema/msg.h"

#define ROOM_COPY_FRESH_MS 200 /* how far behind Janus an answer may be */
/* So old an anchor is not used any more: clocks run differently fast, and stop with their machine.
 */
#define ROOM_COPY_ANCHOR_MS 5000

struct room_copy;

/* Of rooms_max rooms (at least 1); those not heard of for longest make place. */
struct room_copy *room_copy_new(size_t rooms_max);
void room_copy_free(struct room_copy **copy);

/* An event with its number; is_next: nothing was missed before it. */
void room_copy_hear(struct room_copy *copy, const struct msg_bridge_event *event, uint64_t number,
                    bool is_next);
/* The bridge's clock showed clock_ms at some time after asked_ms, of our monotonic clock. */
void room_copy_anchor(struct room_copy *copy, uint64_t asked_ms, uint64_t clock_ms);
/* The bridge's list of a room, with all events up to number in it. */
void room_copy_take(struct room_copy *copy, uint64_t room_id, uint64_t number,
                    const struct u64_list *publishers);

/* True: at now_ms this is who publishes in the room, at most ROOM_COPY_FRESH_MS behind Janus;
 * borrowed until the copy is told something. */
bool room_copy_answer(struct room_copy *copy, uint64_t room_id, uint64_t now_ms,
                      struct u64_list *ret_publishers);
/* Of the lease under which the bridge acts, as it told last; 0: it has told nothing. */
uint64_t room_copy_epoch(const struct room_copy *copy);

#endif
