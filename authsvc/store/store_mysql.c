#include "authsvc/store/store_mysql.h"

#include "authsvc/store/store_sql.h"

#include <sodium.h>

#define UPKEEP_QUEUE_MAX 8

struct store_mysql {
    struct health *health;
    struct db_pool *sessions;
    struct db_pool *logins;
    struct db_pool *upkeep;
};

/* Runs a job; a job that is refused is freed. */
static enum err submit(struct db_pool *pool, const struct db_job *db_job)
{
    enum err err = db_pool_submit(pool, db_job);
    if (err != ERR_OK) {
        void *job = db_job->arg;
        mem_free(&job);
    }
    return err;
}

/* ---- users ---- */

struct user_job {
    char username[256]; /* the schema of the bus allows 200 bytes */
    struct store_user user;
    bool found;
    store_user_fn *fn;
    void *arg;
};

static enum err work_find_user(void *arg, struct db *db)
{
    struct user_job *job = arg;
    return store_sql_find_user(db, str_of(job->username), &job->user, &job->found);
}

static void on_user(void *arg, enum err err)
{
    struct user_job *job = arg;
    job->fn(job->arg, err, err == ERR_OK && job->found ? &job->user : NULL);
    sodium_memzero(job, sizeof(*job));
    mem_free(&job);
}

static enum err find_user(void *self, struct str username, uint64_t deadline_ms, store_user_fn *fn,
                          void *arg)
{
    struct store_mysql *store = self;
    struct user_job *job = mem_alloc(sizeof(*job));
    *job = (struct user_job){.fn = fn, .arg = arg};
    if (!str_copy(job->username, sizeof(job->username), username)) {
        mem_free(&job);
        return ERR_BAD_REQUEST;
    }
    const struct db_job db_job = {
        .work = work_find_user, .done = on_user, .arg = job, .deadline_ms = deadline_ms};
    return submit(store->logins, &db_job);
}

struct password_job {
    uint64_t user_id;
    char from[PASSWORD_STORED_BYTES];
    char to[PASSWORD_STORED_BYTES];
};

static enum err work_set_password(void *arg, struct db *db)
{
    const struct password_job *job = arg;
    return store_sql_set_password(db, job->user_id, str_of(job->from), str_of(job->to));
}

static void on_password_set(void *arg, enum err err)
{
    struct password_job *job = arg;
    (void)err; /* the next login will try again */
    sodium_memzero(job, sizeof(*job));
    mem_free(&job);
}

static void set_password(void *self, uint64_t user_id, const char *from, const char *to)
{
    struct store_mysql *store = self;
    struct password_job *job = mem_alloc(sizeof(*job));
    job->user_id = user_id;
    (void)str_copy(job->from, sizeof(job->from), str_of(from));
    (void)str_copy(job->to, sizeof(job->to), str_of(to));
    const struct db_job db_job = {.work = work_set_password, .done = on_password_set, .arg = job};
    (void)submit(store->logins, &db_job);
}

/* ---- sessions ---- */

struct open_job {
    struct store_draft draft;
    struct store_opened opened;
    store_opened_fn *fn;
    void *arg;
};

static enum err work_open_session(void *arg, struct db *db)
{
    struct open_job *job = arg;
    return store_sql_open_session(db, &job->draft, &job->opened);
}

static void on_opened(void *arg, enum err err)
{
    struct open_job *job = arg;
    job->fn(job->arg, err, err == ERR_OK ? &job->opened : NULL);
    mem_free(&job);
}

static enum err open_session(void *self, const struct store_draft *draft, uint64_t deadline_ms,
                             store_opened_fn *fn, void *arg)
{
    struct store_mysql *store = self;
    struct open_job *job = mem_alloc(sizeof(*job));
    job->draft = *draft;
    job->fn = fn;
    job->arg = arg;
    const struct db_job db_job = {
        .work = work_open_session, .done = on_opened, .arg = job, .deadline_ms = deadline_ms};
    return submit(store->logins, &db_job);
}

struct revoke_job {
    struct store_target target;
    struct store_ended ended;
    store_ended_fn *fn;
    void *arg;
};

static enum err work_revoke(void *arg, struct db *db)
{
    struct revoke_job *job = arg;
    return store_sql_revoke(db, &job->target, &job->ended);
}

static void on_ended(void *arg, enum err err)
{
    struct revoke_job *job = arg;
    job->fn(job->arg, err, err == ERR_OK ? &job->ended : NULL);
    mem_free(&job->ended.tokens);
    mem_free(&job);
}

/* On the logins' connections: like a login it may wait for a lock, which no check may. */
static enum err revoke(void *self, const struct store_target *target, uint64_t deadline_ms,
                       store_ended_fn *fn, void *arg)
{
    struct store_mysql *store = self;
    struct revoke_job *job = mem_alloc(sizeof(*job));
    *job = (struct revoke_job){.target = *target, .fn = fn, .arg = arg};
    const struct db_job db_job = {
        .work = work_revoke, .done = on_ended, .arg = job, .deadline_ms = deadline_ms};
    return submit(store->logins, &db_job);
}

struct session_job {
    struct token_hash token;
    struct session session;
    bool found;
    store_session_fn *fn;
    void *arg;
};

static enum err work_find_session(void *arg, struct db *db)
{
    struct session_job *job = arg;
    return store_sql_find_session(db, &job->token, &job->session, &job->found);
}

static void on_session(void *arg, enum err err)
{
    struct session_job *job = arg;
    job->fn(job->arg, err, err == ERR_OK && job->found ? &job->session : NULL);
    mem_free(&job);
}

static enum err find_session(void *self, const struct token_hash *token, uint64_t deadline_ms,
                             store_session_fn *fn, void *arg)
{
    struct store_mysql *store = self;
    struct session_job *job = mem_alloc(sizeof(*job));
    *job = (struct session_job){.token = *token, .fn = fn, .arg = arg};
    const struct db_job db_job = {
        .work = work_find_session, .done = on_session, .arg = job, .deadline_ms = deadline_ms};
    return submit(store->sessions, &db_job);
}

/* ---- upkeep ---- */

struct extend_job {
    struct store_extension items[STORE_BATCH_MAX];
    bool gone[STORE_BATCH_MAX];
    size_t count;
    store_extended_fn *fn;
    void *arg;
};

static enum err work_extend(void *arg, struct db *db)
{
    struct extend_job *job = arg;
    return store_sql_extend(db, job->items, job->count, job->gone);
}

static void on_extended(void *arg, enum err err)
{
    struct extend_job *job = arg;
    job->fn(job->arg, err, err == ERR_OK ? job->gone : NULL);
    mem_free(&job);
}

static enum err extend(void *self, const struct store_extension *items, size_t count,
                       store_extended_fn *fn, void *arg)
{
    struct store_mysql *store = self;
    struct extend_job *job = mem_alloc(sizeof(*job));
    memcpy(job->items, items, count * sizeof(*items));
    job->count = count;
    job->fn = fn;
    job->arg = arg;
    const struct db_job db_job = {.work = work_extend, .done = on_extended, .arg = job};
    return submit(store->upkeep, &db_job);
}

struct revoked_job {
    struct store_mysql *store;
    uint64_t after_seq;
    struct store_revocations revoked;
    store_revocations_fn *fn;
    void *arg;
};

static enum err work_find_revoked(void *arg, struct db *db)
{
    struct revoked_job *job = arg;
    return store_sql_find_revoked(db, job->after_seq, &job->revoked);
}

/* Asked all the time, so it tells whether the tables are there. */
static void on_revoked(void *arg, enum err err)
{
    struct revoked_job *job = arg;
    if (err == ERR_OK) {
        health_set(job->store->health, "schema", true, "the tables are there");
    } else if (err == ERR_INTERNAL) {
        health_set(job->store->health, "schema", false, "run lynks-migrate");
    }
    job->fn(job->arg, err, err == ERR_OK ? &job->revoked : NULL);
    mem_free(&job);
}

static enum err find_revoked(void *self, uint64_t after_seq, store_revocations_fn *fn, void *arg)
{
    struct store_mysql *store = self;
    struct revoked_job *job = mem_alloc(sizeof(*job));
    job->store = store;
    job->after_seq = after_seq;
    job->fn = fn;
    job->arg = arg;
    const struct db_job db_job = {.work = work_find_revoked, .done = on_revoked, .arg = job};
    return submit(store->upkeep, &db_job);
}

struct sweep_job {
    uint64_t expired_before_unix_ms;
    uint64_t revoked_before_unix_ms;
    bool more;
    store_swept_fn *fn;
    void *arg;
};

static enum err work_sweep(void *arg, struct db *db)
{
    struct sweep_job *job = arg;
    return store_sql_sweep(db, job->expired_before_unix_ms, job->revoked_before_unix_ms,
                           &job->more);
}

static void on_swept(void *arg, enum err err)
{
    struct sweep_job *job = arg;
    job->fn(job->arg, err, job->more);
    mem_free(&job);
}

static enum err sweep(void *self, uint64_t expired_before_unix_ms, uint64_t revoked_before_unix_ms,
                      store_swept_fn *fn, void *arg)
{
    struct store_mysql *store = self;
    struct sweep_job *job = mem_alloc(sizeof(*job));
    *job = (struct sweep_job){.expired_before_unix_ms = expired_before_unix_ms,
                              .revoked_before_unix_ms = revoked_before_unix_ms,
                              .fn = fn,
                              .arg = arg};
    const struct db_job db_job = {.work = work_sweep, .done = on_swept, .arg = job};
    return submit(store->upkeep, &db_job);
}

/* ---- life ---- */

static const struct store_ops ops = {
    .find_user = find_user,
    .open_session = open_session,
    .find_session = find_session,
    .set_password = set_password,
    .extend = extend,
    .revoke = revoke,
    .find_revoked = find_revoked,
    .sweep = sweep,
};

struct store store_mysql_store(struct store_mysql *store)
{
    return (struct store){.ops = &ops, .self = store};
}

struct store_mysql *store_mysql_new(struct loop *loop, struct metrics *metrics,
                                    struct health *health, const struct store_mysql_config *config)
{
    struct store_mysql *store = mem_alloc(sizeof(*store));
    store->health = health;
    health_set(health, "schema", false, "not asked yet");
    const struct db_pool_config sessions = {.name = "db-sessions",
                                            .db = config->db,
                                            .threads = config->session_threads,
                                            .queue_max = config->session_queue_max};
    const struct db_pool_config logins = {.name = "db-logins",
                                          .db = config->db,
                                          .threads = config->login_threads,
                                          .queue_max = config->login_queue_max};
    const struct db_pool_config upkeep = {
        .name = "db-upkeep", .db = config->db, .threads = 1, .queue_max = UPKEEP_QUEUE_MAX};
    store->sessions = db_pool_new(loop, metrics, health, &sessions);
    store->logins = db_pool_new(loop, metrics, NULL, &logins);
    store->upkeep = db_pool_new(loop, metrics, NULL, &upkeep);
    return store;
}

void store_mysql_free(struct store_mysql **store)
{
    if (*store != NULL) {
        db_pool_free(&(*store)->sessions);
        db_pool_free(&(*store)->logins);
        db_pool_free(&(*store)->upkeep);
        mem_free(store);
    }
}
