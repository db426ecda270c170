/* One reader's place in a room that is followed: what he gets next, whether it comes from the
 * room's state, from its tail or, where he was away for longer than that goes back, from the
 * journal. A stream pulls from it as its reader takes what was sent; a long poll pulls all that is
 * there. Nothing is kept for him but the place.
 *
 * Before an event by which he may do other things he is told what he may by now: who was cut off
 * after the one has heard the other.
 *
 * Who waits to be let in is told what becomes of him, and nothing else; once he is in he gets a
 * snapshot. So does who has become one of staff while somebody waits, whom he sees from then on.
 *
 * First comes a snapshot, or what is after the event that he has seen last; if that cannot be told
 * any more, `reset` and a snapshot: never a silent gap. When he is out, what put him out is the
 * last. */
#ifndef LYNKS_GATEWAY_FOLLOW_ROOM_CURSOR_H
#define LYNKS_GATEWAY_FOLLOW_ROOM_CURSOR_H

#include "gateway/follow/followed_room.h"

/* Who reads so slowly that this is ready for him, beyond what was there when he came, is too slow.
 */
#define ROOM_CURSOR_BEHIND_BYTES 262144

enum room_end {
    ROOM_END_LEFT,
    ROOM_END_ABSENT,
    ROOM_END_REMOVED,
    ROOM_END_SESSION_ENDED,
    ROOM_END_NOT_A_MEMBER,
    ROOM_END_BANNED,
    ROOM_END_DENIED, /* he waited, and is not let in */
    ROOM_END_INVITATION_REVOKED,
    ROOM_END_WAITED_TOO_LONG,
    ROOM_END_MEETING_ENDED,
    ROOM_END_ROOM_ENDED,
    ROOM_END_NOT_JOINED, /* he is not in, and what put him out was not seen */
};

enum cursor_step {
    CURSOR_WAITS,    /* until the room is whole, and where the reader was told it is */
    CURSOR_RESET,    /* that all begins anew is next */
    CURSOR_SNAPSHOT, /* the snapshot, as it is for all */
    CURSOR_ME,       /* what is his own of it */
    CURSOR_GOES,     /* events after seq, as they come */
    CURSOR_READS,    /* likewise, and the tail does not go back so far: the journal is asked */
    CURSOR_PAGE,     /* what that gave is next */
    CURSOR_ENDED,    /* he is out */
};

/* The event that a client has seen last, as it says. */
struct cursor_after {
    enum cursor_after_kind {
        AFTER_NOTHING, /* it begins */
        AFTER_EVENT,
        AFTER_GARBAGE, /* it says something that is no event's id */
    } kind;
    uint64_t generation, seq;
};

#define ROOM_TOKEN_HASH_BYTES 32

/* What roomsvc has told of who reads (stream_open), and where he was. */
struct cursor_open {
    uint64_t room_id;
    uint64_t participant_id;
    enum room_role role;
    uint64_t can; /* of that role; see room_encoder.h */
    uint8_t
        token_hash[ROOM_TOKEN_HASH_BYTES]; /* of the participant: by it roomsvc is asked again */
    uint64_t generation, seq;
    uint64_t since_seq; /* of the event by which he was let in at first; 0: he waits */
    struct cursor_after after;
};

uint64_t cursor_can_of(struct u64_list actions); /* numbers of room_action, as roomsvc tells them */

struct cursor_arrival;  /* where he was, and the room; room_cursor.c */
struct cursor_page;     /* of the journal; likewise */
struct cursor_question; /* room_follow.c */

/* Embedded in every stream, so that each byte is there many thousand times: what is of use only for
 * a while is allocated for that while, and the small members stand together. All is the cursor's
 * own. */
struct room_cursor {
    struct room_reader reader;
    struct followed_room *room;       /* NULL: it is closed */
    struct cursor_arrival *arrival;   /* NULL: it has begun to read the room */
    struct list_link want_link;       /* of those for whom roomsvc is to be asked */
    struct cursor_question *question; /* which is out; NULL: none */
    struct cursor_page *page;         /* NULL: none */
    struct http_chunk *me;   /* what is for him alone, and next: in ME; or before an event that
                                changes what he may; or one that a snapshot follows; NULL: none */
    uint64_t participant_id; /* who reads */
    uint8_t token_hash[ROOM_TOKEN_HASH_BYTES]; /* of his token */
    uint64_t can;                              /* what he may, in can_role; see room_encoder.h */
    uint64_t can_seq;      /* of the room, when roomsvc has answered what he may */
    uint64_t seq;          /* of the last event that the reader has got, or that is not for him */
    uint64_t generation;   /* of that event; 0: he has got none */
    uint64_t told_until;   /* he has come back: what he was told of himself up to this event is not
                              known, unless it is nothing; 0: it is */
    uint64_t since_seq;    /* what was before this event is none of his business; 0: he waits */
    uint64_t behind_bytes; /* that may be ready for him */
    uint32_t era;          /* of the room, in which it reads */
    enum cursor_step step;
    enum room_end end;       /* of ENDED */
    enum room_role can_role; /* 0: what he may is to be asked for */
    enum room_role told;     /* the role that he had when he was last told what he may */
    bool wants_can;          /* roomsvc is to be asked what he may: he has another role */
    bool is_staff;           /* what he was shown was for staff, for certain */
};

/* In a room, whose want (followed_shared) is called when roomsvc has to be asked: what the
 * participant may, if wants_can, which is answered with room_cursor_take_can; else for the journal
 * after cursor->seq, which is answered with room_cursor_take. */
void room_cursor_init(struct room_cursor *cursor, struct followed_room *room,
                      const struct cursor_open *open);
void room_cursor_fini(struct room_cursor *cursor); /* it leaves the room */

enum cursor_has {
    CURSOR_HAS_NOTHING, /* for now: the reader is woken */
    CURSOR_HAS_CHUNK,
    CURSOR_HAS_END, /* cursor->end */
};

/* What is next; a chunk is borrowed until anything else is called. */
enum cursor_has room_cursor_peek(struct room_cursor *cursor, struct http_chunk **ret_chunk);
/* The chunk that was just seen is with the reader. */
void room_cursor_advance(struct room_cursor *cursor);
/* Is more ready for him than may be? */
bool room_cursor_is_slow(const struct room_cursor *cursor);

/* The journal after cursor->seq. false: there is nothing to wake the reader for. */
bool room_cursor_take(struct room_cursor *cursor, const struct msg_journal_read_reply *reply);

/* What he may by now; NULL: roomsvc does not let him in any more, as events will say. Wakes nobody.
 */
void room_cursor_take_can(struct room_cursor *cursor, const struct msg_stream_open_reply *reply);

#endif
