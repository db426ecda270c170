/* Compares what memory says with what Janus says, slowly and for ever: one room at a time.
 *
 * One answer that differs proves nothing, because the event that explains it may be on its way, or
 * Janus' thread that sends it may not have run yet. So the room is looked at again, some times.
 * Only a difference that stays while nothing is heard of the room counts: it is logged, and the
 * room's observer is made anew. Lives on the loop, belongs to bridge.c. */
#ifndef LYNKS_JANUSBRIDGE_ROOMS_AUDIT_H
#define LYNKS_JANUSBRIDGE_ROOMS_AUDIT_H

#include "janusbridge/rooms/observers.h"

#define AUDIT_LOOKS 4      /* that must all differ */
#define AUDIT_PAUSE_MS 300 /* between them */
#define AUDIT_TIMEOUT_MS 2000

struct audit_parts {
    struct observers *observers;
    struct janus_session *session;
    const struct clock *clock;
    struct metrics *metrics;
    uint64_t interval_ms; /* from one room to the next; 0: no audit */
};

struct audit;

struct audit *audit_new(const struct audit_parts *parts);
void audit_free(struct audit **audit); /* after the session has ended all calls */

#endif
