#include "authsvc/store/store_jobs.h"

struct find_user {
    struct db_job job;
    char username[STORE_NAME_BYTES]; /* the schema of the bus allows 200 bytes */
    struct store_user user;
    store_user_fn *fn;
    void *arg;
};

/* The collation ignores spaces at the end; we do not. */
DB_TELLS(on_user_found, struct find_user,
         strcmp(told->username, told->user.username) == 0 && told->job.rows > 0 ? &told->user
                                                                                : NULL);

static const struct db_task find_user = {
    .job_bytes = DB_JOB_BYTES(struct find_user),
    .query = {.sql = "SELECT id, username, IFNULL(display_name, username), role, disabled,"
                     " password_changes, password FROM users WHERE username = ?",
              .params = DB_FIELDS(struct find_user, username),
              .columns =
                  DB_FIELDS(struct find_user, user.id, user.username, user.display_name, user.role,
                            user.is_disabled, user.password_changes, user.password)},
    .done = on_user_found,
    .is_secret = true};

enum err store_find_user(void *self, struct str username, uint64_t deadline_ms, store_user_fn *fn,
                         void *arg)
{
    const struct store_mysql *store = self;
    struct find_user *find = db_job_new(&find_user);
    find->fn = fn;
    find->arg = arg;
    if (!str_copy(find->username, sizeof(find->username), username)) {
        db_job_free(find);
        return ERR_BAD_REQUEST;
    }
    return db_pool_start(store->logins, find, deadline_ms);
}

struct set_password {
    struct db_job job;
    uint64_t user_id;
    char from[PASSWORD_STORED_BYTES];
    char to[PASSWORD_STORED_BYTES];
};

static void on_password_set(void *arg, enum err err)
{
    (void)arg;
    (void)err; /* the next login will try again */
}

static const struct db_task set_password = {
    .job_bytes = DB_JOB_BYTES(struct set_password),
    .query = {.sql = "UPDATE users SET password = ? WHERE id = ? AND password = ?",
              .params = DB_FIELDS(struct set_password, to, user_id, from)},
    .done = on_password_set,
    .is_secret = true};

void store_set_password(void *self, uint64_t user_id, const char *from, const char *to)
{
    const struct store_mysql *store = self;
    struct set_password *set = db_job_new(&set_password);
    set->user_id = user_id;
    (void)str_copy(set->from, sizeof(set->from), str_of(from));
    (void)str_copy(set->to, sizeof(set->to), str_of(to));
    (void)db_pool_start(store->logins, set, 0);
}

static const struct db_query lock_user = {
    .sql = "SELECT role, disabled, password_changes FROM users WHERE id = ? FOR UPDATE",
    .params = DB_FIELDS(struct store_user_lock, user_id),
    .columns = DB_FIELDS(struct store_user_lock, role, is_disabled, password_changes)};

enum err store_lock_user(struct db *db, uint64_t user_id, struct store_user_lock *ret)
{
    *ret = (struct store_user_lock){.user_id = user_id};
    uint64_t rows = 0;
    enum err err = db_query_run(db, &lock_user, ret, &rows);
    ret->is_there = rows > 0;
    return err;
}
