#include "roomsvc/store/participant_join.h"

#include "roomsvc/rules/room_options.h"
#include "roomsvc/store/invitation_sql.h"
#include "roomsvc/store/lobby_sql.h"

#define WAITING_OF_ADDRESS_MAX 5 /* before one room */

/* Who is new, or comes back, and what there is. */
struct newcomer {
    uint64_t room_id;
    uint64_t id;
    uint64_t user_id;
    uint64_t invitation_id;             /* by which somebody new comes; 0: by none */
    uint64_t stream_key_id, stream_use; /* likewise, a program */
    uint64_t banned_user_id; /* whose bans hold for him: he himself, or who has made the key */
    char name[LABEL_BYTES];
    unsigned char name_key[NAME_KEY_BYTES];
    uint64_t role, state, muted, since_seq;
    unsigned char token_hash[32];
    unsigned char session_hash[32];
    unsigned char device_hash[16];
    unsigned char address[16];
    bool has_session, has_device, has_pin;
    unsigned char pin[ROOM_PIN_BYTES];
    uint64_t now_unix_ms;
    uint64_t joined, users_joined, waiting, of_user, of_name, of_address, waiting_of_address, bans;
    struct participant made;
};

static void copy_hash(void *ret, size_t bytes, struct str from, bool *ret_is_there)
{
    *ret_is_there = from.bytes == bytes;
    if (*ret_is_there) {
        memcpy(ret, from.data, bytes);
    }
}

/* Who comes back is whom he was, whatever he says now; only his device may be another one. */
static void read_newcomer(const struct participant_command *c, struct newcomer *ret)
{
    const struct msg_participant_join *join = &c->request->participant_join;
    const struct participant *self = &c->target.self;
    bool has_token;
    bool has_address;
    *ret = (struct newcomer){.room_id = c->target.room.id,
                             .id = c->once.made_id,
                             .now_unix_ms = c->journal.now_unix_ms,
                             .user_id = self->id != 0 ? self->user_id : c->target.asker.user_id,
                             .invitation_id = self->id != 0 ? 0 : c->target.invitation.id};
    copy_hash(ret->token_hash, sizeof(ret->token_hash), join->token_hash, &has_token);
    copy_hash(ret->session_hash, sizeof(ret->session_hash), join->session_hash, &ret->has_session);
    copy_hash(ret->device_hash, sizeof(ret->device_hash), join->device_hash, &ret->has_device);
    copy_hash(ret->address, sizeof(ret->address), join->address, &has_address);
    ret->banned_user_id = ret->user_id;
}

static bool is_stream(const struct participant_command *c)
{
    return c->target.stream_key.id != 0;
}

static void read_stream(const struct participant_command *c, struct newcomer *ret)
{
    const struct msg_stream_enter *enter = &c->request->stream_enter;
    const struct stream_key *key = &c->target.stream_key;
    bool is_there;
    *ret = (struct newcomer){.room_id = c->target.room.id,
                             .id = c->former_id != 0 ? c->former_id : c->once.made_id,
                             .now_unix_ms = c->journal.now_unix_ms,
                             .stream_key_id = key->id,
                             .stream_use = key->use,
                             .banned_user_id = key->user_id};
    copy_hash(ret->token_hash, sizeof(ret->token_hash), enter->key_hash, &is_there);
    copy_hash(ret->address, sizeof(ret->address), enter->address, &is_there);
}

/* ---- whether he may ---- */

static const struct db_query count_those_there = {
    .sql = "SELECT COUNT(IF(state = 2, 1, NULL)), COUNT(IF(state = 2 AND user_id <> 0, 1, NULL)),"
           " COUNT(IF(state = 1, 1, NULL)), COUNT(IF(user_id = ? AND user_id <> 0, 1, NULL)),"
           " COUNT(IF(" PARTICIPANT_TAKES_NAME ", 1, NULL)),"
           " COUNT(IF(state = 1 AND address = ?, 1, NULL)),"
           " (SELECT COUNT(*) FROM participants a WHERE a.address = ? AND a.state = 2),"
           " (SELECT COUNT(*) FROM bans b WHERE b.room_id = ?"
           " AND (b.expires_unix_ms = 0 OR b.expires_unix_ms > ?)"
           " AND ((b.user_id <> 0 AND b.user_id = ?)"
           " OR (b.invitation_id <> 0 AND b.invitation_id = ?) OR b.device_hash = ?))"
           " FROM participants WHERE room_id = ? AND state IN (1, 2)",
    .params = {DB_FIELD(struct newcomer, user_id), DB_FIELD(struct newcomer, name_key),
               DB_FIELD(struct newcomer, address), DB_FIELD(struct newcomer, address),
               DB_FIELD(struct newcomer, room_id), DB_FIELD(struct newcomer, now_unix_ms),
               DB_FIELD(struct newcomer, banned_user_id), DB_FIELD(struct newcomer, invitation_id),
               DB_FIELD_NULLABLE(struct newcomer, device_hash, has_device),
               DB_FIELD(struct newcomer, room_id)},
    .columns = DB_FIELDS(struct newcomer, joined, users_joined, waiting, of_user, of_name,
                         waiting_of_address, of_address, bans)};
_Static_assert(PARTICIPANT_WAITING == 1 && PARTICIPANT_JOINED == 2,
               "count_those_there has those numbers");

static const struct db_query select_pin = {
    .sql = "SELECT pin FROM rooms WHERE room_id = ?",
    .params = DB_FIELDS(struct newcomer, room_id),
    .columns = {DB_FIELD_NULLABLE(struct newcomer, pin, has_pin)}};

static struct str pin_of(const struct participant_command *c)
{
    return is_stream(c) ? STR_NONE : c->request->participant_join.pin;
}

static struct join_case join_case_of(const struct participant_command *c,
                                     const struct newcomer *who)
{
    struct join_case join = room_query_join_case(&c->target);
    join.is_banned = who->bans > 0;
    join.is_name_taken = who->of_name > 0 && !is_stream(c);
    join.is_pin_right = who->has_pin && room_pin_is(pin_of(c), who->pin);
    join.is_host_in = who->users_joined > 0;
    join.joined = who->joined;
    join.of_address = who->of_address;
    join.address_max = c->limits->address_participants_max;
    join.of_user = who->of_user;
    join.user_max = c->limits->user_participants_max;
    join.waiting = who->waiting;
    join.waiting_max = WAITING_MAX;
    join.waiting_of_address = who->waiting_of_address;
    join.waiting_of_address_max = WAITING_OF_ADDRESS_MAX;
    return join;
}

static enum err judge_newcomer(struct db *db, struct participant_command *c, struct newcomer *who)
{
    enum participant_state state = PARTICIPANT_JOINED;
    enum err err = ERR_OK;
    if (c->target.has_invitation && c->target.self.id == 0) {
        err = invitation_is_good(&c->target.invitation, who->now_unix_ms);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &count_those_there, who, NULL);
    }
    if (err == ERR_OK && c->target.room.has_pin != 0 && pin_of(c).bytes > 0) {
        err = db_query_run(db, &select_pin, who, NULL);
    }
    const struct join_case join = join_case_of(c, who);
    if (err == ERR_OK) {
        err = participant_may_join(&join, &state);
    }
    who->role = c->target.self.id != 0 ? c->target.self.role : participant_role(&join);
    who->state = state;
    return err;
}

/* ---- what is written ---- */

static const struct db_query select_own_name = {
    .sql = "SELECT IFNULL(display_name, username) FROM users WHERE id = ?",
    .params = DB_FIELDS(struct newcomer, user_id),
    .columns = DB_FIELDS(struct newcomer, name),
    .if_none = ERR_UNAUTHORIZED};

/* Who comes back keeps his. ERR_WRONG_MEMBER: it is no name, or a guest gives none. */
static enum err name_newcomer(struct db *db, const struct participant_command *c,
                              struct newcomer *who)
{
    const struct participant *self = &c->target.self;
    if (self->id != 0 || is_stream(c)) {
        const struct str kept = str_of(self->id != 0 ? self->name : c->target.stream_key.label);
        return str_copy(who->name, sizeof(who->name), kept) ? ERR_OK : ERR_INTERNAL;
    }
    const struct str name = c->request->participant_join.name;
    if (name.bytes == 0 && who->user_id != 0) {
        return db_query_run(db, &select_own_name, who, NULL);
    }
    return label_make(name, who->name) ? ERR_OK : ERR_WRONG_MEMBER;
}

static const struct db_query insert_participant = {
    .sql = "INSERT INTO participants (participant_id, room_id, user_id, invitation_id, name,"
           " name_key, role, state, muted, since_seq, token_hash, session_hash, device_hash,"
           " address, stream_key_id, stream_use, joined_unix_ms, changed_unix_ms)"
           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    .params = {DB_FIELD(struct newcomer, id), DB_FIELD(struct newcomer, room_id),
               DB_FIELD(struct newcomer, user_id), DB_FIELD(struct newcomer, invitation_id),
               DB_FIELD(struct newcomer, name), DB_FIELD(struct newcomer, name_key),
               DB_FIELD(struct newcomer, role), DB_FIELD(struct newcomer, state),
               DB_FIELD(struct newcomer, muted), DB_FIELD(struct newcomer, since_seq),
               DB_FIELD(struct newcomer, token_hash),
               DB_FIELD_NULLABLE(struct newcomer, session_hash, has_session),
               DB_FIELD_NULLABLE(struct newcomer, device_hash, has_device),
               DB_FIELD(struct newcomer, address), DB_FIELD(struct newcomer, stream_key_id),
               DB_FIELD(struct newcomer, stream_use), DB_FIELD(struct newcomer, now_unix_ms),
               DB_FIELD(struct newcomer, now_unix_ms)}};

/* A stream that was here before, and has to pass the door again, is the same participant. */
static const struct db_query update_former = {
    .sql = "UPDATE participants SET name = ?, name_key = ?, role = ?, state = ?, muted = ?,"
           " since_seq = ?, address = ?, joined_unix_ms = ?, changed_unix_ms = ?"
           " WHERE participant_id = ?",
    .params = DB_FIELDS(struct newcomer, name, name_key, role, state, muted, since_seq, address,
                        now_unix_ms, now_unix_ms, id)};

/* Counted here and nowhere else, with the room locked: so as many come by it as may. */
static const struct db_query count_use = {
    .sql = "UPDATE invitations SET uses = uses + 1 WHERE invitation_id = ?",
    .params = DB_FIELDS(struct newcomer, invitation_id)};

static enum err add_newcomer(struct db *db, struct participant_command *c, struct newcomer *who)
{
    /* A program cannot be asked to unmute itself. */
    who->muted = c->target.room.mute_on_entry != 0 && !is_stream(c) ? MEDIA_AUDIO : 0;
    who->since_seq = who->state == PARTICIPANT_JOINED ? c->journal.seq + 1 : 0;
    enum err err =
        db_query_run(db, c->former_id != 0 ? &update_former : &insert_participant, who, NULL);
    /* The gateway makes the token of the key: both were here before the key was forgotten. */
    err = err == ERR_CONFLICT ? ERR_KEY_REUSED : err;
    if (err == ERR_OK && who->invitation_id != 0) {
        err = db_query_run(db, &count_use, who, NULL);
    }
    c->outcome.is_made = err == ERR_OK;
    c->whom = (struct participant){.id = who->id,
                                   .room_id = who->room_id,
                                   .user_id = who->user_id,
                                   .role = who->role,
                                   .state = who->state,
                                   .muted = who->muted,
                                   .since_seq = who->since_seq,
                                   .invitation_id = who->invitation_id,
                                   .stream_key_id = who->stream_key_id,
                                   .stream_use = who->stream_use,
                                   .joined_unix_ms = c->journal.now_unix_ms};
    (void)str_copy(c->whom.name, sizeof(c->whom.name), str_of(who->name));
    return err;
}

static const struct db_query update_back = {
    .sql = "UPDATE participants SET state = ?, since_seq = ?, address = ?, joined_unix_ms = ?,"
           " changed_unix_ms = ? WHERE participant_id = ?",
    .params = DB_FIELDS(struct newcomer, state, since_seq, address, now_unix_ms, now_unix_ms, id)};

static enum err bring_back(struct db *db, struct participant_command *c, struct newcomer *who)
{
    const bool is_in = who->state == PARTICIPANT_JOINED;
    c->whom = c->target.self;
    c->whom.state = who->state;
    c->whom.joined_unix_ms = c->journal.now_unix_ms;
    if (c->whom.since_seq == 0 && is_in) {
        c->whom.since_seq = c->journal.seq + 1;
    }
    who->id = c->whom.id;
    who->since_seq = c->whom.since_seq;
    return db_query_run(db, &update_back, who, NULL);
}

/* Those who waited for somebody who is no guest come in with him. */
static enum err tell_joined(struct db *db, struct participant_command *c,
                            const struct newcomer *who)
{
    const struct managed_room *room = &c->target.room;
    enum err err = participant_tell(db, &c->journal, &c->whom, EVENT_PARTICIPANT_JOINED, 0);
    c->journal.turn = JOURNAL_IS_ENTERED;
    if (err == ERR_OK && who->joined == 0) {
        err = journal_hint(db, &c->journal, ROOM_NEWS_BEGAN, room->owner_id);
    }
    return err == ERR_OK && who->waiting > 0 ? lobby_let_in(db, &c->journal, room) : err;
}

static enum err tell_waiting(struct db *db, struct participant_command *c)
{
    const enum err err = participant_tell(db, &c->journal, &c->whom, EVENT_PARTICIPANT_WAITING, 0);
    return err == ERR_OK ? journal_hint(db, &c->journal, ROOM_NEWS_WAITS, c->target.room.owner_id)
                         : err;
}

static enum err tell_invitation_used(struct db *db, struct participant_command *c)
{
    struct invitation used = c->target.invitation;
    used.uses++;
    return invitation_tell(db, &c->journal, &used, EVENT_INVITATION_UPDATED);
}

static enum err enter(struct db *db, struct participant_command *c)
{
    struct newcomer who;
    const bool is_back = c->target.self.id != 0;
    if (is_stream(c)) {
        read_stream(c, &who);
    } else {
        read_newcomer(c, &who);
    }
    enum err err = name_newcomer(db, c, &who);
    if (err == ERR_OK) {
        participant_name_key(who.name, who.name_key);
        err = judge_newcomer(db, c, &who);
    }
    if (err == ERR_OK) {
        err = is_back ? bring_back(db, c, &who) : add_newcomer(db, c, &who);
    }
    if (err == ERR_OK) {
        err = who.state == PARTICIPANT_WAITING ? tell_waiting(db, c) : tell_joined(db, c, &who);
    }
    if (err == ERR_OK && who.invitation_id != 0) {
        err = tell_invitation_used(db, c);
    }
    /* 2: it is being ended there */
    c->outcome.is_entered = c->journal.turn == JOURNAL_IS_ENTERED && c->target.in_janus != 1;
    return err == ERR_OK ? journal_keep(db, &c->journal) : err;
}

/* ---- done before ---- */

static const struct db_query select_made_participant = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.token_hash = ?",
    .params = DB_FIELDS(struct newcomer, token_hash),
    .columns = PARTICIPANT_FIELDS(struct newcomer, made.),
    .if_none = ERR_KEY_REUSED};

/* Whose token is of no use any more is told so, as if he had shown it. */
static enum err judge_again(const struct participant *made)
{
    const enum err err = participant_is_in(made);
    return err == ERR_NOT_JOINED || err == ERR_MUST_WAIT ? ERR_OK : err;
}

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
    if (err == ERR_OK) {
        err = judge_again(&c->whom);
    }
    return err == ERR_OK ? journal_remind(db, &c->journal, c->target.room.id) : err;
}

enum err participant_join_run(void *command, struct db *db)
{
    struct participant_command *c = command;
    const struct msg_participant_join *join = &c->request->participant_join;
    bool is_done = false;
    c->outcome = (struct participant_outcome){0}; /* it may be run again */
    c->once.made_id = participant_command_draw_id();
    enum err err =
        command_once_begin(db, &c->once, join->idempotency_key, join->body_hash, &is_done);
    c->target.may_be_out = true;
    c->target.may_wait = true;
    copy_hash(c->target.invitation_hash, sizeof(c->target.invitation_hash), join->invitation_hash,
              &c->target.has_invitation);
    if (err == ERR_OK && is_done) {
        err = answer_join_again(db, c);
    } else if (err == ERR_OK) {
        err = room_query_lock(db, &c->target);
        participant_command_begin_journal(c);
        c->outcome.is_resumed = c->target.self.id != 0;
        const uint64_t state = c->target.self.state;
        if (err == ERR_OK && (state == PARTICIPANT_JOINED || state == PARTICIPANT_WAITING)) {
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

/* ---- stream_enter ---- */

struct stream_lookup {
    unsigned char key_hash[32];
    struct stream_key key;
    struct participant whose;
    uint64_t joined;
};

static const struct db_query select_stream_key = {
    .sql = "SELECT " STREAM_KEY_COLUMNS STREAM_KEY_TABLES " WHERE k.key_hash = ?",
    .params = DB_FIELDS(struct stream_lookup, key_hash),
    .columns = STREAM_KEY_FIELDS(struct stream_lookup, key.),
    .if_none = ERR_UNAUTHORIZED};

static const struct db_query select_streaming = {
    .sql =
        "SELECT " PARTICIPANT_COLUMNS ", (SELECT COUNT(*) FROM participants o"
        " WHERE o.room_id = p.room_id AND o.state = 2) FROM participants p WHERE p.token_hash = ?",
    .params = DB_FIELDS(struct stream_lookup, key_hash),
    .columns =
        DB_FIELDS(struct stream_lookup, whose.id, whose.room_id, whose.user_id, whose.name,
                  whose.role, whose.state, whose.hand_unix_ms, whose.joined_unix_ms,
                  whose.changed_ago_ms, whose.muted, whose.since_seq, whose.invitation_id,
                  whose.published, whose.lost, whose.stream_key_id, whose.stream_use, joined)};

/* Who has left of late comes back as people do. Who was taken out stays out as long as the meeting
 * goes on; whatever else has become of it, it comes in as if for the first time. */
static enum err find_former(struct db *db, struct participant_command *c,
                            struct stream_lookup *lookup)
{
    const enum err err = db_query_run(db, &select_streaming, lookup, NULL);
    const struct participant *whose = &lookup->whose;
    if (err != ERR_OK || whose->id == 0) {
        return err;
    }
    const enum err is_in = participant_is_in(whose);
    if (is_in == ERR_OK || is_in == ERR_NOT_JOINED) {
        c->target.self = *whose;
    } else if (is_in == ERR_REMOVED && lookup->joined > 0) {
        return ERR_REMOVED;
    }
    c->former_id = whose->id;
    return ERR_OK;
}

/* The key is looked for first: who has none is not told which rooms there are. It may have gone
 * while the room was waited for. */
static enum err find_by_key(struct db *db, struct participant_command *c,
                            struct stream_lookup *lookup)
{
    const struct msg_stream_enter *enter = &c->request->stream_enter;
    enum err err = db_query_run(db, &select_stream_key, lookup, NULL);
    c->target.stream_key = lookup->key;
    if (err == ERR_OK) {
        err = room_query_lock(db, &c->target);
    }
    participant_command_begin_journal(c);
    if (err == ERR_OK && lookup->key.room_id != c->target.room.id) {
        err = ERR_NO_SUCH_ROOM;
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &select_stream_key, lookup, NULL);
    }
    if (err == ERR_OK) {
        err = stream_key_is_good(&lookup->key, enter->use, c->target.room.now_unix_ms);
    }
    return err == ERR_OK ? find_former(db, c, lookup) : err;
}

enum err stream_enter_run(void *command, struct db *db)
{
    struct participant_command *c = command;
    struct stream_lookup lookup = {.joined = 0};
    bool has_hash;
    c->outcome = (struct participant_outcome){0}; /* it may be run again */
    c->target.self = (struct participant){.id = 0};
    c->former_id = 0;
    c->once.made_id = participant_command_draw_id();
    copy_hash(lookup.key_hash, sizeof(lookup.key_hash), c->request->stream_enter.key_hash,
              &has_hash);
    enum err err = find_by_key(db, c, &lookup);
    if (err == ERR_OK && c->target.self.state == PARTICIPANT_JOINED) {
        c->whom = c->target.self;
        err = participant_note_seen(db, c->whom.id);
        if (err == ERR_OK) {
            err = journal_remind(db, &c->journal, c->target.room.id);
        }
    } else if (err == ERR_OK) {
        err = enter(db, c);
    }
    c->outcome.room_id = c->target.room.id;
    c->outcome.participant = c->whom;
    return err;
}
