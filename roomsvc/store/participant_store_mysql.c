#include "roomsvc/store/participant_store_mysql.h"

#include "roomsvc/store/participant_join.h"
#include "roomsvc/store/room_audit.h"

void participant_command_begin_journal(struct participant_command *command)
{
    const struct room_query *target = &command->target;
    journal_begin(&command->journal, target->room.id, target->seq, target->generation,
                  target->room.now_unix_ms);
}

/* ---- what is done to somebody ---- */

static bool is_oneself(const struct participant_command *c)
{
    const struct room_query *target = &c->target;
    return target->self.id != 0
               ? target->self.id == c->whom.id
               : target->asker.user_id != 0 && target->asker.user_id == c->whom.user_id;
}

static enum err judge(const struct participant_command *c, enum room_action action,
                      enum room_role wished)
{
    const struct room_target target = {
        .is_oneself = is_oneself(c), .now = (enum room_role)c->whom.role, .wished = wished};
    return room_query_judge(&c->target, action, &target);
}

/* Who may not see who is in is not told either by what he may not do. */
static enum err find_participant(struct db *db, struct participant_command *c,
                                 uint64_t participant_id)
{
    const enum err err = room_query_judge_role(&c->target, ROOM_SEE_PARTICIPANTS);
    return err == ERR_OK ? participant_find(db, &c->journal, participant_id, &c->whom) : err;
}

/* ---- participant_change ---- */

static enum err judge_change(const struct participant_command *c,
                             const struct msg_participant_change *change)
{
    const enum room_role now = (enum room_role)c->whom.role;
    enum err err = change->has_name ? judge(c, ROOM_RENAME, now) : ERR_OK;
    if (err == ERR_OK && change->has_hand) {
        err = judge(c, change->hand ? ROOM_RAISE_HAND : ROOM_LOWER_HAND, now);
    }
    if (err == ERR_OK && change->has_role) {
        err = judge(c, ROOM_SET_ROLE, change->role);
    }
    return err;
}

/* One event for what he is called and may do, one for his hand. */
static enum err change_participant(struct participant_command *c, struct db *db)
{
    const struct msg_participant_change *change = &c->request->participant_change;
    struct participant *whom = &c->whom;
    char name[LABEL_BYTES];
    enum err err = find_participant(db, c, change->participant);
    if (err == ERR_OK) {
        err = judge_change(c, change);
    }
    (void)str_copy(name, sizeof(name), str_of(whom->name));
    if (err == ERR_OK && change->has_name && !label_make(change->name, name)) {
        err = ERR_WRONG_MEMBER;
    }
    if (err != ERR_OK) {
        return err;
    }
    const enum room_role role = change->has_role ? change->role : (enum room_role)whom->role;
    if (strcmp(name, whom->name) != 0 || role != whom->role) {
        (void)str_copy(whom->name, sizeof(whom->name), str_of(name));
        whom->role = role;
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

static enum err remove_participant(struct participant_command *c, struct db *db)
{
    enum err err = find_participant(db, c, c->request->participant_remove.participant);
    if (err == ERR_OK) {
        err = judge(c, ROOM_REMOVE, 0);
    }
    if (err == ERR_OK && is_oneself(c)) {
        err = participant_take_out(db, &c->journal, &c->whom, PARTICIPANT_LEFT, REASON_LEFT);
    } else if (err == ERR_OK) {
        err = participant_take_out(db, &c->journal, &c->whom, PARTICIPANT_REMOVED, REASON_REMOVED);
    }
    return err == ERR_OK ? participants_settle(db, &c->journal, c->target.room.owner_id) : err;
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

struct participant_command_kind {
    enum msg_id request;
    enum act act; /* what the audit calls it; 0: it is none of its business */
    size_t room;  /* offset of its struct str in the request; likewise the others */
    size_t key;
    size_t origin, has_origin; /* struct msg_origin, bool */
    enum err (*apply)(struct participant_command *c, struct db *db);
};

#define OF(message, member) offsetof(struct msg, message.member)

static const struct participant_command_kind participant_kinds[] = {
    {.request = MSG_participant_join,
     .room = OF(participant_join, room),
     .key = OF(participant_join, idempotency_key)},
    {.request = MSG_participant_change,
     .room = OF(participant_change, room),
     .key = OF(participant_change, idempotency_key),
     .apply = change_participant},
    {.request = MSG_participant_remove,
     .room = OF(participant_remove, room),
     .key = OF(participant_remove, idempotency_key),
     .origin = OF(participant_remove, origin),
     .has_origin = OF(participant_remove, has_origin),
     .act = ACT_PARTICIPANT_REMOVED,
     .apply = remove_participant},
    {.request = MSG_meeting_end,
     .room = OF(meeting_end, room),
     .key = OF(meeting_end, idempotency_key),
     .origin = OF(meeting_end, origin),
     .has_origin = OF(meeting_end, has_origin),
     .act = ACT_MEETING_ENDED,
     .apply = end_meeting},
};

static const struct participant_command_kind *participant_kind_of(const struct msg *request)
{
    size_t i = 0;
    while (participant_kinds[i].request != request->id) {
        i++;
    }
    return &participant_kinds[i];
}

static const void *member_at(const struct msg *request, size_t offset)
{
    return (const char *)request + offset;
}

static enum err keep_act(struct db *db, struct participant_command *c,
                         const struct participant_command_kind *kind)
{
    if (kind->act == 0 || (kind->act == ACT_PARTICIPANT_REMOVED && is_oneself(c))) {
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

/* Done before: whoever has left by it does not know of the room any more. */
static enum err answer_participant_again(struct db *db, struct participant_command *c)
{
    const enum err err = room_query_run(db, &c->target);
    if (c->request->id != MSG_participant_change) {
        return c->target.room.id != 0 ? journal_remind(db, &c->journal, c->target.room.id) : ERR_OK;
    }
    if (err == ERR_OK) {
        journal_begin(&c->journal, c->target.room.id, 0, 0, 0);
    }
    const enum err found =
        err == ERR_OK ? find_participant(db, c, c->request->participant_change.participant) : err;
    return found == ERR_OK ? journal_remind(db, &c->journal, c->target.room.id) : found;
}

static enum err run_on_participant(void *arg, struct db *db)
{
    struct participant_command *c = arg;
    const struct participant_command_kind *kind = participant_kind_of(c->request);
    const struct str *key = member_at(c->request, kind->key);
    bool is_done = false;
    enum err err = command_once_begin(db, &c->once, *key, STR_NONE, &is_done);
    if (err == ERR_OK && is_done) {
        err = answer_participant_again(db, c);
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
    return err;
}

static enum err work_participant_command(void *arg, struct db *db)
{
    struct participant_command *c = arg;
    db_work_fn *work =
        c->request->id == MSG_participant_join ? participant_join_run : run_on_participant;
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
