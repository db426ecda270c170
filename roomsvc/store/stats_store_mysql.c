#include "roomsvc/store/stats_store_mysql.h"

#include "proto/db/db_sql.h"
#include "roomsvc/store/presence_store.h"

struct count_all {
    struct db_job job;
    uint64_t lease_ms;
    struct stats_counted counted;
    stats_store_fn *fn;
    void *arg;
};

/* Each by an index: the states of participants are those of the enum participant_state, the kinds
 * of connections those of rtc_kind. */
static const struct db_query select_counts = {
    .sql = "SELECT (SELECT COUNT(*) FROM rooms WHERE closed_unix_ms IS NULL),"
           " (SELECT COUNT(DISTINCT room_id) FROM participants WHERE state = 2),"
           " (SELECT COUNT(*) FROM participants WHERE state = 2),"
           " (SELECT COUNT(*) FROM participants WHERE state = 1),"
           " (SELECT COUNT(*) FROM rtc_connections WHERE kind = 1),"
           " (SELECT COUNT(*) FROM rtc_connections WHERE kind = 2)",
    .columns = DB_FIELDS(struct count_all, counted.rooms, counted.meetings, counted.joined,
                         counted.waiting, counted.publishing, counted.watching)};

/* The row of participant 0 is the gateway's lease. */
static const struct db_query select_gateways = {
    .sql = "SELECT g.gateway, (SELECT COUNT(*) FROM presence p WHERE p.gateway = g.gateway"
           " AND p.participant_id > 0 AND p.is_open = 1), g.changed_unix_ms FROM presence g"
           " WHERE g.participant_id = 0 AND g.changed_unix_ms + ? > " DB_NOW_UNIX_MS
           " ORDER BY g.gateway LIMIT 64",
    .params = DB_FIELDS(struct count_all, lease_ms),
    .columns = DB_FIELDS(struct stats_gateway, gateway, participants, seen_unix_ms),
    .rows = DB_ROWS(struct count_all, counted.gateways, counted.gateway_count)};
_Static_assert(STATS_GATEWAYS == 64, "as many as the statement reads");

static const struct db_query select_nodes = {
    .sql = "SELECT n.node, n.expires_unix_ms > " DB_NOW_UNIX_MS
           ", (SELECT COUNT(*) FROM rtc_connections c WHERE c.node = n.node), n.seen_unix_ms"
           " FROM nodes n ORDER BY n.node LIMIT 64",
    .columns = DB_FIELDS(struct stats_node, node, is_held, connections, seen_unix_ms),
    .rows = DB_ROWS(struct count_all, counted.nodes, counted.node_count)};
_Static_assert(STATS_NODES == 64, "as many as the statement reads");

static enum err work_counts(void *arg, struct db *db)
{
    enum err err = db_query_run(db, &select_counts, arg, NULL);
    err = err == ERR_OK ? db_query_run(db, &select_gateways, arg, NULL) : err;
    return err == ERR_OK ? db_query_run(db, &select_nodes, arg, NULL) : err;
}

DB_TELLS(on_all_counted, struct count_all, &told->counted);

static const struct db_task count_all = {
    .job_bytes = DB_JOB_BYTES(struct count_all), .work = work_counts, .done = on_all_counted};

static enum err count_everything(void *self, uint64_t deadline_ms, stats_store_fn *fn, void *arg)
{
    struct count_all *job = db_job_new(&count_all);
    job->lease_ms = PRESENCE_LEASE_MS;
    job->fn = fn;
    job->arg = arg;
    return db_pool_start(self, job, deadline_ms);
}

static const struct stats_store_ops stats_ops = {count_everything};

struct stats_store stats_store_mysql(struct db_pool *db)
{
    return (struct stats_store){.ops = &stats_ops, .self = db};
}
