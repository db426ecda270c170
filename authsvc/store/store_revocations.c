#include "authsvc/store/store_jobs.h"

#include "proto/db/db_sql.h"

#include <stdio.h>

#define SWEEP_MAX 500 /* rows of each table at a time */

/* ---- one session ---- */

struct ending {
    struct token_hash token;
    uint64_t now_unix_ms;
};

static const struct db_query delete_session = {.sql = "DELETE FROM sessions WHERE token_hash = ?",
                                               .params = DB_FIELDS(struct ending, token.bytes)};

static const struct db_query insert_revocation = {
    .sql = "INSERT INTO session_revocations (token_hash, created_unix_ms, news) VALUES (?, ?, 1)",
    .params = DB_FIELDS(struct ending, token.bytes, now_unix_ms)};
_Static_assert(STORE_SESSION_ENDED == 1 && STORE_SESSION_CHANGED == 0,
               "the statements of this file have those numbers");

enum err store_end_session(struct db *db, const struct token_hash *token, uint64_t now_unix_ms,
                           uint64_t *ret_count)
{
    struct ending ending = {.token = *token, .now_unix_ms = now_unix_ms};
    enum err err = db_query_run(db, &delete_session, &ending, ret_count);
    return err == ERR_OK && *ret_count > 0 ? db_query_run(db, &insert_revocation, &ending, NULL)
                                           : err;
}

/* One that is over was not ended by anybody. */
static const struct db_query insert_made_place = {
    .sql =
        "INSERT INTO session_revocations (token_hash, created_unix_ms, news)"
        " SELECT token_hash, ?, IF(expires_unix_ms > ?, 1, 0) FROM sessions WHERE token_hash = ?",
    .params = DB_FIELDS(struct ending, now_unix_ms, now_unix_ms, token.bytes)};

enum err store_make_place(struct db *db, const struct token_hash *token, uint64_t now_unix_ms)
{
    struct ending ending = {.token = *token, .now_unix_ms = now_unix_ms};
    const enum err err = db_query_run(db, &insert_made_place, &ending, NULL);
    return err == ERR_OK ? db_query_run(db, &delete_session, &ending, NULL) : err;
}

/* ---- a user ---- */

struct telling {
    struct token_hash name; /* of the row, as each has one: the command's key and what it tells */
    uint64_t now_unix_ms;
    uint64_t user_id;
    uint64_t news;
};

static const struct db_query insert_news = {
    .sql = "INSERT INTO session_revocations (token_hash, created_unix_ms, user_id, news)"
           " VALUES (?, ?, ?, ?)",
    .params = DB_FIELDS(struct telling, name.bytes, now_unix_ms, user_id, news)};

enum err store_tell_of_user(struct db *db, const struct store_user_news *news)
{
    struct telling telling = {
        .now_unix_ms = news->now_unix_ms, .user_id = news->user_id, .news = news->news};
    memcpy(telling.name.bytes, news->key, STORE_KEY_BYTES);
    telling.name.bytes[STORE_KEY_BYTES] = (unsigned char)news->news;
    return db_query_run(db, &insert_news, &telling, NULL);
}

/* ---- all of a user ---- */

/* Their number is bounded by that of a user's sessions. No session's id is 0, which excepts none.
 */
static const struct db_query select_tokens = {
    .sql = "SELECT token_hash FROM sessions WHERE user_id = ? AND LEFT(token_hash, 16) <> ?"
           " ORDER BY id FOR UPDATE",
    .params = DB_FIELDS(struct store_user_sessions, user_id, except.id.bytes),
    .columns = DB_FIELDS(struct token_hash, bytes),
    .rows = DB_ROWS_GROWING(struct store_user_sessions, ended.tokens, ended.count)};

#define INSERT_REVOCATIONS(ended)                                                                  \
    {                                                                                              \
        .sql = "INSERT INTO session_revocations (token_hash, created_unix_ms, news)"               \
               " SELECT token_hash, ?, " ended                                                     \
               " FROM sessions WHERE user_id = ? AND LEFT(token_hash, 16) <> ?",                   \
        .params = DB_FIELDS(struct store_user_sessions, now_unix_ms, user_id, except.id.bytes)     \
    }
static const struct db_query insert_changes = INSERT_REVOCATIONS("0");
static const struct db_query insert_ends = INSERT_REVOCATIONS("1");

static const struct db_query delete_sessions = {
    .sql = "DELETE FROM sessions WHERE user_id = ? AND LEFT(token_hash, 16) <> ?",
    .params = DB_FIELDS(struct store_user_sessions, user_id, except.id.bytes)};

enum err store_look_up_anew(struct db *db, struct store_user_sessions *sessions)
{
    enum err err = db_query_run(db, &select_tokens, sessions, NULL);
    return err == ERR_OK ? db_query_run(db, &insert_changes, sessions, NULL) : err;
}

enum err store_end_sessions(struct db *db, struct store_user_sessions *sessions)
{
    enum err err = db_query_run(db, &select_tokens, sessions, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_ends, sessions, NULL);
    }
    return err == ERR_OK ? db_query_run(db, &delete_sessions, sessions, NULL) : err;
}

/* ---- one, or all of a user ---- */

struct revoke_sessions {
    struct db_job job;
    struct store_target target;
    struct store_ended ended;
    store_ended_fn *fn;
    void *arg;
};

static const struct db_query select_token = {
    .sql = "SELECT token_hash FROM sessions WHERE user_id = ? AND LEFT(token_hash, 16) = ?",
    .params = DB_FIELDS(struct revoke_sessions, target.user_id, target.only.id.bytes),
    .columns = DB_FIELDS(struct revoke_sessions, target.token.bytes)};

static enum err revoke_one(struct revoke_sessions *revoke, struct db *db)
{
    const struct store_target *target = &revoke->target;
    uint64_t count = 1;
    enum err err = target->only.is_there ? db_query_run(db, &select_token, revoke, &count) : ERR_OK;
    if (err == ERR_OK && count > 0) {
        err = store_end_session(db, &target->token, target->now_unix_ms, &count);
    }
    if (err == ERR_OK && count > 0) {
        revoke->ended.tokens = mem_alloc(sizeof(*revoke->ended.tokens));
        revoke->ended.tokens[revoke->ended.count++] = target->token;
    }
    return err;
}

static enum err revoke_all(struct revoke_sessions *revoke, struct db *db)
{
    const struct store_target *target = &revoke->target;
    struct store_user_lock user;
    struct store_user_sessions sessions = {
        .user_id = target->user_id, .except = target->except, .now_unix_ms = target->now_unix_ms};
    enum err err = store_lock_user(db, target->user_id, &user);
    if (err == ERR_OK) {
        err = store_end_sessions(db, &sessions);
    }
    revoke->ended = sessions.ended;
    return err;
}

/* One that comes again waits for the first, and ends nothing that was opened since. Where the one
 * session asked for is not there, nothing is kept, its key neither: asked again, it is told so
 * again. */
static enum err revoke_in_transaction(void *arg, struct db *db)
{
    struct revoke_sessions *revoke = arg;
    const struct store_target *target = &revoke->target;
    struct store_ended *ended = &revoke->ended;
    char detail[32];
    enum err err =
        target->has_key ? store_begin_command(db, target->key, &ended->was_done) : ERR_OK;
    if (err != ERR_OK || ended->was_done) {
        return err;
    }
    err = target->user_id == 0 || target->only.is_there ? revoke_one(revoke, db)
                                                        : revoke_all(revoke, db);
    if (err != ERR_OK) {
        return err;
    }
    if (ended->count == 0) {
        return target->only.is_there ? ERR_NOT_FOUND : ERR_OK;
    }
    (void)snprintf(detail, sizeof(detail), "sessions: %zu", ended->count);
    return store_keep_act(db, &target->origin, ACT_SESSIONS_ENDED, target->user_id, detail);
}

static enum err work_revoke(void *arg, struct db *db)
{
    const enum err err = db_transaction(db, revoke_in_transaction, arg);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void on_sessions_revoked(void *arg, enum err err)
{
    struct revoke_sessions *revoke = arg;
    revoke->fn(revoke->arg, err, err == ERR_OK ? &revoke->ended : NULL);
    mem_free(&revoke->ended.tokens);
}

static const struct db_task revoke_sessions = {.job_bytes = DB_JOB_BYTES(struct revoke_sessions),
                                               .work = work_revoke,
                                               .done = on_sessions_revoked};

enum err store_revoke(void *self, const struct store_target *target, uint64_t deadline_ms,
                      store_ended_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct revoke_sessions *revoke = db_job_new(&revoke_sessions);
    revoke->target = *target;
    revoke->fn = fn;
    revoke->arg = arg;
    return db_pool_start(store->logins, revoke, deadline_ms);
}

/* ---- what others have revoked, or changed ---- */

struct find_revoked {
    struct db_job job;
    struct health *health;
    struct store_revocation after;
    uint64_t is_there; /* the one that was asked with */
    struct store_revocations revoked;
    store_revocations_fn *fn;
    void *arg;
};

static const struct db_query select_place = {
    .sql = "SELECT " DB_NOW_UNIX_MS ", (SELECT COUNT(*)"
           " FROM session_revocations WHERE seq = ? AND token_hash = ?)",
    .params = DB_FIELDS(struct find_revoked, after.seq, after.token.bytes),
    .columns = DB_FIELDS(struct find_revoked, revoked.now_unix_ms, is_there)};

/* From a minute ago on: a replica that has just started may have read a session right before it was
 * revoked. */
static const struct db_query select_start = {
    .sql = "SELECT seq, token_hash FROM session_revocations"
           " WHERE created_unix_ms < UNIX_TIMESTAMP() * 1000 - 60000 ORDER BY seq DESC LIMIT 1",
    .columns = DB_FIELDS(struct find_revoked, revoked.last.seq, revoked.last.token.bytes)};

static const struct db_query select_revoked = {
    .sql = "SELECT seq, token_hash, user_id, news FROM session_revocations WHERE seq > ?"
           " ORDER BY seq LIMIT 1000",
    .params = DB_FIELDS(struct find_revoked, after.seq),
    .columns = DB_FIELDS(struct store_revocation, seq, token.bytes, user_id, news),
    .rows = DB_ROWS(struct find_revoked, revoked.items, revoked.count)};
_Static_assert(STORE_REVOCATIONS_MAX == 1000, "select_revoked reads as many");

static enum err work_find_revoked(void *arg, struct db *db)
{
    struct find_revoked *find = arg;
    struct store_revocations *revoked = &find->revoked;
    enum err err = db_query_run(db, &select_place, find, NULL);
    if (err != ERR_OK) {
        return err;
    }
    if (find->after.seq == STORE_SEQ_NOW) {
        return db_query_run(db, &select_start, find, NULL);
    }
    revoked->last = find->after;
    revoked->is_lost = find->after.seq != 0 && find->is_there == 0;
    if (revoked->is_lost) {
        return ERR_OK;
    }
    err = db_query_run(db, &select_revoked, find, NULL);
    if (revoked->count > 0) {
        revoked->last = revoked->items[revoked->count - 1];
    }
    return err;
}

/* Asked all the time, so it tells whether the tables are there. */
static void on_revoked_found(void *arg, enum err err)
{
    const struct find_revoked *find = arg;
    if (err == ERR_OK) {
        health_set(find->health, "schema", true, "the tables are there");
    } else if (err == ERR_INTERNAL) {
        health_set(find->health, "schema", false, "run lynks-migrate");
    }
    find->fn(find->arg, err, err == ERR_OK ? &find->revoked : NULL);
}

static const struct db_task find_revoked = {.job_bytes = DB_JOB_BYTES(struct find_revoked),
                                            .work = work_find_revoked,
                                            .done = on_revoked_found};

enum err store_find_revoked(void *self, const struct store_revocation *after,
                            store_revocations_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct find_revoked *find = db_job_new(&find_revoked);
    find->health = store->health;
    find->after = *after;
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(store->upkeep, find, 0);
}

/* ---- sweeping ---- */

struct sweep {
    struct db_job job;
    uint64_t expired_before_unix_ms;
    uint64_t revoked_before_unix_ms;
    bool more;
    store_swept_fn *fn;
    void *arg;
};

static const struct db_query sweep_sessions = {
    .sql = "DELETE FROM sessions WHERE expires_unix_ms < ? ORDER BY expires_unix_ms LIMIT 500",
    .params = DB_FIELDS(struct sweep, expired_before_unix_ms)};

/* The bus and proxies send a command again within seconds, clients with their key within a day. */
static const struct db_query sweep_commands = {
    .sql = "DELETE FROM user_commands WHERE created_unix_ms < " DB_NOW_UNIX_MS " - 86400000"
           " ORDER BY created_unix_ms LIMIT 500"};

static const struct db_query sweep_revocations = {
    .sql = "DELETE FROM session_revocations WHERE created_unix_ms < ? AND seq <"
           " (SELECT newest FROM (SELECT MAX(seq) AS newest FROM session_revocations) AS t)"
           " ORDER BY created_unix_ms LIMIT 500",
    .params = DB_FIELDS(struct sweep, revoked_before_unix_ms)};

/* roomsvc reads them within seconds; if it is away, until it is back. */
static const struct db_query sweep_removals = {
    .sql = "DELETE FROM user_removals WHERE created_unix_ms < " DB_NOW_UNIX_MS " - 7 * 86400000"
           " ORDER BY created_unix_ms LIMIT 500"};

static const struct db_query sweep_audit = {
    .sql = "DELETE FROM audit WHERE created_unix_ms < " DB_NOW_UNIX_MS " - 366 * 86400000"
           " ORDER BY created_unix_ms LIMIT 500"};

/* However much was done within a year: it may not fill the disk. */
static const struct db_query sweep_full_audit = {
    .sql = "DELETE FROM audit WHERE id <= (SELECT last FROM"
           " (SELECT IF(MAX(id) > 100000, MAX(id) - 100000, 0) AS last FROM audit) AS t)"
           " ORDER BY id LIMIT 500"};

static enum err work_sweep(void *arg, struct db *db)
{
    static const struct db_query *const queries[] = {&sweep_sessions, &sweep_revocations,
                                                     &sweep_commands, &sweep_removals,
                                                     &sweep_audit,    &sweep_full_audit};
    struct sweep *sweep = arg;
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < ARRAY_LEN(queries); i++) {
        uint64_t rows = 0;
        err = db_query_run(db, queries[i], sweep, &rows);
        sweep->more = sweep->more || rows == SWEEP_MAX;
    }
    return err;
}

static void on_swept(void *arg, enum err err)
{
    const struct sweep *sweep = arg;
    sweep->fn(sweep->arg, err, sweep->more);
}

static const struct db_task sweep_task = {
    .job_bytes = DB_JOB_BYTES(struct sweep), .work = work_sweep, .done = on_swept};

enum err store_sweep(void *self, uint64_t expired_before_unix_ms, uint64_t revoked_before_unix_ms,
                     store_swept_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct sweep *sweep = db_job_new(&sweep_task);
    sweep->expired_before_unix_ms = expired_before_unix_ms;
    sweep->revoked_before_unix_ms = revoked_before_unix_ms;
    sweep->fn = fn;
    sweep->arg = arg;
    return db_pool_start(store->upkeep, sweep, 0);
}
