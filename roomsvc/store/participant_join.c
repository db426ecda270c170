#include "roomsvc/store/participant_join.h"

#include <sodium.h>

#include "roomsvc/rules/room_options.h"

/* Who is new, or comes back, and what there is. */
struct newcomer {
    uint64_t room_id;
    uint64_t id;
    uint64_t user_id;
    char name[LABEL_BYTES];
    uint64_t role;
    unsigned char token_hash[32];
    unsigned char session_hash[32];
    unsigned char device_hash[16];
    unsigned char address[16];
    bool has_session, has_device, has_pin;
    unsigned char pin[ROOM_PIN_BYTES];
    uint64_t now_unix_ms;
    uint64_t joined, users_joined, of_user, of_address;
    struct participant made;
};

static void copy_hash(void *ret, size_t bytes, struct str from, bool *ret_is_there)
{
    *ret_is_there = from.bytes == bytes;
    if (*ret_is_there) {
        memcpy(ret, from.data, bytes);
    }
}

static uint64_t draw_participant_id(void)
{
    uint64_t id;
    do {
        randombytes_buf(&id, sizeof(id));
        id &= PARTICIPANT_ID_MAX;
    } while (id == 0);
    return id;
}

static void read_newcomer(const struct participant_command *c, struct newcomer *ret)
{
    const struct msg_participant_join *join = &c->request->participant_join;
    bool has_token;
    bool has_address;
    *ret = (struct newcomer){.room_id = c->target.room.id,
                             .id = draw_participant_id(),
                             .now_unix_ms = c->journal.now_unix_ms,
                             .user_id = c->target.asker.user_id};
    copy_hash(ret->token_hash, sizeof(ret->token_hash), join->token_hash, &has_token);
    copy_hash(ret->session_hash, sizeof(ret->session_hash), join->session_hash, &ret->has_session);
    copy_hash(ret->device_hash, sizeof(ret->device_hash), join->device_hash, &ret->has_device);
    copy_hash(ret->address, sizeof(ret->address), join->address, &has_address);
}

/* ---- whether he may ---- */

static const struct db_query count_those_in = {
    .sql =
        "SELECT COUNT(*), COUNT(IF(user_id <> 0, 1, NULL)),"
        " COUNT(IF(user_id = ? AND user_id <> 0, 1, NULL)), (SELECT COUNT(*) FROM participants a"
        " WHERE a.address = ? AND a.state = 2) FROM participants WHERE room_id = ? AND state = 2",
    .params = DB_FIELDS(struct newcomer, user_id, address, room_id),
    .columns = DB_FIELDS(struct newcomer, joined, users_joined, of_user, of_address)};

static const struct db_query select_pin = {
    .sql = "SELECT pin FROM rooms WHERE room_id = ?",
    .params = DB_FIELDS(struct newcomer, room_id),
    .columns = {DB_FIELD_NULLABLE(struct newcomer, pin, has_pin)}};

static enum err judge_newcomer(struct db *db, struct participant_command *c, struct newcomer *who)
{
    const struct managed_room *room = &c->target.room;
    const struct str pin = c->request->participant_join.pin;
    const bool is_back = c->target.self.id != 0;
    enum room_role role = 0;
    enum err err = db_query_run(db, &count_those_in, who, NULL);
    if (err == ERR_OK && room->has_pin != 0 && pin.bytes > 0) {
        err = db_query_run(db, &select_pin, who, NULL);
    }
    const struct join_case join = {.is_guest =
                                       is_back ? c->target.self.user_id == 0 : who->user_id == 0,
                                   .is_admin = c->target.asker.is_admin,
                                   .is_known = room->role != 0,
                                   .has_code = room_query_has_link(&c->target),
                                   .is_back = is_back,
                                   .role = (enum room_role)room->role,
                                   .access = (enum room_access)room->access,
                                   .is_locked = room->locked != 0,
                                   .has_lobby = room->lobby != 0,
                                   .has_pin = room->has_pin != 0,
                                   .guests_wait = room->guests_wait != 0,
                                   .is_pin_right = who->has_pin && room_pin_is(pin, who->pin),
                                   .is_host_in = who->users_joined > 0,
                                   .joined = who->joined,
                                   .joined_max = room->participants_max,
                                   .of_address = who->of_address,
                                   .address_max = c->limits->address_participants_max,
                                   .of_user = who->of_user,
                                   .user_max = c->limits->user_participants_max};
    if (err == ERR_OK) {
        err = participant_may_join(&join, &role);
    }
    who->role = role;
    return err;
}

/* ---- what is written ---- */

static const struct db_query select_own_name = {
    .sql = "SELECT IFNULL(display_name, username) FROM users WHERE id = ?",
    .params = DB_FIELDS(struct newcomer, user_id),
    .columns = DB_FIELDS(struct newcomer, name),
    .if_none = ERR_UNAUTHORIZED};

/* ERR_WRONG_MEMBER: it is no name, or a guest gives none. */
static enum err name_newcomer(struct db *db, const struct participant_command *c,
                              struct newcomer *who)
{
    const struct str name = c->request->participant_join.name;
    if (name.bytes == 0 && who->user_id != 0) {
        return db_query_run(db, &select_own_name, who, NULL);
    }
    return label_make(name, who->name) ? ERR_OK : ERR_WRONG_MEMBER;
}

static const struct db_query insert_participant = {
    .sql = "INSERT INTO participants (participant_id, room_id, user_id, name, role, state,"
           " token_hash, session_hash, device_hash, address, joined_unix_ms, changed_unix_ms)"
           " VALUES (?, ?, ?, ?, ?, 2, ?, ?, ?, ?, ?, ?)",
    .params = {DB_FIELD(struct newcomer, id), DB_FIELD(struct newcomer, room_id),
               DB_FIELD(struct newcomer, user_id), DB_FIELD(struct newcomer, name),
               DB_FIELD(struct newcomer, role), DB_FIELD(struct newcomer, token_hash),
               DB_FIELD_NULLABLE(struct newcomer, session_hash, has_session),
               DB_FIELD_NULLABLE(struct newcomer, device_hash, has_device),
               DB_FIELD(struct newcomer, address), DB_FIELD(struct newcomer, now_unix_ms),
               DB_FIELD(struct newcomer, now_unix_ms)}};

static enum err add_newcomer(struct db *db, struct participant_command *c, struct newcomer *who)
{
    enum err err = name_newcomer(db, c, who);
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_participant, who, NULL);
    }
    c->outcome.is_made = err == ERR_OK;
    c->whom = (struct participant){.id = who->id,
                                   .room_id = who->room_id,
                                   .user_id = who->user_id,
                                   .role = who->role,
                                   .state = PARTICIPANT_JOINED,
                                   .joined_unix_ms = c->journal.now_unix_ms};
    (void)str_copy(c->whom.name, sizeof(c->whom.name), str_of(who->name));
    return err;
}

static const struct db_query update_back = {
    .sql = "UPDATE participants SET state = 2, address = ?, joined_unix_ms = ?,"
           " changed_unix_ms = ? WHERE participant_id = ?",
    .params = DB_FIELDS(struct newcomer, address, now_unix_ms, now_unix_ms, id)};

static enum err bring_back(struct db *db, struct participant_command *c, struct newcomer *who)
{
    c->whom = c->target.self;
    c->whom.state = PARTICIPANT_JOINED;
    c->whom.joined_unix_ms = c->journal.now_unix_ms;
    who->id = c->whom.id;
    return db_query_run(db, &update_back, who, NULL);
}

static enum err append_joined(struct db *db, struct participant_command *c)
{
    const struct msg_room_event event = {.type = EVENT_PARTICIPANT_JOINED,
                                         .audience = AUDIENCE_ALL,
                                         .has_participant = true,
                                         .participant = participant_record(&c->whom)};
    return journal_append(db, &c->journal, &event);
}

static enum err enter(struct db *db, struct participant_command *c)
{
    struct newcomer who;
    read_newcomer(c, &who);
    enum err err = judge_newcomer(db, c, &who);
    if (err == ERR_OK) {
        err = c->target.self.id != 0 ? bring_back(db, c, &who) : add_newcomer(db, c, &who);
    }
    if (err == ERR_OK) {
        err = append_joined(db, c);
    }
    if (err == ERR_OK && who.joined == 0) {
        err = journal_hint(db, &c->journal, ROOM_NEWS_BEGAN, c->target.room.owner_id);
    }
    c->journal.turn = JOURNAL_IS_ENTERED;
    c->outcome.is_entered = c->target.in_janus != 1; /* 2: it is being ended there */
    return err == ERR_OK ? journal_keep(db, &c->journal) : err;
}

/* ---- done before ---- */

static const struct db_query select_made_participant = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.token_hash = ?",
    .params = DB_FIELDS(struct newcomer, token_hash),
    .columns = PARTICIPANT_FIELDS(struct newcomer, made.),
    .if_none = ERR_CONFLICT};

static enum err answer_join_again(struct db *db, struct participant_command *c)
{
    struct newcomer who;
    enum err err = room_query_run(db, &c->target);
    read_newcomer(c, &who);
    if (err == ERR_OK && c->target.self.id == 0) {
        err = db_query_run(db, &select_made_participant, &who, NULL);
        c->whom = who.made;
    } else {
        c->whom = c->target.self;
    }
    return err == ERR_OK ? journal_remind(db, &c->journal, c->target.room.id) : err;
}

enum err participant_join_run(void *command, struct db *db)
{
    struct participant_command *c = command;
    const struct msg_participant_join *join = &c->request->participant_join;
    bool is_done = false;
    c->outcome = (struct participant_outcome){0}; /* it may be run again */
    enum err err =
        command_once_begin(db, &c->once, join->idempotency_key, join->body_hash, &is_done);
    c->target.may_be_out = true;
    if (err == ERR_OK && is_done) {
        err = answer_join_again(db, c);
    } else if (err == ERR_OK) {
        err = room_query_lock(db, &c->target);
        participant_command_begin_journal(c);
        c->outcome.is_resumed = c->target.self.id != 0;
        if (err == ERR_OK && c->target.self.state == PARTICIPANT_JOINED) {
            c->whom = c->target.self;
            err = participant_note_seen(db, c->whom.id);
        } else if (err == ERR_OK) {
            err = enter(db, c);
        }
    }
    c->outcome.room_id = c->target.room.id;
    c->outcome.participant = c->whom;
    return err;
}
