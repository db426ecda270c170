/* Who is in rooms: the handlers of participant_join, participant_page, participant_change,
 * participant_remove and meeting_end. What they do is done by the store, in one transaction each,
 * and told afterwards. */
#ifndef LYNKS_ROOMSVC_PARTICIPANT_PARTICIPANTS_H
#define LYNKS_ROOMSVC_PARTICIPANT_PARTICIPANTS_H

#include "proto/base/log.h"
#include "proto/base/metrics.h"
#include "proto/bus/call.h"
#include "roomsvc/journal/room_news.h"
#include "roomsvc/store/participant_store.h"

struct participants;

struct participants_parts {
    const struct clock *clock;
    struct participant_store store;
    struct room_news *news;
    struct metrics *metrics;
    /* Somebody is in the room, which may be none of Janus': then (done) once it is there, or could
     * not be made in time. NULL: nobody cares. */
    void (*enter)(void *arg, uint64_t room_id, const struct call_context *context,
                  void (*done)(void *done_arg), void *done_arg);
    void *enter_arg;
};

/* parts' members are borrowed. */
struct participants *participants_new(const struct participants_parts *parts);
/* All calls must have been answered: the store has ended before. */
void participants_free(struct participants **participants);

void participants_run(struct participants *participants, struct call *call);
void participants_page(struct participants *participants, struct call *call);

#endif
