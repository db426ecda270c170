#include "roomsvc/store/end_store_mysql.h"

#include "roomsvc/store/participant_sql.h"
#include "roomsvc/store/room_closing.h"

/* A room as it is at the look. */
struct due_room {
    uint64_t seq, generation, now_unix_ms;
    uint64_t owner_id;        /* who is told; 0: nobody, of a room without a code */
    uint64_t is_open, is_due; /* another replica may have been faster */
    uint64_t is_expired, is_owner_removed, is_unused;
    uint64_t is_left; /* Janus has it, and need not any more */
};

struct look_at_due {
    struct db_job job;
    uint64_t standard_room; /* which never ends; 0: there is none */
    struct due_room due;
    struct journal journal;
    struct end_step step;
    end_store_fn *fn;
    void *arg;
};

static const struct db_query select_due = {
    .sql = "SELECT room_id FROM rooms WHERE due_unix_ms <= " DB_NOW_UNIX_MS
           " ORDER BY due_unix_ms LIMIT 1",
    .columns = DB_FIELDS(struct look_at_due, step.room.id),
    .if_none = ERR_NOT_FOUND};

static const struct db_query lock_due = {
    .sql = "SELECT room_id FROM rooms WHERE room_id = ? FOR UPDATE",
    .params = DB_FIELDS(struct look_at_due, step.room.id),
    .columns = DB_FIELDS(struct look_at_due, step.room.id),
    .if_none = ERR_NOT_FOUND};

#define IS_LEFT "(r.code IS NOT NULL AND r.empty_unix_ms > 0 AND r.in_janus <> 0)"
#define LEFT_UNIX_MS "(r.empty_unix_ms + r.empty_timeout_s * 1000)"
static const struct db_query read_due = {
    .sql = "SELECT r.secret, r.janus_pin, r.publishers_max, r.node, r.seq,"
           " (SELECT generation FROM journal_generation), "
           " CAST(IF(r.code IS NULL, 0, r.owner_id) AS UNSIGNED), " DB_NOW_UNIX_MS ","
           " r.closed_unix_ms IS NULL AND r.room_id <> ?,"
           " IFNULL(r.due_unix_ms <= " DB_NOW_UNIX_MS ", 0),"
           " r.code IS NOT NULL AND r.expires_unix_ms > 0"
           " AND r.expires_unix_ms <= " DB_NOW_UNIX_MS ","
           " EXISTS (SELECT 1 FROM user_removals m WHERE m.user_id = r.owner_id"
           " AND m.heir_id IS NULL),"
           " r.code IS NOT NULL AND r.used_unix_ms + " ROOM_UNUSED_MS " <= " DB_NOW_UNIX_MS
           " AND NOT EXISTS (SELECT 1"
           " FROM participants p WHERE p.room_id = r.room_id AND p.state = 2),"
           " " IS_LEFT " AND (" LEFT_UNIX_MS " <= " DB_NOW_UNIX_MS " OR r.in_janus = 2)"
           " FROM rooms r WHERE r.room_id = ?",
    .params = DB_FIELDS(struct look_at_due, standard_room, step.room.id),
    .columns = DB_FIELDS(struct look_at_due, step.room.secret, step.room.janus_pin,
                         step.room.publishers_max, step.room.node, due.seq, due.generation,
                         due.owner_id, due.now_unix_ms, due.is_open, due.is_due, due.is_expired,
                         due.is_owner_removed, due.is_unused, due.is_left)};
_Static_assert(PARTICIPANT_JOINED == 2, "read_due has that number");

/* ---- what becomes of it ---- */

static enum err close_due_room(struct look_at_due *look, struct db *db)
{
    struct journal *journal = &look->journal;
    journal_begin(journal, look->step.room.id, look->due.seq, look->due.generation,
                  look->due.now_unix_ms);
    enum err err = room_close(db, look->step.room.id);
    if (err == ERR_OK) {
        err =
            participants_end(db, journal, EVENT_ROOM_ENDED, look->step.reason, look->due.owner_id);
    }
    return err == ERR_OK ? journal_keep(db, journal) : err;
}

/* Whoever sees to it may die: then it is due again. */
static const struct db_query leave_janus = {
    .sql = "UPDATE rooms SET in_janus = 2, due_unix_ms = " DB_NOW_UNIX_MS " + 10000"
           " WHERE room_id = ?",
    .params = DB_FIELDS(struct look_at_due, step.room.id)};

/* In a day, where somebody has been in it for a year. */
#define UNUSED_UNIX_MS "(r.used_unix_ms + " ROOM_UNUSED_MS ")"
static const struct db_query put_off = {
    .sql = "UPDATE rooms r SET r.due_unix_ms = IF(r.code IS NULL OR r.closed_unix_ms IS NOT NULL,"
           " NULL, GREATEST(" DB_NOW_UNIX_MS " + 1000, LEAST(IF(r.expires_unix_ms > 0,"
           " r.expires_unix_ms, 4611686018427387903), IF(" IS_LEFT ", " LEFT_UNIX_MS ","
           " 4611686018427387903), IF(" UNUSED_UNIX_MS " > " DB_NOW_UNIX_MS ", " UNUSED_UNIX_MS
           ", " DB_NOW_UNIX_MS " + 86400000)))) WHERE r.room_id = ?",
    .params = DB_FIELDS(struct look_at_due, step.room.id)};

static enum room_reason reason_to_close(const struct due_room *due)
{
    return due->is_owner_removed != 0 ? REASON_OWNER_REMOVED
           : due->is_expired != 0     ? REASON_ROOM_EXPIRED
           : due->is_unused != 0      ? REASON_ROOM_UNUSED
                                      : 0;
}

static enum err look_in_transaction(void *arg, struct db *db)
{
    struct look_at_due *look = arg;
    struct end_step *step = &look->step;
    enum err err = db_query_run(db, &lock_due, look, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &read_due, look, NULL);
    }
    step->outcome = END_LATER;
    if (err != ERR_OK || look->due.is_due == 0) {
        return err;
    }
    step->reason = look->due.is_open != 0 ? reason_to_close(&look->due) : 0;
    if (step->reason != 0) {
        step->outcome = END_CLOSED;
        return close_due_room(look, db);
    }
    if (look->due.is_open != 0 && look->due.is_left != 0) {
        step->outcome = END_LEAVES;
        return db_query_run(db, &leave_janus, look, NULL);
    }
    return db_query_run(db, &put_off, look, NULL);
}

static enum err work_look_at_due(void *arg, struct db *db)
{
    struct look_at_due *look = arg;
    enum err err = db_query_run(db, &select_due, look, NULL);
    if (err == ERR_OK) {
        err = db_transaction(db, look_in_transaction, look);
    }
    if (err == ERR_NOT_FOUND) {
        look->step.outcome = END_NONE_IS_DUE;
        err = ERR_OK;
    }
    return err;
}

static void on_looked_at_due(void *arg, enum err err)
{
    struct look_at_due *look = arg;
    look->step.journal = &look->journal;
    look->fn(look->arg, err, err == ERR_OK ? &look->step : NULL);
    journal_fini(&look->journal);
}

static const struct db_task look_at_due_task = {.job_bytes = DB_JOB_BYTES(struct look_at_due),
                                                .work = work_look_at_due,
                                                .done = on_looked_at_due};

static enum err look_at_due(void *self, end_store_fn *fn, void *arg)
{
    const struct managed_db *db = self;
    struct look_at_due *look = db_job_new(&look_at_due_task);
    look->standard_room = db->limits.standard_room;
    look->fn = fn;
    look->arg = arg;
    return db_pool_start(db->pool, look, 0);
}

/* ---- gone from Janus ---- */

struct note_gone {
    struct db_job job;
    uint64_t room_id;
    uint64_t is_closed, in_janus; /* of one that was not as it was left */
    enum end_gone gone;
    end_store_gone_fn *fn;
    void *arg;
};

static const struct db_query update_gone = {
    .sql = "UPDATE rooms SET in_janus = 0, due_unix_ms = " DB_NOW_UNIX_MS
           " WHERE room_id = ? AND in_janus = 2 AND closed_unix_ms IS NULL",
    .params = DB_FIELDS(struct note_gone, room_id)};

static const struct db_query select_not_gone = {
    .sql = "SELECT closed_unix_ms IS NOT NULL, in_janus FROM rooms WHERE room_id = ?",
    .params = DB_FIELDS(struct note_gone, room_id),
    .columns = DB_FIELDS(struct note_gone, is_closed, in_janus)};

static enum err work_note_gone(void *arg, struct db *db)
{
    struct note_gone *gone = arg;
    uint64_t noted = 0;
    enum err err = db_query_run(db, &update_gone, gone, &noted);
    gone->gone = END_GONE_NOTED;
    if (err == ERR_OK && noted == 0) {
        err = db_query_run(db, &select_not_gone, gone, NULL);
        gone->gone = gone->is_closed != 0  ? END_GONE_CLOSED
                     : gone->in_janus == 1 ? END_GONE_ENTERED
                                           : END_GONE_BEFORE;
    }
    return err;
}

static void on_gone_noted(void *arg, enum err err)
{
    const struct note_gone *gone = arg;
    gone->fn(gone->arg, err, gone->gone);
}

static const struct db_task note_gone_task = {
    .job_bytes = DB_JOB_BYTES(struct note_gone), .work = work_note_gone, .done = on_gone_noted};

static enum err note_gone(void *self, uint64_t room_id, end_store_gone_fn *fn, void *arg)
{
    const struct managed_db *db = self;
    struct note_gone *gone = db_job_new(&note_gone_task);
    gone->room_id = room_id;
    gone->fn = fn;
    gone->arg = arg;
    return db_pool_start(db->pool, gone, 0);
}

static const struct end_store_ops end_ops = {look_at_due, note_gone};

struct end_store end_store_mysql(struct managed_db *db)
{
    return (struct end_store){.ops = &end_ops, .self = db};
}
