#include "roomsvc/store/managed_commands.h"

#include <sodium.h>

#include "roomsvc/rules/room_options.h"
#include "roomsvc/store/command_once.h"
#include "roomsvc/store/end_store.h"
#include "roomsvc/store/lobby_sql.h"
#include "roomsvc/store/managed_sql.h"
#include "roomsvc/store/participant_sql.h"
#include "roomsvc/store/room_audit.h"
#include "roomsvc/store/room_closing.h"
#include "roomsvc/store/room.h"

#define DRAWS_MAX 4
#define SWEEP_MAX 1000
#define NEVER_UNIX_MS "4611686018427387903"
/* When one with a code is looked at (room_ends.h): when its time is up, which is the parameter,
 * twice, or it is unused for a year. */
#define DUE_UNIX_MS                                                                                \
    "LEAST(IF(? > 0, ?, " NEVER_UNIX_MS "), " DB_NOW_UNIX_MS " + " ROOM_UNUSED_MS ")"

/* One command, in its transaction. */
struct room_command {
    struct db_job job;
    const struct managed_limits *limits;
    const struct msg *request;
    struct command_once once;
    struct room_query target;
    struct user_query user;
    struct managed_outcome outcome;
    struct journal journal;
    bool is_changed; /* who is in the room is told what it is like now */
    unsigned char pin[ROOM_PIN_BYTES];
    uint64_t sets_pin; /* 0 or 1: to pin, or (has_pin false) to none */
    bool has_pin;
    uint64_t owner_to_be;
    uint64_t count; /* of what is bounded */
    uint64_t member_to_be, role;
    struct room drawn; /* of room_add */
    managed_store_fn *fn;
    void *arg;
};

/* The room as it is after all. */
static enum err read_outcome(struct db *db, struct room_command *c)
{
    const enum err err = room_query_run(db, &c->target);
    c->outcome.room = c->target.room;
    return err;
}

/* ---- room_add ---- */

static const struct db_query count_rooms_of_owner = {
    .sql = "SELECT COUNT(*) FROM rooms WHERE owner_id = ? AND code IS NOT NULL"
           " AND closed_unix_ms IS NULL",
    .params = DB_FIELDS(struct room_command, owner_to_be),
    .columns = DB_FIELDS(struct room_command, count)};

/* Whoever else gives him a room waits until this transaction is over. */
static const struct db_query lock_owner = {
    .sql = "INSERT INTO room_owners (owner_id) VALUES (?) ON DUPLICATE KEY UPDATE owner_id ="
           " VALUES(owner_id)",
    .params = DB_FIELDS(struct room_command, owner_to_be)};

/* ERR_ROOMS_FULL: user_id owns as many as he may. */
static enum err find_place_for_room(struct db *db, struct room_command *c, uint64_t user_id)
{
    c->owner_to_be = user_id;
    enum err err = db_query_run(db, &lock_owner, c, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &count_rooms_of_owner, c, NULL);
    }
    return err == ERR_OK && c->count >= c->limits->rooms_of_user_max ? ERR_ROOMS_FULL : err;
}

static const struct db_query insert_managed_room = {
    .sql =
        "INSERT INTO rooms (room_id, code, secret, description, publishers_max, node, owner_id,"
        " created_unix_ms, used_unix_ms, look_unix_ms, due_unix_ms, in_janus, name, access, "
        "guests_wait,"
        " lobby, locked, pin, participants_max, bitrate, chat, screen_share, mute_on_entry, unmute,"
        " expires_unix_ms, empty_timeout_s, janus_pin) VALUES (?, ?, ?, '', ?, ?, "
        "?, " DB_NOW_UNIX_MS ", " DB_NOW_UNIX_MS ", " NEVER_UNIX_MS ", " DUE_UNIX_MS
        ", 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    .params = {DB_FIELD(struct room_command, drawn.id),
               DB_FIELD(struct room_command, target.room.code),
               DB_FIELD(struct room_command, drawn.secret),
               DB_FIELD(struct room_command, target.room.publishers_max),
               DB_FIELD(struct room_command, drawn.node),
               DB_FIELD(struct room_command, target.asker.user_id),
               DB_FIELD(struct room_command, target.room.expires_unix_ms),
               DB_FIELD(struct room_command, target.room.expires_unix_ms),
               DB_FIELD(struct room_command, target.room.name),
               DB_FIELD(struct room_command, target.room.access),
               DB_FIELD(struct room_command, target.room.guests_wait),
               DB_FIELD(struct room_command, target.room.lobby),
               DB_FIELD(struct room_command, target.room.locked),
               DB_FIELD_NULLABLE(struct room_command, pin, has_pin),
               DB_FIELD(struct room_command, target.room.participants_max),
               DB_FIELD(struct room_command, target.room.bitrate),
               DB_FIELD(struct room_command, target.room.chat),
               DB_FIELD(struct room_command, target.room.screen_share),
               DB_FIELD(struct room_command, target.room.mute_on_entry),
               DB_FIELD(struct room_command, target.room.unmute),
               DB_FIELD(struct room_command, target.room.expires_unix_ms),
               DB_FIELD(struct room_command, target.room.empty_timeout_s),
               DB_FIELD(struct room_command, drawn.janus_pin)}};

static const struct db_query select_now = {
    .sql = "SELECT " DB_NOW_UNIX_MS,
    .columns = DB_FIELDS(struct room_command, target.room.now_unix_ms)};

/* 26 letters, ten times: 47 bits. */
static void draw_code(char ret_code[ROOM_CODE_LETTERS + 1])
{
    for (size_t i = 0; i < ROOM_CODE_LETTERS; i++) {
        ret_code[i] = (char)('a' + randombytes_uniform(26));
    }
    ret_code[ROOM_CODE_LETTERS] = '\0';
}

static void keep_pin(struct room_command *c, const struct msg_room_options *options)
{
    c->sets_pin = options->has_pin;
    c->has_pin = options->has_pin && options->pin.bytes > 0;
    if (c->has_pin) {
        room_pin_make(options->pin, c->pin);
    }
}

static enum err add_managed_room(void *arg, struct db *db)
{
    struct room_command *c = arg;
    const struct msg_room_add *request = &c->request->room_add;
    bool is_done = false;
    room_draw(&c->drawn);
    room_draw_janus_pin(&c->drawn);
    (void)str_copy(c->drawn.node, sizeof(c->drawn.node), str_of(c->limits->node));
    c->target.room = room_options_default(c->limits->publishers_max);
    draw_code(c->target.room.code);
    c->once.made_id = c->drawn.id;
    enum err err =
        command_once_begin(db, &c->once, request->idempotency_key, request->body_hash, &is_done);
    c->target.id = c->once.made_id;
    if (err == ERR_OK && is_done) {
        return read_outcome(db, c);
    }
    if (err == ERR_OK) {
        err = find_place_for_room(db, c, c->target.asker.user_id);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &select_now, c, NULL);
    }
    if (err == ERR_OK) {
        err = room_options_apply(&request->options, c->limits->publishers_max, &c->target.room);
    }
    if (err == ERR_OK) {
        keep_pin(c, &request->options);
        err = db_query_run(db, &insert_managed_room, c, NULL);
    }
    return err == ERR_OK ? read_outcome(db, c) : err;
}

/* ---- room_change ---- */

static const struct db_query update_managed_room = {
    .sql = "UPDATE rooms SET name = ?, access = ?, guests_wait = ?, lobby = ?, locked = ?,"
           " pin = IF(?, ?, pin), participants_max = ?, publishers_max = ?, bitrate = ?, chat = ?,"
           " screen_share = ?, mute_on_entry = ?, unmute = ?, expires_unix_ms = ?,"
           " due_unix_ms = LEAST(due_unix_ms, " DUE_UNIX_MS ")"
           ", empty_timeout_s = ?, version = version + 1 WHERE room_id = ?",
    .params = {DB_FIELD(struct room_command, target.room.name),
               DB_FIELD(struct room_command, target.room.access),
               DB_FIELD(struct room_command, target.room.guests_wait),
               DB_FIELD(struct room_command, target.room.lobby),
               DB_FIELD(struct room_command, target.room.locked),
               DB_FIELD(struct room_command, sets_pin),
               DB_FIELD_NULLABLE(struct room_command, pin, has_pin),
               DB_FIELD(struct room_command, target.room.participants_max),
               DB_FIELD(struct room_command, target.room.publishers_max),
               DB_FIELD(struct room_command, target.room.bitrate),
               DB_FIELD(struct room_command, target.room.chat),
               DB_FIELD(struct room_command, target.room.screen_share),
               DB_FIELD(struct room_command, target.room.mute_on_entry),
               DB_FIELD(struct room_command, target.room.unmute),
               DB_FIELD(struct room_command, target.room.expires_unix_ms),
               DB_FIELD(struct room_command, target.room.expires_unix_ms),
               DB_FIELD(struct room_command, target.room.expires_unix_ms),
               DB_FIELD(struct room_command, target.room.empty_timeout_s),
               DB_FIELD(struct room_command, target.room.id)}};

static enum err change_managed_room(struct room_command *c, struct db *db)
{
    const struct msg_room_change *request = &c->request->room_change;
    const struct msg_room_options *options = &request->options;
    struct managed_room *room = &c->target.room;
    const struct managed_room before = *room;
    const bool is_guard = room_options_only_guard(options);
    enum err err = room_query_judge(&c->target, is_guard ? ROOM_GUARD : ROOM_CHANGE, NULL);
    if (err != ERR_OK) {
        return err;
    }
    if (room->code[0] == '\0') {
        return ERR_CONFLICT; /* it is as room_create makes rooms */
    }
    if (request->has_version && request->version != room->version) {
        return ERR_STALE;
    }
    err = room_options_apply(options, c->limits->publishers_max, room);
    keep_pin(c, options);
    if (err != ERR_OK || (!room_options_differ(&before, room) && c->sets_pin == 0)) {
        return err;
    }
    c->is_changed = true;
    err = db_query_run(db, &update_managed_room, c, NULL);
    /* Who waited for what is different now need not wait any more. */
    return err == ERR_OK ? lobby_let_in(db, &c->journal, room) : err;
}

/* ---- room_close ---- */

static enum err close_managed(struct room_command *c, struct db *db)
{
    enum err err = room_query_judge(&c->target, ROOM_CLOSE, NULL);
    if (err == ERR_OK && c->target.room.id == c->limits->standard_room) {
        err = ERR_CONFLICT;
    }
    if (err == ERR_OK) {
        err = room_close(db, c->target.room.id);
    }
    return err == ERR_OK ? participants_end(db, &c->journal, EVENT_ROOM_ENDED, REASON_ROOM_CLOSED,
                                            c->target.room.owner_id)
                         : err;
}

/* ---- members ---- */

static const struct db_query count_members = {
    .sql = "SELECT COUNT(*) FROM room_members WHERE room_id = ?",
    .params = DB_FIELDS(struct room_command, target.room.id),
    .columns = DB_FIELDS(struct room_command, count)};

static const struct db_query put_member = {
    .sql = "INSERT INTO room_members (room_id, user_id, role, added_unix_ms)"
           " VALUES (?, ?, ?, " DB_NOW_UNIX_MS ") ON DUPLICATE KEY UPDATE role = ?",
    .params = DB_FIELDS(struct room_command, target.room.id, member_to_be, role, role)};

static enum err make_member(struct db *db, struct room_command *c, uint64_t user_id,
                            enum room_role role)
{
    c->member_to_be = user_id;
    c->role = role;
    return db_query_run(db, &put_member, c, NULL);
}

static const struct db_query drop_member = {
    .sql = "DELETE FROM room_members WHERE room_id = ? AND user_id = ?",
    .params = DB_FIELDS(struct room_command, target.room.id, user.member.user_id)};

static struct room_target target_of(const struct room_command *c, enum room_role wished)
{
    return (struct room_target){.is_oneself = c->user.member.user_id == c->target.asker.user_id,
                                .now = (enum room_role)c->user.member.role,
                                .wished = wished};
}

static enum err set_member(struct room_command *c, struct db *db)
{
    const enum room_role role = c->request->member_set.role;
    const struct room_target target = target_of(c, role);
    enum err err = room_query_judge(&c->target, ROOM_SET_MEMBER, &target);
    if (err == ERR_OK && c->user.member.role == 0) {
        err = db_query_run(db, &count_members, c, NULL);
        err = err == ERR_OK && c->count >= c->limits->members_max ? ERR_CONFLICT : err;
    }
    if (err == ERR_OK) {
        err = make_member(db, c, c->user.member.user_id, role);
    }
    if (err == ERR_OK) {
        err = participants_of_user_follow(db, &c->journal, c->user.member.user_id, role, false);
    }
    return err == ERR_OK ? user_query_run(db, &c->user, &c->target.room) : err;
}

static enum err remove_member(struct room_command *c, struct db *db)
{
    const struct room_target target = target_of(c, 0);
    enum err err = room_query_judge(&c->target, ROOM_REMOVE_MEMBER, &target);
    if (err == ERR_OK && c->user.member.role == 0) {
        err = ERR_NOT_FOUND;
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &drop_member, c, NULL);
    }
    if (err == ERR_OK) {
        err = participants_of_user_follow(db, &c->journal, c->user.member.user_id, 0,
                                          c->target.room.access == ROOM_INVITED);
    }
    return err == ERR_OK && c->journal.count > 0
               ? participants_settle(db, &c->journal, c->target.room.owner_id)
               : err;
}

/* ---- room_hand_over ---- */

static const struct db_query set_owner = {
    .sql = "UPDATE rooms SET owner_id = ?, version = version + 1 WHERE room_id = ?",
    .params = DB_FIELDS(struct room_command, user.member.user_id, target.room.id)};

static enum err hand_room_over(struct room_command *c, struct db *db)
{
    enum err err = room_query_judge(&c->target, ROOM_HAND_OVER, NULL);
    if (err == ERR_OK && c->target.room.code[0] == '\0') {
        err = ERR_CONFLICT; /* nobody owns one of room_create */
    }
    if (err != ERR_OK || c->user.member.role == ROOM_OWNER) {
        return err;
    }
    const uint64_t before = c->target.room.owner_id;
    const uint64_t after = c->user.member.user_id;
    err = find_place_for_room(db, c, after);
    if (err == ERR_OK) {
        err = make_member(db, c, before, ROOM_MODERATOR);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &drop_member, c, NULL);
    }
    if (err == ERR_OK) {
        err = participants_of_user_follow(db, &c->journal, before, ROOM_MODERATOR, false);
    }
    if (err == ERR_OK) {
        err = participants_of_user_follow(db, &c->journal, after, ROOM_OWNER, false);
    }
    c->is_changed = true;
    return err == ERR_OK ? db_query_run(db, &set_owner, c, NULL) : err;
}

/* ---- all of them ---- */

/* A command on a room that is there. */
struct command_kind {
    enum msg_id request;
    enum room_action action; /* of one on somebody */
    enum act act;            /* what the audit calls it */
    size_t room;             /* offset of its struct str in the request; likewise the others */
    size_t user;             /* 0: it is on nobody */
    size_t key;
    size_t origin, has_origin; /* struct msg_origin, bool */
    enum err (*apply)(struct room_command *c, struct db *db);
};

#define OF(message, member) offsetof(struct msg, message.member)

static const struct command_kind command_kinds[] = {
    {.request = MSG_room_change,
     .room = OF(room_change, room),
     .key = OF(room_change, idempotency_key),
     .act = ACT_ROOM_CHANGED,
     .origin = OF(room_change, origin),
     .has_origin = OF(room_change, has_origin),
     .apply = change_managed_room},
    {.request = MSG_room_close,
     .room = OF(room_close, room),
     .key = OF(room_close, idempotency_key),
     .act = ACT_ROOM_ENDED,
     .origin = OF(room_close, origin),
     .has_origin = OF(room_close, has_origin),
     .apply = close_managed},
    {.request = MSG_room_hand_over,
     .room = OF(room_hand_over, room),
     .user = OF(room_hand_over, user),
     .key = OF(room_hand_over, idempotency_key),
     .act = ACT_ROOM_GIVEN,
     .origin = OF(room_hand_over, origin),
     .has_origin = OF(room_hand_over, has_origin),
     .action = ROOM_HAND_OVER,
     .apply = hand_room_over},
    {.request = MSG_member_set,
     .room = OF(member_set, room),
     .user = OF(member_set, user),
     .key = OF(member_set, idempotency_key),
     .act = ACT_MEMBER_SET,
     .origin = OF(member_set, origin),
     .has_origin = OF(member_set, has_origin),
     .action = ROOM_SET_MEMBER,
     .apply = set_member},
    {.request = MSG_member_remove,
     .room = OF(member_remove, room),
     .user = OF(member_remove, user),
     .key = OF(member_remove, idempotency_key),
     .act = ACT_MEMBER_REMOVED,
     .origin = OF(member_remove, origin),
     .has_origin = OF(member_remove, has_origin),
     .action = ROOM_REMOVE_MEMBER,
     .apply = remove_member},
};

static const struct command_kind *kind_of(const struct msg *request)
{
    for (size_t i = 0; i < ARRAY_LEN(command_kinds); i++) {
        if (command_kinds[i].request == request->id) {
            return &command_kinds[i];
        }
    }
    return NULL;
}

static const void *part_of(const struct msg *request, size_t offset)
{
    return (const char *)request + offset;
}

/* Who asked may know of the room no more. */
static bool may_be_gone_by(const struct command_kind *kind)
{
    return kind->request == MSG_room_close || kind->request == MSG_member_remove;
}

/* What was done before is answered alike, but for what has happened since. */
static enum err answer_again(struct db *db, struct room_command *c, const struct command_kind *kind)
{
    enum err err = read_outcome(db, c);
    err = may_be_gone_by(kind) ? ERR_OK : err;
    if (err == ERR_OK && c->target.room.id != 0) {
        err = journal_remind(db, &c->journal, c->target.room.id);
    }
    if (err == ERR_OK && kind->request == MSG_member_set) {
        err = user_query_run(db, &c->user, &c->target.room);
        err = err == ERR_OK && c->user.member.role == 0 ? ERR_NOT_FOUND : err;
    }
    return err;
}

/* Who may do it to nobody is not told who is there; but for himself. */
static enum err find_whom(struct db *db, struct room_command *c, const struct command_kind *kind)
{
    const enum err may = room_query_judge_role(&c->target, kind->action);
    const bool may_be_himself = room_rule_get(kind->action)->is_free_on_oneself;
    if (may != ERR_OK && !may_be_himself) {
        return may;
    }
    const enum err err = user_query_run(db, &c->user, &c->target.room);
    return err == ERR_NO_SUCH_USER && may != ERR_OK ? may : err;
}

/* room: as it was before. */
static enum err keep_for_audit(struct db *db, struct room_command *c,
                               const struct command_kind *kind, const struct managed_room *room)
{
    const bool *has_origin = part_of(c->request, kind->has_origin);
    const struct msg_origin *origin = part_of(c->request, kind->origin);
    const struct room_act act = {.act = kind->act,
                                 .room = room,
                                 .whom = kind->user != 0 ? c->user.member.user_id : 0,
                                 .origin = *has_origin ? origin : NULL};
    return room_audit_keep(db, &act, &c->target.asker, &c->outcome.is_audited);
}

static enum err append_changed_room(struct db *db, struct room_command *c)
{
    const struct msg_room_event event = {.type = EVENT_ROOM_UPDATED,
                                         .audience = AUDIENCE_ALL,
                                         .has_room = true,
                                         .room = managed_room_record(&c->target.room)};
    return journal_append(db, &c->journal, &event);
}

static enum err run_in_transaction(void *arg, struct db *db)
{
    struct room_command *c = arg;
    const struct command_kind *kind = kind_of(c->request);
    const struct str *key = part_of(c->request, kind->key);
    bool is_done = false;
    c->is_changed = false;
    enum err err = command_once_begin(db, &c->once, *key, STR_NONE, &is_done);
    if (err == ERR_OK && is_done) {
        err = answer_again(db, c, kind);
        c->outcome.member = c->user.member;
        return err;
    }
    if (err == ERR_OK) {
        err = room_query_lock(db, &c->target);
    }
    journal_begin(&c->journal, c->target.room.id, c->target.seq, c->target.generation,
                  c->target.room.now_unix_ms);
    if (err == ERR_OK && kind->user != 0) {
        err = find_whom(db, c, kind);
    }
    const struct managed_room before = c->target.room;
    if (err == ERR_OK) {
        err = kind->apply(c, db);
    }
    if (err == ERR_OK) {
        err = keep_for_audit(db, c, kind, &before);
    }
    if (err == ERR_OK && !may_be_gone_by(kind)) {
        err = room_query_run(db, &c->target);
    }
    if (err == ERR_OK && c->is_changed) {
        err = append_changed_room(db, c);
    }
    if (err == ERR_OK) {
        err = journal_keep(db, &c->journal);
    }
    c->outcome.room = c->target.room;
    c->outcome.member = c->user.member;
    c->outcome.is_entered = c->journal.turn == JOURNAL_IS_ENTERED && c->target.in_janus != 1;
    return err;
}

static enum err work_command(void *arg, struct db *db)
{
    struct room_command *c = arg;
    enum err err = ERR_CONFLICT;
    switch (c->request->id) {
    case MSG_room_get:
        return read_outcome(db, c);
    case MSG_room_add:
        for (unsigned i = 0; i < DRAWS_MAX && err == ERR_CONFLICT; i++) {
            c->target.id = 0;
            err = command_once_run(db, add_managed_room, c);
        }
        return err;
    default:
        return command_once_run(db, run_in_transaction, c);
    }
}

static void on_command_run(void *job, enum err err)
{
    struct room_command *c = job;
    c->outcome.journal = &c->journal;
    c->fn(c->arg, err, err == ERR_OK ? &c->outcome : NULL);
    journal_fini(&c->journal);
}

static const struct db_task command_task = {.job_bytes = DB_JOB_BYTES(struct room_command),
                                            .work = work_command,
                                            .done = on_command_run,
                                            .is_secret = true};

static enum err read_command(struct room_command *c, const struct room_asker *asker)
{
    const struct msg *request = c->request;
    const struct command_kind *kind = kind_of(request);
    c->target.asker = *asker;
    if (request->id == MSG_room_add) {
        const bool can_be = asker->user_id != 0 && request->room_add.options.has_name;
        return can_be ? ERR_OK : ERR_BAD_REQUEST;
    }
    const struct str room =
        kind == NULL ? request->room_get.room : *(const struct str *)part_of(request, kind->room);
    if (!room_query_read(room, asker, &c->target)) {
        return ERR_NO_SUCH_ROOM;
    }
    if (kind == NULL || kind->user == 0) {
        return ERR_OK;
    }
    const struct str user = *(const struct str *)part_of(request, kind->user);
    return user_query_read(user, &c->user) ? ERR_OK : ERR_NO_SUCH_USER;
}

enum err managed_command_run(void *self, const struct msg *request, const struct room_asker *asker,
                             uint64_t deadline_ms, managed_store_fn *fn, void *arg)
{
    const struct managed_db *db = self;
    struct room_command *c = db_job_new(&command_task);
    c->limits = &db->limits;
    c->request = request;
    c->fn = fn;
    c->arg = arg;
    const enum err err = read_command(c, asker);
    if (err != ERR_OK) {
        db_job_free(c);
        return err;
    }
    return db_pool_start(db->pool, c, deadline_ms);
}

/* ---- sweeping ---- */

struct sweep_commands {
    struct db_job job;
    managed_store_swept_fn *fn;
    void *arg;
};

static void on_commands_swept(void *arg, enum err err)
{
    const struct sweep_commands *sweep = arg;
    sweep->fn(sweep->arg, err, sweep->job.rows == SWEEP_MAX);
}

static const struct db_task sweep_commands = {
    .job_bytes = DB_JOB_BYTES(struct sweep_commands),
    .query = {.sql = "DELETE FROM room_commands WHERE created_unix_ms < " DB_NOW_UNIX_MS
                     " - 86400000 LIMIT 1000"},
    .done = on_commands_swept};
_Static_assert(SWEEP_MAX == 1000, "sweep_commands deletes as many");

enum err managed_commands_sweep(void *self, managed_store_swept_fn *fn, void *arg)
{
    const struct managed_db *db = self;
    struct sweep_commands *sweep = db_job_new(&sweep_commands);
    sweep->fn = fn;
    sweep->arg = arg;
    return db_pool_start(db->pool, sweep, 0);
}
