#include "roomsvc/store/life_store_mysql.h"

#include <assert.h>

#include "roomsvc/store/room_closing.h"

/* ---- whose turn it is ---- */

struct take_room {
    struct db_job job;
    struct life_turn turn;
    struct life_room next;
    uint64_t again_ms;
    life_store_room_fn *fn;
    void *arg;
};

/* Whoever comes by a link is told for 30 days that its room is over. */
#define TOLD_MS "2592000000"

#define NEXT_ROOM(hint, which)                                                                     \
    {                                                                                              \
        .sql = "SELECT room_id, secret, publishers_max, node, look_unix_ms,"                       \
               " closed_unix_ms IS NOT NULL, used_unix_ms > 0 FROM rooms" hint                     \
               " WHERE look_unix_ms <= " DB_NOW_UNIX_MS " AND room_id <> ?"                        \
               " AND (code IS NULL OR closed_unix_ms IS NOT NULL)" which                           \
               " ORDER BY look_unix_ms LIMIT 1",                                                   \
        .params = DB_FIELDS(struct take_room, turn.standard_room),                                 \
        .columns =                                                                                 \
            DB_FIELDS(struct take_room, next.room.id, next.room.secret, next.room.publishers_max,  \
                      next.room.node, next.look_unix_ms, next.is_closed, next.is_known),           \
        .if_none = ERR_NO_SUCH_ROOM,                                                               \
    }
static const struct db_query select_next = NEXT_ROOM("", "");
/* All others are always due. */
static const struct db_query select_next_closed =
    NEXT_ROOM(" FORCE INDEX (rooms_closed_unix_ms)", " AND closed_unix_ms IS NOT NULL");

/* A closed one with a code has its last turn when its row may go. */
static const struct db_query take_turn = {
    .sql = "UPDATE rooms SET look_unix_ms = IF(code IS NULL OR closed_unix_ms IS NULL"
           " OR in_janus <> 0, " DB_NOW_UNIX_MS " + ?, GREATEST(closed_unix_ms + " TOLD_MS ","
           " " DB_NOW_UNIX_MS " + 60000)),"
           " used_unix_ms = IF(used_unix_ms = 0, " DB_NOW_UNIX_MS ", used_unix_ms)"
           " WHERE room_id = ? AND look_unix_ms = ?",
    .params = DB_FIELDS(struct take_room, again_ms, next.room.id, next.look_unix_ms),
    .if_none = ERR_CONFLICT};

static enum err work_take(void *arg, struct db *db)
{
    struct take_room *take = arg;
    const struct db_query *select = take->turn.is_of_closed ? &select_next_closed : &select_next;
    const enum err err = db_query_run(db, select, take, NULL);
    take->again_ms =
        take->next.is_closed != 0 ? take->turn.closed_again_ms : take->turn.open_again_ms;
    return err == ERR_OK ? db_query_run(db, &take_turn, take, NULL) : err;
}

DB_TELLS(on_room_taken, struct take_room, &told->next);

static const struct db_task take_room = {
    .job_bytes = DB_JOB_BYTES(struct take_room), .work = work_take, .done = on_room_taken};

static enum err take(void *self, const struct life_turn *turn, life_store_room_fn *fn, void *arg)
{
    struct take_room *job = db_job_new(&take_room);
    job->turn = *turn;
    job->fn = fn;
    job->arg = arg;
    return db_pool_start(self, job, 0);
}

/* ---- its end ---- */

struct end_room {
    struct db_job job;
    uint64_t room_id;
    uint64_t age_ms;
    uint64_t again_ms;
    life_store_fn *fn;
    void *arg;
};

static void on_room_ended(void *arg, enum err err)
{
    const struct end_room *end = arg;
    end->fn(end->arg, err);
}

static const struct db_task close_room = {
    .job_bytes = DB_JOB_BYTES(struct end_room),
    .query = {.sql = "UPDATE rooms SET " ROOM_CLOSED ", look_unix_ms = " DB_NOW_UNIX_MS " + ?"
                     " WHERE room_id = ? AND closed_unix_ms IS NULL AND used_unix_ms > 0"
                     " AND used_unix_ms + ? <= " DB_NOW_UNIX_MS
                     " AND NOT EXISTS (SELECT 1 FROM participants p"
                     " WHERE p.room_id = rooms.room_id AND p.state = 2)",
              .params = DB_FIELDS(struct end_room, again_ms, room_id, age_ms),
              .if_none = ERR_NO_SUCH_ROOM},
    .done = on_room_ended};

static enum err close_unused(void *self, uint64_t room_id, uint64_t unused_ms,
                             uint64_t closed_again_ms, life_store_fn *fn, void *arg)
{
    struct end_room *job = db_job_new(&close_room);
    job->room_id = room_id;
    job->age_ms = unused_ms;
    job->again_ms = closed_again_ms;
    job->fn = fn;
    job->arg = arg;
    return db_pool_start(self, job, 0);
}

/* One with a code stays for those who come by its link, but was ended in Janus for long enough. */
static const struct db_query forget_janus = {
    .sql = "UPDATE rooms SET in_janus = 0 WHERE room_id = ? AND code IS NOT NULL"
           " AND in_janus <> 0 AND closed_unix_ms + ? <= " DB_NOW_UNIX_MS,
    .params = DB_FIELDS(struct end_room, room_id, age_ms)};

static const struct db_query delete_room = {
    .sql = "DELETE FROM rooms WHERE room_id = ? AND closed_unix_ms"
           " + IF(code IS NULL, ?, " TOLD_MS ") <= " DB_NOW_UNIX_MS,
    .params = DB_FIELDS(struct end_room, room_id, age_ms),
    .if_none = ERR_NO_SUCH_ROOM};

static enum err work_remove_room(void *arg, struct db *db)
{
    const enum err err = db_query_run(db, &forget_janus, arg, NULL);
    return err == ERR_OK ? db_query_run(db, &delete_room, arg, NULL) : err;
}

static const struct db_task remove_room = {
    .job_bytes = DB_JOB_BYTES(struct end_room), .work = work_remove_room, .done = on_room_ended};

static enum err remove_closed(void *self, uint64_t room_id, uint64_t closed_ms, life_store_fn *fn,
                              void *arg)
{
    struct end_room *job = db_job_new(&remove_room);
    job->room_id = room_id;
    job->age_ms = closed_ms;
    job->fn = fn;
    job->arg = arg;
    return db_pool_start(self, job, 0);
}

/* ---- its use ---- */

struct use_rooms {
    struct db_job job;
    uint64_t ids[LIFE_STORE_USED_MAX];
    life_store_fn *fn;
    void *arg;
};

static void on_rooms_used(void *arg, enum err err)
{
    const struct use_rooms *used = arg;
    used->fn(used->arg, err);
}

static const struct db_task use_rooms = {
    .job_bytes = DB_JOB_BYTES(struct use_rooms),
    .query = {.sql = "UPDATE rooms SET used_unix_ms = GREATEST(used_unix_ms, " DB_NOW_UNIX_MS ")"
                     " WHERE closed_unix_ms IS NULL"
                     " AND room_id IN (" DB_64_VALUES ")",
              .params = DB_FIELDS(struct use_rooms, ids)},
    .done = on_rooms_used};

static enum err use_now(void *self, const uint64_t *room_ids, size_t count, life_store_fn *fn,
                        void *arg)
{
    assert(count >= 1 && count <= LIFE_STORE_USED_MAX);
    struct use_rooms *job = db_job_new(&use_rooms);
    /* One statement for any number: the last one fills the rest of the list. */
    for (size_t i = 0; i < LIFE_STORE_USED_MAX; i++) {
        job->ids[i] = room_ids[i < count ? i : count - 1];
    }
    job->fn = fn;
    job->arg = arg;
    return db_pool_start(self, job, 0);
}

static const struct life_store_ops ops = {take, close_unused, remove_closed, use_now};

struct life_store life_store_mysql(struct db_pool *db)
{
    return (struct life_store){.ops = &ops, .self = db};
}
