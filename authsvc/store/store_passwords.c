#include "authsvc/store/store_jobs.h"

/* ---- a new hash of the same one ---- */

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

/* ---- another one ---- */

struct change_password {
    struct db_job job;
    struct store_password change;
    struct store_ended ended;
    store_ended_fn *fn;
    void *arg;
};

static const struct db_query update_password = {
    .sql = "UPDATE users SET password = ?, password_changes = password_changes + 1 WHERE id = ?",
    .params = DB_FIELDS(struct change_password, change.to, change.user_id)};

static enum err change_password_in_transaction(void *arg, struct db *db)
{
    struct change_password *c = arg;
    const struct store_password *change = &c->change;
    struct store_user_lock user;
    enum err err = store_lock_user(db, change->user_id, &user);
    if (err == ERR_OK && !user.is_there) {
        return ERR_NOT_FOUND;
    }
    bool is_done = false;
    if (err == ERR_OK) {
        err = store_begin_command(db, change->key, &is_done);
    }
    if (err != ERR_OK || is_done) {
        return err;
    }
    if (!change->is_forced &&
        (user.is_disabled != 0 || user.password_changes != change->password_changes)) {
        return ERR_BAD_CREDENTIALS;
    }
    struct store_user_sessions sessions = {
        .user_id = change->user_id, .except = change->except, .now_unix_ms = change->now_unix_ms};
    err = db_query_run(db, &update_password, c, NULL);
    if (err == ERR_OK) {
        err = store_end_sessions(db, &sessions);
    }
    c->ended = sessions.ended;
    return err == ERR_OK
               ? store_keep_act(db, &change->origin, ACT_PASSWORD_GIVEN, change->user_id, "")
               : err;
}

static enum err work_change_password(void *arg, struct db *db)
{
    return db_transaction(db, change_password_in_transaction, arg);
}

static void on_password_stored(void *arg, enum err err)
{
    struct change_password *c = arg;
    c->fn(c->arg, err, err == ERR_OK ? &c->ended : NULL);
    mem_free(&c->ended.tokens);
}

static const struct db_task change_password = {.job_bytes = DB_JOB_BYTES(struct change_password),
                                               .work = work_change_password,
                                               .done = on_password_stored,
                                               .is_secret = true};

enum err store_change_password(void *self, const struct store_password *change,
                               uint64_t deadline_ms, store_ended_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct change_password *c = db_job_new(&change_password);
    c->change = *change;
    c->fn = fn;
    c->arg = arg;
    return db_pool_start(store->logins, c, deadline_ms);
}
