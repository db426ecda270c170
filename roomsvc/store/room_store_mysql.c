#include "roomsvc/store/room_store_mysql.h"

#include <assert.h>

#define ROOM_COLUMNS "room_id, secret, publishers_max, node"
#define ROOM_FIELDS(t, m)                                                                          \
    DB_FIELD(t, m.id), DB_FIELD(t, m.secret), DB_FIELD(t, m.publishers_max), DB_FIELD(t, m.node)

/* To find a room, or to add one. */
struct room_job {
    struct db_job job;
    struct room room; /* what is found, or made; id: of which is asked */
    struct room_draft draft;
    uint64_t now_unix_ms;
    room_store_fn *fn;
    void *arg;
};

DB_TELLS(on_room, struct room_job, &told->room);

static const struct db_task find_task = {.job_bytes = DB_JOB_BYTES(struct room_job),
                                         .query = {.sql = "SELECT " ROOM_COLUMNS
                                                          " FROM rooms WHERE room_id = ?"
                                                          " AND closed_unix_ms IS NULL",
                                                   .params = DB_FIELDS(struct room_job, room.id),
                                                   .columns = {ROOM_FIELDS(struct room_job, room)},
                                                   .if_none = ERR_NO_SUCH_ROOM},
                                         .done = on_room};

static enum err find_open_room(void *self, uint64_t room_id, uint64_t deadline_ms,
                               room_store_fn *fn, void *arg)
{
    struct room_job *job = db_job_new(&find_task);
    job->room.id = room_id;
    job->fn = fn;
    job->arg = arg;
    return db_pool_start(self, job, deadline_ms);
}

/* ---- adding ---- */

static const struct db_query insert_room = {
    .sql = "INSERT INTO rooms (room_id, secret, description, publishers_max, node, owner_id,"
           " idempotency_key, created_unix_ms) VALUES (?, ?, '', ?, ?, ?, ?, ?)",
    .params = {
        DB_FIELD(struct room_job, draft.room.id), DB_FIELD(struct room_job, draft.room.secret),
        DB_FIELD(struct room_job, draft.room.publishers_max),
        DB_FIELD(struct room_job, draft.room.node), DB_FIELD(struct room_job, draft.owner_id),
        DB_FIELD_NULLABLE(struct room_job, draft.key, draft.has_key),
        DB_FIELD(struct room_job, now_unix_ms)}};

static const struct db_query select_by_key = {.sql = "SELECT " ROOM_COLUMNS
                                                     " FROM rooms WHERE idempotency_key = ?"
                                                     " AND closed_unix_ms IS NULL",
                                              .params = DB_FIELDS(struct room_job, draft.key),
                                              .columns = {ROOM_FIELDS(struct room_job, room)},
                                              .if_none = ERR_NO_SUCH_ROOM};

/* The standard room is there for good: creating it opens it again. */
static const struct db_query reopen_room = {
    .sql = "UPDATE rooms SET closed_unix_ms = NULL WHERE room_id = ?",
    .params = DB_FIELDS(struct room_job, room.id)};

static enum err work_add(void *arg, struct db *db)
{
    struct room_job *job = arg;
    job->now_unix_ms = system_unix_ms();
    job->room = job->draft.room;
    enum err err = db_query_run(db, &insert_room, job, NULL);
    if (err != ERR_CONFLICT) {
        return err;
    }
    if (job->draft.has_key) {
        err = db_query_run(db, &select_by_key, job, NULL);
    } else {
        err = db_query_run(db, &reopen_room, job, NULL);
        err = err == ERR_OK ? db_query_run(db, &find_task.query, job, NULL) : err;
    }
    return err == ERR_NO_SUCH_ROOM ? ERR_CONFLICT : err;
}

static const struct db_task add_task = {
    .job_bytes = DB_JOB_BYTES(struct room_job), .work = work_add, .done = on_room};

static enum err add_room(void *self, const struct room_draft *draft, uint64_t deadline_ms,
                         room_store_fn *fn, void *arg)
{
    struct room_job *job = db_job_new(&add_task);
    job->draft = *draft;
    job->fn = fn;
    job->arg = arg;
    return db_pool_start(self, job, deadline_ms);
}

/* ---- many ---- */

struct some_rooms {
    struct db_job job;
    uint64_t ids[ROOM_STORE_SOME_MAX];
    struct room rooms[ROOM_STORE_SOME_MAX];
    size_t count;
    room_store_some_fn *fn;
    void *arg;
};

static void on_some(void *arg, enum err err)
{
    const struct some_rooms *some = arg;
    some->fn(some->arg, err, some->rooms, err == ERR_OK ? some->count : 0);
}

#define X4(x) x x x x
#define X16(x) X4(x) X4(x) X4(x) X4(x)
#define ID ", ?"
static const struct db_task some_task = {
    .job_bytes = DB_JOB_BYTES(struct some_rooms),
    .query = {.sql = "SELECT " ROOM_COLUMNS " FROM rooms WHERE closed_unix_ms IS NULL"
                     " AND room_id IN (?" X16(ID) X16(ID) X16(ID) X4(ID) X4(ID) X4(ID) ID ID ID ")",
              .params = DB_FIELDS(struct some_rooms, ids),
              .columns = DB_FIELDS(struct room, id, secret, publishers_max, node),
              .rows = DB_ROWS(struct some_rooms, rooms, count)},
    .done = on_some};

static enum err find_open_rooms(void *self, const uint64_t *room_ids, size_t count,
                                uint64_t deadline_ms, room_store_some_fn *fn, void *arg)
{
    assert(count >= 1 && count <= ROOM_STORE_SOME_MAX);
    struct some_rooms *some = db_job_new(&some_task);
    /* One statement for any number: the last one fills the rest of the list. */
    for (size_t i = 0; i < ROOM_STORE_SOME_MAX; i++) {
        some->ids[i] = room_ids[i < count ? i : count - 1];
    }
    some->fn = fn;
    some->arg = arg;
    return db_pool_start(self, some, deadline_ms);
}

struct room_count {
    struct db_job job;
    uint64_t count;
    room_store_count_fn *fn;
    void *arg;
};

static void on_rooms_counted(void *arg, enum err err)
{
    const struct room_count *rooms = arg;
    rooms->fn(rooms->arg, err, rooms->count);
}

static const struct db_task count_task = {
    .job_bytes = DB_JOB_BYTES(struct room_count),
    .query = {.sql = "SELECT COUNT(*) FROM rooms WHERE closed_unix_ms IS NULL",
              .columns = DB_FIELDS(struct room_count, count)},
    .done = on_rooms_counted};

static enum err count_open_rooms(void *self, room_store_count_fn *fn, void *arg)
{
    struct room_count *rooms = db_job_new(&count_task);
    rooms->fn = fn;
    rooms->arg = arg;
    return db_pool_start(self, rooms, 0);
}

static bool is_up(const void *self)
{
    return db_pool_is_up(self);
}

static const struct room_store_ops ops = {add_room, find_open_room, find_open_rooms,
                                          count_open_rooms, is_up};

struct room_store room_store_mysql(struct db_pool *db)
{
    return (struct room_store){.ops = &ops, .self = db};
}
