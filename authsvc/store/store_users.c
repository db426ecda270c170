#include "authsvc/store/store_jobs.h"

#include "proto/base/strbuf.h"

struct find_user {
    struct db_job job;
    char username[STORE_NAME_BYTES]; /* as the schema of the bus has it */
    struct store_user user;
    store_user_fn *fn;
    void *arg;
};

/* The collation ignores spaces at the end; we do not. */
DB_TELLS(on_user_found, struct find_user,
         strcmp(told->username, told->user.username) == 0 && told->job.rows > 0 ? &told->user
                                                                                : NULL);

#define SELECT_USER                                                                                \
    "SELECT id, username, IFNULL(display_name, username), role, disabled, password_changes,"       \
    " version, password FROM users"
#define USER_COLUMNS(t)                                                                            \
    DB_FIELDS(t, user.id, user.username, user.display_name, user.role, user.is_disabled,           \
              user.password_changes, user.version, user.password)

static const struct db_task find_user = {.job_bytes = DB_JOB_BYTES(struct find_user),
                                         .query = {.sql = SELECT_USER " WHERE username = ?",
                                                   .params = DB_FIELDS(struct find_user, username),
                                                   .columns = USER_COLUMNS(struct find_user)},
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

struct get_user {
    struct db_job job;
    uint64_t user_id;
    struct store_user user;
    store_user_fn *fn;
    void *arg;
};

DB_TELLS(on_user_got, struct get_user, told->job.rows > 0 ? &told->user : NULL);

static const struct db_task get_user = {.job_bytes = DB_JOB_BYTES(struct get_user),
                                        .query = {.sql = SELECT_USER " WHERE id = ?",
                                                  .params = DB_FIELDS(struct get_user, user_id),
                                                  .columns = USER_COLUMNS(struct get_user)},
                                        .done = on_user_got,
                                        .is_secret = true};

enum err store_get_user(void *self, uint64_t user_id, uint64_t deadline_ms, store_user_fn *fn,
                        void *arg)
{
    const struct store_mysql *store = self;
    struct get_user *get = db_job_new(&get_user);
    get->user_id = user_id;
    get->fn = fn;
    get->arg = arg;
    return db_pool_start(store->logins, get, deadline_ms);
}

static const struct db_query lock_user = {
    .sql = "SELECT role, disabled, password_changes, version FROM users WHERE id = ? FOR UPDATE",
    .params = DB_FIELDS(struct store_user_lock, user_id),
    .columns = DB_FIELDS(struct store_user_lock, role, is_disabled, password_changes, version)};

enum err store_lock_user(struct db *db, uint64_t user_id, struct store_user_lock *ret)
{
    *ret = (struct store_user_lock){.user_id = user_id};
    uint64_t rows = 0;
    enum err err = db_query_run(db, &lock_user, ret, &rows);
    ret->is_there = rows > 0;
    return err;
}

/* Through the key: who reads the whole table locks the whole table. */
static const struct db_query lock_admins = {
    .sql = "SELECT id, disabled FROM users FORCE INDEX (users_role) WHERE role = 2 ORDER BY id"
           " FOR UPDATE",
    .columns = DB_FIELDS(struct store_admin, id, is_disabled),
    .rows = DB_ROWS_GROWING(struct store_admins, items, count)};
_Static_assert(ROLE_ADMIN == 2, "lock_admins reads them");

enum err store_lock_admins(struct db *db, struct store_admins *ret)
{
    return db_query_run(db, &lock_admins, ret, NULL);
}

bool store_is_last_admin(const struct store_admins *admins, uint64_t user_id)
{
    for (size_t i = 0; i < admins->count; i++) {
        if (admins->items[i].id != user_id && admins->items[i].is_disabled == 0) {
            return false;
        }
    }
    return true;
}

/* ---- changes ---- */

struct change_user {
    struct db_job job;
    struct store_change change;
    struct store_changed changed;
    struct store_admins admins;
    store_changed_fn *fn;
    void *arg;
};

static const struct db_query lock_whole_user = {
    .sql = SELECT_USER " WHERE id = ? FOR UPDATE",
    .params = DB_FIELDS(struct change_user, change.user_id),
    .columns =
        DB_FIELDS(struct change_user, changed.user.id, changed.user.username,
                  changed.user.display_name, changed.user.role, changed.user.is_disabled,
                  changed.user.password_changes, changed.user.version, changed.user.password),
    .if_none = ERR_NOT_FOUND};

static const struct db_query update_user = {
    .sql = "UPDATE users SET role = ?, disabled = ?, version = ? WHERE id = ?",
    .params = DB_FIELDS(struct change_user, changed.user.role, changed.user.is_disabled,
                        changed.user.version, change.user_id)};

static const struct db_query update_display_name = {
    .sql = "UPDATE users SET display_name = NULLIF(?, '') WHERE id = ?",
    .params = DB_FIELDS(struct change_user, change.display_name, change.user_id)};

static bool may_manage(const struct store_user *user)
{
    return user->role == ROLE_ADMIN && user->is_disabled == 0;
}

/* Takes the change over into the user as he was; true: he is another one now. */
static bool take_over_change(const struct store_change *change, struct store_user *user)
{
    const struct store_user before = *user;
    if (change->has_display_name) {
        const char *name = change->display_name[0] != '\0' ? change->display_name : user->username;
        (void)str_copy(user->display_name, sizeof(user->display_name), str_of(name));
    }
    if (change->has_role) {
        user->role = change->role;
    }
    if (change->has_disabled) {
        user->is_disabled = change->is_disabled;
    }
    const bool is_other = strcmp(before.display_name, user->display_name) != 0 ||
                          before.role != user->role || before.is_disabled != user->is_disabled;
    user->version += is_other;
    return is_other;
}

static enum err tell_of_change(struct db *db, const struct store_change *change,
                               const struct store_user *before, const struct store_user *user)
{
    const struct {
        bool is_so;
        enum auth_news news;
    } rows[] = {
        {before->is_disabled == 0 && user->is_disabled != 0, AUTH_USER_DISABLED},
        {before->role != user->role, AUTH_USER_ROLE},
        {strcmp(before->display_name, user->display_name) != 0, AUTH_USER_RENAMED},
    };
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < ARRAY_LEN(rows); i++) {
        const struct store_user_news news = {.user_id = change->user_id,
                                             .news = rows[i].news,
                                             .key = change->key,
                                             .now_unix_ms = change->now_unix_ms};
        err = rows[i].is_so ? store_tell_of_user(db, &news) : ERR_OK;
    }
    return err;
}

static enum err keep_change(struct db *db, const struct store_change *change,
                            const struct store_user *before, const struct store_user *user)
{
    struct strbuf detail = {0};
    if (before->role != user->role) {
        strbuf_add_z(&detail, user->role == ROLE_ADMIN ? "role admin" : "role member");
    }
    if (before->is_disabled != user->is_disabled) {
        strbuf_add_z(&detail, detail.bytes > 0 ? ", " : "");
        strbuf_add_z(&detail, user->is_disabled != 0 ? "disabled" : "enabled");
    }
    if (strcmp(before->display_name, user->display_name) != 0) {
        strbuf_add_z(&detail, detail.bytes > 0 ? ", " : "");
        strbuf_add_z(&detail, "display name ");
        strbuf_add_z(&detail, user->display_name);
    }
    AUTO(mem_free) char *text = str_dup(strbuf_str(&detail));
    strbuf_fini(&detail);
    return store_keep_act(db, &change->origin, ACT_USER_CHANGED, change->user_id, text);
}

static enum err change_in_transaction(void *arg, struct db *db)
{
    struct change_user *c = arg;
    const struct store_change *change = &c->change;
    struct store_user *user = &c->changed.user;
    const bool is_of_admins = change->has_role || change->has_disabled;
    enum err err = is_of_admins ? store_lock_admins(db, &c->admins) : ERR_OK;
    if (err == ERR_OK) {
        err = db_query_run(db, &lock_whole_user, c, NULL);
    }
    bool is_done = false;
    if (err == ERR_OK) {
        err = store_begin_command(db, change->key, &is_done);
    }
    if (err != ERR_OK || is_done) {
        return err;
    }
    const struct store_user before = *user;
    if (change->has_version && change->version != before.version) {
        return ERR_STALE;
    }
    if (!take_over_change(change, user)) {
        return ERR_OK;
    }
    if (may_manage(&before) && !may_manage(user) &&
        store_is_last_admin(&c->admins, change->user_id)) {
        return ERR_CONFLICT;
    }
    err = keep_change(db, change, &before, user);
    if (err == ERR_OK) {
        err = db_query_run(db, &update_user, c, NULL);
    }
    if (err == ERR_OK && change->has_display_name) {
        err = db_query_run(db, &update_display_name, c, NULL);
    }
    struct store_user_sessions sessions = {.user_id = change->user_id,
                                           .now_unix_ms = change->now_unix_ms};
    if (err == ERR_OK && before.is_disabled == 0 && user->is_disabled != 0) {
        err = store_end_sessions(db, &sessions);
    } else if (err == ERR_OK && before.role != user->role) {
        err = store_look_up_anew(db, &sessions);
    }
    c->changed.sessions = sessions.ended;
    c->changed.is_renamed = strcmp(before.display_name, user->display_name) != 0;
    return err == ERR_OK ? tell_of_change(db, change, &before, user) : err;
}

static enum err work_change(void *arg, struct db *db)
{
    return db_transaction(db, change_in_transaction, arg);
}

static void on_change_stored(void *arg, enum err err)
{
    struct change_user *c = arg;
    c->fn(c->arg, err, err == ERR_OK ? &c->changed : NULL);
    mem_free(&c->changed.sessions.tokens);
    mem_free(&c->admins.items);
}

static const struct db_task change_user = {.job_bytes = DB_JOB_BYTES(struct change_user),
                                           .work = work_change,
                                           .done = on_change_stored,
                                           .is_secret = true};

enum err store_change_user(void *self, const struct store_change *change, uint64_t deadline_ms,
                           store_changed_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct change_user *c = db_job_new(&change_user);
    c->change = *change;
    c->fn = fn;
    c->arg = arg;
    return db_pool_start(store->logins, c, deadline_ms);
}

/* ---- a new one ---- */

struct add_user {
    struct db_job job;
    struct store_new_user draft;
    struct store_user user;
    store_user_fn *fn;
    void *arg;
};

static const struct db_query insert_user = {
    .sql = "INSERT INTO users (username, display_name, role, password)"
           " VALUES (?, NULLIF(?, ''), ?, ?)",
    .params =
        DB_FIELDS(struct add_user, draft.username, draft.display_name, draft.role, draft.password)};

/* One whom this command has added, and who was given another name or removed since, is none of this
 * name. */
static const struct db_query select_added = {.sql = SELECT_USER " WHERE username = ?",
                                             .params = DB_FIELDS(struct add_user, draft.username),
                                             .columns = USER_COLUMNS(struct add_user),
                                             .if_none = ERR_CONFLICT};

static enum err add_in_transaction(void *arg, struct db *db)
{
    struct add_user *add = arg;
    bool is_done = false;
    enum err err = store_begin_clients_command(db, add->draft.key, add->draft.body_hash, &is_done);
    if (err == ERR_OK && !is_done) {
        err = db_query_run(db, &insert_user, add, NULL);
        if (err == ERR_OK) {
            err = store_keep_act(db, &add->draft.origin, ACT_USER_ADDED, db_insert_id(db),
                                 add->draft.role == ROLE_ADMIN ? "role admin" : "role member");
        }
    }
    return err == ERR_OK ? db_query_run(db, &select_added, add, NULL) : err;
}

static enum err work_add_user(void *arg, struct db *db)
{
    return db_transaction(db, add_in_transaction, arg);
}

DB_TELLS(on_user_added, struct add_user, &told->user);

static const struct db_task add_user = {.job_bytes = DB_JOB_BYTES(struct add_user),
                                        .work = work_add_user,
                                        .done = on_user_added,
                                        .is_secret = true};

enum err store_add_user(void *self, const struct store_new_user *user, uint64_t deadline_ms,
                        store_user_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct add_user *add = db_job_new(&add_user);
    add->draft = *user;
    add->fn = fn;
    add->arg = arg;
    return db_pool_start(store->logins, add, deadline_ms);
}

/* ---- pages of them ---- */

struct find_users {
    struct db_job job;
    struct store_users_page page;
    struct store_users_found found;
    store_users_fn *fn;
    void *arg;
};

DB_TELLS(on_users_found, struct find_users, &told->found);

/* LOCATE takes what is searched for as it is, and finds nothing special in it. */
static const struct db_task find_users = {
    .job_bytes = DB_JOB_BYTES(struct find_users),
    .query = {.sql = "SELECT id, username, IFNULL(display_name, username), role, disabled, version"
                     " FROM users WHERE id > ? AND (? = '' OR LOCATE(LOWER(?), LOWER(username)) > 0"
                     " OR LOCATE(LOWER(?), LOWER(display_name)) > 0) ORDER BY id LIMIT ?",
              .params = DB_FIELDS(struct find_users, page.after_id, page.search, page.search,
                                  page.search, page.limit),
              .columns = DB_FIELDS(struct store_user, id, username, display_name, role, is_disabled,
                                   version),
              .rows = DB_ROWS(struct find_users, found.items, found.count)},
    .done = on_users_found};

enum err store_find_users(void *self, const struct store_users_page *page, uint64_t deadline_ms,
                          store_users_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct find_users *find = db_job_new(&find_users);
    find->page = *page;
    find->fn = fn;
    find->arg = arg;
    return db_pool_start(store->logins, find, deadline_ms);
}
