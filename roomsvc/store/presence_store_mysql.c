#include "roomsvc/store/presence_store_mysql.h"

#include "proto/base/strbuf.h"
#include "proto/db/db_sql.h"

struct keep_report {
    struct db_job job;
    unsigned char gateway[16];
    uint64_t number;
    uint64_t lease_ms;
    struct strbuf json;
    struct str changes; /* it: [[participant, is_open], ...] */
    bool is_known;
    presence_store_fn *fn;
    void *arg;
};

/* All rows are one statement, whose only other result is a number (LAST_INSERT_ID): that of the
 * lease's row, LEASE_IS_GOOD if it was there and not over. A row that a later report has written
 * stays as it is. The assignments are done in their order, so number comes last. */
#define LEASE_IS_GOOD 1
#define IS_LATE "number > VALUES(number)"
static const struct db_query write_report = {
    .sql = "INSERT INTO presence (participant_id, gateway, is_open, number, changed_unix_ms)"
           " SELECT c.who, ?, c.opens, ?, " DB_NOW_UNIX_MS
           " FROM JSON_TABLE(?, '$[*]' COLUMNS (who BIGINT UNSIGNED PATH '$[0]',"
           " opens TINYINT UNSIGNED PATH '$[1]')) c ON DUPLICATE KEY UPDATE"
           " is_open = IF(" IS_LATE ", is_open, IF(participant_id = 0,"
           " SIGN(LAST_INSERT_ID(IF(changed_unix_ms + ? > VALUES(changed_unix_ms), 1, 2))),"
           " VALUES(is_open))),"
           " changed_unix_ms = IF(" IS_LATE ", changed_unix_ms, VALUES(changed_unix_ms)),"
           " number = IF(" IS_LATE ", number, VALUES(number))",
    .params = DB_FIELDS(struct keep_report, gateway, number, changes, lease_ms)};

static enum err work_report(void *arg, struct db *db)
{
    struct keep_report *report = arg;
    const enum err err = db_query_run(db, &write_report, report, NULL);
    report->is_known = err == ERR_OK && db_insert_id(db) == LEASE_IS_GOOD;
    return err;
}

static void on_report_kept(void *arg, enum err err)
{
    struct keep_report *report = arg;
    report->fn(report->arg, err, err == ERR_OK && !report->is_known);
    strbuf_fini(&report->json);
}

static const struct db_task keep_report = {
    .job_bytes = DB_JOB_BYTES(struct keep_report), .work = work_report, .done = on_report_kept};

static void add_changes(struct strbuf *json, const struct u64_list *ids, const char *is_open)
{
    for (size_t i = 0; i < ids->count; i++) {
        strbuf_add_z(json, ",[");
        strbuf_add_u64(json, ids->items[i]);
        strbuf_add_z(json, is_open);
    }
}

static enum err report_presence(void *self, const struct msg_presence_report *report,
                                uint64_t deadline_ms, presence_store_fn *fn, void *arg)
{
    struct strbuf json = {0};
    strbuf_add_z(&json, "[[0,1]"); /* the lease */
    add_changes(&json, &report->opened, ",1]");
    add_changes(&json, &report->closed, ",0]");
    strbuf_add_z(&json, "]");
    struct keep_report *job = db_job_new(&keep_report);
    memcpy(job->gateway, report->gateway.data, sizeof(job->gateway)); /* the schema bounds it */
    job->number = report->number;
    job->lease_ms = PRESENCE_LEASE_MS;
    job->json = json;
    job->changes = strbuf_str(&json);
    job->fn = fn;
    job->arg = arg;
    const enum err err = db_pool_start(self, job, deadline_ms);
    if (err != ERR_OK) {
        strbuf_fini(&json);
    }
    return err;
}

static const struct presence_store_ops presence_ops = {report_presence};

struct presence_store presence_store_mysql(struct db_pool *db)
{
    return (struct presence_store){.ops = &presence_ops, .self = db};
}
