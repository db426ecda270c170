#include "roomsvc/store/participant_store_mysql.h"

#include <sodium.h>
#include <stdlib.h>

#include "roomsvc/store/participant_join.h"
#include "roomsvc/store/room_audit.h"

void participant_command_begin_journal(struct participant_command *command)
{
    const struct room_query *target = &command->target;
    journal_begin(&command->journal, target->room.id, target->seq, target->generation,
                  target->room.now_unix_ms);
}

/* ---- what is done to somebody ---- */

bool participant_command_is_on_oneself(const struct participant_command *c)
{
    const struct room_query *target = &c->target;
    return target->self.id != 0
               ? target->self.id == c->whom.id
               : target->asker.user_id != 0 && target->asker.user_id == c->whom.user_id;
}

enum err participant_command_judge(const struct participant_command *c, enum room_action action,
                                   enum room_role wished)
{
    const struct room_target target = {.is_oneself = participant_command_is_on_oneself(c),
                                       .now = (enum room_role)c->whom.role,
                                       .wished = wished};
    return room_query_judge(&c->target, action, &target);
}

enum err participant_command_find(struct db *db, struct participant_command *c,
                                  uint64_t participant_id)
{
    const struct participant *self = &c->target.self;
    const bool is_self = self->id == participant_id && self->state == PARTICIPANT_JOINED;
    const enum err err = room_query_judge_role(&c->target, ROOM_SEE_PARTICIPANTS);
    if (err == ERR_OK && is_self) {
        c->whom = *self; /* read with the room, in this transaction */
        return ERR_OK;
    }
    return err == ERR_OK ? participant_find(db, &c->journal, participant_id, &c->whom) : err;
}

/* ---- participant_change ---- */

/* Where moderators end it when somebody is mute, he himself only makes it more. */
static enum err judge_muted(const struct participant_command *c, uint64_t muted)
{
    const enum err err = participant_command_judge(c, ROOM_MUTE, (enum room_role)c->whom.role);
    const bool is_less = (c->whom.muted & ~muted) != 0;
    const bool is_theirs = c->target.room.unmute == ROOM_UNMUTE_MODERATORS;
    return err == ERR_OK && is_less && is_theirs ? room_query_judge_role(&c->target, ROOM_ADMIT)
                                                 : err;
}

static enum err judge_change(const struct participant_command *c,
                             const struct msg_participant_change *change)
{
    const enum room_role now = (enum room_role)c->whom.role;
    enum err err = change->has_name ? participant_command_judge(c, ROOM_RENAME, now) : ERR_OK;
    if (err == ERR_OK && change->has_hand) {
        err = participant_command_judge(c, change->hand ? ROOM_RAISE_HAND : ROOM_LOWER_HAND, now);
    }
    if (err == ERR_OK && change->has_role) {
        err = participant_command_judge(c, ROOM_SET_ROLE, change->role);
    }
    return err == ERR_OK && change->has_muted ? judge_muted(c, change->muted) : err;
}

/* One event for what he is called, may do and is heard by, one for his hand. */
static enum err change_participant(struct participant_command *c, struct db *db)
{
    const struct msg_participant_change *change = &c->request->participant_change;
    struct participant *whom = &c->whom;
    char name[LABEL_BYTES];
    enum err err = participant_command_find(db, c, change->participant);
    if (err == ERR_OK) {
        err = judge_change(c, change);
    }
    (void)str_copy(name, sizeof(name), str_of(whom->name));
    if (err == ERR_OK && change->has_name && !label_make(change->name, name)) {
        err = ERR_WRONG_MEMBER;
    }
    if (err == ERR_OK && change->has_name) {
        err = participant_check_name(db, &c->journal, whom, name);
    }
    if (err != ERR_OK) {
        return err;
    }
    const uint64_t muted = change->has_muted ? change->muted : whom->muted;
    const enum room_role role = change->has_role ? change->role : (enum room_role)whom->role;
    if (strcmp(name, whom->name) != 0 || role != whom->role || muted != whom->muted) {
        (void)str_copy(whom->name, sizeof(whom->name), str_of(name));
        whom->role = role;
        whom->muted = muted;
        err = participant_write(db, &c->journal, whom, EVENT_PARTICIPANT_UPDATED);
    }
    if (err == ERR_OK && change->has_hand && change->hand != (whom->hand_unix_ms != 0)) {
        whom->hand_unix_ms = change->hand ? c->journal.now_unix_ms : 0;
        err = participant_write(db, &c->journal, whom,
                                change->hand ? EVENT_HAND_RAISED : EVENT_HAND_LOWERED);
    }
    return err;
}

/* ---- participant_remove ---- */

/* Who waits may go, too. */
static enum err remove_participant(struct participant_command *c, struct db *db)
{
    const uint64_t id = c->request->participant_remove.participant;
    const struct participant *self = &c->target.self;
    enum err err = ERR_OK;
    if (self->state == PARTICIPANT_WAITING) {
        c->whom = *self;
        err = self->id == id ? ERR_OK : ERR_MUST_WAIT;
    } else {
        err = participant_command_find(db, c, id);
    }
    if (err == ERR_OK) {
        err = participant_command_judge(c, ROOM_REMOVE, 0);
    }
    if (err == ERR_OK && participant_command_is_on_oneself(c)) {
        err = participant_take_out(db, &c->journal, &c->whom, PARTICIPANT_LEFT, REASON_LEFT);
    } else if (err == ERR_OK) {
        err = participant_take_out(db, &c->journal, &c->whom, PARTICIPANT_REMOVED, REASON_REMOVED);
    }
    return err == ERR_OK && self->state != PARTICIPANT_WAITING
               ? participants_settle(db, &c->journal, c->target.room.owner_id)
               : err;
}

/* ---- participant_mute ---- */

static enum err mute_one(struct participant_command *c, struct db *db,
                         struct participant *participant)
{
    const uint64_t muted = participant->muted | c->request->participant_mute.sources;
    if (muted == participant->muted) {
        return ERR_OK;
    }
    participant->muted = muted;
    return participant_write(db, &c->journal, participant, EVENT_PARTICIPANT_MUTED);
}

struct those_in {
    uint64_t room_id;
    struct participant *people;
    size_t count;
};

static const struct db_query select_those_in_room = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.room_id = ? AND p.state = 2"
           " ORDER BY p.participant_id",
    .params = DB_FIELDS(struct those_in, room_id),
    .columns = PARTICIPANT_FIELDS(struct participant, ),
    .rows = DB_ROWS_GROWING(struct those_in, people, count)};

static enum err mute_all(struct participant_command *c, struct db *db)
{
    const struct room_target anybody = {.now = ROOM_VIEWER, .wished = ROOM_VIEWER};
    struct those_in in = {.room_id = c->target.room.id};
    enum err err = room_query_judge(&c->target, ROOM_MUTE, &anybody);
    if (err == ERR_OK) {
        err = db_query_run(db, &select_those_in_room, &in, NULL);
    }
    for (size_t i = 0; err == ERR_OK && i < in.count; i++) {
        c->whom = in.people[i];
        if (!participant_command_is_on_oneself(c) &&
            participant_command_judge(c, ROOM_MUTE, (enum room_role)c->whom.role) == ERR_OK) {
            err = mute_one(c, db, &c->whom);
        }
    }
    free(in.people);
    c->whom = (struct participant){0};
    return err;
}

static enum err mute_participant(struct participant_command *c, struct db *db)
{
    const uint64_t id = c->request->participant_mute.participant;
    if (id == 0) {
        return mute_all(c, db);
    }
    enum err err = participant_command_find(db, c, id);
    if (err == ERR_OK) {
        err = participant_command_judge(c, ROOM_MUTE, (enum room_role)c->whom.role);
    }
    return err == ERR_OK ? mute_one(c, db, &c->whom) : err;
}

/* ---- meeting_end ---- */

static enum err end_meeting(struct participant_command *c, struct db *db)
{
    const enum err err = room_query_judge(&c->target, ROOM_END_MEETING, NULL);
    return err == ERR_OK ? participants_end(db, &c->journal, EVENT_MEETING_ENDED,
                                            REASON_MEETING_ENDED, c->target.room.owner_id)
                         : err;
}

/* ---- all of them ---- */

/* Who makes something gives a hash of the client's body, too, and is told again what he has made.
 */
struct participant_command_kind {
    enum msg_id request;
    enum act act; /* what the audit calls it; 0: it is none of its business */
    size_t room;  /* offset of its struct str in the request; likewise the others */
    size_t key;
    size_t body_hash;          /* 0: it makes nothing */
    size_t origin, has_origin; /* struct msg_origin, bool; 0: it has none */
    participant_apply_fn *apply;
    participant_apply_fn *read_again; /* NULL: there is nothing to be told of but that it is done */
};

#define OF(message, member) offsetof(struct msg, message.member)
#define COMMON(message)                                                                            \
    .request = MSG_##message, .room = OF(message, room), .key = OF(message, idempotency_key)
#define ORIGIN(message) .origin = OF(message, origin), .has_origin = OF(message, has_origin)

static participant_apply_fn read_changed_again;

static const struct participant_command_kind participant_kinds[] = {
    {COMMON(participant_join)},
    {COMMON(participant_change), ORIGIN(participant_change), .act = ACT_PARTICIPANT_CHANGED,
     .apply = change_participant, .read_again = read_changed_again},
    {COMMON(participant_remove), ORIGIN(participant_remove), .act = ACT_PARTICIPANT_REMOVED,
     .apply = remove_participant},
    {COMMON(participant_mute), ORIGIN(participant_mute), .act = ACT_PARTICIPANT_CHANGED,
     .apply = mute_participant},
    {COMMON(meeting_end), ORIGIN(meeting_end), .act = ACT_MEETING_ENDED, .apply = end_meeting},
    {COMMON(lobby_decide), ORIGIN(lobby_decide), .act = ACT_LOBBY_DECIDED,
     .apply = lobby_decide_apply},
    {COMMON(invitation_add), ORIGIN(invitation_add), .act = ACT_INVITATION_MADE,
     .body_hash = OF(invitation_add, body_hash), .apply = invitation_add_apply,
     .read_again = invitation_read_again},
    {COMMON(invitation_change), ORIGIN(invitation_change), .act = ACT_INVITATION_CHANGED,
     .apply = invitation_change_apply, .read_again = invitation_read_again},
    {COMMON(invitation_revoke), ORIGIN(invitation_revoke), .act = ACT_INVITATION_REVOKED,
     .apply = invitation_revoke_apply},
    {COMMON(ban_add), ORIGIN(ban_add), .act = ACT_BANNED, .body_hash = OF(ban_add, body_hash),
     .apply = ban_add_apply, .read_again = ban_read_again},
    {COMMON(ban_lift), ORIGIN(ban_lift), .act = ACT_BAN_LIFTED, .apply = ban_lift_apply},
    {COMMON(stream_key_add), ORIGIN(stream_key_add), .act = ACT_STREAM_KEY_MADE,
     .body_hash = OF(stream_key_add, body_hash), .apply = stream_key_add_apply,
     .read_again = stream_key_read_again},
    {COMMON(stream_key_remove), ORIGIN(stream_key_remove), .act = ACT_STREAM_KEY_REMOVED,
     .apply = stream_key_remove_apply},
    {.request = MSG_stream_enter, .room = OF(stream_enter, room)},
    {COMMON(message_send), .body_hash = OF(message_send, body_hash), .apply = message_send_apply,
     .read_again = message_read_again},
};

static const struct participant_command_kind *participant_kind_of(const struct msg *request)
{
    size_t i = 0;
    while (participant_kinds[i].request != request->id) {
        i++;
    }
    return &participant_kinds[i];
}

uint64_t participant_command_draw_id(void)
{
    uint64_t id;
    do {
        randombytes_buf(&id, sizeof(id));
        id &= PARTICIPANT_ID_MAX;
    } while (id == 0);
    return id;
}

static const void *member_at(const struct msg *request, size_t offset)
{
    return (const char *)request + offset;
}

static enum err keep_act(struct db *db, struct participant_command *c,
                         const struct participant_command_kind *kind)
{
    const bool is_own_doing = c->whom.id != 0 && participant_command_is_on_oneself(c);
    if (kind->act == 0 || is_own_doing) {
        return ERR_OK;
    }
    const bool *has_origin = member_at(c->request, kind->has_origin);
    const struct room_act act = {.act = kind->act,
                                 .room = &c->target.room,
                                 .whom = c->whom.user_id,
                                 .origin =
                                     *has_origin ? member_at(c->request, kind->origin) : NULL};
    return room_audit_keep(db, &act, &c->target.asker, &c->outcome.is_audited);
}

static enum err read_changed_again(struct participant_command *c, struct db *db)
{
    return participant_command_find(db, c, c->request->participant_change.participant);
}

/* Done before: whoever has left by it does not know of the room any more. */
static enum err answer_participant_again(struct db *db, struct participant_command *c,
                                         const struct participant_command_kind *kind)
{
    const enum err err = room_query_run(db, &c->target);
    if (kind->read_again == NULL) {
        return c->target.room.id != 0 ? journal_remind(db, &c->journal, c->target.room.id) : ERR_OK;
    }
    if (err == ERR_OK) {
        journal_begin(&c->journal, c->target.room.id, 0, 0, 0);
    }
    const enum err found = err == ERR_OK ? kind->read_again(c, db) : err;
    return found == ERR_OK ? journal_remind(db, &c->journal, c->target.room.id) : found;
}

static enum err run_on_participant(void *arg, struct db *db)
{
    struct participant_command *c = arg;
    const struct participant_command_kind *kind = participant_kind_of(c->request);
    const struct str *key = member_at(c->request, kind->key);
    const struct str *body_hash =
        kind->body_hash != 0 ? member_at(c->request, kind->body_hash) : &STR_NONE;
    bool is_done = false;
    c->outcome = (struct participant_outcome){0}; /* it may be run again */
    c->once.made_id = participant_command_draw_id();
    enum err err = command_once_begin(db, &c->once, *key, *body_hash, &is_done);
    c->target.may_wait = c->request->id == MSG_participant_remove;
    if (err == ERR_OK && is_done) {
        err = answer_participant_again(db, c, kind);
    } else if (err == ERR_OK) {
        err = room_query_lock(db, &c->target);
        participant_command_begin_journal(c);
        if (err == ERR_OK) {
            err = kind->apply(c, db);
        }
        if (err == ERR_OK) {
            err = keep_act(db, c, kind);
        }
        if (err == ERR_OK) {
            err = journal_keep(db, &c->journal);
        }
    }
    c->outcome.room_id = c->target.room.id;
    c->outcome.participant = c->whom;
    c->outcome.is_entered = c->journal.turn == JOURNAL_IS_ENTERED && c->target.in_janus != 1;
    (void)str_copy(c->outcome.code, sizeof(c->outcome.code), str_of(c->target.room.code));
    return err;
}

static enum err work_participant_command(void *arg, struct db *db)
{
    struct participant_command *c = arg;
    db_work_fn *work = c->request->id == MSG_participant_join ? participant_join_run
                       : c->request->id == MSG_stream_enter   ? stream_enter_run
                                                              : run_on_participant;
    return command_once_run(db, work, c);
}

static void on_participant_run(void *job, enum err err)
{
    struct participant_command *c = job;
    c->outcome.journal = &c->journal;
    c->fn(c->arg, err, err == ERR_OK ? &c->outcome : NULL);
    journal_fini(&c->journal);
}

static const struct db_task participant_task = {.job_bytes =
                                                    DB_JOB_BYTES(struct participant_command),
                                                .work = work_participant_command,
                                                .done = on_participant_run,
                                                .is_secret = true};

static enum err run_participant(void *self, const struct msg *request,
                                const struct room_asker *asker, uint64_t deadline_ms,
                                participant_store_fn *fn, void *arg)
{
    const struct managed_db *db = self;
    const struct str *room = member_at(request, participant_kind_of(request)->room);
    struct participant_command *c = db_job_new(&participant_task);
    c->limits = &db->limits;
    c->request = request;
    c->fn = fn;
    c->arg = arg;
    if (!room_query_read(*room, asker, &c->target)) {
        db_job_free(c);
        return ERR_NO_SUCH_ROOM;
    }
    return db_pool_start(db->pool, c, deadline_ms);
}

/* ---- who is in ---- */

struct find_participants {
    struct db_job job;
    struct room_query target;
    uint64_t only_id; /* 0: all */
    uint64_t after_id;
    uint64_t limit;
    struct participant_page page;
    participant_store_page_fn *fn;
    void *arg;
};

static const struct db_query select_participants = {
    .sql = "SELECT " PARTICIPANT_COLUMNS " FROM participants p WHERE p.room_id = ? AND p.state = 2"
           " AND p.participant_id > ? AND (? = 0 OR p.participant_id = ?)"
           " ORDER BY p.participant_id LIMIT ?",
    .params =
        DB_FIELDS(struct find_participants, target.room.id, after_id, only_id, only_id, limit),
    .columns = PARTICIPANT_FIELDS(struct participant, ),
    .rows = DB_ROWS(struct find_participants, page.items, page.count)};

static const struct db_query select_feeds = {
    .sql = "SELECT feed FROM rtc_connections WHERE room_id = ? AND kind = 1 LIMIT 1000",
    .params = DB_FIELDS(struct find_participants, target.room.id),
    .columns = DB_FIELDS(struct participant_feed, id),
    .rows = DB_ROWS(struct find_participants, page.feeds, page.feed_count)};
_Static_assert(RTC_PUBLISH == 1 && PUBLISHERS_MAX == 1000, "select_feeds has those numbers");

/* Into a room without a code clients come past us, too. */
static enum err find_feeds(struct find_participants *find, struct db *db)
{
    if (find->target.room.code[0] != '\0' || find->only_id != 0 || find->after_id != 0) {
        return ERR_OK;
    }
    find->page.open_room_id = find->target.room.id;
    return db_query_run(db, &select_feeds, find, NULL);
}

static enum err work_find_participants(void *arg, struct db *db)
{
    struct find_participants *find = arg;
    enum err err = room_query_run(db, &find->target);
    if (err == ERR_OK) {
        err = room_query_judge(&find->target, ROOM_SEE_PARTICIPANTS, NULL);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &select_participants, find, NULL);
    }
    if (err == ERR_OK) {
        err = find_feeds(find, db);
    }
    return err == ERR_OK && find->only_id != 0 && find->page.count == 0 ? ERR_NOT_FOUND : err;
}

DB_TELLS(on_participants_found, struct find_participants, &told->page);

static const struct db_task find_participants_task = {.job_bytes =
                                                          DB_JOB_BYTES(struct find_participants),
                                                      .work = work_find_participants,
                                                      .done = on_participants_found};

static enum err find_participant_page(void *self, const struct msg_participant_page *request,
                                      const struct room_asker *asker, uint64_t deadline_ms,
                                      participant_store_page_fn *fn, void *arg)
{
    const struct managed_db *db = self;
    struct find_participants *find = db_job_new(&find_participants_task);
    find->only_id = request->participant;
    find->after_id = request->after_id;
    find->limit = request->limit;
    find->fn = fn;
    find->arg = arg;
    if (!room_query_read(request->room, asker, &find->target)) {
        db_job_free(find);
        return ERR_NO_SUCH_ROOM;
    }
    return db_pool_start(db->pool, find, deadline_ms);
}

static const struct participant_store_ops participant_ops = {run_participant,
                                                             find_participant_page};

struct participant_store participant_store_mysql(struct managed_db *db)
{
    return (struct participant_store){.ops = &participant_ops, .self = db};
}
