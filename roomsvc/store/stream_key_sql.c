/* Stream keys: what commands do to them. */
#include "roomsvc/store/participant_command.h"

struct stream_key_row {
    uint64_t room_id;
    unsigned char key_hash[32];
    struct stream_key is;
    uint64_t count; /* of this room */
    struct participant whose;
};

static const struct db_query count_stream_keys = {
    .sql = "SELECT COUNT(*) FROM stream_keys WHERE room_id = ?",
    .params = DB_FIELDS(struct stream_key_row, room_id),
    .columns = DB_FIELDS(struct stream_key_row, count)};

static const struct db_query insert_stream_key = {
    .sql = "INSERT INTO stream_keys (stream_key_id, room_id, key_hash, used_for, label, user_id,"
           " expires_unix_ms, created_unix_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    .params = DB_FIELDS(struct stream_key_row, is.id, room_id, key_hash, is.use, is.label,
                        is.user_id, is.expires_unix_ms, is.created_unix_ms)};

static const struct db_query select_one_stream_key = {
    .sql = "SELECT " STREAM_KEY_COLUMNS STREAM_KEY_TABLES
           " WHERE k.stream_key_id = ? AND k.room_id = ?",
    .params = DB_FIELDS(struct stream_key_row, is.id, room_id),
    .columns = STREAM_KEY_FIELDS(struct stream_key_row, is.),
    .if_none = ERR_NOT_FOUND};

static const struct db_query delete_stream_key = {
    .sql = "DELETE FROM stream_keys WHERE stream_key_id = ?",
    .params = DB_FIELDS(struct stream_key_row, is.id)};

/* Who may do nothing with stream keys is not told which there are. */
static enum err find_stream_key(struct participant_command *c, struct db *db, uint64_t id,
                                struct stream_key_row *ret_row)
{
    *ret_row = (struct stream_key_row){.room_id = c->target.room.id, .is = {.id = id}};
    const enum err err = room_query_judge(&c->target, ROOM_STREAM_KEYS, NULL);
    return err == ERR_OK ? db_query_run(db, &select_one_stream_key, ret_row, NULL) : err;
}

/* ---- stream_key_add ---- */

enum err stream_key_add_apply(struct participant_command *c, struct db *db)
{
    const struct msg_stream_key_add *add = &c->request->stream_key_add;
    struct stream_key_row row = {.room_id = c->target.room.id,
                                 .is = {.id = c->once.made_id,
                                        .use = add->use,
                                        .user_id = c->target.asker.user_id,
                                        .expires_unix_ms = add->expires_at,
                                        .created_unix_ms = c->journal.now_unix_ms}};
    const bool is_past = add->expires_at != 0 && add->expires_at <= c->journal.now_unix_ms;
    memcpy(row.key_hash, add->secret_hash.data, sizeof(row.key_hash));
    enum err err = room_query_judge(&c->target, ROOM_STREAM_KEYS, NULL);
    if (err == ERR_OK && (is_past || !label_make(add->label, row.is.label))) {
        err = ERR_WRONG_MEMBER;
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &count_stream_keys, &row, NULL);
    }
    if (err == ERR_OK && row.count >= STREAM_KEYS_MAX) {
        err = ERR_CONFLICT;
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_stream_key, &row, NULL);
    }
    return err == ERR_OK ? stream_key_read_again(c, db) : err;
}

enum err stream_key_read_again(struct participant_command *c, struct db *db)
{
    struct stream_key_row row;
    const enum err err = find_stream_key(c, db, c->once.made_id, &row);
    c->outcome.stream_key = row.is;
    return err;
}

/* ---- stream_key_remove ---- */

/* Also who has left, and might come back. */
static const struct db_query select_who_came = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.stream_key_id = ?"
           " AND p.state IN (2, 3)",
    .params = DB_FIELDS(struct stream_key_row, is.id),
    .columns = PARTICIPANT_FIELDS(struct stream_key_row, whose.)};
_Static_assert(PARTICIPANT_JOINED == 2 && PARTICIPANT_LEFT == 3,
               "select_who_came has those numbers");

static enum err take_out_who_came(struct participant_command *c, struct db *db,
                                  struct stream_key_row *row)
{
    enum err err = db_query_run(db, &select_who_came, row, NULL);
    if (err != ERR_OK || row->whose.id == 0) {
        return err;
    }
    const bool was_in = row->whose.state == PARTICIPANT_JOINED;
    err = participant_take_out(db, &c->journal, &row->whose, PARTICIPANT_REMOVED,
                               REASON_STREAM_KEY_ENDED);
    return err == ERR_OK && was_in ? participants_settle(db, &c->journal, c->target.room.owner_id)
                                   : err;
}

enum err stream_key_remove_apply(struct participant_command *c, struct db *db)
{
    struct stream_key_row row;
    enum err err = find_stream_key(c, db, c->request->stream_key_remove.stream_key, &row);
    if (err == ERR_OK) {
        err = db_query_run(db, &delete_stream_key, &row, NULL);
    }
    return err == ERR_OK ? take_out_who_came(c, db, &row) : err;
}
