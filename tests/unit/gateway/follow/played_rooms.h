/* roomsvc as who follows rooms sees it, played: rooms with participants and a journal, which answer
 * questions when the test says so. Its events are texts that show what they are: "5 joined 7;" is
 * event 5, by which participant 7 came in; a snapshot "=5 7,9;" and "me 7;" after it. */
#ifndef LYNKS_TESTS_UNIT_GATEWAY_FOLLOW_PLAYED_ROOMS_H
#define LYNKS_TESTS_UNIT_GATEWAY_FOLLOW_PLAYED_ROOMS_H

#include "gateway/follow/room_follow.h"
#include "proto/base/strbuf.h"
#include "tests/support/c/fake_clock.h"
#include "tests/support/c/log_capture.h"

#define PLAYED_ROOMS_MAX 1100
#define PLAYED_READERS_MAX 64
#define ROOM 1 /* the room of most tests */
#define ME 7   /* who reads it; joined in event 1 */
#define ONE "tcp://127.0.0.1:5712"
#define TWO "tcp://127.0.0.1:5732"

struct played_room {
    struct msg_room_event *events; /* event seq is at seq - 1 */
    uint64_t head;
    uint64_t kept_after; /* events up to this one are not kept any more */
    bool is_gone;
};

struct played_question {
    struct msg request;
    struct msg_room_head *heads; /* of a request for heads; owned */
    bus_reply_fn *fn;
    void *arg;
};

struct played_reader {
    struct room_cursor cursor; /* at first: its owner finds it by it */
    struct fixture *fixture;
    char *got; /* what it has been given */
    size_t bytes;
    unsigned woken;
    bool is_slow;  /* takes nothing until it is told to */
    bool is_ended; /* cursor.end says why */
};

struct fixture {
    struct fake_clock *clock;
    struct metrics *metrics;
    struct health *health;
    struct bus bus;
    struct news_watch *news;
    struct room_follow *follow;
    struct played_room rooms[PLAYED_ROOMS_MAX]; /* by id */
    uint64_t generation;
    bool shows_generation;                 /* events and snapshots end with it: "5 joined 7 g9;" */
    struct played_question questions[256]; /* the oldest first */
    size_t out, most_out;
    size_t asked_states, asked_events, asked_heads, asked_opens; /* of all times */
    uint64_t since_seq;  /* of ME, as roomsvc tells it when he opens; 0: he waits to be let in */
    enum room_role role; /* of ME, as roomsvc tells it when it is asked what he may: 1 << role */
    enum err refuse;
    struct played_reader readers[PLAYED_READERS_MAX];
    size_t reader_count;
};

/* A follower of at most rooms_max rooms, whose tails have so many bytes; ROOM exists, ME is in. */
struct fixture *played_setup(size_t rooms_max, size_t tail_bytes_max);
int played_teardown(struct fixture *f);

/* ---- roomsvc ---- */

/* Appends to the journal; tells nobody. Gives its number. */
uint64_t play(struct fixture *f, uint64_t room, enum room_event_type type, uint64_t about);
/* Likewise, and publishes it. */
uint64_t play_and_tell(struct fixture *f, uint64_t room, enum room_event_type type, uint64_t about);
/* Hands of ROOM go up and down; nobody is told. */
void play_hands(struct fixture *f, uint64_t up_to);
/* ME has another role; it is published. */
void play_role(struct fixture *f, enum room_role role);
/* Publishes an event that is in the journal. */
void tell(struct fixture *f, const char *endpoint, uint64_t room, uint64_t seq, bool is_next);
void hear_life(struct fixture *f, const char *endpoint, bool is_next);
/* Time passes, with signs of life of ONE. */
void live(struct fixture *f, uint64_t ms);

/* Answers the oldest question truly, or with err. */
void answer(struct fixture *f, enum err err);
/* Until there is none left. */
void answer_all(struct fixture *f);

/* ---- readers ---- */

/* In ROOM. after: "" or "12" or "8.12" (of another generation) or "?". */
struct played_reader *open_reader(struct fixture *f, const char *after);
struct played_reader *open_reader_in(struct fixture *f, uint64_t room, const char *after);
void close_reader(struct played_reader *reader);
/* A slow one takes so many chunks. */
void read_chunks(struct played_reader *reader, size_t count);
/* What has come since it was asked last. */
void assert_read(struct played_reader *reader, const char *text);

uint64_t count_of(struct fixture *f, const char *counter, const char *labels);

#endif
