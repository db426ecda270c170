#include "sql/migrate/accounts.h"

#include "proto/db/db_query.h"
#include "sql/migrate/ledger.h"

#define BATCH 100
#define DEMO_NAME STR_LIT("testuser")
#define DEMO_PASSWORD STR_LIT("test123") /* the README tells it to everybody */
#define DEMO_SEED STR_LIT("demo_user")
#define ADMIN_NAME STR_LIT("admin")
#define ADMIN_SEED STR_LIT("first_admin")
#define ROLE_ADMIN 2 /* as 006_people.sql has it */

struct user_row {
    uint64_t id;
    char password[PASSWORD_STORED_BYTES];
};

/* ---- old hashes ---- */

struct bare_users {
    uint64_t after_id;
    struct user_row users[BATCH];
    size_t count;
};

static const struct db_query select_bare = {
    .sql = "SELECT id, password FROM users WHERE id > ? AND CHAR_LENGTH(password) = 64"
           " AND password NOT LIKE '%$%' ORDER BY id LIMIT 100",
    .params = DB_FIELDS(struct bare_users, after_id),
    .columns = DB_FIELDS(struct user_row, id, password),
    .rows = DB_ROWS(struct bare_users, users, count)};
_Static_assert(BATCH == 100, "select_bare reads as many");

struct wrapped_user {
    struct user_row old;
    char wrapped[PASSWORD_STORED_BYTES];
};

/* Not if somebody has set a new password meanwhile. */
static const struct db_query update_password = {
    .sql = "UPDATE users SET password = ? WHERE id = ? AND password = ?",
    .params = DB_FIELDS(struct wrapped_user, wrapped, old.id, old.password)};

enum err accounts_wrap(struct db *db, const struct password_params *params, uint64_t *ret_count)
{
    struct bare_users bare = {.after_id = 0};
    uint64_t count = 0;
    do {
        enum err err = db_query_run(db, &select_bare, &bare, NULL);
        for (size_t i = 0; err == ERR_OK && i < bare.count; i++) {
            struct wrapped_user user = {.old = bare.users[i]};
            uint64_t changed = 0;
            bare.after_id = user.old.id;
            if (!password_is_bare(str_of(user.old.password))) {
                continue;
            }
            err = password_wrap(params, str_of(user.old.password), user.wrapped);
            if (err == ERR_OK) {
                err = db_query_run(db, &update_password, &user, &changed);
            }
            count += changed;
        }
        if (err != ERR_OK) {
            return err;
        }
    } while (bare.count > 0);
    *ret_count = count;
    return ERR_OK;
}

struct user_count {
    uint64_t users;
};

static const struct db_query count_unknown = {
    .sql = "SELECT COUNT(*) FROM users WHERE password NOT LIKE '$argon2id$%'"
           " AND password NOT LIKE 'sha256:$argon2id$%'",
    .columns = DB_FIELDS(struct user_count, users)};

enum err accounts_count_unknown(struct db *db, uint64_t *ret_count)
{
    struct user_count unknown = {0};
    enum err err = db_query_run(db, &count_unknown, &unknown, NULL);
    *ret_count = unknown.users;
    return err;
}

/* ---- the demo user ---- */

struct demo {
    struct str username;
    char password[PASSWORD_STORED_BYTES];
    const struct password_params *params;
    const struct statements *seed;
    bool is_wanted;
    enum demo_outcome outcome;
};

static const struct db_query select_demo = {
    .sql = "SELECT password FROM users WHERE username = ? FOR UPDATE",
    .params = DB_FIELDS(struct demo, username),
    .columns = DB_FIELDS(struct demo, password)};
/* news: they were ended, as store_session_news of authsvc/store/store.h has it, so that who came
 * into a room by one of them is out. */
static const struct db_query revoke_demo_sessions = {
    .sql = "INSERT INTO session_revocations (token_hash, created_unix_ms, news)"
           " SELECT s.token_hash, UNIX_TIMESTAMP() * 1000, 1 FROM sessions s"
           " JOIN users u ON u.id = s.user_id WHERE u.username = ?",
    .params = DB_FIELDS(struct demo, username)};
/* As authsvc does it where no heir is named: roomsvc ends his rooms. */
static const struct db_query tell_removal_of_demo = {
    .sql = "INSERT INTO user_removals (user_id, heir_id, created_unix_ms)"
           " SELECT id, NULL, UNIX_TIMESTAMP() * 1000 FROM users WHERE username = ?",
    .params = DB_FIELDS(struct demo, username)};
static const struct db_query delete_demo = {.sql = "DELETE FROM users WHERE username = ?",
                                            .params = DB_FIELDS(struct demo, username)};

static enum err add_demo(struct db *db, const struct demo *demo)
{
    for (size_t i = 0; i < demo->seed->count; i++) {
        enum err err = db_run_text(db, str_of(demo->seed->items[i]), NULL);
        if (err != ERR_OK) {
            return err;
        }
    }
    uint64_t wrapped = 0;
    enum err err = accounts_wrap(db, demo->params, &wrapped);
    return err == ERR_OK ? ledger_set_seed(db, DEMO_SEED, true) : err;
}

static enum err drop_demo(struct db *db, struct demo *demo)
{
    enum err err = db_query_run(db, &revoke_demo_sessions, demo, NULL);
    if (err == ERR_OK) {
        err = db_query_run(db, &tell_removal_of_demo, demo, NULL);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &delete_demo, demo, NULL);
    }
    return err == ERR_OK ? ledger_set_seed(db, DEMO_SEED, false) : err;
}

/* In a transaction, the user's row locked. */
static enum err set_demo(void *arg, struct db *db)
{
    struct demo *demo = arg;
    uint64_t rows = 0;
    bool ours = false;
    enum err err = db_query_run(db, &select_demo, demo, &rows);
    if (err == ERR_OK) {
        err = ledger_has_seed(db, DEMO_SEED, &ours);
    }
    if (err != ERR_OK || demo->is_wanted == (rows > 0)) {
        return err;
    }
    if (demo->is_wanted) {
        demo->outcome = DEMO_ADDED;
        /* Somebody may have removed the user that an earlier run added. */
        err = ours ? ledger_set_seed(db, DEMO_SEED, false) : ERR_OK;
        return err == ERR_OK ? add_demo(db, demo) : err;
    }
    err = password_verify(demo->params, demo->password, DEMO_PASSWORD);
    if (err == ERR_OK) {
        demo->outcome = ours ? DEMO_REMOVED : DEMO_TOLERATED;
        return ours ? drop_demo(db, demo) : ERR_OK;
    }
    return err == ERR_BAD_CREDENTIALS ? ERR_OK : err;
}

enum err accounts_set_demo(struct db *db, const struct password_params *params,
                           const struct statements *seed, bool wanted,
                           enum demo_outcome *ret_outcome)
{
    struct demo demo = {.username = DEMO_NAME, .params = params, .seed = seed, .is_wanted = wanted};
    enum err err = db_transaction(db, set_demo, &demo);
    *ret_outcome = demo.outcome;
    return err;
}

/* ---- the first admin ---- */

struct first_admin {
    struct str username;
    struct str password;
    char stored[PASSWORD_STORED_BYTES];
    uint64_t role;
    const struct password_params *params;
    uint64_t admins;
    uint64_t namesakes;
    enum admin_outcome outcome;
};

static const struct db_query count_admins = {
    .sql = "SELECT COUNT(CASE WHEN role = ? THEN 1 END), COUNT(CASE WHEN username = ? THEN 1 END)"
           " FROM users",
    .params = DB_FIELDS(struct first_admin, role, username),
    .columns = DB_FIELDS(struct first_admin, admins, namesakes)};
static const struct db_query insert_admin = {
    .sql = "INSERT INTO users (username, password, role) VALUES (?, ?, ?)",
    .params = DB_FIELDS(struct first_admin, username, stored, role)};

static enum err add_first_admin(void *arg, struct db *db)
{
    struct first_admin *admin = arg;
    bool was_there = false;
    enum err err = ledger_has_seed(db, ADMIN_SEED, &was_there);
    if (err != ERR_OK || was_there) {
        return err;
    }
    err = db_query_run(db, &count_admins, admin, NULL);
    if (err == ERR_OK && admin->admins == 0) {
        if (admin->namesakes > 0) {
            admin->outcome = ADMIN_NAME_TAKEN;
            return ERR_OK;
        }
        admin->outcome = ADMIN_ADDED;
        err = password_hash(admin->params, admin->password, admin->stored);
        err = err == ERR_OK ? db_query_run(db, &insert_admin, admin, NULL) : err;
    }
    return err == ERR_OK ? ledger_set_seed(db, ADMIN_SEED, true) : err;
}

enum err accounts_add_first_admin(struct db *db, const struct password_params *params,
                                  struct str password, enum admin_outcome *ret_outcome)
{
    struct first_admin admin = {
        .username = ADMIN_NAME, .password = password, .role = ROLE_ADMIN, .params = params};
    enum err err = db_transaction(db, add_first_admin, &admin);
    *ret_outcome = admin.outcome;
    return err;
}
