/* What gateways read of rooms and their journals: an interface, implemented over MySQL and mocked
 * in the tests. */
#ifndef LYNKS_ROOMSVC_STORE_JOURNAL_STORE_H
#define LYNKS_ROOMSVC_STORE_JOURNAL_STORE_H

#include "proto/base/err.h"
#include "proto/db/db_field.h"
#include "roomsvc/rules/participant.h"
#include "roomsvc/store/managed_store.h"

struct journal_head {
    uint64_t room_id;
    uint64_t seq;
};

struct journal_event {
    uint64_t seq;
    struct db_blob data; /* a message room_news */
};

/* What a question came to; which members count depends on it. */
struct journal_answer {
    uint64_t generation;
    uint64_t room_id;
    uint64_t seq; /* stream_open, room_state, journal_read: the room's last event */
    struct participant participant;                      /* stream_open */
    struct managed_room room;                            /* room_state */
    struct participant participants[STATE_PARTICIPANTS]; /* likewise */
    size_t participant_count;
    struct journal_event *events; /* journal_read: without a gap after the one that was named */
    size_t event_count;
    struct journal_head heads[JOURNAL_HEADS]; /* journal_heads, meeting_page */
    size_t head_count;
};

/* answer is borrowed until fn returns, and NULL unless err is ERR_OK. */
typedef void journal_store_fn(void *arg, enum err err, const struct journal_answer *answer);

struct journal_store_ops {
    /* stream_open, room_state, journal_read, journal_heads or meeting_page; errors as messages.def
     * has them. As managed_store_ops. Where a head is below one that the caller has seen in
     * this generation, another database is there: then the journal has another one from now on. */
    enum err (*ask)(void *self, const struct msg *request, uint64_t deadline_ms,
                    journal_store_fn *fn, void *arg);
};

struct journal_store {
    const struct journal_store_ops *ops;
    void *self;
};

#endif
