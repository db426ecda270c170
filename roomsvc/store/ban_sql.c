/* Bans: what commands do to them. */
#include "roomsvc/store/participant_command.h"

#include <stdlib.h>

#include "proto/base/text.h"

struct ban_row {
    uint64_t room_id;
    struct ban is;
    uint64_t names_device;
    unsigned char device_hash[16];
    bool has_device;
    uint64_t participant_id;
    uint64_t count; /* of this room */
};

static const struct db_query count_bans = {
    .sql = "SELECT COUNT(*) FROM bans WHERE room_id = ?"
           " AND (expires_unix_ms = 0 OR expires_unix_ms > ?)",
    .params = DB_FIELDS(struct ban_row, room_id, is.created_unix_ms),
    .columns = DB_FIELDS(struct ban_row, count)};

static const struct db_query select_device = {
    .sql = "SELECT device_hash FROM participants WHERE participant_id = ?",
    .params = DB_FIELDS(struct ban_row, participant_id),
    .columns = {DB_FIELD_NULLABLE(struct ban_row, device_hash, has_device)}};

static const struct db_query insert_ban = {
    .sql = "INSERT INTO bans (ban_id, room_id, name, user_id, invitation_id, device_hash, note,"
           " expires_unix_ms, created_unix_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    .params = {DB_FIELD(struct ban_row, is.id), DB_FIELD(struct ban_row, room_id),
               DB_FIELD(struct ban_row, is.name), DB_FIELD(struct ban_row, is.user_id),
               DB_FIELD(struct ban_row, is.invitation_id),
               DB_FIELD_NULLABLE(struct ban_row, device_hash, has_device),
               DB_FIELD(struct ban_row, is.note), DB_FIELD(struct ban_row, is.expires_unix_ms),
               DB_FIELD(struct ban_row, is.created_unix_ms)}};

static const struct db_query select_one_ban = {
    .sql = "SELECT " BAN_COLUMNS " FROM bans b WHERE b.ban_id = ? AND b.room_id = ?",
    .params = DB_FIELDS(struct ban_row, is.id, room_id),
    .columns = BAN_FIELDS(struct ban_row, is.),
    .if_none = ERR_NOT_FOUND};

static const struct db_query delete_ban = {.sql = "DELETE FROM bans WHERE ban_id = ?",
                                           .params = DB_FIELDS(struct ban_row, is.id)};

/* ---- ban_add ---- */

/* What of him is banned. ERR_WRONG_MEMBER: there is nothing of what is asked for. */
static enum err name_banned(struct participant_command *c, struct db *db, struct ban_row *row)
{
    const struct msg_ban_add *add = &c->request->ban_add;
    row->participant_id = c->whom.id;
    row->is.user_id = add->user ? c->whom.user_id : 0;
    row->is.invitation_id = add->invitation ? c->whom.invitation_id : 0;
    enum err err = ERR_OK;
    if (add->device) {
        err = db_query_run(db, &select_device, row, NULL);
    }
    row->is.has_device = row->has_device;
    const bool is_empty = row->is.user_id == 0 && row->is.invitation_id == 0 && !row->has_device;
    return err == ERR_OK && is_empty ? ERR_WRONG_MEMBER : err;
}

static enum err write_note(const struct participant_command *c, struct ban_row *row)
{
    const struct msg_ban_add *add = &c->request->ban_add;
    const bool is_past = add->expires_at != 0 && add->expires_at <= c->journal.now_unix_ms;
    return !is_past && text_characters(add->note) <= BAN_NOTE_CHARACTERS_MAX &&
                   str_copy(row->is.note, sizeof(row->is.note), add->note)
               ? ERR_OK
               : ERR_WRONG_MEMBER;
}

struct banned {
    uint64_t room_id, participant_id, user_id;
    unsigned char device_hash[16];
    bool has_device;
    struct participant *people;
    size_t count;
};

static const struct db_query select_banned = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.room_id = ?"
           " AND p.state IN (1, 2, 3) AND (p.participant_id = ?"
           " OR (p.user_id <> 0 AND p.user_id = ?) OR p.device_hash = ?"
           " OR p.stream_key_id IN (SELECT k.stream_key_id FROM stream_keys k"
           " WHERE k.room_id = ? AND k.user_id = ? AND k.user_id <> 0))"
           " ORDER BY p.participant_id",
    .params = {DB_FIELD(struct banned, room_id), DB_FIELD(struct banned, participant_id),
               DB_FIELD(struct banned, user_id),
               DB_FIELD_NULLABLE(struct banned, device_hash, has_device),
               DB_FIELD(struct banned, room_id), DB_FIELD(struct banned, user_id)},
    .columns = PARTICIPANT_FIELDS(struct participant, ),
    .rows = DB_ROWS_GROWING(struct banned, people, count)};

/* Those whose role is as high as that of who bans stay: nobody acts on an equal. */
static enum err take_out_banned(struct participant_command *c, struct db *db,
                                const struct ban_row *row)
{
    struct banned banned = {.room_id = row->room_id,
                            .participant_id = c->whom.id,
                            .user_id = row->is.user_id,
                            .has_device = row->has_device};
    memcpy(banned.device_hash, row->device_hash, sizeof(banned.device_hash));
    bool was_somebody_in = false;
    enum err err = db_query_run(db, &select_banned, &banned, NULL);
    for (size_t i = 0; err == ERR_OK && i < banned.count; i++) {
        struct participant *each = &banned.people[i];
        if (each->role < room_query_role(&c->target)) {
            was_somebody_in = was_somebody_in || each->state == PARTICIPANT_JOINED;
            err = participant_take_out(db, &c->journal, each, PARTICIPANT_REMOVED, REASON_BANNED);
        }
    }
    free(banned.people);
    return err == ERR_OK && was_somebody_in
               ? participants_settle(db, &c->journal, c->target.room.owner_id)
               : err;
}

enum err ban_add_apply(struct participant_command *c, struct db *db)
{
    const struct msg_ban_add *add = &c->request->ban_add;
    struct ban_row row = {.room_id = c->target.room.id,
                          .is = {.id = c->once.made_id,
                                 .expires_unix_ms = add->expires_at,
                                 .created_unix_ms = c->journal.now_unix_ms}};
    enum err err = room_query_judge_role(&c->target, ROOM_BAN);
    if (err == ERR_OK) {
        err = participant_find_any(db, &c->journal, add->participant, &c->whom);
    }
    if (err == ERR_OK) {
        err = participant_command_judge(c, ROOM_BAN, 0);
    }
    (void)str_copy(row.is.name, sizeof(row.is.name), str_of(c->whom.name));
    if (err == ERR_OK) {
        err = write_note(c, &row);
    }
    if (err == ERR_OK) {
        err = name_banned(c, db, &row);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &count_bans, &row, NULL);
    }
    if (err == ERR_OK && row.count >= BANS_MAX) {
        err = ERR_CONFLICT;
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_ban, &row, NULL);
    }
    c->outcome.ban = row.is;
    return err == ERR_OK ? take_out_banned(c, db, &row) : err;
}

/* ---- of one that is there ---- */

static enum err find_ban(struct participant_command *c, struct db *db, uint64_t id,
                         struct ban_row *ret_row)
{
    *ret_row = (struct ban_row){.room_id = c->target.room.id, .is = {.id = id}};
    const enum err err = room_query_judge_role(&c->target, ROOM_BAN);
    return err == ERR_OK ? db_query_run(db, &select_one_ban, ret_row, NULL) : err;
}

enum err ban_read_again(struct participant_command *c, struct db *db)
{
    struct ban_row row;
    const enum err err = find_ban(c, db, c->once.made_id, &row);
    c->outcome.ban = row.is;
    return err;
}

enum err ban_lift_apply(struct participant_command *c, struct db *db)
{
    struct ban_row row;
    const enum err err = find_ban(c, db, c->request->ban_lift.ban, &row);
    return err == ERR_OK ? db_query_run(db, &delete_ban, &row, NULL) : err;
}
