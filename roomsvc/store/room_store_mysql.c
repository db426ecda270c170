#include "roomsvc/store/room_store_mysql.h"

#include <assert.h>

#include "proto/db/db_sql.h"

#define ROOM_COLUMNS "room_id, secret, janus_pin, publishers_max, node, code IS NOT NULL, in_janus"
#define ROOM_FIELDS(t, m)                                                                          \
    DB_FIELD(t, m.id), DB_FIELD(t, m.secret), DB_FIELD(t, m.janus_pin),                            \
        DB_FIELD(t, m.publishers_max), DB_FIELD(t, m.node), DB_FIELD(t, m.has_code),               \
        DB_FIELD(t, m.in_janus)

#define SELECT_OPEN_ROOM                                                                           \
    "SELECT " ROOM_COLUMNS " FROM rooms WHERE room_id = ? AND closed_unix_ms IS NULL"

struct find_room {
    struct db_job job;
    struct room room; /* its id goes in, the rest comes out */
    room_store_fn *fn;
    void *arg;
};

DB_TELLS(on_room, struct find_room, &told->room);

static const struct db_task find_task = {.job_bytes = DB_JOB_BYTES(struct find_room),
                                         .query = {.sql = SELECT_OPEN_ROOM,
                                                   .params = DB_FIELDS(struct find_room, room.id),
                                                   .columns = {ROOM_FIELDS(struct find_room, room)},
                                                   .if_none = ERR_NO_SUCH_ROOM},
                                         .done = on_room};

static enum err find_open_room(void *self, uint64_t room_id, uint64_t deadline_ms,
                               room_store_fn *fn, void *arg)
{
    struct find_room *find = db_job_new(&find_task);
    find->room.id = room_id;
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(self, find, deadline_ms);
}

/* ---- adding ---- */

struct add_room {
    struct db_job job;
    struct room_draft draft;
    struct room room; /* as the registry has it */
    bool is_new;
    room_store_add_fn *fn;
    void *arg;
};

static void on_added(void *arg, enum err err)
{
    const struct add_room *add = arg;
    add->fn(add->arg, err, err == ERR_OK ? &add->room : NULL, add->is_new);
}

static const struct db_query insert_room = {
    .sql = "INSERT INTO rooms (room_id, secret, description, publishers_max, node, owner_id,"
           " idempotency_key, created_unix_ms, used_unix_ms, look_unix_ms, due_unix_ms)"
           " VALUES (?, ?, '', ?, ?, ?, ?, " DB_NOW_UNIX_MS ", " DB_NOW_UNIX_MS ", " DB_NOW_UNIX_MS
           " + ?, NULL)",
    .params = {
        DB_FIELD(struct add_room, draft.room.id), DB_FIELD(struct add_room, draft.room.secret),
        DB_FIELD(struct add_room, draft.room.publishers_max),
        DB_FIELD(struct add_room, draft.room.node), DB_FIELD(struct add_room, draft.owner_id),
        DB_FIELD_NULLABLE(struct add_room, draft.key, draft.has_key),
        DB_FIELD(struct add_room, draft.look_in_ms)}};

/* Who asks for a room that was made before uses it: it cannot end between the two statements. */
static const struct db_query use_by_key = {
    .sql = "UPDATE rooms SET used_unix_ms = GREATEST(used_unix_ms, " DB_NOW_UNIX_MS ")"
           " WHERE idempotency_key = ? AND closed_unix_ms IS NULL",
    .params = DB_FIELDS(struct add_room, draft.key)};

static const struct db_query select_by_key = {.sql = "SELECT " ROOM_COLUMNS
                                                     " FROM rooms WHERE idempotency_key = ?"
                                                     " AND closed_unix_ms IS NULL",
                                              .params = DB_FIELDS(struct add_room, draft.key),
                                              .columns = {ROOM_FIELDS(struct add_room, room)},
                                              .if_none = ERR_NO_SUCH_ROOM};

static const struct db_query select_by_id = {.sql = SELECT_OPEN_ROOM,
                                             .params = DB_FIELDS(struct add_room, room.id),
                                             .columns = {ROOM_FIELDS(struct add_room, room)},
                                             .if_none = ERR_NO_SUCH_ROOM};

/* The standard room is there for good: creating it opens it again. */
static const struct db_query reopen_room = {
    .sql = "UPDATE rooms SET closed_unix_ms = NULL WHERE room_id = ?",
    .params = DB_FIELDS(struct add_room, room.id)};

/* What was made before: with the draft's key, or, without one, with its id. */
static enum err find_drafted(struct add_room *add, struct db *db)
{
    if (add->draft.has_key) {
        const enum err err = db_query_run(db, &use_by_key, add, NULL);
        return err == ERR_OK ? db_query_run(db, &select_by_key, add, NULL) : err;
    }
    const enum err err = db_query_run(db, &reopen_room, add, NULL);
    return err == ERR_OK ? db_query_run(db, &select_by_id, add, NULL) : err;
}

static enum err work_add(void *arg, struct db *db)
{
    struct add_room *add = arg;
    add->room = add->draft.room;
    if (!add->draft.may_add) {
        return find_drafted(add, db);
    }
    enum err err = db_query_run(db, &insert_room, add, NULL);
    add->is_new = err == ERR_OK;
    if (err == ERR_CONFLICT) {
        err = find_drafted(add, db);
        err = err == ERR_NO_SUCH_ROOM ? ERR_CONFLICT : err;
    }
    return err;
}

static const struct db_task add_task = {
    .job_bytes = DB_JOB_BYTES(struct add_room), .work = work_add, .done = on_added};

static enum err add_room(void *self, const struct room_draft *draft, uint64_t deadline_ms,
                         room_store_add_fn *fn, void *arg)
{
    struct add_room *add = db_job_new(&add_task);
    add->draft = *draft;
    add->fn = fn;
    add->arg = arg;
    return db_pool_start(self, add, deadline_ms);
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

static const struct db_task some_task = {
    .job_bytes = DB_JOB_BYTES(struct some_rooms),
    .query = {.sql = "SELECT " ROOM_COLUMNS " FROM rooms WHERE closed_unix_ms IS NULL"
                     " AND in_janus = 1 AND room_id IN (" DB_64_VALUES ")",
              .params = DB_FIELDS(struct some_rooms, ids),
              .columns = DB_FIELDS(struct room, id, secret, janus_pin, publishers_max, node,
                                   has_code, in_janus),
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
    .query = {.sql = "SELECT COUNT(*) FROM rooms WHERE closed_unix_ms IS NULL AND in_janus = 1",
              .columns = DB_FIELDS(struct room_count, count)},
    .done = on_rooms_counted};

static enum err count_open_rooms(void *self, room_store_count_fn *fn, void *arg)
{
    struct room_count *rooms = db_job_new(&count_task);
    rooms->fn = fn;
    rooms->arg = arg;
    return db_pool_start(self, rooms, 0);
}

/* ---- who may know who publishes ---- */

struct may_list {
    struct db_job job;
    uint64_t room_id, user_id;
    room_store_may_fn *fn;
    void *arg;
};

static void on_may_list(void *arg, enum err err)
{
    const struct may_list *may = arg;
    may->fn(may->arg, err);
}

static const struct db_task may_list_task = {
    .job_bytes = DB_JOB_BYTES(struct may_list),
    .query = {.sql = "SELECT r.room_id FROM rooms r WHERE r.room_id = ? AND (r.owner_id = ?"
                     " OR EXISTS (SELECT 1 FROM room_members m WHERE m.room_id = r.room_id"
                     " AND m.user_id = ?) OR EXISTS (SELECT 1 FROM participants p"
                     " WHERE p.room_id = r.room_id AND p.user_id = ? AND p.state = 2))",
              .params = DB_FIELDS(struct may_list, room_id, user_id, user_id, user_id),
              .columns = DB_FIELDS(struct may_list, room_id),
              .if_none = ERR_NO_SUCH_ROOM},
    .done = on_may_list};
_Static_assert(PARTICIPANT_JOINED == 2, "may_list_task has that number");

static enum err may_user_list(void *self, uint64_t room_id, uint64_t user_id, uint64_t deadline_ms,
                              room_store_may_fn *fn, void *arg)
{
    struct may_list *may = db_job_new(&may_list_task);
    may->room_id = room_id;
    may->user_id = user_id;
    may->fn = fn;
    may->arg = arg;
    return db_pool_start(self, may, deadline_ms);
}

static bool is_up(const void *self)
{
    return db_pool_is_up(self);
}

static const struct room_store_ops ops = {add_room,         find_open_room, find_open_rooms,
                                          count_open_rooms, may_user_list,  is_up};

struct room_store room_store_mysql(struct db_pool *db)
{
    return (struct room_store){.ops = &ops, .self = db};
}
