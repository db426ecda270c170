#include "authsvc/store/store_jobs.h"

void store_session_ref_set(struct store_session_ref *ref, struct str id)
{
    *ref = (struct store_session_ref){.is_there = id.bytes == sizeof(ref->id.bytes)};
    if (ref->is_there) {
        memcpy(ref->id.bytes, id.data, sizeof(ref->id.bytes));
    }
}

struct find_sessions {
    struct db_job job;
    struct store_page page;
    struct store_page_found found;
    store_page_fn *fn;
    void *arg;
};

/* A session before its first use by /v1 was stored has used_unix_ms 0. */
#define SELECT_SESSIONS                                                                            \
    "SELECT token_hash, kind, device, address, created_unix_ms,"                                   \
    " GREATEST(used_unix_ms, created_unix_ms), expires_unix_ms"                                    \
    " FROM sessions WHERE user_id = ? AND expires_unix_ms > ?"
#define SESSION_COLUMNS                                                                            \
    DB_FIELDS(struct store_session_row, token.bytes, kind, device, address, created_unix_ms,       \
              used_unix_ms, expires_unix_ms)

static const struct db_query select_session = {
    .sql = SELECT_SESSIONS " AND LEFT(token_hash, 16) = ?",
    .params =
        DB_FIELDS(struct find_sessions, page.user_id, page.now_unix_ms, page.session.id.bytes),
    .columns = SESSION_COLUMNS,
    .rows = DB_ROWS(struct find_sessions, found.items, found.count)};

static const struct db_query select_sessions = {
    .sql = SELECT_SESSIONS " AND (? = 0 OR created_unix_ms < ?"
                           " OR (created_unix_ms = ? AND LEFT(token_hash, 16) > ?))"
                           " ORDER BY created_unix_ms DESC, token_hash LIMIT ?",
    .params = DB_FIELDS(struct find_sessions, page.user_id, page.now_unix_ms,
                        page.after_created_unix_ms, page.after_created_unix_ms,
                        page.after_created_unix_ms, page.after.bytes, page.limit),
    .columns = SESSION_COLUMNS,
    .rows = DB_ROWS(struct find_sessions, found.items, found.count)};

static enum err work_find_sessions(void *arg, struct db *db)
{
    struct find_sessions *find = arg;
    const struct db_query *query = find->page.session.is_there ? &select_session : &select_sessions;
    return db_query_run(db, query, find, NULL);
}

DB_TELLS(on_sessions_found, struct find_sessions, &told->found);

static const struct db_task find_sessions = {.job_bytes = DB_JOB_BYTES(struct find_sessions),
                                             .work = work_find_sessions,
                                             .done = on_sessions_found};

enum err store_find_sessions(void *self, const struct store_page *page, uint64_t deadline_ms,
                             store_page_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct find_sessions *find = db_job_new(&find_sessions);
    find->page = *page;
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(store->logins, find, deadline_ms);
}
