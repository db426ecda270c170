#include "authsvc/store/store_sql.h"

#include <assert.h>

#define SWEEP_MAX 500

/* As many question marks, or pairs of them, as a batch of each size has. Session 0 there is not. It
 * is unsigned as the others are: with one signed number in the list MariaDB reads, and locks, the
 * whole table instead of these rows. */
#define X4(x) x x x x
#define X16(x) X4(x) X4(x) X4(x) X4(x)
#define X128(x) X16(X4(x) X4(x))
#define EXTEND(whens, ids)                                                                         \
    "UPDATE sessions SET expires_unix_ms = GREATEST(expires_unix_ms, CASE id " whens               \
    "ELSE 0 END) WHERE id IN (CAST(0 AS UNSIGNED)" ids ")"
#define FIND_IDS(ids) "SELECT id FROM sessions WHERE id IN (CAST(0 AS UNSIGNED)" ids ")"
#define WHEN "WHEN ? THEN ? "
#define ID ", ?"

static const char select_user[] = "SELECT id, username, password FROM users WHERE username = ?";
static const char select_session[] =
    "SELECT id, user_id, created_unix_ms, expires_unix_ms FROM sessions WHERE token_hash = ?";
static const char lock_user[] = "SELECT id FROM users WHERE id = ? FOR UPDATE";
static const char insert_session[] =
    "INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms)"
    " VALUES (?, ?, ?, ?)";
static const char select_is_over[] =
    "SELECT id FROM sessions WHERE user_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?";
static const char select_over[] =
    "SELECT token_hash FROM sessions WHERE user_id = ? AND id <> ?"
    " ORDER BY (expires_unix_ms > ?) DESC, id DESC LIMIT 100 OFFSET ?";
static const char delete_session[] = "DELETE FROM sessions WHERE token_hash = ?";
static const char insert_revocation[] =
    "INSERT INTO session_revocations (token_hash, created_unix_ms) VALUES (?, ?)";
static const char update_password[] = "UPDATE users SET password = ? WHERE id = ? AND password = ?";
static const char select_is_revoked[] =
    "SELECT seq FROM session_revocations WHERE token_hash = ? LIMIT 1";
static const char select_tokens[] =
    "SELECT token_hash FROM sessions WHERE user_id = ? ORDER BY id FOR UPDATE";
static const char delete_sessions[] = "DELETE FROM sessions WHERE user_id = ?";
static const char insert_revocations[] =
    "INSERT INTO session_revocations (token_hash, created_unix_ms)"
    " SELECT token_hash, ? FROM sessions WHERE user_id = ?";
/* From a minute ago on: a replica that has just started may have read a session right before it was
 * revoked. */
static const char select_last_seq[] =
    "SELECT CAST(COALESCE((SELECT MIN(seq) - 1 FROM session_revocations"
    " WHERE created_unix_ms >= UNIX_TIMESTAMP() * 1000 - 60000),"
    " (SELECT MAX(seq) FROM session_revocations), 0) AS UNSIGNED)";
static const char select_revoked[] =
    "SELECT seq, token_hash FROM session_revocations WHERE seq > ? ORDER BY seq LIMIT 1000";
static const char sweep_sessions[] =
    "DELETE FROM sessions WHERE expires_unix_ms < ? ORDER BY expires_unix_ms LIMIT 500";
static const char sweep_revocations[] =
    "DELETE FROM session_revocations WHERE created_unix_ms < ? ORDER BY created_unix_ms LIMIT 500";

static struct db_value token_value(const struct token_hash *token)
{
    return DB_V_BIN(((struct str){.data = (const char *)token->bytes, .bytes = TOKEN_HASH_BYTES}));
}

static enum err run(struct db *db, const char *sql, const struct db_value *values, size_t count,
                    uint64_t *ret_affected)
{
    const struct db_statement statement = {.sql = sql, .values = values, .value_count = count};
    return db_run(db, &statement, ret_affected);
}

static enum err query(struct db *db, const char *sql, const struct db_value *values, size_t count,
                      db_row_fn *fn, void *arg)
{
    const struct db_statement statement = {
        .sql = sql, .values = values, .value_count = count, .fn = fn, .arg = arg};
    return db_run(db, &statement, NULL);
}

static void take_u64(void *arg, const struct db_value *columns, size_t count)
{
    (void)count;
    *(uint64_t *)arg = columns[0].u;
}

/* ---- users ---- */

struct found_user {
    struct str username;
    struct store_user *user;
    bool found;
};

static void take_user(void *arg, const struct db_value *columns, size_t count)
{
    struct found_user *found = arg;
    /* The collation ignores spaces at the end; we do not. */
    if (count != 3 || !str_eq(columns[1].s, found->username)) {
        return;
    }
    found->user->id = columns[0].u;
    found->found = str_copy(found->user->password, sizeof(found->user->password), columns[2].s);
}

enum err store_sql_find_user(struct db *db, struct str username, struct store_user *ret,
                             bool *ret_found)
{
    struct found_user found = {.username = username, .user = ret};
    const struct db_value value = DB_V_STR(username);
    enum err err = query(db, select_user, &value, 1, take_user, &found);
    *ret_found = found.found;
    return err;
}

enum err store_sql_set_password(struct db *db, uint64_t user_id, struct str from, struct str to)
{
    const struct db_value values[] = {DB_V_STR(to), DB_V_U64(user_id), DB_V_STR(from)};
    return run(db, update_password, values, ARRAY_LEN(values), NULL);
}

/* ---- one session ---- */

static void take_session(void *arg, const struct db_value *columns, size_t count)
{
    if (count == 4) {
        *(struct session *)arg = (struct session){.id = columns[0].u,
                                                  .user_id = columns[1].u,
                                                  .created_unix_ms = columns[2].u,
                                                  .expires_unix_ms = columns[3].u};
    }
}

enum err store_sql_find_session(struct db *db, const struct token_hash *token, struct session *ret,
                                bool *ret_found)
{
    const struct db_value value = token_value(token);
    *ret = (struct session){0};
    enum err err = query(db, select_session, &value, 1, take_session, ret);
    *ret_found = ret->id != 0;
    return err;
}

/* ---- a new session ---- */

static void take_evicted(void *arg, const struct db_value *columns, size_t count)
{
    struct store_opened *opened = arg;
    if (count == 1 && columns[0].s.bytes == TOKEN_HASH_BYTES &&
        opened->evicted_count < STORE_EVICTED_MAX) {
        memcpy(opened->evicted[opened->evicted_count++].bytes, columns[0].s.data, TOKEN_HASH_BYTES);
    }
}

static enum err revoke(struct db *db, const struct token_hash *token, uint64_t now_unix_ms,
                       uint64_t *ret_count)
{
    const struct db_value values[] = {token_value(token), DB_V_U64(now_unix_ms)};
    enum err err = run(db, delete_session, values, 1, ret_count);
    return err == ERR_OK && *ret_count > 0 ? run(db, insert_revocation, values, 2, NULL) : err;
}

static enum err evict(struct db *db, const struct store_draft *draft, struct store_opened *opened)
{
    uint64_t over_id = 0;
    const struct db_value over[] = {DB_V_U64(draft->user_id), DB_V_U64(draft->sessions_max)};
    enum err err = query(db, select_is_over, over, 2, take_u64, &over_id);
    if (err != ERR_OK || over_id == 0) {
        return err;
    }
    const struct db_value values[] = {over[0], DB_V_U64(opened->session.id),
                                      DB_V_U64(draft->now_unix_ms),
                                      DB_V_U64(draft->sessions_max - 1)};
    err = query(db, select_over, values, ARRAY_LEN(values), take_evicted, opened);
    for (size_t i = 0; err == ERR_OK && i < opened->evicted_count; i++) {
        uint64_t count = 0;
        err = revoke(db, &opened->evicted[i], draft->now_unix_ms, &count);
    }
    return err;
}

/* A login is sent again when its replica dies or is slow. What comes late, after the session has
 * been used and revoked, must not open it again. */
static enum err unless_revoked(struct db *db, const struct db_value *token)
{
    uint64_t seq = 0;
    enum err err = query(db, select_is_revoked, token, 1, take_u64, &seq);
    return err == ERR_OK && seq != 0 ? ERR_CONFLICT : err;
}

static enum err insert(struct db *db, const struct store_draft *draft, struct store_opened *ret)
{
    const struct db_value values[] = {token_value(&draft->token), DB_V_U64(draft->user_id),
                                      DB_V_U64(draft->now_unix_ms),
                                      DB_V_U64(draft->expires_unix_ms)};
    /* Logins of one user take turns, so that the bound holds. */
    uint64_t user_id = 0;
    enum err err = query(db, lock_user, &values[1], 1, take_u64, &user_id);
    if (err == ERR_OK && user_id == 0) {
        return ERR_BAD_CREDENTIALS;
    }
    if (err == ERR_OK) {
        err = run(db, insert_session, values, ARRAY_LEN(values), NULL);
    }
    uint64_t id = err == ERR_OK ? db_insert_id(db) : 0;
    if (err == ERR_OK) {
        err = unless_revoked(db, &values[0]);
    }
    if (err != ERR_OK) {
        return err;
    }
    *ret = (struct store_opened){.session = {.id = id,
                                             .user_id = draft->user_id,
                                             .created_unix_ms = draft->now_unix_ms,
                                             .expires_unix_ms = draft->expires_unix_ms}};
    return evict(db, draft, ret);
}

/* The token is there already: is this a repeated login? */
static enum err repeat(struct db *db, const struct store_draft *draft, struct store_opened *ret)
{
    bool found = false;
    *ret = (struct store_opened){0};
    enum err err = store_sql_find_session(db, &draft->token, &ret->session, &found);
    if (err != ERR_OK) {
        return err;
    }
    bool same = found && ret->session.user_id == draft->user_id &&
                ret->session.expires_unix_ms > draft->now_unix_ms;
    return same ? ERR_OK : ERR_CONFLICT;
}

enum err store_sql_open_session(struct db *db, const struct store_draft *draft,
                                struct store_opened *ret)
{
    enum err err = db_begin(db);
    if (err != ERR_OK) {
        return err;
    }
    err = insert(db, draft, ret);
    if (err == ERR_OK) {
        return db_commit(db);
    }
    db_rollback(db);
    return err == ERR_CONFLICT ? repeat(db, draft, ret) : err;
}

/* ---- sliding ---- */

static const struct batch {
    size_t size;
    const char *extend;
    const char *find_ids;
} batches[] = {
    {1, EXTEND(WHEN, ID), FIND_IDS(ID)},
    {16, EXTEND(X16(WHEN), X16(ID)), FIND_IDS(X16(ID))},
    {128, EXTEND(X128(WHEN), X128(ID)), FIND_IDS(X128(ID))},
};

struct ids {
    const struct store_extension *items;
    size_t count;
    bool *gone;
};

static void take_id(void *arg, const struct db_value *columns, size_t count)
{
    const struct ids *ids = arg;
    (void)count;
    for (size_t i = 0; i < ids->count; i++) {
        if (ids->items[i].id == columns[0].u) {
            ids->gone[i] = false;
        }
    }
}

/* Fewer rows changed than asked for: gone, or further already. */
static enum err find_gone(struct db *db, const struct batch *batch, const struct db_value *ids,
                          const struct ids *take)
{
    memset(take->gone, true, take->count);
    struct ids arg = *take;
    return query(db, batch->find_ids, ids, batch->size, take_id, &arg);
}

enum err store_sql_extend(struct db *db, const struct store_extension *items, size_t count,
                          bool *ret_gone)
{
    assert(count <= STORE_BATCH_MAX);
    const struct batch *batch = batches;
    while (batch->size < count) {
        batch++;
    }
    /* What is left over of the batch is session 0, which there is not. */
    struct db_value values[3 * STORE_BATCH_MAX];
    struct db_value *ids = values + 2 * batch->size;
    for (size_t i = 0; i < batch->size; i++) {
        values[2 * i] = ids[i] = DB_V_U64(i < count ? items[i].id : 0);
        values[2 * i + 1] = DB_V_U64(i < count ? items[i].expires_unix_ms : 0);
    }
    uint64_t affected = 0;
    enum err err = run(db, batch->extend, values, 3 * batch->size, &affected);
    memset(ret_gone, false, count);
    if (err != ERR_OK || affected >= count) {
        return err;
    }
    const struct ids take = {.items = items, .count = count, .gone = ret_gone};
    return find_gone(db, batch, ids, &take);
}

/* ---- revocations and sweeping ---- */

static enum err end_one(struct db *db, const struct store_target *target, struct store_ended *ret)
{
    uint64_t count = 0;
    enum err err = revoke(db, &target->token, target->now_unix_ms, &count);
    if (err == ERR_OK && count > 0) {
        ret->tokens = mem_alloc(sizeof(*ret->tokens));
        ret->tokens[ret->count++] = target->token;
    }
    return err;
}

static void take_token(void *arg, const struct db_value *columns, size_t count)
{
    struct store_ended *ended = arg;
    if (count != 1 || columns[0].s.bytes != TOKEN_HASH_BYTES) {
        return;
    }
    if ((ended->count & (ended->count - 1)) == 0) { /* 0 or a power of two: it is full */
        size_t room = ended->count == 0 ? 1 : 2 * ended->count;
        ended->tokens = mem_realloc_array(ended->tokens, room, sizeof(*ended->tokens));
    }
    memcpy(ended->tokens[ended->count++].bytes, columns[0].s.data, TOKEN_HASH_BYTES);
}

/* Takes turns with the user's logins. */
static enum err end_all(struct db *db, const struct store_target *target, struct store_ended *ret)
{
    const struct db_value values[] = {DB_V_U64(target->now_unix_ms), DB_V_U64(target->user_id)};
    uint64_t user_id = 0;
    enum err err = query(db, lock_user, &values[1], 1, take_u64, &user_id);
    if (err == ERR_OK) {
        err = query(db, select_tokens, &values[1], 1, take_token, ret);
    }
    if (err == ERR_OK) {
        err = run(db, insert_revocations, values, ARRAY_LEN(values), NULL);
    }
    return err == ERR_OK ? run(db, delete_sessions, &values[1], 1, NULL) : err;
}

enum err store_sql_revoke(struct db *db, const struct store_target *target, struct store_ended *ret)
{
    *ret = (struct store_ended){0};
    enum err err = db_begin(db);
    if (err != ERR_OK) {
        return err;
    }
    err = target->user_id == 0 ? end_one(db, target, ret) : end_all(db, target, ret);
    if (err == ERR_OK) {
        return db_commit(db);
    }
    db_rollback(db);
    return err;
}

static void take_revoked(void *arg, const struct db_value *columns, size_t count)
{
    struct store_revocations *revoked = arg;
    if (count == 2 && columns[1].s.bytes == TOKEN_HASH_BYTES &&
        revoked->count < STORE_REVOCATIONS_MAX) {
        revoked->last_seq = columns[0].u;
        memcpy(revoked->tokens[revoked->count++].bytes, columns[1].s.data, TOKEN_HASH_BYTES);
    }
}

enum err store_sql_find_revoked(struct db *db, uint64_t after_seq, struct store_revocations *ret)
{
    ret->count = 0;
    if (after_seq == STORE_SEQ_NOW) {
        return query(db, select_last_seq, NULL, 0, take_u64, &ret->last_seq);
    }
    ret->last_seq = after_seq;
    const struct db_value value = DB_V_U64(after_seq);
    return query(db, select_revoked, &value, 1, take_revoked, ret);
}

enum err store_sql_sweep(struct db *db, uint64_t expired_before_unix_ms,
                         uint64_t revoked_before_unix_ms, bool *ret_more)
{
    const struct db_value values[] = {DB_V_U64(expired_before_unix_ms),
                                      DB_V_U64(revoked_before_unix_ms)};
    uint64_t sessions = 0;
    uint64_t revocations = 0;
    enum err err = run(db, sweep_sessions, &values[0], 1, &sessions);
    if (err == ERR_OK) {
        err = run(db, sweep_revocations, &values[1], 1, &revocations);
    }
    *ret_more = sessions == SWEEP_MAX || revocations == SWEEP_MAX;
    return err;
}
