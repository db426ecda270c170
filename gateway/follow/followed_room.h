/* One room that is followed: how it is (room_fold.h) and its last events (room_tail.h), kept
 * together at one event, seq. Says what has to be asked of roomsvc, takes the answers and what is
 * published, and wakes those who read. Knows neither bus nor clock.
 *
 * At first, and when what was known counts no more, the state is asked for, page by page, and then
 * the journal, from before the state on: what happened while the state was read is in it or is not,
 * and when the journal has been read to its end, it is for certain. What is published is only ever
 * the next event; anything else that is heard makes the journal be asked. */
#ifndef LYNKS_GATEWAY_FOLLOW_FOLLOWED_ROOM_H
#define LYNKS_GATEWAY_FOLLOW_FOLLOWED_ROOM_H

#include "gateway/follow/room_encoder.h"
#include "gateway/follow/room_tail.h"
#include "proto/base/metrics.h"

enum followed_step {
    FOLLOWED_LOADS, /* its state is asked for */
    FOLLOWED_READS, /* the journal since then */
    FOLLOWED_WHOLE, /* it is as after seq; the journal may be asked for more */
    FOLLOWED_GONE,  /* there is no such room */
};

/* Somebody who reads; embedded. */
struct room_reader {
    struct list_link link;   /* of room->readers */
    void (*wake)(void *arg); /* there may be something new; may leave the room, nobody else's place
                                in it */
    void *arg;
};

struct room_cursor;

/* What all rooms share; all but the numbers is borrowed. */
struct followed_shared {
    const struct room_encoder *encoder;
    void (*want)(struct room_cursor *cursor); /* roomsvc is to be asked for it; see room_cursor.h */
    struct tail_budget tails;
    struct metric *gaps, *resets, *snapshots;
};

/* Where the first of its readers was before, of those who came before its tail began. */
struct followed_wish {
    uint64_t generation; /* 0: there is none */
    uint64_t seq;
};

struct followed_room {
    struct followed_shared *shared;
    uint64_t room_id;
    enum followed_step step;
    uint64_t generation; /* 0: not known yet */
    uint64_t seq;        /* the last event in the tail */
    uint64_t state_seq;  /* the last one that the state knew for certain when it was asked for */
    uint64_t after_id;   /* of the last page of the state; 0: none has come */
    uint32_t era;        /* another one: what was told before counts no more */
    bool is_due;         /* there is something to be asked */
    bool is_asked;       /* and it is */
    bool is_stale;       /* then it has to be asked once more */
    uint64_t asked_seq;  /* seq, when it was asked */
    uint32_t asked_era;  /* likewise */
    uint64_t below_seq;  /* the journal ended before this event, which was there; 0: it did not */
    uint64_t below_generation; /* of that event */
    struct followed_wish wish;
    struct room_fold *fold;
    struct room_tail tail;
    struct followed_snapshot {
        struct http_chunk *chunk; /* NULL: there is none */
        uint64_t seq;             /* as of which it is */
    } snapshots[2];               /* for those who are no staff, and for staff */
    struct list_link readers;
};

void followed_room_init(struct followed_room *room, struct followed_shared *shared,
                        uint64_t room_id);
void followed_room_fini(struct followed_room *room); /* nobody reads */

/* Somebody comes again who has seen the journal of generation up to seq, and is to find what comes
 * after it in the tail, if that has not begun yet. It goes up to head. Too far back is no wish. */
void followed_room_wish(struct followed_room *room, uint64_t generation, uint64_t head,
                        uint64_t seq);

/* What is due; the room is asked then. */
void followed_room_ask(struct followed_room *room, struct msg *ret_request);
/* The answer, after which the room is not asked any more; wakes readers. err: as on the bus, reply
 * NULL then. false: that was no answer; it is still due. */
bool followed_room_take(struct followed_room *room, enum err err, const struct msg *reply);

/* An event was published. */
void followed_room_hear(struct followed_room *room, uint64_t generation,
                        const struct msg_room_event *event);
/* The journal may be further than this room; or is of another generation. */
void followed_room_doubt(struct followed_room *room);
/* It begins anew, in another era. */
void followed_room_reset(struct followed_room *room);

/* Of a whole one: the snapshot as of seq, for everybody who is in, or for staff. Borrowed. */
struct http_chunk *followed_room_snapshot(struct followed_room *room, bool is_for_staff);

#endif
