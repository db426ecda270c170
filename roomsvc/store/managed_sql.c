#include "roomsvc/store/managed_sql.h"

#include "roomsvc/store/participant_sql.h"

bool room_query_read(struct str room, const struct room_asker *asker, struct room_query *ret_query)
{
    size_t letters = 0;
    *ret_query = (struct room_query){.asker = *asker};
    if (asker->token_hash.bytes == sizeof(ret_query->token_hash)) {
        memcpy(ret_query->token_hash, asker->token_hash.data, sizeof(ret_query->token_hash));
    }
    if (str_id(room, &ret_query->id)) {
        return true;
    }
    for (size_t i = 0; i < room.bytes; i++) {
        const char c = room.data[i];
        if (c == '-') {
            continue;
        }
        if (c < 'a' || c > 'z' || letters == ROOM_CODE_LETTERS) {
            return false;
        }
        ret_query->code[letters++] = c;
    }
    return letters == ROOM_CODE_LETTERS;
}

bool user_query_read(struct str user, struct user_query *ret_query)
{
    *ret_query = (struct user_query){.id = 0};
    return str_id(user, &ret_query->id) ||
           str_copy(ret_query->username, sizeof(ret_query->username), user);
}

/* ---- a room ---- */

static const struct db_query select_by_id = {
    .sql = "SELECT " MANAGED_COLUMNS " FROM rooms r" MANAGED_JOINS " WHERE r.room_id = ?",
    .params = DB_FIELDS(struct room_query, asker.user_id, id),
    .columns = MANAGED_FIELDS(struct room_query, room.),
    .if_none = ERR_NO_SUCH_ROOM};

static const struct db_query select_by_code = {
    .sql = "SELECT " MANAGED_COLUMNS " FROM rooms r" MANAGED_JOINS " WHERE r.code = ?",
    .params = DB_FIELDS(struct room_query, asker.user_id, code),
    .columns = MANAGED_FIELDS(struct room_query, room.),
    .if_none = ERR_NO_SUCH_ROOM};

#define LOCKED_COLUMNS "SELECT room_id, seq, in_janus, (SELECT generation FROM journal_generation)"
#define LOCKED_FIELDS DB_FIELDS(struct room_query, room.id, seq, in_janus, generation)

static const struct db_query lock_by_id = {.sql = LOCKED_COLUMNS
                                           " FROM rooms WHERE room_id = ? FOR UPDATE",
                                           .params = DB_FIELDS(struct room_query, id),
                                           .columns = LOCKED_FIELDS,
                                           .if_none = ERR_NO_SUCH_ROOM};

static const struct db_query lock_by_code = {.sql = LOCKED_COLUMNS
                                             " FROM rooms WHERE code = ? FOR UPDATE",
                                             .params = DB_FIELDS(struct room_query, code),
                                             .columns = LOCKED_FIELDS,
                                             .if_none = ERR_NO_SUCH_ROOM};

static const struct db_query select_self = {.sql = "SELECT " PARTICIPANT_COLUMNS
                                                   " FROM participants p WHERE p.token_hash = ?",
                                            .params = DB_FIELDS(struct room_query, token_hash),
                                            .columns = PARTICIPANT_FIELDS(struct room_query, self.),
                                            .if_none = ERR_UNAUTHORIZED};

/* Who asks with a participant's token is what that one is, and nothing else. */
static enum err find_self(struct db *db, struct room_query *query)
{
    enum err err = db_query_run(db, &select_self, query, NULL);
    if (err == ERR_OK && query->self.room_id != query->room.id) {
        err = ERR_NO_SUCH_ROOM;
    }
    if (err == ERR_OK) {
        err = participant_is_in(&query->self);
    }
    if (err == ERR_OK && query->self.stream_use != 0 && !query->may_be_stream) {
        err = ERR_FORBIDDEN;
    }
    if ((err == ERR_NOT_JOINED && query->may_be_out) || (err == ERR_MUST_WAIT && query->may_wait)) {
        err = ERR_OK;
    }
    query->room.role = query->self.role;
    return err;
}

static const struct db_query select_invitation = {
    .sql = "SELECT " INVITATION_COLUMNS " FROM invitations i WHERE i.secret_hash = ?"
           " AND i.room_id = ?",
    .params = DB_FIELDS(struct room_query, invitation_hash, room.id),
    .columns = INVITATION_FIELDS(struct room_query, invitation.)};

/* Who shows a token that nobody has is told that whatever room he names: he would learn else which
 * codes there are, and is not counted as who guesses codes is. */
static enum err fail_to_find_room(struct db *db, struct room_query *query, enum err err)
{
    const bool has_token = query->asker.token_hash.bytes > 0;
    return err == ERR_NO_SUCH_ROOM && has_token && find_self(db, query) == ERR_UNAUTHORIZED
               ? ERR_UNAUTHORIZED
               : err;
}

enum err room_query_run(struct db *db, struct room_query *query)
{
    const enum err err =
        db_query_run(db, query->id != 0 ? &select_by_id : &select_by_code, query, NULL);
    if (err != ERR_OK) {
        return fail_to_find_room(db, query, err);
    }
    if (query->room.owner_id != 0 && query->room.owner_id == query->asker.user_id) {
        query->room.role = ROOM_OWNER;
    }
    enum err known = query->asker.token_hash.bytes > 0 ? find_self(db, query) : ERR_OK;
    if (known == ERR_OK && query->has_invitation) {
        known = db_query_run(db, &select_invitation, query, NULL);
    }
    if (known == ERR_OK) {
        known = room_query_judge(query, ROOM_SEE, NULL);
    }
    return known == ERR_OK && query->room.is_over != 0 ? ERR_GONE : known;
}

enum err room_query_lock(struct db *db, struct room_query *query)
{
    const enum err err =
        db_query_run(db, query->id != 0 ? &lock_by_id : &lock_by_code, query, NULL);
    return err == ERR_OK ? room_query_run(db, query) : fail_to_find_room(db, query, err);
}

bool room_query_has_link(const struct room_query *query)
{
    /* Of a room without a code the number is the link, for who has signed in. */
    return query->id == 0 || (query->room.code[0] == '\0' && query->asker.user_id != 0);
}

/* Who comes back is whom he was, and comes by no invitation again. */
struct join_case room_query_join_case(const struct room_query *query)
{
    const struct managed_room *room = &query->room;
    const struct participant *self = &query->self;
    const bool is_back = self->id != 0;
    const bool is_stream = query->stream_key.id != 0;
    return (struct join_case){
        .is_guest = (is_back ? self->user_id : query->asker.user_id) == 0,
        .is_admin = query->asker.is_admin,
        .is_known = room->role != 0 && !is_back,
        .has_code = room_query_has_link(query),
        .is_invited = (query->invitation.id != 0 || is_stream) && !is_back,
        .has_passed = is_back,
        .is_back = self->since_seq != 0,
        .is_stream = is_stream,
        .role = (enum room_role)room->role,
        .invited_role = is_stream ? stream_key_role((enum stream_use)query->stream_key.use)
                                  : (enum room_role)query->invitation.role,
        .access = (enum room_access)room->access,
        .is_locked = room->locked != 0,
        .has_lobby = room->lobby != 0,
        .has_pin = room->has_pin != 0,
        .guests_wait = room->guests_wait != 0,
        .joined_max = room->participants_max,
    };
}

static struct room_standing standing_of(const struct room_query *query)
{
    const struct managed_room *room = &query->room;
    const bool has_key = query->stream_key.id != 0 && query->stream_key.room_id == query->room.id;
    return (struct room_standing){.is_admin = query->asker.is_admin,
                                  .is_known =
                                      room->role != 0 || query->invitation.id != 0 || has_key,
                                  .role = (enum room_role)room->role,
                                  .has_code = room_query_has_link(query),
                                  .access = (enum room_access)room->access};
}

enum room_role room_query_role(const struct room_query *query)
{
    return query->asker.is_admin ? ROOM_OWNER : (enum room_role)query->room.role;
}

enum err room_query_judge(const struct room_query *query, enum room_action action,
                          const struct room_target *target)
{
    const struct room_standing standing = standing_of(query);
    return room_may(&standing, action, target);
}

enum err room_query_judge_role(const struct room_query *query, enum room_action action)
{
    const struct room_standing standing = standing_of(query);
    return room_may_at_all(&standing, action);
}

/* ---- a user ---- */

#define MEMBER_COLUMNS                                                                             \
    "u.id, u.username, IFNULL(u.display_name, u.username), CAST(IFNULL(m.role, 0) AS UNSIGNED),"   \
    " CAST(IFNULL(m.added_unix_ms, 0) AS UNSIGNED)"
#define MEMBER_OF_ROOM                                                                             \
    " FROM users u LEFT JOIN room_members m ON m.user_id = u.id AND m.room_id = ?"

static const struct db_query select_user_by_id = {
    .sql = "SELECT " MEMBER_COLUMNS MEMBER_OF_ROOM " WHERE u.id = ?",
    .params = DB_FIELDS(struct user_query, room_id, id),
    .columns = DB_FIELDS(struct user_query, member.user_id, found_name, member.display_name,
                         member.role, member.added_unix_ms),
    .if_none = ERR_NO_SUCH_USER};

static const struct db_query select_user_by_name = {
    .sql = "SELECT " MEMBER_COLUMNS MEMBER_OF_ROOM " WHERE u.username = ?",
    .params = DB_FIELDS(struct user_query, room_id, username),
    .columns = DB_FIELDS(struct user_query, member.user_id, found_name, member.display_name,
                         member.role, member.added_unix_ms),
    .if_none = ERR_NO_SUCH_USER};

enum err user_query_run(struct db *db, struct user_query *query, const struct managed_room *room)
{
    query->room_id = room->id;
    const enum err err =
        db_query_run(db, query->id != 0 ? &select_user_by_id : &select_user_by_name, query, NULL);
    /* The collation ignores spaces at the end; we do not. */
    if (err == ERR_OK && query->id == 0 && strcmp(query->username, query->found_name) != 0) {
        return ERR_NO_SUCH_USER;
    }
    if (err == ERR_OK && query->member.user_id == room->owner_id) {
        query->member.role = ROOM_OWNER;
    }
    return err;
}
