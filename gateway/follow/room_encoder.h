/* How a room and what happens in it look on a stream. Of whoever makes streams: what follows rooms
 * knows chunks, and not what is in them. */
#ifndef LYNKS_GATEWAY_FOLLOW_ROOM_ENCODER_H
#define LYNKS_GATEWAY_FOLLOW_ROOM_ENCODER_H

#include "gateway/follow/room_fold.h"
#include "proto/http/http_stream.h"

/* Each gives one reference. */
struct room_encoder {
    struct http_chunk *(*event)(void *arg, uint64_t generation, uint64_t room_id,
                                const struct msg_room_event *event);
    /* How the room is after the event seq, for everybody; and behind it what is for one of them
     * only. can: a bit for each room_action (1 << action); 0: not known. */
    struct http_chunk *(*snapshot)(void *arg, uint64_t generation, uint64_t seq,
                                   const struct room_fold *fold, bool is_for_staff);
    /* The whole of it for somebody who waits to be let in: what the room is called, and himself. */
    struct http_chunk *(*waiting)(void *arg, uint64_t generation, uint64_t seq,
                                  const struct room_fold *fold, const struct msg_participant *me);
    struct http_chunk *(*me)(void *arg, uint64_t can);
    /* The same as an event of its own: what he may has changed. */
    struct http_chunk *(*me_event)(void *arg, uint64_t can);
    /* The same event, without its id. */
    struct http_chunk *(*without_id)(void *arg, const struct http_chunk *event);
    /* What was told before does not count any more; a snapshot follows. */
    struct http_chunk *(*reset)(void *arg);
    void *arg;
};

#endif
