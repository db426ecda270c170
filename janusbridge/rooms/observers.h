/* The silent members that the bridge has in rooms, and what they hear.
 *
 *   (asked for) ---> waiting ---> attaching ---> joining ---> joined
 *
 * The first who asks for a room makes its observer: a handle of its own on the one session, which
 * joins without a name and without media. From then on Janus tells it who publishes, and all who
 * ask are answered from memory. How many are made at a time is bounded, and so is how many there
 * are; one that nobody asked for a while ends. When one ends early (it was kicked, or its room,
 * session or handle is gone), Janus is asked again by the next who asks for the room, and another
 * is made.
 *
 * Memory answers only for what it can vouch for: the room's set was taken over whole and nothing
 * may have been missed since (feed.h), and a pulse says that nothing is late. For
 * everything else Janus is asked; those answers, which go through room_calls, make the set whole
 * again, and each shows whether the observer is still in its room. Lives on the loop. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_OBSERVERS_H
#define LYNKS_JANUSBRIDGE_ROOMS_OBSERVERS_H

#include "janusbridge/janus/janus_handle.h"
#include "janusbridge/rooms/events.h"
#include "janusbridge/rooms/feed.h"
#include "janusbridge/rooms/own_rooms.h"
#include "janusbridge/rooms/room_calls.h"

struct observers_config {
    size_t max;          /* observers at a time; 0: none, every list is asked for */
    size_t parallel_max; /* being made at a time */
    uint64_t idle_ms;    /* one that nobody asked for so long goes */
    uint64_t timeout_ms; /* of each request that makes or ends one */
};

struct observers_parts {
    struct janus_session *session;
    struct janus_handles *handles;
    const struct clock *clock;
    struct metrics *metrics;
    struct room_calls *calls; /* whose shared answers are heard */
    struct feed *feed;        /* whose pulses the observers carry */
    struct events *events;    /* that are told what changes */
    struct own_rooms *own;    /* knows what Janus wants of who joins */
};

struct observers;

/* Listens to the session and to the calls from now on. */
struct observers *observers_new(const struct observers_parts *parts,
                                const struct observers_config *config);
void observers_free(struct observers **observers); /* after the session has ended all calls */

/* True: this is who publishes in the room; borrowed until anything else is called. False: ask
 * Janus; an observer is on its way. */
bool observers_answer(struct observers *observers, uint64_t room_id, struct u64_list *ret_ids);
/* The room was asked for, here or at who follows the events. True: memory vouches for its list, and
 * so for its being in Janus. */
bool observers_want(struct observers *observers, uint64_t room_id);
/* Makes an observer of this room, which is in Janus, unless there is one. */
void observers_visit(struct observers *observers, uint64_t room_id);
/* The feed id of the observer in the room; 0: none is there yet. */
uint64_t observers_feed(const struct observers *observers, uint64_t room_id);
/* The room is being destroyed, or is not there. */
void observers_forget(struct observers *observers, uint64_t room_id);

/* For the audit: the next room that memory vouches for, in turn; a base of it is asked for (and
 * ends with observers_compare). 0: there is none. */
uint64_t observers_begin_audit(struct observers *observers, uint64_t *ret_token);
/* Another look at the same room; 0: it is not vouched for any more. */
uint64_t observers_begin_again(struct observers *observers, uint64_t room_id);

enum audit_verdict {
    AUDIT_SAME,
    AUDIT_DIFFERENT, /* and nothing was heard of the room since the asking */
    AUDIT_MOVED,     /* different, but something was; or it is not vouched for any more */
};
/* message: the answer to listparticipants; NULL if there was none. */
enum audit_verdict observers_compare(struct observers *observers, uint64_t room_id, uint64_t token,
                                     const struct janus_message *message);
/* Memory was wrong: the room is asked for until it is made anew. */
void observers_distrust(struct observers *observers, uint64_t room_id);

#endif
