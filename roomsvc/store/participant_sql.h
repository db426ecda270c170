/* Statements about participants that commands and sweeps share, for inside of a transaction that
 * has locked the room. For the files of this folder. */
#ifndef LYNKS_ROOMSVC_STORE_PARTICIPANT_SQL_H
#define LYNKS_ROOMSVC_STORE_PARTICIPANT_SQL_H

#include "proto/db/db_sql.h"
#include "roomsvc/rules/participant.h"
#include "roomsvc/store/journal.h"

/* A participant p as struct participant has him. */
#define PARTICIPANT_COLUMNS                                                                        \
    "p.participant_id, p.room_id, p.user_id, p.name, p.role, p.state, p.hand_unix_ms,"             \
    " p.joined_unix_ms, CAST(IF(" DB_NOW_UNIX_MS " > p.changed_unix_ms,"                           \
    " " DB_NOW_UNIX_MS " - p.changed_unix_ms, 0) AS UNSIGNED)"
/* t: what holds a struct participant, at m. */
#define PARTICIPANT_FIELDS(t, m)                                                                   \
    DB_FIELDS(t, m id, m room_id, m user_id, m name, m role, m state, m hand_unix_ms,              \
              m joined_unix_ms, m changed_ago_ms)

/* Somebody who is in shows himself, without a stream: he is not away yet. */
enum err participant_note_seen(struct db *db, uint64_t participant_id);

/* Somebody who is in the room of journal. ERR_NOT_FOUND: he is not. */
enum err participant_find(struct db *db, const struct journal *journal, uint64_t participant_id,
                          struct participant *ret_participant);

/* Writes his name, role and hand, and appends an event of this type about him. */
enum err participant_write(struct db *db, struct journal *journal,
                           const struct participant *participant, enum room_event_type type);

/* He is out: state says how, reason why. Appends participant.left or, if he was removed,
 * participant.removed. */
enum err participant_take_out(struct db *db, struct journal *journal,
                              struct participant *participant, enum participant_state state,
                              enum room_reason reason);

/* Everybody is out, and one event of this type (meeting.ended, room.ended) says so. */
enum err participants_end(struct db *db, struct journal *journal, enum room_event_type type,
                          enum room_reason reason, uint64_t owner_id);

/* After some were taken out: if nobody is left, the room is empty from now on, and who is concerned
 * is told. */
enum err participants_settle(struct db *db, struct journal *journal, uint64_t owner_id);

/* A user's role in the room has changed: so has that of his participants. role 0: he has none any
 * more, and is out if only_members, else an ordinary participant. */
enum err participants_of_user_follow(struct db *db, struct journal *journal, uint64_t user_id,
                                     enum room_role role, bool only_members);

#endif
