#include "roomsvc/store/room_store_mysql.h"

#include <assert.h>

#define ROOM_COLUMNS "room_id, secret, publishers_max"

struct job {
    struct room_draft draft;
    struct room room;
    uint64_t count;
    bool found;
    room_store_fn *fn;
    room_store_count_fn *count_fn;
    void *arg;
};

struct some_job {
    uint64_t ids[ROOM_STORE_SOME_MAX];
    size_t count;
    struct room rooms[ROOM_STORE_SOME_MAX];
    size_t found;
    room_store_some_fn *fn;
    void *arg;
};

static bool read_room(struct room *room, const struct db_value *columns, size_t count)
{
    if (count != 3) {
        return false;
    }
    room->id = columns[0].u;
    room->publishers_max = columns[2].u;
    return str_copy(room->secret, sizeof(room->secret), columns[1].s);
}

static void take_room(void *arg, const struct db_value *columns, size_t count)
{
    struct job *job = arg;
    job->found = read_room(&job->room, columns, count);
}

static void take_some(void *arg, const struct db_value *columns, size_t count)
{
    struct some_job *job = arg;
    if (job->found < job->count && read_room(&job->rooms[job->found], columns, count)) {
        job->found++;
    }
}

static enum err select_room(struct job *job, struct db *db, const char *sql, struct db_value key)
{
    const struct db_statement statement = {
        .sql = sql, .values = &key, .value_count = 1, .fn = take_room, .arg = job};
    job->found = false;
    return db_run(db, &statement, NULL);
}

static const char select_by_id[] =
    "SELECT " ROOM_COLUMNS " FROM rooms WHERE room_id = ? AND closed_unix_ms IS NULL";
#define X4(x) x x x x
#define X16(x) X4(x) X4(x) X4(x) X4(x)
#define ID ", ?"
static const char select_some[] =
    "SELECT " ROOM_COLUMNS " FROM rooms WHERE closed_unix_ms IS NULL"
    " AND room_id IN (?" X16(ID) X16(ID) X16(ID) X4(ID) X4(ID) X4(ID) ID ID ID ")";
static const char select_by_key[] =
    "SELECT " ROOM_COLUMNS " FROM rooms WHERE idempotency_key = ? AND closed_unix_ms IS NULL";
static const char insert_room[] =
    "INSERT INTO rooms (room_id, secret, description, publishers_max, owner_id, idempotency_key, "
    "created_unix_ms) VALUES (?, ?, '', ?, ?, ?, ?)";
/* The standard room is there for good: creating it opens it again. */
static const char reopen_room[] = "UPDATE rooms SET closed_unix_ms = NULL WHERE room_id = ?";
static const char count_rooms[] = "SELECT COUNT(*) FROM rooms WHERE closed_unix_ms IS NULL";

/* ---- on a database thread ---- */

static enum err work_find(void *arg, struct db *db)
{
    struct job *job = arg;
    enum err err = select_room(job, db, select_by_id, DB_V_U64(job->room.id));
    return err == ERR_OK && !job->found ? ERR_NO_SUCH_ROOM : err;
}

/* One statement for any number: the last one fills the rest of the list. */
static enum err work_find_some(void *arg, struct db *db)
{
    struct some_job *job = arg;
    struct db_value values[ROOM_STORE_SOME_MAX];
    for (size_t i = 0; i < ROOM_STORE_SOME_MAX; i++) {
        values[i] = DB_V_U64(job->ids[i < job->count ? i : job->count - 1]);
    }
    const struct db_statement statement = {.sql = select_some,
                                           .values = values,
                                           .value_count = ARRAY_LEN(values),
                                           .fn = take_some,
                                           .arg = job};
    job->found = 0;
    return db_run(db, &statement, NULL);
}

static struct db_value key_value(const struct room_draft *draft)
{
    return DB_V_BIN(((struct str){.data = (const char *)draft->key, .bytes = sizeof(draft->key)}));
}

static enum err insert(struct job *job, struct db *db)
{
    const struct room_draft *draft = &job->draft;
    const struct db_value values[] = {
        DB_V_U64(draft->room.id),
        DB_V_STR(str_of(draft->room.secret)),
        DB_V_U64(draft->room.publishers_max),
        DB_V_U64(draft->owner_id),
        draft->has_key ? key_value(draft) : DB_V_NULL,
        DB_V_U64(system_unix_ms()),
    };
    const struct db_statement statement = {
        .sql = insert_room, .values = values, .value_count = ARRAY_LEN(values)};
    return db_run(db, &statement, NULL);
}

static enum err reopen(struct job *job, struct db *db)
{
    const struct db_value id = DB_V_U64(job->draft.room.id);
    const struct db_statement statement = {.sql = reopen_room, .values = &id, .value_count = 1};
    enum err err = db_run(db, &statement, NULL);
    return err != ERR_OK ? err : select_room(job, db, select_by_id, id);
}

static enum err work_add(void *arg, struct db *db)
{
    struct job *job = arg;
    enum err err = insert(job, db);
    if (err == ERR_OK) {
        job->room = job->draft.room;
        return ERR_OK;
    }
    if (err != ERR_CONFLICT) {
        return err;
    }
    err = job->draft.has_key ? select_room(job, db, select_by_key, key_value(&job->draft))
                             : reopen(job, db);
    return err == ERR_OK && !job->found ? ERR_CONFLICT : err;
}

static void take_count(void *arg, const struct db_value *columns, size_t count)
{
    struct job *job = arg;
    job->found = count == 1 && columns[0].type == DB_U64;
    job->count = job->found ? columns[0].u : 0;
}

static enum err work_count(void *arg, struct db *db)
{
    const struct db_statement statement = {.sql = count_rooms, .fn = take_count, .arg = arg};
    return db_run(db, &statement, NULL);
}

/* ---- on the loop ---- */

static void on_room(void *arg, enum err err)
{
    struct job *job = arg;
    job->fn(job->arg, err, err == ERR_OK ? &job->room : NULL);
    mem_free(&job);
}

static void on_some(void *arg, enum err err)
{
    struct some_job *job = arg;
    job->fn(job->arg, err, job->rooms, err == ERR_OK ? job->found : 0);
    mem_free(&job);
}

static void on_count(void *arg, enum err err)
{
    struct job *job = arg;
    job->count_fn(job->arg, err, job->count);
    mem_free(&job);
}

static enum err submit(void *self, struct job *job, const struct db_job *db_job)
{
    enum err err = db_pool_submit(self, db_job);
    if (err != ERR_OK) {
        mem_free(&job);
    }
    return err;
}

static enum err add(void *self, const struct room_draft *draft, uint64_t deadline_ms,
                    room_store_fn *fn, void *arg)
{
    struct job *job = mem_alloc(sizeof(*job));
    *job = (struct job){.draft = *draft, .fn = fn, .arg = arg};
    const struct db_job db_job = {
        .work = work_add, .done = on_room, .arg = job, .deadline_ms = deadline_ms};
    return submit(self, job, &db_job);
}

static enum err find(void *self, uint64_t room_id, uint64_t deadline_ms, room_store_fn *fn,
                     void *arg)
{
    struct job *job = mem_alloc(sizeof(*job));
    *job = (struct job){.room = {.id = room_id}, .fn = fn, .arg = arg};
    const struct db_job db_job = {
        .work = work_find, .done = on_room, .arg = job, .deadline_ms = deadline_ms};
    return submit(self, job, &db_job);
}

static enum err find_some(void *self, const uint64_t *room_ids, size_t count, uint64_t deadline_ms,
                          room_store_some_fn *fn, void *arg)
{
    assert(count >= 1 && count <= ROOM_STORE_SOME_MAX);
    struct some_job *job = mem_alloc(sizeof(*job));
    *job = (struct some_job){.count = count, .fn = fn, .arg = arg};
    memcpy(job->ids, room_ids, count * sizeof(*room_ids));
    const struct db_job db_job = {
        .work = work_find_some, .done = on_some, .arg = job, .deadline_ms = deadline_ms};
    enum err err = db_pool_submit(self, &db_job);
    if (err != ERR_OK) {
        mem_free(&job);
    }
    return err;
}

static enum err count(void *self, room_store_count_fn *fn, void *arg)
{
    struct job *job = mem_alloc(sizeof(*job));
    *job = (struct job){.count_fn = fn, .arg = arg};
    const struct db_job db_job = {.work = work_count, .done = on_count, .arg = job};
    return submit(self, job, &db_job);
}

static bool is_up(const void *self)
{
    return db_pool_is_up(self);
}

static const struct room_store_ops ops = {add, find, find_some, count, is_up};

struct room_store room_store_mysql(struct db_pool *db)
{
    return (struct room_store){.ops = &ops, .self = db};
}
