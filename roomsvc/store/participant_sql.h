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
    " " DB_NOW_UNIX_MS " - p.changed_unix_ms, 0) AS UNSIGNED), p.muted, p.since_seq,"              \
    " p.invitation_id, p.published, p.lost, p.stream_key_id, p.stream_use"
/* t: what holds a struct participant, at m. */
#define PARTICIPANT_FIELDS(t, m)                                                                   \
    DB_FIELDS(t, m id, m room_id, m user_id, m name, m role, m state, m hand_unix_ms,              \
              m joined_unix_ms, m changed_ago_ms, m muted, m since_seq, m invitation_id,           \
              m published, m lost, m stream_key_id, m stream_use)

/* Somebody who has signed in is in by the name whose key is the parameter: no guest takes it. */
#define PARTICIPANT_TAKES_NAME "state = 2 AND user_id <> 0 AND name_key = ?"

/* May somebody of the room of journal be in by this name? ERR_NAME_TAKEN. */
enum err participant_check_name(struct db *db, const struct journal *journal,
                                const struct participant *participant, const char *name);

/* Somebody who is in shows himself, without a stream: he is not away yet. */
enum err participant_note_seen(struct db *db, uint64_t participant_id);

/* Somebody of the room of journal, whatever has become of him. ERR_NOT_FOUND: there is no such one.
 */
enum err participant_find_any(struct db *db, const struct journal *journal, uint64_t participant_id,
                              struct participant *ret_participant);
/* Somebody who is in. ERR_NOT_FOUND: he is not. */
enum err participant_find(struct db *db, const struct journal *journal, uint64_t participant_id,
                          struct participant *ret_participant);

/* Appends an event of this type about him: for all who are in; of who waits, or has waited, for
 * staff and himself. reason 0: none is told. */
enum err participant_tell(struct db *db, struct journal *journal,
                          const struct participant *participant, enum room_event_type type,
                          enum room_reason reason);

/* Writes his name, role, hand and what of him is mute; and tells of it, unless he has left. */
enum err participant_write(struct db *db, struct journal *journal,
                           const struct participant *participant, enum room_event_type type);

/* What he who is in sends, and what of that does not arrive, is this from now on; tells of it,
 * unless it was this before. */
enum err participant_set_media(struct db *db, struct journal *journal,
                               struct participant *participant, uint64_t published, uint64_t lost);

/* He is out, or if he was out before does not come back: state says what he is now, reason why. It
 * is told, unless he had left. */
enum err participant_take_out(struct db *db, struct journal *journal,
                              struct participant *participant, enum participant_state state,
                              enum room_reason reason);

/* He who waits is in. */
enum err participant_let_in(struct db *db, struct journal *journal,
                            struct participant *participant);

/* Those who are in, wait, or may come back are out for good; one event of this type (meeting.ended,
 * room.ended) says so. A meeting where nobody is or waits does not end: nothing is told. */
enum err participants_end(struct db *db, struct journal *journal, enum room_event_type type,
                          enum room_reason reason, uint64_t owner_id);

/* After some were taken out: if nobody is left, the room is empty from now on, and who is concerned
 * is told. */
enum err participants_settle(struct db *db, struct journal *journal, uint64_t owner_id);

/* A user's role in the room has changed: so has that of his participants, also of those who wait
 * or have left. role 0: he has none any more, and is out if only_members, else an ordinary
 * participant. */
enum err participants_of_user_follow(struct db *db, struct journal *journal, uint64_t user_id,
                                     enum room_role role, bool only_members);

#endif
