#include "sql/migrate/accounts.h"

#include "sql/migrate/ledger.h"

#define BATCH 100
#define DEMO_NAME STR_LIT("testuser")
#define DEMO_PASSWORD STR_LIT("test123") /* the README tells it to everybody */
#define DEMO_SEED STR_LIT("demo_user")

static const char select_bare[] =
    "SELECT id, password FROM users WHERE id > ? AND CHAR_LENGTH(password) = 64"
    " AND password NOT LIKE '%$%' ORDER BY id LIMIT 100";
/* Not if somebody has set a new password meanwhile. */
static const char update_password[] = "UPDATE users SET password = ? WHERE id = ? AND password = ?";
static const char select_unknown[] =
    "SELECT COUNT(*) FROM users WHERE password NOT LIKE '$argon2id$%'"
    " AND password NOT LIKE 'sha256:$argon2id$%'";
static const char select_user[] = "SELECT password FROM users WHERE username = ? FOR UPDATE";
static const char revoke_sessions[] =
    "INSERT INTO session_revocations (token_hash, created_unix_ms)"
    " SELECT s.token_hash, UNIX_TIMESTAMP() * 1000 FROM sessions s"
    " JOIN users u ON u.id = s.user_id WHERE u.username = ?";
static const char delete_user[] = "DELETE FROM users WHERE username = ?";

static enum err run(struct db *db, const char *sql, const struct db_value *values, size_t count,
                    uint64_t *ret_affected)
{
    const struct db_statement statement = {.sql = sql, .values = values, .value_count = count};
    return db_run(db, &statement, ret_affected);
}

struct bare {
    struct {
        uint64_t id;
        char password[65];
    } users[BATCH];
    size_t count;
    uint64_t last_id;
};

static void take_bare(void *arg, const struct db_value *columns, size_t count)
{
    struct bare *bare = arg;
    if (count != 2 || bare->count == BATCH) {
        return;
    }
    bare->last_id = columns[0].u;
    if (password_is_bare(columns[1].s)) {
        bare->users[bare->count].id = columns[0].u;
        (void)str_copy(bare->users[bare->count].password, sizeof(bare->users[0].password),
                       columns[1].s);
        bare->count++;
    }
}

static enum err wrap_batch(struct db *db, const struct password_params *params,
                           const struct bare *bare, uint64_t *count)
{
    for (size_t i = 0; i < bare->count; i++) {
        char wrapped[PASSWORD_STORED_BYTES];
        struct str old = str_of(bare->users[i].password);
        enum err err = password_wrap(params, old, wrapped);
        const struct db_value values[] = {DB_V_STR(str_of(wrapped)), DB_V_U64(bare->users[i].id),
                                          DB_V_STR(old)};
        uint64_t affected = 0;
        if (err == ERR_OK) {
            err = run(db, update_password, values, ARRAY_LEN(values), &affected);
        }
        if (err != ERR_OK) {
            return err;
        }
        *count += affected;
    }
    return ERR_OK;
}

enum err accounts_wrap(struct db *db, const struct password_params *params, uint64_t *ret_count)
{
    uint64_t count = 0;
    uint64_t after_id = 0;
    for (;;) {
        struct bare bare = {.last_id = after_id};
        const struct db_value value = DB_V_U64(after_id);
        const struct db_statement select = {
            .sql = select_bare, .values = &value, .value_count = 1, .fn = take_bare, .arg = &bare};
        enum err err = db_run(db, &select, NULL);
        if (err == ERR_OK) {
            err = wrap_batch(db, params, &bare, &count);
        }
        if (err != ERR_OK) {
            return err;
        }
        if (bare.last_id == after_id) {
            *ret_count = count;
            return ERR_OK;
        }
        after_id = bare.last_id;
    }
}

static void take_count(void *arg, const struct db_value *columns, size_t count)
{
    (void)count;
    *(uint64_t *)arg = columns[0].u;
}

enum err accounts_count_unknown(struct db *db, uint64_t *ret_count)
{
    const struct db_statement select = {.sql = select_unknown, .fn = take_count, .arg = ret_count};
    return db_run(db, &select, NULL);
}

struct demo_user {
    bool exists;
    char password[PASSWORD_STORED_BYTES];
};

static void take_user(void *arg, const struct db_value *columns, size_t count)
{
    struct demo_user *user = arg;
    (void)count;
    user->exists = true;
    (void)str_copy(user->password, sizeof(user->password), columns[0].s);
}

static enum err add_demo(struct db *db, const struct password_params *params,
                         const struct statements *seed)
{
    for (size_t i = 0; i < seed->count; i++) {
        enum err err = db_run_text(db, str_of(seed->items[i]), NULL);
        if (err != ERR_OK) {
            return err;
        }
    }
    uint64_t wrapped = 0;
    enum err err = accounts_wrap(db, params, &wrapped);
    return err == ERR_OK ? ledger_set_seed(db, DEMO_SEED, true) : err;
}

static enum err drop_demo(struct db *db)
{
    const struct db_value name = DB_V_STR(DEMO_NAME);
    enum err err = run(db, revoke_sessions, &name, 1, NULL);
    if (err == ERR_OK) {
        err = run(db, delete_user, &name, 1, NULL);
    }
    return err == ERR_OK ? ledger_set_seed(db, DEMO_SEED, false) : err;
}

/* In a transaction, the user's row locked. */
static enum err decide(struct db *db, const struct password_params *params,
                       const struct statements *seed, bool wanted, enum demo_outcome *ret_outcome)
{
    struct demo_user user = {0};
    const struct db_value name = DB_V_STR(DEMO_NAME);
    const struct db_statement select = {
        .sql = select_user, .values = &name, .value_count = 1, .fn = take_user, .arg = &user};
    bool ours = false;
    enum err err = db_run(db, &select, NULL);
    if (err == ERR_OK) {
        err = ledger_has_seed(db, DEMO_SEED, &ours);
    }
    if (err != ERR_OK || wanted == user.exists) {
        return err;
    }
    if (wanted) {
        *ret_outcome = DEMO_ADDED;
        /* Somebody may have removed the user that an earlier run added. */
        err = ours ? ledger_set_seed(db, DEMO_SEED, false) : ERR_OK;
        return err == ERR_OK ? add_demo(db, params, seed) : err;
    }
    err = password_verify(params, user.password, DEMO_PASSWORD);
    if (err == ERR_OK) {
        *ret_outcome = ours ? DEMO_REMOVED : DEMO_TOLERATED;
        return ours ? drop_demo(db) : ERR_OK;
    }
    return err == ERR_BAD_CREDENTIALS ? ERR_OK : err;
}

enum err accounts_set_demo(struct db *db, const struct password_params *params,
                           const struct statements *seed, bool wanted,
                           enum demo_outcome *ret_outcome)
{
    *ret_outcome = DEMO_UNCHANGED;
    enum err err = db_begin(db);
    if (err != ERR_OK) {
        return err;
    }
    err = decide(db, params, seed, wanted, ret_outcome);
    if (err != ERR_OK) {
        db_rollback(db);
        return err;
    }
    return db_commit(db);
}
