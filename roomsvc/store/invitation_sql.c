#include "roomsvc/store/invitation_sql.h"

#include <stdlib.h>

#include "roomsvc/store/participant_command.h"

struct invitation_row {
    uint64_t room_id;
    unsigned char secret_hash[32];
    struct invitation is;
    uint64_t count; /* to this room */
};

static const struct db_query count_invitations = {
    .sql = "SELECT COUNT(*) FROM invitations WHERE room_id = ? AND revoked_unix_ms IS NULL",
    .params = DB_FIELDS(struct invitation_row, room_id),
    .columns = DB_FIELDS(struct invitation_row, count)};

static const struct db_query insert_invitation = {
    .sql = "INSERT INTO invitations (invitation_id, room_id, secret_hash, role, label, max_uses,"
           " not_before_unix_ms, expires_unix_ms, created_unix_ms)"
           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    .params =
        DB_FIELDS(struct invitation_row, is.id, room_id, secret_hash, is.role, is.label,
                  is.max_uses, is.not_before_unix_ms, is.expires_unix_ms, is.created_unix_ms)};

static const struct db_query select_one_invitation = {
    .sql = "SELECT " INVITATION_COLUMNS " FROM invitations i WHERE i.invitation_id = ?"
           " AND i.room_id = ? AND i.revoked_unix_ms IS NULL",
    .params = DB_FIELDS(struct invitation_row, is.id, room_id),
    .columns = INVITATION_FIELDS(struct invitation_row, is.),
    .if_none = ERR_NOT_FOUND};

static const struct db_query update_invitation = {
    .sql = "UPDATE invitations SET role = ?, label = ?, max_uses = ?, not_before_unix_ms = ?,"
           " expires_unix_ms = ? WHERE invitation_id = ?",
    .params = DB_FIELDS(struct invitation_row, is.role, is.label, is.max_uses,
                        is.not_before_unix_ms, is.expires_unix_ms, is.id)};

static const struct db_query revoke_invitation = {
    .sql = "UPDATE invitations SET revoked_unix_ms = " DB_NOW_UNIX_MS " WHERE invitation_id = ?",
    .params = DB_FIELDS(struct invitation_row, is.id)};

enum err invitation_tell(struct db *db, struct journal *journal,
                         const struct invitation *invitation, enum room_event_type type)
{
    const struct msg_room_event event = {.type = type,
                                         .audience = AUDIENCE_STAFF,
                                         .has_invitation = true,
                                         .invitation = invitation_record(invitation)};
    return journal_append(db, journal, &event);
}

/* now, wished: the role that it gives before and afterwards; 0: there is none then. */
static enum err judge_invitation(const struct participant_command *c, enum room_role now,
                                 enum room_role wished)
{
    const struct room_target target = {.now = now, .wished = wished};
    return room_query_judge(&c->target, ROOM_INVITE, &target);
}

/* An empty label is none. */
static enum err set_label(struct str label, struct invitation *invitation)
{
    invitation->label[0] = '\0';
    return label.bytes == 0 || label_make(label, invitation->label) ? ERR_OK : ERR_WRONG_MEMBER;
}

/* A time that has passed, or comes before it is good, is a mistake. */
static enum err judge_times(const struct participant_command *c,
                            const struct invitation *invitation)
{
    const uint64_t ends = invitation->expires_unix_ms;
    return ends != 0 && (ends <= c->journal.now_unix_ms || ends <= invitation->not_before_unix_ms)
               ? ERR_WRONG_MEMBER
               : ERR_OK;
}

/* ---- invitation_add ---- */

enum err invitation_add_apply(struct participant_command *c, struct db *db)
{
    const struct msg_invitation_add *add = &c->request->invitation_add;
    struct invitation_row row = {.room_id = c->target.room.id,
                                 .is = {.id = c->once.made_id,
                                        .role = add->role,
                                        .max_uses = add->max_uses,
                                        .not_before_unix_ms = add->not_before,
                                        .expires_unix_ms = add->expires_at,
                                        .created_unix_ms = c->journal.now_unix_ms}};
    memcpy(row.secret_hash, add->secret_hash.data, sizeof(row.secret_hash));
    enum err err = judge_invitation(c, 0, add->role);
    if (err == ERR_OK) {
        err = set_label(add->label, &row.is);
    }
    if (err == ERR_OK) {
        err = judge_times(c, &row.is);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &count_invitations, &row, NULL);
    }
    if (err == ERR_OK && row.count >= INVITATIONS_MAX) {
        err = ERR_CONFLICT;
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_invitation, &row, NULL);
    }
    if (err == ERR_OK) {
        err = invitation_tell(db, &c->journal, &row.is, EVENT_INVITATION_CREATED);
    }
    c->outcome.invitation = row.is;
    return err;
}

/* ---- of one that is there ---- */

/* Who may do nothing with invitations is not told which there are. */
static enum err find_invitation(struct participant_command *c, struct db *db, uint64_t id,
                                struct invitation_row *ret_row)
{
    *ret_row = (struct invitation_row){.room_id = c->target.room.id, .is = {.id = id}};
    const enum err err = room_query_judge_role(&c->target, ROOM_INVITE);
    return err == ERR_OK ? db_query_run(db, &select_one_invitation, ret_row, NULL) : err;
}

enum err invitation_read_again(struct participant_command *c, struct db *db)
{
    struct invitation_row row;
    const uint64_t id = c->request->id == MSG_invitation_add
                            ? c->once.made_id
                            : c->request->invitation_change.invitation;
    const enum err err = find_invitation(c, db, id, &row);
    c->outcome.invitation = row.is;
    return err;
}

enum err invitation_change_apply(struct participant_command *c, struct db *db)
{
    const struct msg_invitation_change *change = &c->request->invitation_change;
    struct invitation_row row;
    enum err err = find_invitation(c, db, change->invitation, &row);
    if (err != ERR_OK) {
        return err;
    }
    const enum room_role before = (enum room_role)row.is.role;
    row.is.role = change->has_role ? change->role : before;
    row.is.max_uses = change->has_max_uses ? change->max_uses : row.is.max_uses;
    row.is.not_before_unix_ms =
        change->has_not_before ? change->not_before : row.is.not_before_unix_ms;
    row.is.expires_unix_ms = change->has_expires_at ? change->expires_at : row.is.expires_unix_ms;
    err = judge_invitation(c, before, (enum room_role)row.is.role);
    if (err == ERR_OK && change->has_label) {
        err = set_label(change->label, &row.is);
    }
    if (err == ERR_OK && (change->has_expires_at || change->has_not_before)) {
        err = judge_times(c, &row.is);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &update_invitation, &row, NULL);
    }
    if (err == ERR_OK) {
        err = invitation_tell(db, &c->journal, &row.is, EVENT_INVITATION_UPDATED);
    }
    c->outcome.invitation = row.is;
    return err;
}

/* ---- invitation_revoke ---- */

struct invited {
    uint64_t room_id, invitation_id;
    struct participant *people;
    size_t count;
};

static const struct db_query select_invited = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.invitation_id = ?"
           " AND p.state IN (1, 2, 3) AND p.room_id = ? ORDER BY p.participant_id",
    .params = DB_FIELDS(struct invited, invitation_id, room_id),
    .columns = PARTICIPANT_FIELDS(struct participant, ),
    .rows = DB_ROWS_GROWING(struct invited, people, count)};

static enum err remove_invited(struct participant_command *c, struct db *db, uint64_t id)
{
    struct invited invited = {.room_id = c->target.room.id, .invitation_id = id};
    bool was_somebody_in = false;
    enum err err = db_query_run(db, &select_invited, &invited, NULL);
    for (size_t i = 0; err == ERR_OK && i < invited.count; i++) {
        struct participant *each = &invited.people[i];
        const bool waits = each->state == PARTICIPANT_WAITING;
        if (each->role < room_query_role(&c->target)) {
            was_somebody_in = was_somebody_in || each->state == PARTICIPANT_JOINED;
            err = participant_take_out(db, &c->journal, each,
                                       waits ? PARTICIPANT_DENIED : PARTICIPANT_REMOVED,
                                       REASON_INVITATION_REVOKED);
        }
    }
    free(invited.people);
    return err == ERR_OK && was_somebody_in
               ? participants_settle(db, &c->journal, c->target.room.owner_id)
               : err;
}

enum err invitation_revoke_apply(struct participant_command *c, struct db *db)
{
    const struct msg_invitation_revoke *revoke = &c->request->invitation_revoke;
    struct invitation_row row;
    enum err err = find_invitation(c, db, revoke->invitation, &row);
    if (err == ERR_OK) {
        err = judge_invitation(c, (enum room_role)row.is.role, 0);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &revoke_invitation, &row, NULL);
    }
    if (err == ERR_OK) {
        err = invitation_tell(db, &c->journal, &row.is, EVENT_INVITATION_REVOKED);
    }
    return err == ERR_OK && revoke->removes ? remove_invited(c, db, row.is.id) : err;
}
