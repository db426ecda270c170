#include "roomsvc/store/removal_store_mysql.h"

#include "roomsvc/store/managed_sql.h"
#include "roomsvc/store/participant_sql.h"
#include "roomsvc/store/room_closing.h"

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

/* The transaction begins with these, so that it reads who is in the rooms when it has their locks.
 * Of rooms that end, those that are due already are not taken: room_ends.h closes them soon. */
#define LOCK_ROOMS(which)                                                                          \
    {                                                                                              \
        .sql = "SELECT room_id FROM rooms WHERE owner_id = ? AND closed_unix_ms IS NULL"           \
               " AND room_id <> ?" which " ORDER BY room_id LIMIT 100 FOR UPDATE",                 \
        .params = DB_FIELDS(struct settle_removal, step.user_id, look.standard_room),              \
        .columns = DB_FIELDS(struct removal_room, id),                                             \
        .rows = DB_ROWS(struct settle_removal, step.rooms, step.count),                            \
        .if_none = ERR_NO_SUCH_ROOM,                                                               \
    }
static const struct db_query lock_rooms_to_give = LOCK_ROOMS("");
static const struct db_query lock_rooms_to_end = LOCK_ROOMS(" AND IFNULL(due_unix_ms, 1) > 0");
_Static_assert(REMOVAL_ROOMS_MAX == 100, "LOCK_ROOMS are as many");

/* ---- they end ---- */

/* One of his rooms. */
struct his_room {
    uint64_t id;
    uint64_t heir_id;
};

/* One with a code, or with somebody in it, is due from now on: room_ends.h closes it, and tells
 * those who are in it. */
static const struct db_query make_due = {
    .sql = "UPDATE rooms SET due_unix_ms = 0, idempotency_key = NULL WHERE room_id = ?"
           " AND (code IS NOT NULL OR EXISTS (SELECT 1 FROM participants p"
           " WHERE p.room_id = rooms.room_id AND p.state = 2))",
    .params = DB_FIELDS(struct his_room, id)};

/* Of those that are closed at once room_life.h finds each, and ends it in Janus. */
static enum err end_room_of_removed(struct db *db, struct removal_room *room)
{
    struct his_room his = {.id = room->id};
    uint64_t made_due = 0;
    const enum err err = db_query_run(db, &make_due, &his, &made_due);
    room->is_closed = made_due == 0;
    return err == ERR_OK && room->is_closed ? room_close(db, room->id) : err;
}

/* ---- they have an heir ---- */

static const struct db_query give_room = {
    .sql = "UPDATE rooms SET version = version + 1, owner_id = ? WHERE room_id = ?",
    .params = DB_FIELDS(struct his_room, heir_id, id)};

/* Whoever gets a room is its owner and nothing else. */
static const struct db_query drop_of_heir = {
    .sql = "DELETE FROM room_members WHERE user_id = ? AND room_id = ?",
    .params = DB_FIELDS(struct his_room, heir_id, id)};

/* Who is in the room is told whose it is now; the heir leads the meeting, if he is in it. One whose
 * time is up ends soon, and there is nothing to tell before that. */
static enum err tell_of_heir(struct db *db, struct journal *journal, const struct his_room *his)
{
    struct room_query query = {.asker = {.is_admin = true}, .id = his->id};
    enum err err = room_query_lock(db, &query);
    journal_begin(journal, his->id, query.seq, query.generation, query.room.now_unix_ms);
    if (err == ERR_GONE) {
        return ERR_OK;
    }
    const struct msg_room_event event = {.type = EVENT_ROOM_UPDATED,
                                         .audience = AUDIENCE_ALL,
                                         .has_room = true,
                                         .room = managed_room_record(&query.room)};
    if (err == ERR_OK) {
        err = participants_of_user_follow(db, journal, his->heir_id, ROOM_OWNER, false);
    }
    if (err == ERR_OK) {
        err = journal_append(db, journal, &event);
    }
    return err == ERR_OK ? journal_keep(db, journal) : err;
}

static enum err give_room_to_heir(struct db *db, struct journal *journal, uint64_t room_id,
                                  uint64_t heir_id)
{
    struct his_room his = {.id = room_id, .heir_id = heir_id};
    enum err err = db_query_run(db, &drop_of_heir, &his, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &give_room, &his, NULL);
    }
    return err == ERR_OK ? tell_of_heir(db, journal, &his) : err;
}

/* ---- a part of them ---- */

static enum err settle_in_transaction(void *arg, struct db *db)
{
    struct settle_removal *settle = arg;
    struct removal_step *step = &settle->step;
    const bool has_heir = step->heir_id != 0;
    enum err err =
        db_query_run(db, has_heir ? &lock_rooms_to_give : &lock_rooms_to_end, settle, NULL);
    for (size_t i = 0; err == ERR_OK && i < step->count; i++) {
        err = has_heir
                  ? give_room_to_heir(db, &settle->journals[i], step->rooms[i].id, step->heir_id)
                  : end_room_of_removed(db, &step->rooms[i]);
    }
    step->journals = settle->journals;
    step->journal_count = has_heir ? step->count : 0;
    return err;
}

static enum err work_settle(void *arg, struct db *db)
{
    const enum err err = db_query_run(db, &select_removal, arg, NULL);
    return err == ERR_OK ? db_transaction(db, settle_in_transaction, arg) : err;
}

static void on_removal_settled(void *arg, enum err err)
{
    struct settle_removal *settle = arg;
    settle->fn(settle->arg, err, err == ERR_OK ? &settle->step : NULL);
    for (size_t i = 0; i < REMOVAL_ROOMS_MAX; i++) {
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
