#include "authsvc/store/store_jobs.h"

#include "proto/db/db_sql.h"

#include <stdio.h>

struct remove_user {
    struct db_job job;
    struct store_removal removal;
    struct store_admins admins;
    struct store_ended ended;
    store_ended_fn *fn;
    void *arg;
};

static const struct db_query delete_user = {.sql = "DELETE FROM users WHERE id = ?",
                                            .params =
                                                DB_FIELDS(struct remove_user, removal.user_id)};

/* Follows the log of what users were removed: roomsvc. */
static const struct db_query insert_removal = {
    .sql = "INSERT INTO user_removals (user_id, heir_id, created_unix_ms)"
           " VALUES (?, ?, " DB_NOW_UNIX_MS ")",
    .params = {DB_FIELD(struct remove_user, removal.user_id),
               DB_FIELD_NULLABLE(struct remove_user, removal.heir_id, removal.has_heir)}};

/* Locked, so that he is not removed or disabled at the same time; whoever removes has locked all
 * admins before, and so nobody waits for him in the other direction. */
static enum err check_heir(struct db *db, const struct store_removal *removal)
{
    struct store_user_lock heir;
    if (removal->heir_id == removal->user_id) {
        return ERR_NO_HEIR;
    }
    const enum err err = store_lock_user(db, removal->heir_id, &heir);
    return err == ERR_OK && (!heir.is_there || heir.is_disabled != 0) ? ERR_NO_HEIR : err;
}

/* May he go? */
static enum err check_removal(struct db *db, const struct store_removal *removal,
                              const struct store_admins *admins)
{
    struct store_user_lock user;
    const enum err err = store_lock_user(db, removal->user_id, &user);
    if (err != ERR_OK) {
        return err;
    }
    if (!user.is_there) {
        return ERR_NOT_FOUND;
    }
    if (removal->has_version && removal->version != user.version) {
        return ERR_STALE;
    }
    if (user.role == ROLE_ADMIN && user.is_disabled == 0 &&
        store_is_last_admin(admins, removal->user_id)) {
        return ERR_CONFLICT;
    }
    return removal->has_heir ? check_heir(db, removal) : ERR_OK;
}

static enum err take_away(struct remove_user *r, struct db *db)
{
    const struct store_removal *removal = &r->removal;
    struct store_user_sessions sessions = {.user_id = removal->user_id,
                                           .now_unix_ms = removal->now_unix_ms};
    const struct store_user_news news = {.user_id = removal->user_id,
                                         .news = AUTH_USER_REMOVED,
                                         .key = removal->key,
                                         .now_unix_ms = removal->now_unix_ms};
    char detail[64] = "rooms end";
    if (removal->has_heir) {
        (void)snprintf(detail, sizeof(detail), "rooms go to user %" PRIu64, removal->heir_id);
    }
    enum err err = store_keep_act(db, &removal->origin, ACT_USER_REMOVED, removal->user_id, detail);
    if (err == ERR_OK) {
        err = store_end_sessions(db, &sessions);
    }
    r->ended = sessions.ended;
    if (err == ERR_OK) {
        err = db_query_run(db, &delete_user, r, NULL);
    }
    if (err == ERR_OK) {
        err = db_query_run(db, &insert_removal, r, NULL);
    }
    return err == ERR_OK ? store_tell_of_user(db, &news) : err;
}

static enum err remove_in_transaction(void *arg, struct db *db)
{
    struct remove_user *r = arg;
    bool is_done = false;
    enum err err = store_lock_admins(db, &r->admins);
    /* Before the user is looked for: who asks again is told that he is gone, not that there is no
     * such user. */
    if (err == ERR_OK) {
        err = store_begin_command(db, r->removal.key, &is_done);
    }
    if (err != ERR_OK || is_done) {
        return err;
    }
    err = check_removal(db, &r->removal, &r->admins);
    return err == ERR_OK ? take_away(r, db) : err;
}

static enum err work_remove_user(void *arg, struct db *db)
{
    return db_transaction(db, remove_in_transaction, arg);
}

static void on_removal_stored(void *arg, enum err err)
{
    struct remove_user *r = arg;
    r->fn(r->arg, err, err == ERR_OK ? &r->ended : NULL);
    mem_free(&r->ended.tokens);
    mem_free(&r->admins.items);
}

static const struct db_task remove_user = {.job_bytes = DB_JOB_BYTES(struct remove_user),
                                           .work = work_remove_user,
                                           .done = on_removal_stored};

enum err store_remove_user(void *self, const struct store_removal *removal, uint64_t deadline_ms,
                           store_ended_fn *fn, void *arg)
{
    const struct store_mysql *store = self;
    struct remove_user *r = db_job_new(&remove_user);
    r->removal = *removal;
    r->fn = fn;
    r->arg = arg;
    return db_pool_start(store->logins, r, deadline_ms);
}
