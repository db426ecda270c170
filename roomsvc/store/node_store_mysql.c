#include "roomsvc/store/node_store_mysql.h"

#include <stdlib.h>

#include "roomsvc/store/lease_rule.h"

struct claim_job {
    struct node_claim claim;
    struct node_row row;
    uint64_t submitted_ms;
    uint64_t reserved_ms;
    bool found;
    node_store_lease_fn *fn;
    void *arg;
};

struct rooms_job {
    char node[NODE_NAME_BYTES_MAX + 1];
    uint64_t after;
    struct room *rooms;
    size_t count;
    node_store_rooms_fn *fn;
    void *arg;
};

static const char insert_node[] =
    "INSERT IGNORE INTO nodes (node, holder, epoch, expires_unix_ms, janus_session, janus_handle) "
    "VALUES (?, ?, 0, 0, 0, 0)";
static const char lock_node[] =
    "SELECT holder, epoch, expires_unix_ms, janus_session, janus_handle, "
    "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED) FROM nodes WHERE node = ? FOR UPDATE";
static const char update_node[] =
    "UPDATE nodes SET holder = ?, epoch = ?, expires_unix_ms = ?, janus_session = ?, "
    "janus_handle = ? WHERE node = ?";
static const char select_rooms[] =
    "SELECT room_id, secret, publishers_max FROM rooms WHERE node = ? AND room_id > ? AND "
    "closed_unix_ms IS NULL ORDER BY room_id LIMIT 500";
_Static_assert(ROOMS_PAGE == 500, "select_rooms reads one page");

/* ---- on a database thread ---- */

static void take_lease(void *arg, const struct db_value *columns, size_t count)
{
    struct claim_job *job = arg;
    struct node_lease *lease = &job->row.lease;
    if (count != 6 || columns[0].s.bytes != sizeof(lease->holder)) {
        return;
    }
    memcpy(lease->holder, columns[0].s.data, sizeof(lease->holder));
    lease->epoch = columns[1].u;
    job->row.expires_unix_ms = columns[2].u;
    lease->janus_session = columns[3].u;
    lease->janus_handle = columns[4].u;
    job->row.now_unix_ms = columns[5].u;
    job->found = true;
}

static struct db_value holder_value(const uint8_t holder[16])
{
    return DB_V_BIN(((struct str){.data = (const char *)holder, .bytes = 16}));
}

/* The row, locked; made first if the node is new. */
static enum err lock(struct claim_job *job, struct db *db)
{
    const struct node_claim *claim = &job->claim;
    const struct db_value name = DB_V_STR(str_of(claim->node));
    const struct db_statement select = {
        .sql = lock_node, .values = &name, .value_count = 1, .fn = take_lease, .arg = job};
    enum err err = db_run(db, &select, NULL);
    if (err != ERR_OK || job->found) {
        return err;
    }
    const struct db_value values[] = {name, holder_value(claim->holder)};
    const struct db_statement insert = {.sql = insert_node, .values = values, .value_count = 2};
    err = db_run(db, &insert, NULL);
    return err != ERR_OK ? err : db_run(db, &select, NULL);
}

static enum err store_lease(const struct claim_job *job, struct db *db)
{
    const struct node_lease *lease = &job->row.lease;
    const struct db_value values[] = {
        holder_value(lease->holder),        DB_V_U64(lease->epoch),
        DB_V_U64(job->row.expires_unix_ms), DB_V_U64(lease->janus_session),
        DB_V_U64(lease->janus_handle),      DB_V_STR(str_of(job->claim.node))};
    const struct db_statement update = {
        .sql = update_node, .values = values, .value_count = ARRAY_LEN(values)};
    return db_run(db, &update, NULL);
}

/* A claim that waited for its answer waited through an outage, maybe. */
static bool judge(struct claim_job *job)
{
    const bool waited = system_mono_ms() - job->submitted_ms >= DB_SILENT_MS;
    return lease_rule(&job->row, &job->claim, waited ? job->claim.lease_ms : job->reserved_ms);
}

static enum err work_claim(void *arg, struct db *db)
{
    struct claim_job *job = arg;
    enum err err = db_begin(db);
    if (err != ERR_OK) {
        return err;
    }
    err = lock(job, db);
    if (err == ERR_OK && !job->found) {
        err = ERR_INTERNAL;
    }
    if (err == ERR_OK && judge(job)) {
        err = store_lease(job, db);
    }
    if (err != ERR_OK) {
        db_rollback(db);
        return err;
    }
    return db_commit(db);
}

static void take_room(void *arg, const struct db_value *columns, size_t count)
{
    struct rooms_job *job = arg;
    if (count != 3 || job->count == ROOMS_PAGE) {
        return;
    }
    struct room *room = &job->rooms[job->count];
    room->id = columns[0].u;
    room->publishers_max = columns[2].u;
    job->count += str_copy(room->secret, sizeof(room->secret), columns[1].s);
}

static enum err work_rooms(void *arg, struct db *db)
{
    struct rooms_job *job = arg;
    const struct db_value values[] = {DB_V_STR(str_of(job->node)), DB_V_U64(job->after)};
    const struct db_statement statement = {
        .sql = select_rooms, .values = values, .value_count = 2, .fn = take_room, .arg = job};
    return db_run(db, &statement, NULL);
}

/* ---- on the loop ---- */

static void on_claimed(void *arg, enum err err)
{
    struct claim_job *job = arg;
    job->fn(job->arg, err, err == ERR_OK ? &job->row.lease : NULL);
    mem_free(&job);
}

static enum err claim(void *self, const struct node_claim *wanted, uint64_t deadline_ms,
                      node_store_lease_fn *fn, void *arg)
{
    struct claim_job *job = mem_alloc(sizeof(*job));
    *job = (struct claim_job){
        .claim = *wanted, .submitted_ms = system_mono_ms(), .fn = fn, .arg = arg};
    memcpy(job->row.lease.node, wanted->node, sizeof(job->row.lease.node));
    const uint64_t steady_ms = db_pool_steady_ms(self);
    job->reserved_ms = steady_ms < wanted->lease_ms ? wanted->lease_ms - steady_ms : 0;
    const struct db_job db_job = {
        .work = work_claim, .done = on_claimed, .arg = job, .deadline_ms = deadline_ms};
    enum err err = db_pool_submit(self, &db_job);
    if (err != ERR_OK) {
        mem_free(&job);
    }
    return err;
}

static void rooms_job_free(struct rooms_job *job)
{
    free(job->rooms);
    free(job);
}

static void on_rooms(void *arg, enum err err)
{
    struct rooms_job *job = arg;
    job->fn(job->arg, err, err == ERR_OK ? job->rooms : NULL, err == ERR_OK ? job->count : 0);
    rooms_job_free(job);
}

static enum err rooms(void *self, struct str node, uint64_t after, uint64_t deadline_ms,
                      node_store_rooms_fn *fn, void *arg)
{
    struct rooms_job *job = mem_alloc(sizeof(*job));
    *job = (struct rooms_job){.after = after, .fn = fn, .arg = arg};
    job->rooms = mem_alloc(ROOMS_PAGE * sizeof(*job->rooms));
    if (!str_copy(job->node, sizeof(job->node), node)) {
        rooms_job_free(job);
        return ERR_BAD_REQUEST;
    }
    const struct db_job db_job = {
        .work = work_rooms, .done = on_rooms, .arg = job, .deadline_ms = deadline_ms};
    enum err err = db_pool_submit(self, &db_job);
    if (err != ERR_OK) {
        rooms_job_free(job);
    }
    return err;
}

static const struct node_store_ops ops = {claim, rooms};

struct node_store node_store_mysql(struct db_pool *db)
{
    return (struct node_store){.ops = &ops, .self = db};
}
