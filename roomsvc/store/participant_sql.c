#include "roomsvc/store/participant_sql.h"

#include "roomsvc/store/presence_store.h"

#define OF_ONE_USER_MAX 64 /* participants of one user in one room */

/* ---- one ---- */

struct one_participant {
    uint64_t id;
    uint64_t room_id;
    struct participant participant;
};

static const struct db_query select_participant = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p"
           " WHERE p.participant_id = ? AND p.room_id = ? AND p.state = 2",
    .params = DB_FIELDS(struct one_participant, id, room_id),
    .columns = PARTICIPANT_FIELDS(struct one_participant, participant.),
    .if_none = ERR_NOT_FOUND};
_Static_assert(PARTICIPANT_JOINED == 2, "the statements of this file have that number");

enum err participant_find(struct db *db, const struct journal *journal, uint64_t participant_id,
                          struct participant *ret_participant)
{
    struct one_participant one = {.id = participant_id, .room_id = journal->room_id};
    const enum err err = db_query_run(db, &select_participant, &one, NULL);
    if (err == ERR_OK) {
        *ret_participant = one.participant;
    }
    return err;
}

static enum err append_about(struct db *db, struct journal *journal,
                             const struct participant *participant, enum room_event_type type,
                             enum room_reason reason)
{
    const struct msg_room_event event = {.type = type,
                                         .audience = AUDIENCE_ALL,
                                         .has_participant = true,
                                         .participant = participant_record(participant),
                                         .has_reason = reason != 0,
                                         .reason = reason};
    return journal_append(db, journal, &event);
}

static const struct db_query update_participant = {
    .sql = "UPDATE participants SET name = ?, role = ?, hand_unix_ms = ? WHERE participant_id = ?",
    .params = DB_FIELDS(struct participant, name, role, hand_unix_ms, id)};

enum err participant_write(struct db *db, struct journal *journal,
                           const struct participant *participant, enum room_event_type type)
{
    struct participant written = *participant;
    const enum err err = db_query_run(db, &update_participant, &written, NULL);
    return err == ERR_OK ? append_about(db, journal, participant, type, 0) : err;
}

/* As if a gateway that is none had just told of the end of a stream of his. The stream that he
 * opens now is told of soon. */
static const struct db_query insert_seen = {
    .sql = "INSERT INTO presence (participant_id, gateway, is_open, number, changed_unix_ms)"
           " VALUES (?, X'00000000000000000000000000000000', 0, 0, " DB_NOW_UNIX_MS
           " + " PRESENCE_SOON_MS ") ON DUPLICATE KEY UPDATE"
           " changed_unix_ms = VALUES(changed_unix_ms)",
    .params = DB_FIELDS(struct one_participant, id)};

enum err participant_note_seen(struct db *db, uint64_t participant_id)
{
    struct one_participant one = {.id = participant_id};
    return db_query_run(db, &insert_seen, &one, NULL);
}

/* ---- out ---- */

static const struct db_query update_state = {
    .sql = "UPDATE participants SET state = ?, hand_unix_ms = 0,"
           " changed_unix_ms = " DB_NOW_UNIX_MS " WHERE participant_id = ?",
    .params = DB_FIELDS(struct participant, state, id)};

enum err participant_take_out(struct db *db, struct journal *journal,
                              struct participant *participant, enum participant_state state,
                              enum room_reason reason)
{
    participant->state = state;
    participant->hand_unix_ms = 0;
    const enum err err = db_query_run(db, &update_state, participant, NULL);
    const enum room_event_type type =
        state == PARTICIPANT_REMOVED ? EVENT_PARTICIPANT_REMOVED : EVENT_PARTICIPANT_LEFT;
    return err == ERR_OK ? append_about(db, journal, participant, type, reason) : err;
}

struct everybody {
    uint64_t room_id;
    uint64_t joined;
};

/* Who waits is out, too. */
static const struct db_query end_everybody = {
    .sql = "UPDATE participants SET state = 6, hand_unix_ms = 0,"
           " changed_unix_ms = " DB_NOW_UNIX_MS " WHERE room_id = ? AND state IN (1, 2)",
    .params = DB_FIELDS(struct everybody, room_id)};
_Static_assert(PARTICIPANT_ENDED == 6 && PARTICIPANT_WAITING == 1,
               "end_everybody has those numbers");

enum err participants_end(struct db *db, struct journal *journal, enum room_event_type type,
                          enum room_reason reason, uint64_t owner_id)
{
    struct everybody everybody = {.room_id = journal->room_id};
    const struct msg_room_event event = {
        .type = type, .audience = AUDIENCE_ALL, .has_reason = true, .reason = reason};
    journal->turn = JOURNAL_IS_LEFT;
    enum err err = db_query_run(db, &end_everybody, &everybody, NULL);
    if (err == ERR_OK) {
        err = journal_append(db, journal, &event);
    }
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
    struct participant items[OF_ONE_USER_MAX];
    size_t count;
};

static const struct db_query select_of_user = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p"
           " WHERE p.user_id = ? AND p.state = 2 AND p.room_id = ? ORDER BY p.participant_id",
    .params = DB_FIELDS(struct of_user, user_id, room_id),
    .columns = PARTICIPANT_FIELDS(struct participant, ),
    .rows = DB_ROWS(struct of_user, items, count)};

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
    return err;
}
