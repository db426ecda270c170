/* A bridge with observers: the test plays Janus' part, event by event. */
#ifndef LYNKS_TESTS_UNIT_JANUSBRIDGE_OBSERVING_H
#define LYNKS_TESTS_UNIT_JANUSBRIDGE_OBSERVING_H

#include "tests/unit/janusbridge/bridge_fixture.h"

#define OBSERVER 33        /* handle of the first observer */
#define OBSERVER_FEED 9001 /* its feed id */
#define MEMBER(id, publishes) "{\"id\":" #id ",\"publisher\":" #publishes "}"
/* An answer to listparticipants, with the observer in it. */
#define SEEN(participants) LIST(MEMBER(9001, false) participants)
#define PULSE "configure"
#define PARTICIPANTS "listparticipants"

/* One event for a handle, with the data of the plugin. Put into the open poll. */
void observing_event(struct bridge_fixture *b, uint64_t sender, const char *data);
/* Answers the open request that holds text: with an ack, and an event for this handle. */
void observing_answer(struct bridge_fixture *b, const char *text, uint64_t sender,
                      const char *data);
/* Answers the observer's attach, giving it this handle. */
void observing_attach(struct bridge_fixture *b, uint64_t handle_id);
void observing_pulse(struct bridge_fixture *b); /* brings the pulse under way back */

/* The room is asked for, answered with nobody, and has its observer: joined, publishers as in the
 * JSON list, first pulse come back. */
void observing_begin(struct bridge_fixture *b, const char *publishers);

/* Asks; true if the answer came at once, without a request to Janus. */
bool observing_is_known(struct bridge_fixture *b);
/* Asks; the answer must come from memory and be these ids in any order, ended by 0. */
void observing_expect(struct bridge_fixture *b, const uint64_t *ids);
#define EXPECT(b, ...) observing_expect((b), (const uint64_t[]){__VA_ARGS__ __VA_OPT__(, ) 0})

uint64_t observing_counter(struct bridge_fixture *b, const char *name);

#endif
