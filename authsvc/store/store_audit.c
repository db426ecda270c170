#include "authsvc/store/store_jobs.h"

#include "proto/db/db_sql.h"

/* ---- what is kept ---- */

struct kept_act {
    struct store_origin by;
    uint64_t act;
    uint64_t user_id;
    char detail[STORE_DETAIL_BYTES];
};

/* The names are those of this moment: who they belong to may be gone when somebody reads it. */
static const struct db_query insert_act = {
    .sql = "INSERT INTO audit (created_unix_ms, act, by_kind, by_id, by_name, address, user_id,"
           " username, detail, request_id) VALUES (" DB_NOW_UNIX_MS ", ?, ?, ?,"
           " COALESCE((SELECT b.username FROM users b WHERE b.id = ?), ?), ?, ?,"
           " COALESCE((SELECT u.username FROM users u WHERE u.id = ?), ''), ?, ?)",
    .params = DB_FIELDS(struct kept_act, act, by.kind, by.user_id, by.user_id, by.operator_name,
                        by.address, user_id, user_id, detail, by.request_id)};

enum err store_keep_act(struct db *db, const struct store_origin *by, enum act act,
                        uint64_t user_id, const char *detail)
{
    struct kept_act kept = {.by = *by, .act = act, .user_id = user_id};
    (void)str_copy(kept.detail, sizeof(kept.detail), str_of(detail));
    return by->is_kept ? db_query_run(db, &insert_act, &kept, NULL) : ERR_OK;
}

/* ---- pages of it ---- */

struct find_acts {
    struct db_job job;
    struct store_acts_page page;
    struct store_acts_found found;
    store_acts_fn *fn;
    void *arg;
};

DB_TELLS(on_acts_found, struct find_acts, &told->found);

static const struct db_task find_acts = {
    .job_bytes = DB_JOB_BYTES(struct find_acts),
    .query = {.sql = "SELECT id, created_unix_ms, act, by_kind, by_id, by_name, address, user_id,"
                     " username, room_id, detail, request_id FROM audit"
                     " WHERE (? = 0 OR id < ?) AND created_unix_ms >= ?"
                     " AND (? = '' OR username = ? OR by_name = ?) ORDER BY id DESC LIMIT ?",
              .params = DB_FIELDS(struct find_acts, page.before_id, page.before_id,
                                  page.since_unix_ms, page.name, page.name, page.name, page.limit),
              .columns =
                  DB_FIELDS(struct store_act, id, created_unix_ms, act, by_kind, by_id, by_name,
                            address, user_id, username, room_id, detail, request_id),
              .rows = DB_ROWS(struct find_acts, found.items, found.count)},
    .done = on_acts_found};

enum err store_find_acts(void *self, const struct store_acts_page *page, uint64_t deadline_ms,
                         store_acts_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct find_acts *find = db_job_new(&find_acts);
    find->page = *page;
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(store->logins, find, deadline_ms);
}
