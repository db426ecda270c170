#include "authsvc/store/store_jobs.h"

#include <assert.h>

#include "proto/db/db_sql.h"

/* ---- finding one ---- */

struct find_session {
    struct db_job job;
    struct token_hash token;
    struct session session;
    store_session_fn *fn;
    void *arg;
};

DB_TELLS(on_session_found, struct find_session, told->job.rows > 0 ? &told->session : NULL);

static const struct db_task find_session = {
    .job_bytes = DB_JOB_BYTES(struct find_session),
    .query = {.sql = "SELECT s.id, s.user_id, u.role, s.kind, s.created_unix_ms, s.expires_unix_ms"
                     " FROM sessions s JOIN users u ON u.id = s.user_id"
                     " WHERE s.token_hash = ? AND u.disabled = 0",
              .params = DB_FIELDS(struct find_session, token.bytes),
              .columns = DB_FIELDS(struct find_session, session.id, session.user_id, session.role,
                                   session.kind, session.created_unix_ms, session.expires_unix_ms)},
    .done = on_session_found};

enum err store_find_session(void *self, const struct token_hash *token, uint64_t deadline_ms,
                            store_session_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct find_session *find = db_job_new(&find_session);
    find->token = *token;
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(store->sessions, find, deadline_ms);
}

/* ---- a new one ---- */

struct open_session {
    struct db_job job;
    struct store_draft draft;
    uint64_t others_max; /* that may stay beside the new one */
    struct store_opened opened;
    store_opened_fn *fn;
    void *arg;
};

static const struct db_query insert_session = {
    .sql = "INSERT INTO sessions (token_hash, user_id, kind, device, address, created_unix_ms,"
           " used_unix_ms, expires_unix_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    .params =
        DB_FIELDS(struct open_session, draft.token.bytes, draft.user_id, draft.kind, draft.device,
                  draft.address, draft.now_unix_ms, draft.now_unix_ms, draft.expires_unix_ms)};

static const struct db_query is_revoked = {
    .sql = "SELECT seq FROM session_revocations WHERE token_hash = ? LIMIT 1",
    .params = DB_FIELDS(struct open_session, draft.token.bytes)};

static const struct db_query is_over_bound = {
    .sql = "SELECT id FROM sessions WHERE user_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
    .params = DB_FIELDS(struct open_session, draft.user_id, draft.sessions_max)};

/* Those that are over first, then the oldest. */
static const struct db_query select_evicted = {
    .sql = "SELECT token_hash FROM sessions WHERE user_id = ? AND id <> ?"
           " ORDER BY (expires_unix_ms > ?) DESC, id DESC LIMIT 100 OFFSET ?",
    .params = DB_FIELDS(struct open_session, draft.user_id, opened.session.id, draft.now_unix_ms,
                        others_max),
    .columns = DB_FIELDS(struct token_hash, bytes),
    .rows = DB_ROWS(struct open_session, opened.evicted, opened.evicted_count)};
_Static_assert(STORE_EVICTED_MAX == 100, "select_evicted reads as many");

static enum err evict(struct open_session *open, struct db *db)
{
    const struct store_draft *draft = &open->draft;
    uint64_t over = 0;
    enum err err = db_query_run(db, &is_over_bound, open, &over);
    if (err != ERR_OK || over == 0) {
        return err;
    }
    open->others_max = draft->sessions_max - 1;
    err = db_query_run(db, &select_evicted, open, NULL);
    for (size_t i = 0; err == ERR_OK && i < open->opened.evicted_count; i++) {
        err = store_make_place(db, &open->opened.evicted[i], draft->now_unix_ms);
    }
    return err;
}

/* ERR_CONFLICT: the token is there already, or was revoked. */
static enum err insert(void *arg, struct db *db)
{
    struct open_session *open = arg;
    const struct store_draft *draft = &open->draft;
    struct store_user_lock user;
    enum err err = store_lock_user(db, draft->user_id, &user);
    /* He may have been disabled, or have changed his password, since it was found to be right. */
    if (err == ERR_OK && (!user.is_there || user.is_disabled != 0 ||
                          user.password_changes != draft->password_changes)) {
        return ERR_BAD_CREDENTIALS;
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_session, open, NULL);
    }
    if (err != ERR_OK) {
        return err;
    }
    open->opened = (struct store_opened){.session = {.id = db_insert_id(db),
                                                     .user_id = draft->user_id,
                                                     .role = user.role,
                                                     .kind = draft->kind,
                                                     .created_unix_ms = draft->now_unix_ms,
                                                     .expires_unix_ms = draft->expires_unix_ms}};
    /* A login is sent again when its replica dies or is slow. What comes late, after the session
     * has been used and revoked, must not open it again. */
    uint64_t revoked = 0;
    err = db_query_run(db, &is_revoked, open, &revoked);
    if (err == ERR_OK && revoked > 0) {
        return ERR_CONFLICT;
    }
    return err == ERR_OK ? evict(open, db) : err;
}

static enum err open_or_repeat(void *arg, struct db *db)
{
    struct open_session *open = arg;
    enum err err = db_transaction(db, insert, open);
    if (err != ERR_CONFLICT) {
        return err;
    }
    /* The token is there already: is this a repeated login? */
    const struct store_draft *draft = &open->draft;
    struct find_session find = {.token = draft->token};
    uint64_t found = 0;
    err = db_query_run(db, &find_session.query, &find, &found);
    open->opened = (struct store_opened){.session = find.session};
    const bool is_same = found > 0 && find.session.user_id == draft->user_id &&
                         find.session.expires_unix_ms > draft->now_unix_ms;
    return err == ERR_OK && !is_same ? ERR_CONFLICT : err;
}

DB_TELLS(on_session_opened, struct open_session, &told->opened);

static const struct db_task open_session = {.job_bytes = DB_JOB_BYTES(struct open_session),
                                            .work = open_or_repeat,
                                            .done = on_session_opened};

enum err store_open_session(void *self, const struct store_draft *draft, uint64_t deadline_ms,
                            store_opened_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct open_session *open = db_job_new(&open_session);
    open->draft = *draft;
    open->fn = fn;
    open->arg = arg;
    return db_pool_start(store->logins, open, deadline_ms);
}

/* ---- sliding ---- */

struct extend_sessions {
    struct db_job job;
    struct store_extension items[STORE_BATCH_MAX];
    size_t count;
    bool gone[STORE_BATCH_MAX];
    uint64_t expiries[2 * STORE_BATCH_MAX]; /* id, expiry */
    uint64_t uses[2 * STORE_BATCH_MAX];     /* id, last use */
    uint64_t ids[STORE_BATCH_MAX];
    struct found_session {
        uint64_t id;
        struct token_hash token;
    } found[STORE_BATCH_MAX];
    size_t found_count;
    store_extended_fn *fn;
    void *arg;
};

/* A statement is as long as its batch: xn repeats a text as often. Places that a batch does not
 * need are filled with session 0, which does not exist. The list begins with an unsigned number
 * because all of its numbers are: with one signed among them MariaDB reads, and locks, the whole
 * table. */
#define X1(x) x
#define X128(x) DB_X16(DB_X4(x) DB_X4(x))
#define IN_IDS(xn) " WHERE id IN (CAST(0 AS UNSIGNED)" xn(", ?") ")"
#define WHENS(xn) " CASE id " xn("WHEN ? THEN ? ") "ELSE 0 END)"
#define BATCH(n, xn)                                                                               \
    {                                                                                              \
        .size = (n),                                                                               \
        .extend = {.sql = "UPDATE sessions SET expires_unix_ms = GREATEST(expires_unix_ms," WHENS( \
                       xn) ", used_unix_ms = GREATEST(used_unix_ms," WHENS(xn) IN_IDS(xn),         \
                   .params = {DB_FIELD_FIRST(struct extend_sessions, expiries, 2UL * (n)),         \
                              DB_FIELD_FIRST(struct extend_sessions, uses, 2UL * (n)),             \
                              DB_FIELD_FIRST(struct extend_sessions, ids, (n))}},                  \
        .find = {.sql = "SELECT id, token_hash FROM sessions" IN_IDS(xn),                          \
                 .params = {DB_FIELD_FIRST(struct extend_sessions, ids, (n))},                     \
                 .columns = DB_FIELDS(struct found_session, id, token.bytes),                      \
                 .rows = DB_ROWS(struct extend_sessions, found, found_count)},                     \
    }
static const struct batch {
    size_t size;
    struct db_query extend, find;
} batches[] = {BATCH(1, X1), BATCH(16, DB_X16), BATCH(128, X128)};
_Static_assert(STORE_BATCH_MAX == 128, "the largest batch");

static bool is_found(const struct extend_sessions *extend, const struct store_extension *item)
{
    for (size_t i = 0; i < extend->found_count; i++) {
        const struct found_session *found = &extend->found[i];
        if (found->id == item->id &&
            memcmp(&found->token, &item->token, sizeof(item->token)) == 0) {
            return true;
        }
    }
    return false;
}

static enum err work_extend(void *arg, struct db *db)
{
    struct extend_sessions *extend = arg;
    const struct batch *batch = batches;
    while (batch->size < extend->count) {
        batch++;
    }
    for (size_t i = 0; i < extend->count; i++) {
        extend->ids[i] = extend->items[i].id;
    }
    enum err err = db_query_run(db, &batch->find, extend, NULL);
    if (err != ERR_OK) {
        return err;
    }
    for (size_t i = 0; i < extend->count; i++) {
        extend->gone[i] = !is_found(extend, &extend->items[i]);
        extend->ids[i] = extend->gone[i] ? 0 : extend->items[i].id;
        extend->expiries[2 * i] = extend->uses[2 * i] = extend->ids[i];
        extend->expiries[2 * i + 1] = extend->items[i].expires_unix_ms;
        extend->uses[2 * i + 1] = extend->items[i].used_unix_ms;
    }
    return db_query_run(db, &batch->extend, extend, NULL);
}

DB_TELLS(on_extended, struct extend_sessions, told->gone);

static const struct db_task extend_sessions = {
    .job_bytes = DB_JOB_BYTES(struct extend_sessions), .work = work_extend, .done = on_extended};

enum err store_extend(void *self, const struct store_extension *items, size_t count,
                      store_extended_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    assert(count <= STORE_BATCH_MAX);
    struct extend_sessions *extend = db_job_new(&extend_sessions);
    memcpy(extend->items, items, count * sizeof(*items));
    extend->count = count;
    extend->fn = fn;
    extend->arg = arg;
    return db_pool_start(store->upkeep, extend, 0);
}
