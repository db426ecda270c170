/* The journal of rooms: what happens in one is numbered and kept, in the transaction in which it
 * happens and while the room's row is locked, so that there is one order for everybody.
 *
 * A struct journal is what one command writes there. Afterwards, once the transaction is over,
 * gateways are told of it (roomsvc/journal/room_news.h). */
#ifndef LYNKS_ROOMSVC_STORE_JOURNAL_H
#define LYNKS_ROOMSVC_STORE_JOURNAL_H

#include "proto/db/db_query.h"
#include "proto/schema/codec.h"

/* What becomes of the room by what is written. */
enum journal_turn {
    JOURNAL_GOES_ON,    /* somebody is in it as before, or nobody */
    JOURNAL_IS_ENTERED, /* somebody is in it now */
    JOURNAL_IS_LEFT,    /* nobody is in it any more */
};

struct journal {
    uint64_t room_id;
    uint64_t generation;
    uint64_t seq;         /* of the last event */
    uint64_t first_seq;   /* likewise, when this began */
    uint64_t now_unix_ms; /* the database's time, when the room was locked */
    enum journal_turn turn;
    /* What gateways are told: messages room_news, as they are kept. */
    struct db_blob *entries;
    size_t count;
    /* For users: 0, or that somebody is in the room now, or nobody; and whom that concerns. */
    enum room_news_kind hint;
    uint64_t *users;
    size_t user_count;
};

/* Begins anew, in a transaction that has locked the room. What there was is forgotten. */
void journal_begin(struct journal *journal, uint64_t room_id, uint64_t seq, uint64_t generation,
                   uint64_t now_unix_ms);
void journal_fini(struct journal *journal);

/* Appends event, whose number and time it gives. */
enum err journal_append(struct db *db, struct journal *journal, const struct msg_room_event *event);

/* Users are told so. owner_id 0: nobody owns it. */
enum err journal_hint(struct db *db, struct journal *journal, enum room_news_kind hint,
                      uint64_t owner_id);

/* The last statement: the room's row says what was written, and whether anybody is in it. */
enum err journal_keep(struct db *db, struct journal *journal);

/* A command was done before, by somebody who may not have told of it: what was written last in the
 * room, now locked by nobody, is told again. */
enum err journal_remind(struct db *db, struct journal *journal, uint64_t room_id);

#endif
