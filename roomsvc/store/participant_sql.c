#include "roomsvc/store/participant_sql.h"

#include <stdlib.h>

#include "roomsvc/store/presence_sql.h"
#include "roomsvc/store/presence_store.h"

/* ---- one ---- */

struct one_participant {
    uint64_t id;
    uint64_t room_id;
    struct participant participant;
};

static const struct db_query select_participant = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p"
           " WHERE p.participant_id = ? AND p.room_id = ?",
    .params = DB_FIELDS(struct one_participant, id, room_id),
    .columns = PARTICIPANT_FIELDS(struct one_participant, participant.),
    .if_none = ERR_NOT_FOUND};

enum err participant_find_any(struct db *db, const struct journal *journal, uint64_t participant_id,
                              struct participant *ret_participant)
{
    struct one_participant one = {.id = participant_id, .room_id = journal->room_id};
    const enum err err = db_query_run(db, &select_participant, &one, NULL);
    if (err == ERR_OK) {
        *ret_participant = one.participant;
    }
    return err;
}

enum err participant_find(struct db *db, const struct journal *journal, uint64_t participant_id,
                          struct participant *ret_participant)
{
    const enum err err = participant_find_any(db, journal, participant_id, ret_participant);
    return err == ERR_OK && ret_participant->state != PARTICIPANT_JOINED ? ERR_NOT_FOUND : err;
}

struct name_in_room {
    uint64_t room_id;
    unsigned char key[NAME_KEY_BYTES];
    uint64_t takers;
};

static const struct db_query count_name_takers = {
    .sql = "SELECT COUNT(*) FROM participants WHERE room_id = ? AND " PARTICIPANT_TAKES_NAME,
    .params = DB_FIELDS(struct name_in_room, room_id, key),
    .columns = DB_FIELDS(struct name_in_room, takers)};
_Static_assert(PARTICIPANT_JOINED == 2, "PARTICIPANT_TAKES_NAME has that number");

enum err participant_check_name(struct db *db, const struct journal *journal,
                                const struct participant *participant, const char *name)
{
    struct name_in_room in_room = {.room_id = journal->room_id};
    if (participant->user_id != 0) {
        return ERR_OK;
    }
    participant_name_key(name, in_room.key);
    const enum err err = db_query_run(db, &count_name_takers, &in_room, NULL);
    return err == ERR_OK && in_room.takers > 0 ? ERR_NAME_TAKEN : err;
}

enum err participant_tell(struct db *db, struct journal *journal,
                          const struct participant *participant, enum room_event_type type,
                          enum room_reason reason)
{
    const bool is_for_all = participant->since_seq != 0;
    const uint64_t named[] = {participant->id};
    const struct msg_room_event event = {
        .type = type,
        .audience = is_for_all ? AUDIENCE_ALL : AUDIENCE_STAFF,
        .has_participant = true,
        .participant = participant_record(participant),
        .has_reason = reason != 0,
        .reason = reason,
        .named = {.items = named, .count = is_for_all ? 0 : ARRAY_LEN(named)}};
    return journal_append(db, journal, &event);
}

struct written_participant {
    struct participant who;
    unsigned char name_key[NAME_KEY_BYTES];
};

static const struct db_query update_participant = {
    .sql = "UPDATE participants SET name = ?, name_key = ?, role = ?, hand_unix_ms = ?, muted = ?"
           " WHERE participant_id = ?",
    .params = DB_FIELDS(struct written_participant, who.name, name_key, who.role, who.hand_unix_ms,
                        who.muted, who.id)};

enum err participant_write(struct db *db, struct journal *journal,
                           const struct participant *participant, enum room_event_type type)
{
    struct written_participant written = {.who = *participant};
    participant_name_key(participant->name, written.name_key);
    const enum err err = db_query_run(db, &update_participant, &written, NULL);
    return err == ERR_OK && participant->state != PARTICIPANT_LEFT
               ? participant_tell(db, journal, participant, type, 0)
               : err;
}

/* ---- what he sends ---- */

static const struct db_query update_media = {
    .sql = "UPDATE participants SET published = ?, lost = ? WHERE participant_id = ?",
    .params = DB_FIELDS(struct participant, published, lost, id)};

static enum err tell_tracks(struct db *db, struct journal *journal,
                            const struct participant *participant, enum room_event_type type,
                            uint64_t sources)
{
    const struct msg_room_event event = {.type = type,
                                         .audience = AUDIENCE_ALL,
                                         .has_participant = true,
                                         .participant = participant_record(participant),
                                         .sources = sources};
    return sources != 0 ? journal_append(db, journal, &event) : ERR_OK;
}

enum err participant_set_media(struct db *db, struct journal *journal,
                               struct participant *participant, uint64_t published, uint64_t lost)
{
    const struct participant before = *participant;
    if (published == before.published && lost == before.lost) {
        return ERR_OK;
    }
    participant->published = published;
    participant->lost = lost;
    enum err err = db_query_run(db, &update_media, participant, NULL);
    if (err == ERR_OK) {
        err = tell_tracks(db, journal, participant, EVENT_TRACK_UNPUBLISHED,
                          before.published & ~published);
    }
    if (err == ERR_OK) {
        err = tell_tracks(db, journal, participant, EVENT_TRACK_LOST, lost & ~before.lost);
    }
    return err == ERR_OK ? tell_tracks(db, journal, participant, EVENT_TRACK_PUBLISHED,
                                       published & ~lost & ~(before.published & ~before.lost))
                         : err;
}

/* ---- seen ---- */

/* As if a gateway that is none had just told of the end of a stream of his. The stream that he
 * opens now is told of soon. */
static const struct db_query insert_seen = {
    .sql = "INSERT INTO presence (participant_id, gateway, is_open, number, changed_unix_ms)"
           " VALUES (?, " PRESENCE_NO_GATEWAY ", 0, 0, " DB_NOW_UNIX_MS " + " PRESENCE_SOON_MS
           ") ON DUPLICATE KEY UPDATE"
           " changed_unix_ms = VALUES(changed_unix_ms)",
    .params = DB_FIELDS(struct one_participant, id)};

enum err participant_note_seen(struct db *db, uint64_t participant_id)
{
    struct one_participant one = {.id = participant_id};
    return db_query_run(db, &insert_seen, &one, NULL);
}

/* ---- in and out ---- */

static const struct db_query update_let_in = {
    .sql = "UPDATE participants SET state = 2, since_seq = ?, joined_unix_ms = " DB_NOW_UNIX_MS
           ", changed_unix_ms = " DB_NOW_UNIX_MS " WHERE participant_id = ?",
    .params = DB_FIELDS(struct participant, since_seq, id)};
_Static_assert(PARTICIPANT_JOINED == 2, "the statements of this file have that number");

enum err participant_let_in(struct db *db, struct journal *journal, struct participant *participant)
{
    participant->state = PARTICIPANT_JOINED;
    participant->since_seq = journal->seq + 1;
    participant->joined_unix_ms = journal->now_unix_ms;
    const enum err err = db_query_run(db, &update_let_in, participant, NULL);
    return err == ERR_OK ? participant_tell(db, journal, participant, EVENT_PARTICIPANT_ADMITTED, 0)
                         : err;
}

static const struct db_query update_state = {
    .sql = "UPDATE participants SET state = ?, hand_unix_ms = 0, published = 0, lost = 0,"
           " changed_unix_ms = " DB_NOW_UNIX_MS " WHERE participant_id = ?",
    .params = DB_FIELDS(struct participant, state, id)};

static enum room_event_type out_event(enum participant_state state, enum room_reason reason,
                                      bool has_waited)
{
    if (state == PARTICIPANT_DENIED || (has_waited && reason == REASON_BANNED)) {
        return EVENT_PARTICIPANT_DENIED;
    }
    if (state == PARTICIPANT_REMOVED) {
        return reason == REASON_BANNED ? EVENT_PARTICIPANT_BANNED : EVENT_PARTICIPANT_REMOVED;
    }
    return EVENT_PARTICIPANT_LEFT;
}

enum err participant_take_out(struct db *db, struct journal *journal,
                              struct participant *participant, enum participant_state state,
                              enum room_reason reason)
{
    const bool has_left = participant->state == PARTICIPANT_LEFT;
    const bool has_waited = participant->state == PARTICIPANT_WAITING;
    participant->state = state;
    participant->hand_unix_ms = 0;
    participant->published = 0;
    participant->lost = 0;
    const enum err err = db_query_run(db, &update_state, participant, NULL);
    return err == ERR_OK && !has_left
               ? participant_tell(db, journal, participant, out_event(state, reason, has_waited),
                                  reason)
               : err;
}

/* ---- all ---- */

struct everybody {
    uint64_t room_id;
    uint64_t joined;
};

static const struct db_query end_everybody = {
    .sql = "UPDATE participants SET state = 6, hand_unix_ms = 0, published = 0, lost = 0,"
           " changed_unix_ms = " DB_NOW_UNIX_MS " WHERE room_id = ? AND state IN (1, 2)",
    .params = DB_FIELDS(struct everybody, room_id)};
static const struct db_query end_those_who_left = {
    .sql = "UPDATE participants SET state = 6 WHERE room_id = ? AND state = 3",
    .params = DB_FIELDS(struct everybody, room_id)};
_Static_assert(PARTICIPANT_ENDED == 6 && PARTICIPANT_WAITING == 1 && PARTICIPANT_LEFT == 3,
               "end_everybody and end_those_who_left have those numbers");

enum err participants_end(struct db *db, struct journal *journal, enum room_event_type type,
                          enum room_reason reason, uint64_t owner_id)
{
    struct everybody everybody = {.room_id = journal->room_id};
    const struct msg_room_event event = {
        .type = type, .audience = AUDIENCE_ALL, .has_reason = true, .reason = reason};
    uint64_t ended = 0;
    enum err err = db_query_run(db, &end_everybody, &everybody, &ended);
    if (err == ERR_OK) {
        err = db_query_run(db, &end_those_who_left, &everybody, NULL);
    }
    if (err != ERR_OK || (ended == 0 && type == EVENT_MEETING_ENDED)) {
        return err;
    }
    journal->turn = JOURNAL_IS_LEFT;
    err = journal_append(db, journal, &event);
    return err == ERR_OK ? journal_hint(db, journal, ROOM_NEWS_ENDED, owner_id) : err;
}

static const struct db_query count_joined = {
    .sql = "SELECT COUNT(*) FROM participants WHERE room_id = ? AND state = 2",
    .params = DB_FIELDS(struct everybody, room_id),
    .columns = DB_FIELDS(struct everybody, joined)};

enum err participants_settle(struct db *db, struct journal *journal, uint64_t owner_id)
{
    struct everybody everybody = {.room_id = journal->room_id};
    const enum err err = db_query_run(db, &count_joined, &everybody, NULL);
    if (err != ERR_OK || everybody.joined > 0) {
        return err;
    }
    journal->turn = JOURNAL_IS_LEFT;
    return journal_hint(db, journal, ROOM_NEWS_ENDED, owner_id);
}

/* ---- all of one user ---- */

struct of_user {
    uint64_t room_id;
    uint64_t user_id;
    struct participant *items;
    size_t count;
};

/* Of those who have left there may be many, over a day. */
static const struct db_query select_of_user = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.user_id = ?"
           " AND p.state IN (1, 2, 3) AND p.room_id = ? ORDER BY p.participant_id",
    .params = DB_FIELDS(struct of_user, user_id, room_id),
    .columns = PARTICIPANT_FIELDS(struct participant, ),
    .rows = DB_ROWS_GROWING(struct of_user, items, count)};

static enum err follow_user(struct db *db, struct journal *journal, struct participant *participant,
                            enum room_role role, bool only_members)
{
    if (role == 0 && only_members) {
        return participant_take_out(db, journal, participant, PARTICIPANT_REMOVED,
                                    REASON_NOT_A_MEMBER);
    }
    const enum room_role now = role != 0 ? role : ROOM_PARTICIPANT;
    if (participant->role == now) {
        return ERR_OK;
    }
    participant->role = now;
    return participant_write(db, journal, participant, EVENT_PARTICIPANT_UPDATED);
}

enum err participants_of_user_follow(struct db *db, struct journal *journal, uint64_t user_id,
                                     enum room_role role, bool only_members)
{
    struct of_user of = {.room_id = journal->room_id, .user_id = user_id};
    enum err err = db_query_run(db, &select_of_user, &of, NULL);
    for (size_t i = 0; err == ERR_OK && i < of.count; i++) {
        err = follow_user(db, journal, &of.items[i], role, only_members);
    }
    free(of.items);
    return err;
}
