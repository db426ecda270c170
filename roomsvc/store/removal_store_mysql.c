#include "roomsvc/store/removal_store_mysql.h"

#include "roomsvc/store/managed_sql.h"
#include "roomsvc/store/participant_sql.h"

struct settle_removal {
    struct db_job job;
    struct removal_look look;
    struct removal_step step;
    struct journal journals[REMOVAL_ROOMS_MAX]; /* of step */
    removal_store_fn *fn;
    void *arg;
};

/* Asked all the time: what was removed lately, and what a user has, is found through keys. */
static const struct db_query select_removal = {
    .sql = "SELECT r.user_id, CAST(IFNULL(r.heir_id, 0) AS UNSIGNED) FROM user_removals r"
           " WHERE r.created_unix_ms >= " DB_NOW_UNIX_MS " - ?"
           " AND EXISTS (SELECT 1 FROM rooms o WHERE o.owner_id = r.user_id"
           " AND o.closed_unix_ms IS NULL AND o.room_id <> ? AND (r.heir_id IS NOT NULL"
           " OR IFNULL(o.due_unix_ms, 1) > 0)) ORDER BY r.seq LIMIT 1",
    .params = DB_FIELDS(struct settle_removal, look.within_ms, look.standard_room),
    .columns = DB_FIELDS(struct settle_removal, step.user_id, step.heir_id),
    .if_none = ERR_NO_SUCH_ROOM};

#define OF_HIS_ROOMS(which)                                                                        \
    " WHERE owner_id = ? AND closed_unix_ms IS NULL AND room_id <> ?" which                        \
    " ORDER BY room_id LIMIT 100"
#define HIS_ROOMS OF_HIS_ROOMS("")
/* One that is due is closed soon. */
#define HIS_ROOMS_TO_CLOSE OF_HIS_ROOMS(" AND IFNULL(due_unix_ms, 1) > 0")
_Static_assert(REMOVAL_ROOMS_MAX == 100, "HIS_ROOMS are as many");

#define SELECT_ROOMS(which)                                                                        \
    {                                                                                              \
        .sql = "SELECT room_id, EXISTS (SELECT 1 FROM participants p"                              \
               " WHERE p.room_id = rooms.room_id AND p.state = 2) FROM rooms" which " FOR UPDATE", \
        .params = DB_FIELDS(struct settle_removal, step.user_id, look.standard_room),              \
        .columns = DB_FIELDS(struct removal_room, id, is_entered),                                 \
        .rows = DB_ROWS(struct settle_removal, step.rooms, step.count)                             \
    }
static const struct db_query select_rooms_to_give = SELECT_ROOMS(HIS_ROOMS);
static const struct db_query select_rooms_to_close = SELECT_ROOMS(HIS_ROOMS_TO_CLOSE);

/* One with a code, or with somebody in it, is due from now on: room_ends.h closes it, and tells
 * those who are in it. Of the others room_life.h finds those that are closed, and ends them in
 * Janus. The assignments are done in their order. */
static const struct db_query close_rooms = {
    .sql = "UPDATE rooms SET due_unix_ms = IF(code IS NOT NULL OR EXISTS (SELECT 1"
           " FROM participants p WHERE p.room_id = rooms.room_id AND p.state = 2), 0, NULL),"
           " closed_unix_ms = IF(due_unix_ms IS NULL, " DB_NOW_UNIX_MS ", NULL),"
           " look_unix_ms = IF(due_unix_ms IS NULL, " DB_NOW_UNIX_MS ", look_unix_ms),"
           " idempotency_key = NULL" HIS_ROOMS_TO_CLOSE,
    .params = DB_FIELDS(struct settle_removal, step.user_id, look.standard_room)};

static const struct db_query give_rooms = {
    .sql = "UPDATE rooms SET version = version + 1, owner_id = ?" HIS_ROOMS,
    .params = DB_FIELDS(struct settle_removal, step.heir_id, step.user_id, look.standard_room)};

/* Whoever gets a room is its owner and nothing else. */
static const struct db_query drop_of_heir = {
    .sql = "DELETE m FROM room_members m JOIN rooms o ON o.room_id = m.room_id"
           " WHERE m.user_id = ? AND o.owner_id = ?",
    .params = DB_FIELDS(struct settle_removal, step.heir_id, step.user_id)};

/* Who is in the room is told whose it is now; the heir leads the meeting, if he is in it. */
static enum err tell_of_heir(struct db *db, struct journal *journal, uint64_t room_id,
                             uint64_t heir_id)
{
    struct room_query query = {.asker = {.is_admin = true}, .id = room_id};
    enum err err = room_query_lock(db, &query);
    journal_begin(journal, room_id, query.seq, query.generation, query.room.now_unix_ms);
    const struct msg_room_event event = {.type = EVENT_ROOM_UPDATED,
                                         .audience = AUDIENCE_ALL,
                                         .has_room = true,
                                         .room = managed_room_record(&query.room)};
    if (err == ERR_OK) {
        err = participants_of_user_follow(db, journal, heir_id, ROOM_OWNER, false);
    }
    if (err == ERR_OK) {
        err = journal_append(db, journal, &event);
    }
    return err == ERR_OK ? journal_keep(db, journal) : err;
}

static enum err tell_all_of_heir(struct settle_removal *settle, struct db *db)
{
    struct removal_step *step = &settle->step;
    enum err err = ERR_OK;
    step->journals = settle->journals;
    for (size_t i = 0; err == ERR_OK && i < step->count; i++) {
        if (step->rooms[i].is_entered != 0) {
            err = tell_of_heir(db, &settle->journals[step->journal_count++], step->rooms[i].id,
                               step->heir_id);
        }
    }
    return err;
}

static enum err settle_in_transaction(void *arg, struct db *db)
{
    struct settle_removal *settle = arg;
    enum err err = db_query_run(db, &select_removal, settle, NULL);
    const bool has_heir = settle->step.heir_id != 0;
    if (err == ERR_OK && has_heir) {
        err = db_query_run(db, &drop_of_heir, settle, NULL);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, has_heir ? &select_rooms_to_give : &select_rooms_to_close, settle,
                           NULL);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, has_heir ? &give_rooms : &close_rooms, settle, NULL);
    }
    if (err == ERR_OK && has_heir) {
        err = tell_all_of_heir(settle, db);
    }
    return err;
}

static enum err work_settle(void *arg, struct db *db)
{
    return db_transaction(db, settle_in_transaction, arg);
}

static void on_removal_settled(void *arg, enum err err)
{
    struct settle_removal *settle = arg;
    settle->fn(settle->arg, err, err == ERR_OK ? &settle->step : NULL);
    for (size_t i = 0; i < settle->step.journal_count; i++) {
        journal_fini(&settle->journals[i]);
    }
}

static const struct db_task settle_removal = {.job_bytes = DB_JOB_BYTES(struct settle_removal),
                                              .work = work_settle,
                                              .done = on_removal_settled};

static enum err settle_rooms(void *self, const struct removal_look *look, removal_store_fn *fn,
                             void *arg)
{
    struct settle_removal *settle = db_job_new(&settle_removal);
    settle->look = *look;
    settle->fn = fn;
    settle->arg = arg;
    return db_pool_start(self, settle, 0);
}

static const struct removal_store_ops ops = {settle_rooms};

struct removal_store removal_store_mysql(struct db_pool *db)
{
    return (struct removal_store){.ops = &ops, .self = db};
}
