/* Who publishes in one room, as far as we were told: a set of feed ids, and a journal of what
 * changed while a base was being fetched. Pure: no I/O, no time.
 *
 * A base is the whole set as Janus has it at one moment between the asking and the answer. Events
 * may overtake it, so what came since the asking counts for more: the base is taken over and the
 * journal replayed. An event that is older than the base but comes later sets what the base says
 * already, or is followed by the one that does. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_ROOM_STATE_H
#define LYNKS_JANUSBRIDGE_ROOMS_ROOM_STATE_H

#include "proto/schema/msg.h"

/* Feeds that may change while a base is fetched; past it the base is of no use. */
#define ROOM_JOURNAL_MAX 64

struct room_change {
    uint64_t id;
    bool publishes;
};

/* Embedded; all zero is an empty set that nobody vouches for. */
struct room_state {
    uint64_t *ids;
    uint32_t count, space;
    uint32_t bases; /* under way */
    uint32_t journal_count;
    bool journal_is_torn;        /* more changed than it holds, or something not understood */
    struct room_change *journal; /* the last word on each feed since the first base was begun */
};

void room_state_fini(struct room_state *state);

/* What an event says of one feed. True if that is news. More feeds than PUBLISHERS_MAX tear the
 * journal, and are left out: *ret_fits is false. */
bool room_state_set(struct room_state *state, uint64_t id, bool publishes, bool *ret_fits);

/* A base is asked for; ends with one of the two below. Several may be under way. */
void room_state_begin(struct room_state *state);
/* It will not come. */
void room_state_abandon(struct room_state *state);
/* It is here. False if too much happened meanwhile: nothing changes. */
bool room_state_rebase(struct room_state *state, const uint64_t *ids, size_t count);

/* Does the set differ from a base, feeds in the journal aside? Ends nothing. */
bool room_state_differs(const struct room_state *state, const uint64_t *ids, size_t count);

#endif
