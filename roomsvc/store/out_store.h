/* Who is to be out of his room without anybody asking for it, as those see it who see to that: an
 * interface, implemented over MySQL and mocked in the tests. Nothing is remembered between a look
 * and what is done: who is to be out is decided again in the transaction that takes him out, so
 * that any number of replicas may do the same at once, and be killed anywhere. */
#ifndef LYNKS_ROOMSVC_STORE_OUT_STORE_H
#define LYNKS_ROOMSVC_STORE_OUT_STORE_H

#include "proto/base/err.h"
#include "roomsvc/store/journal.h"

#define OUT_ROOMS_MAX 100 /* that one look finds */
#define OUT_PEOPLE_MAX 50 /* who are taken out of a room at a time */

enum out_why {
    OUT_ABSENT,            /* he has no stream and sends nothing, and has not for out_look.away_ms;
                              be he in, or waits he */
    OUT_SESSION_ENDED,     /* the session by which he came was ended by somebody, not by time */
    OUT_ANY_SESSION_ENDED, /* likewise, however long ago that was */
    OUT_WAITED,            /* nobody has let him in for ten minutes */
    OUT_STREAM_KEY_ENDED,  /* the time of the stream key by which it came is up */
};

struct out_look {
    uint64_t why;           /* an enum out_why */
    uint64_t away_ms;       /* of OUT_ABSENT */
    uint64_t until_unix_ms; /* likewise: later than this, by its own clock, the database takes
                               nobody out: this process may have paused since it was sure */
    uint64_t after_seq;     /* of OUT_SESSION_ENDED: of those that were ended after this one */
};

/* Rooms with somebody in who is to be out. */
struct out_found {
    uint64_t now_unix_ms; /* by the database's clock */
    uint64_t last_seq;    /* the session that was ended last */
    struct out_room {
        uint64_t id;
    } rooms[OUT_ROOMS_MAX];
    size_t count; /* OUT_ROOMS_MAX: there may be more */
};

struct out_taken {
    size_t count; /* who are out now; 0: nobody was to be; OUT_PEOPLE_MAX: there may be more */
    const struct journal *journal; /* what was written there */
};

/* What fn is given is borrowed until it returns, and NULL unless err is ERR_OK. */
typedef void out_store_found_fn(void *arg, enum err err, const struct out_found *found);
typedef void out_store_taken_fn(void *arg, enum err err, const struct out_taken *taken);

/* Each call that returns ERR_OK calls fn exactly once, later; anything else: fn is never called. */
struct out_store_ops {
    enum err (*find)(void *self, const struct out_look *look, out_store_found_fn *fn, void *arg);
    /* Takes out of one room whom the look is about, and tells the journal, in one transaction. */
    enum err (*take)(void *self, const struct out_look *look, uint64_t room_id,
                     out_store_taken_fn *fn, void *arg);
    /* For how long the database has been there without an outage. */
    uint64_t (*steady_ms)(const void *self);
};

struct out_store {
    const struct out_store_ops *ops;
    void *self;
};

#endif
