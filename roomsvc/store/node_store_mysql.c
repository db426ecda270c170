#include "roomsvc/store/node_store_mysql.h"

#include "proto/db/db_sql.h"
#include "roomsvc/store/lease_rule.h"

/* ---- claiming a node ---- */

struct claim_node {
    struct db_job job;
    struct node_claim claim;
    struct node_row row;
    uint64_t submitted_ms;
    uint64_t reserved_ms;
    node_store_lease_fn *fn;
    void *arg;
};

static const struct db_query lock_node = {
    .sql = "SELECT holder, epoch, expires_unix_ms, janus_session, janus_handle,"
           " " DB_NOW_UNIX_MS " FROM nodes WHERE node = ? FOR UPDATE",
    .params = DB_FIELDS(struct claim_node, claim.node),
    .columns = DB_FIELDS(struct claim_node, row.lease.holder, row.lease.epoch, row.expires_unix_ms,
                         row.lease.janus_session, row.lease.janus_handle, row.now_unix_ms)};

static const struct db_query insert_node = {
    .sql = "INSERT IGNORE INTO nodes (node, holder, epoch, expires_unix_ms, janus_session,"
           " janus_handle) VALUES (?, ?, 0, 0, 0, 0)",
    .params = DB_FIELDS(struct claim_node, claim.node, claim.holder)};

static const struct db_query update_node = {
    .sql = "UPDATE nodes SET holder = ?, epoch = ?, expires_unix_ms = ?, janus_session = ?,"
           " janus_handle = ?, seen_unix_ms = " DB_NOW_UNIX_MS " WHERE node = ?",
    .params = DB_FIELDS(struct claim_node, row.lease.holder, row.lease.epoch, row.expires_unix_ms,
                        row.lease.janus_session, row.lease.janus_handle, claim.node)};

static enum err claim_in_transaction(void *arg, struct db *db)
{
    struct claim_node *job = arg;
    uint64_t found = 0;
    enum err err = db_query_run(db, &lock_node, job, &found);
    if (err == ERR_OK && found == 0) { /* the node is new */
        err = db_query_run(db, &insert_node, job, NULL);
        err = err == ERR_OK ? db_query_run(db, &lock_node, job, &found) : err;
    }
    if (err != ERR_OK || found == 0) {
        return err != ERR_OK ? err : ERR_INTERNAL;
    }
    /* A claim that waited for its answer waited through an outage, maybe. */
    const bool waited = system_mono_ms() - job->submitted_ms >= DB_SILENT_MS;
    const uint64_t reserved_ms = waited ? job->claim.lease_ms : job->reserved_ms;
    return lease_rule(&job->row, &job->claim, reserved_ms)
               ? db_query_run(db, &update_node, job, NULL)
               : ERR_OK;
}

static enum err work_claim(void *arg, struct db *db)
{
    return db_transaction(db, claim_in_transaction, arg);
}

DB_TELLS(on_claimed, struct claim_node, &told->row.lease);

static const struct db_task claim_node = {
    .job_bytes = DB_JOB_BYTES(struct claim_node), .work = work_claim, .done = on_claimed};

static enum err claim_lease(void *self, const struct node_claim *wanted, uint64_t deadline_ms,
                            node_store_lease_fn *fn, void *arg)
{
    struct claim_node *job = db_job_new(&claim_node);
    const uint64_t steady_ms = db_pool_steady_ms(self);
    job->claim = *wanted;
    memcpy(job->row.lease.node, wanted->node, sizeof(job->row.lease.node));
    job->submitted_ms = system_mono_ms();
    job->reserved_ms = steady_ms < wanted->lease_ms ? wanted->lease_ms - steady_ms : 0;
    job->fn = fn;
    job->arg = arg;
    return db_pool_start(self, job, deadline_ms);
}

/* ---- the rooms of a node ---- */

struct list_rooms {
    struct db_job job;
    char node[NODE_NAME_BYTES_MAX + 1];
    uint64_t after;
    struct room rooms[ROOMS_PAGE];
    size_t count;
    node_store_rooms_fn *fn;
    void *arg;
};

static void on_rooms_listed(void *arg, enum err err)
{
    const struct list_rooms *list = arg;
    list->fn(list->arg, err, err == ERR_OK ? list->rooms : NULL, err == ERR_OK ? list->count : 0);
}

static const struct db_task list_rooms = {
    .job_bytes = DB_JOB_BYTES(struct list_rooms),
    .query = {.sql = "SELECT room_id, secret, janus_pin, publishers_max FROM rooms WHERE node = ?"
                     " AND room_id > ? AND in_janus = 1 AND closed_unix_ms IS NULL ORDER BY "
                     "room_id LIMIT 500",
              .params = DB_FIELDS(struct list_rooms, node, after),
              .columns = DB_FIELDS(struct room, id, secret, janus_pin, publishers_max),
              .rows = DB_ROWS(struct list_rooms, rooms, count)},
    .done = on_rooms_listed};
_Static_assert(ROOMS_PAGE == 500, "list_rooms reads one page");

static enum err rooms(void *self, struct str node, uint64_t after, uint64_t deadline_ms,
                      node_store_rooms_fn *fn, void *arg)
{
    struct list_rooms *list = db_job_new(&list_rooms);
    list->after = after;
    list->fn = fn;
    list->arg = arg;
    if (!str_copy(list->node, sizeof(list->node), node)) {
        db_job_free(list);
        return ERR_BAD_REQUEST;
    }
    return db_pool_start(self, list, deadline_ms);
}

static const struct node_store_ops ops = {claim_lease, rooms};

struct node_store node_store_mysql(struct db_pool *db)
{
    return (struct node_store){.ops = &ops, .self = db};
}
